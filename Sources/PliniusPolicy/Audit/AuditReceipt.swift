internal import PliniusVerifier

/// Proof that the service logged something: the entry, where it is in the log, and the log's signed head.
public struct AuditReceipt: Hashable, Sendable {
    public let entry: AuditEntry
    public let proof: InclusionProof
    public let head: SignedAuditHead

    public init(entry: AuditEntry, proof: InclusionProof, head: SignedAuditHead) {
        self.entry = entry
        self.proof = proof
        self.head = head
    }

    public var json: CanonicalJSON { ["entry": entry.json, "proof": proof.json, "head": head.json] }

    /// Reads a receipt.
    /// - Throws: `FormatError` for anything that ``json`` would not write; nothing is verified.
    public init(_ json: CanonicalJSON) throws(FormatError) {
        var reader = try ObjectReader(json, check: "audit.receipt")
        entry = try AuditEntry(try reader.any("entry"))
        proof = try InclusionProof(try reader.any("proof"))
        head = try SignedAuditHead(try reader.any("head"))
        try reader.finish()
    }

    /// Verifies a receipt against the service's key.
    /// - Parameter service: The Ed25519 key from the manager's own evidence, 32 bytes.
    /// - Throws: `FormatError` that names what does not fit.
    public func verify(service: [UInt8]) throws(FormatError) {
        guard head.head.service == service else {
            throw FormatError(
                "audit.receipt.service", expected: hexadecimal(service), found: hexadecimal(head.head.service))
        }
        guard head.isValid else {
            throw FormatError("audit.receipt.signature", expected: "the service's signature", found: "another")
        }
        guard proof.index == entry.index, proof.size == head.head.size else {
            throw FormatError(
                "audit.receipt.proof", expected: "a proof of entry \(entry.index) in \(head.head.size)",
                found: "one of entry \(proof.index) in \(proof.size)")
        }
        guard proof.proves(MerkleTree.leaf(entry.canonical), in: head.head.root) else {
            throw FormatError(
                "audit.receipt.inclusion", expected: "the entry under the root \(hexadecimal(head.head.root))",
                found: "another entry or another log")
        }
    }
}

extension InclusionProof {
    public var json: CanonicalJSON {
        ["index": .integer(Int64(index)), "size": .integer(Int64(size)), "path": hashes(path)]
    }

    /// Reads a proof.
    /// - Throws: `FormatError`.
    public init(_ json: CanonicalJSON) throws(FormatError) {
        var reader = try ObjectReader(json, check: "audit.proof")
        let index = try reader.integer("index", 0...Int64(Int32.max))
        let size = try reader.integer("size", 0...Int64(Int32.max))
        self.init(index: Int(index), size: Int(size), path: try reader.path())
        try reader.finish()
    }
}

extension ConsistencyProof {
    public var json: CanonicalJSON {
        ["older": .integer(Int64(older)), "size": .integer(Int64(size)), "path": hashes(path)]
    }

    /// Reads a proof.
    /// - Throws: `FormatError`.
    public init(_ json: CanonicalJSON) throws(FormatError) {
        var reader = try ObjectReader(json, check: "audit.proof")
        let older = try reader.integer("older", 0...Int64(Int32.max))
        let size = try reader.integer("size", 0...Int64(Int32.max))
        self.init(older: Int(older), size: Int(size), path: try reader.path())
        try reader.finish()
    }
}

extension ObjectReader {
    /// No path is longer than two hashes for each bit of a size.
    fileprivate mutating func path() throws(FormatError) -> [[UInt8]] {
        try list("path", atMost: 128, "hashes of 32 bytes") {
            $0.text.flatMap { lowerCaseBytes($0, count: MerkleTree.hashByteCount) }
        }
    }
}

private func hashes(_ path: [[UInt8]]) -> CanonicalJSON { .array(path.map { .string(hexadecimal($0)) }) }
