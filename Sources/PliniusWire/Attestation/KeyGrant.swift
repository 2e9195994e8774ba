/// The owner's key on its way to one enclave: sealed by HPKE (RFC 9180, base mode) to the key that the evidence binds.
///
/// The plaintext is ``GrantTerms`` as its first bytes, then the owner's key, then the receipt's key.
public struct KeyGrant: Hashable, Sendable, WireField {
    /// What HPKE calls `info`: a grant is never mistaken for another use of the same suite.
    public static let info = Array("plinius/1/grant".utf8)
    /// The length of the owner's key, and of the key that the receipt is made with.
    public static let keyByteCount = 32
    /// The length of the plaintext.
    public static let contentByteCount = GrantTerms.byteCount + 2 * keyByteCount

    /// The digest of everything that was said before, ``Transcript``; what HPKE authenticates beside the plaintext.
    public var transcript: [UInt8] = []
    public var encapsulatedKey: [UInt8] = []
    public var ciphertext: [UInt8] = []

    init() {}

    public init(transcript: [UInt8], encapsulatedKey: [UInt8], ciphertext: [UInt8]) {
        self.transcript = transcript
        self.encapsulatedKey = encapsulatedKey
        self.ciphertext = ciphertext
    }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit.bytes(&transcript, atMost: 32)
        try visit.bytes(&encapsulatedKey, atMost: 65)
        try visit.bytes(&ciphertext, atMost: Self.contentByteCount + 16)
    }
}

/// What a granted key may be used for.
///
/// `u32 version ‖ u32 purposes, a bit each ‖ 8 bytes of zeros, kept for leases`, little-endian.
public struct GrantTerms: Hashable, Sendable {
    /// The length of ``encoded``.
    public static let byteCount = 16
    private static let version: UInt8 = 1

    public var purposes: Set<RuntimeData.Purpose>

    public init(purposes: Set<RuntimeData.Purpose>) { self.purposes = purposes }

    /// Decodes the terms that stand before a key.
    ///
    /// Terms that this build does not know might be restrictions, so they are refused and not passed over.
    /// - Throws: `WireError.Code.malformed`.
    public init(decoding bytes: [UInt8]) throws(WireError) {
        let known = GrantTerms(purposes: Set(RuntimeData.Purpose.allCases)).encoded
        guard bytes.count == Self.byteCount,
            zip(bytes, known).enumerated().allSatisfy({ index, pair in
                index == Self.purposesOffset ? pair.0 & ~pair.1 == 0 : pair.0 == pair.1
            })
        else { throw WireError(.malformed, "the grant has terms that this build does not know") }
        purposes = Set(RuntimeData.Purpose.allCases.filter { bytes[Self.purposesOffset] & $0.bit != 0 })
    }

    public var encoded: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.byteCount)
        bytes[0] = Self.version
        bytes[Self.purposesOffset] = purposes.reduce(0) { $0 | $1.bit }
        return bytes
    }

    private static let purposesOffset = 4
}

extension RuntimeData.Purpose {
    fileprivate var bit: UInt8 { 1 << (rawValue - 1) }
}

/// Proves to the owner that the enclave that was granted the key has opened the grant.
public struct Receipt: Hashable, Sendable, WireField {
    /// HMAC-SHA-256 with the grant's receipt key over the digest of the transcript, the grant included; 32 bytes.
    public var proof: [UInt8] = []

    init() {}

    public init(proof: [UInt8]) { self.proof = proof }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit.bytes(&proof, atMost: 32)
    }
}
