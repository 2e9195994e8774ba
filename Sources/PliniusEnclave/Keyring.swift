import PliniusSealing

/// The keys of a run: its owner's, and those of data sets that are other owners'.
struct Keyring {
    /// Of the run's mirror, and of every data set that has no key of its own.
    let model: KeyHierarchy
    /// By the ids of data sets.
    var ofDatasets: [[UInt8]: KeyHierarchy] = [:]
    /// Of what the model predicts; the run's if there is none.
    var ofPredictions: KeyHierarchy?

    /// The key of a data set.
    subscript(id: [UInt8]) -> KeyHierarchy { ofDatasets[id] ?? model }
}
