import PliniusMedia

/// What the medium said to whoever waited for it: the caller or a worker, one at a time.
final class MediumAnswer {
    /// Why no further commit is made.
    private(set) var failure: MirrorError?

    func wait(for extent: Extent) { do { try extent.persist() } catch { failure = .media(error) } }
}
