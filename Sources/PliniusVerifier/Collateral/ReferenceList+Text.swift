extension ReferenceList {
    /// Reads lines with a digest, a blank and what it is of: `sha384:9f86d0… 3`; blank lines, and those that begin with `#`, say nothing.
    ///
    /// All digests are by one hash. Labels are as ``Purpose`` says.
    /// - Throws: `collateral.reference.format`, with the line.
    public init(_ purpose: Purpose, _ name: String, text: String) throws(EvidenceError) {
        var algorithm: HashAlgorithm?
        var entries: [Entry] = []
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (number, line) in zip(1..., lines) where !line.isEmpty && line.first != UInt8(ascii: "#") {
            let words = line.split(separator: UInt8(ascii: " "), maxSplits: 1)
            let digest = words.first.flatMap { FileDigest(String(decoding: $0, as: UTF8.self)) }
            guard words.count == 2, let digest, let hash = digest.hash, digest.algorithm == hash.description,
                hash == algorithm ?? hash, let label = String(words[1]), purpose.takes(label)
            else {
                throw EvidenceError(
                    "collateral.reference.format",
                    expected: "a digest such as \(algorithm ?? .sha384):9f86d0…, a blank and \(purpose.labels) in line "
                        + "\(number)",
                    found: String(decoding: line.prefix(128), as: UTF8.self))
            }
            algorithm = hash
            entries.append(Entry(label, digest.bytes))
        }
        guard let algorithm, !name.isEmpty, name.utf8.count <= 256 else {
            throw EvidenceError(
                "collateral.reference.format", expected: "a name of 1 to 256 bytes, and a line with a digest",
                found: "\(name.utf8.count) bytes, \(entries.count) digests")
        }
        self.init(purpose, name, algorithm, entries)
    }
}

extension ReferenceList.Purpose {
    /// What the labels of its entries are.
    var labels: String {
        switch self {
        case .ima: "a path"
        case .bootLog: "a register's number, with a remark behind a blank"
        case .nvidia: "a measurement's number"
        }
    }

    func takes(_ label: String) -> Bool {
        switch self {
        case .ima: !label.isEmpty && label.utf8.count <= 4096
        case .bootLog: label.utf8.count <= 4096 && register(label) != nil
        case .nvidia: Int(label).map { (1...254).contains($0) } ?? false
        }
    }

    /// The register that a digest of a boot log is of.
    func register(_ label: String) -> Int? {
        label.split(separator: " ").first.flatMap { Int($0) }.flatMap { (0...23).contains($0) ? $0 : nil }
    }
}
