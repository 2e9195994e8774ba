import PliniusSealing

extension SecretBytes {
    /// Whether both hold the same bytes.
    func isEqual(to other: SecretBytes) -> Bool {
        withBytes { bytes in other.withBytes { bytes.elementsEqual($0) } }
    }
}
