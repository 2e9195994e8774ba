import PliniusMirror
import PliniusNN
import PliniusWire

extension Session {
    /// What data sets say of themselves to everybody.
    func claimedHeaders(_ names: [String]) throws(SessionError) -> [PublicDatasetHeader] {
        try forEach(names) { try PublicDatasetHeader(parsing: SealedDataset.readHeader(Descriptor.data($0))) }
    }

    /// Opens the data sets that are trained on, or that a model is used on.
    /// - Throws: `SessionError` that names the data set, if there are several.
    func openDatasets(
        _ names: [String], _ keys: Keyring, for network: NetworkDescription, _ purpose: RuntimeData.Purpose,
        at descriptor: (Int) -> CInt = Descriptor.data
    ) throws(SessionError) -> DatasetUnion {
        let parts = try forEach(names) { index in
            // The claim says which key to take, and the key proves the claim.
            let header = try PublicDatasetHeader(parsing: SealedDataset.readHeader(descriptor(index)))
            return try SealedDataset(descriptor: descriptor(index), keys: keys[header.id])
        }
        try network.requireFit(of: parts.map(\.header), named: names, for: purpose)
        let header = parts[0].header
        // Whoever infers is told no truth, so any form will do; whoever tests judges by the plain one.
        let form = purpose == .train ? network.truthForm(of: header) : nil
        return DatasetUnion(
            parts, form: form ?? .plain, truthCount: form == nil ? nil : network.truthCount,
            augmentation: network.augmentation, input: network.input, told: network.told(by: header))
    }

    /// Does something with each data set.
    /// - Throws: `SessionError` that names the data set, if there are several.
    private func forEach<R>(_ names: [String], _ body: (Int) throws -> R) throws(SessionError) -> [R] {
        var results: [R] = []
        for (index, name) in names.enumerated() {
            do { results.append(try body(index)) } catch {
                let error = SessionError(error)
                throw names.count == 1 ? error : error.about(name)
            }
        }
        return results
    }
}
