import PliniusWire

extension Evidence {
    /// A part that nothing can be judged without.
    func part(_ name: String, _ check: String) throws(EvidenceError) -> [UInt8] {
        guard let bytes = self[name] else {
            throw EvidenceError(check, expected: "the part \(name)", found: "none")
        }
        return bytes
    }
}
