/// Keys on their way to one enclave: sealed by HPKE (RFC 9180, base mode) to the key that the evidence binds.
///
/// The plaintext is `u32`, little-endian, the length of the terms ‖ ``GrantTerms`` ‖ a key for each of ``GrantTerms/keys``, in their order ‖
/// the receipt's key.
public struct KeyGrant: Hashable, Sendable, WireField {
    /// What HPKE calls `info`: a grant is never mistaken for another use of the same suite.
    public static let info = Array("plinius/2/grant".utf8)
    /// The length of each key, and of the key that the receipt is made with.
    public static let keyByteCount = 32
    /// The length of the longest plaintext.
    public static let maximumContentByteCount = 4 << 10

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
        try visit.bytes(&ciphertext, atMost: Self.maximumContentByteCount + 16)
    }
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
