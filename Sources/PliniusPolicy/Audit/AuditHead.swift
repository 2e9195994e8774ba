internal import Crypto
public import PliniusVerifier

/// The state of a service's log after some entry: what an owner keeps to find out later whether the log was rewritten.
public struct AuditHead: Hashable, Sendable {
    /// The service's Ed25519 key, 32 bytes, which signs the head.
    public let service: [UInt8]
    /// Another one after each restoration of the store, 16 bytes.
    public let epoch: [UInt8]
    /// The number of entries.
    public let size: Int
    /// The root of the Merkle tree over them, 32 bytes.
    public let root: [UInt8]
    /// The hash of the last, 32 bytes.
    public let last: [UInt8]
    public let time: Instant

    public init(service: [UInt8], epoch: [UInt8], size: Int, root: [UInt8], last: [UInt8], time: Instant) {
        self.service = service
        self.epoch = epoch
        self.size = size
        self.root = root
        self.last = last
        self.time = time
    }

    public var json: CanonicalJSON {
        [
            "service": .string(hexadecimal(service)), "epoch": .string(hexadecimal(epoch)),
            "size": .integer(Int64(size)), "root": .string(hexadecimal(root)), "last": .string(hexadecimal(last)),
            "time": .integer(time.seconds),
        ]
    }

    fileprivate init(_ json: CanonicalJSON) throws(FormatError) {
        var reader = try ObjectReader(json, check: "audit.head")
        service = try reader.bytes("service", count: 32)
        epoch = try reader.bytes("epoch", count: 16)
        size = Int(try reader.integer("size", 0...Int64(Int32.max)))
        root = try reader.bytes("root", count: MerkleTree.hashByteCount)
        last = try reader.bytes("last", count: MerkleTree.hashByteCount)
        time = Instant(seconds: try reader.integer("time", 0...Int64.max))
        try reader.finish()
    }

    /// What the service signs; no other use of its key signs bytes that begin so.
    public var message: [UInt8] { Array("perun/1/audit-head\0".utf8) + json.digest }
}

/// A head with the service's signature.
public struct SignedAuditHead: Hashable, Sendable {
    public let head: AuditHead
    /// Ed25519 over ``AuditHead/message``, 64 bytes.
    public let signature: [UInt8]

    public init(head: AuditHead, signature: [UInt8]) {
        self.head = head
        self.signature = signature
    }

    public var json: CanonicalJSON { ["head": head.json, "signature": .string(hexadecimal(signature))] }

    /// Reads a head.
    /// - Throws: `FormatError` for anything that ``json`` would not write; the signature is not looked at.
    public init(_ json: CanonicalJSON) throws(FormatError) {
        var reader = try ObjectReader(json, check: "audit.head")
        head = try AuditHead(try reader.any("head"))
        signature = try reader.bytes("signature", count: 64)
        try reader.finish()
    }

    /// Whether the service that the head names signed it.
    public var isValid: Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: head.service) else { return false }
        return key.isValidSignature(signature, for: head.message)
    }
}
