/// What an owner says to an enclave while a key is on its way to it.
///
/// The exchange: ``challenge(_:)``, perhaps ``EnclaveMessage/enrolment(_:)`` and ``credential(_:)``, ``EnclaveMessage/presentation(_:)``,
/// ``grant(_:)``, ``EnclaveMessage/receipt(_:)``. Either side may end it by a refusal at any place. The messages cross a byte stream as
/// frames; the host in between relays bytes, and whatever it does to them ends the exchange at the latest with the owner's judgement.
public enum OwnerMessage: Hashable, Sendable {
    case challenge(Challenge)
    case credential(Credential)
    case grant(KeyGrant)
    /// The owner ends the exchange.
    case refusal(Failure)

    /// The longest frame that an enclave takes from an owner, in bytes.
    public static let maximumFrameByteCount = 128 << 10
}

extension OwnerMessage: WireMessage {
    private enum Kind: UInt8 {
        case challenge = 0x81
        case credential, grant, refusal
    }

    public init(_ frame: Frame) throws(WireError) {
        guard let kind = Kind(rawValue: frame.type) else {
            throw WireError(.unknownType, "type \(frame.type) is no message of an owner")
        }
        switch kind {
        case .challenge: self = .challenge(try FieldReader.read(from: frame.payload))
        case .credential: self = .credential(try FieldReader.read(from: frame.payload))
        case .grant: self = .grant(try FieldReader.read(from: frame.payload))
        case .refusal: self = .refusal(try FieldReader.read(from: frame.payload))
        }
    }

    public var frame: Frame {
        switch self {
        case .challenge(let challenge): Frame(Kind.challenge, challenge)
        case .credential(let credential): Frame(Kind.credential, credential)
        case .grant(let grant): Frame(Kind.grant, grant)
        case .refusal(let failure): Frame(Kind.refusal, failure)
        }
    }
}

/// What an enclave says to an owner; see ``OwnerMessage``.
public enum EnclaveMessage: Hashable, Sendable {
    case enrolment(Enrolment)
    case presentation(Presentation)
    case receipt(Receipt)
    /// The enclave ends the exchange.
    case refusal(Failure)

    /// The longest frame that an owner takes from an enclave, in bytes: event logs may be long.
    public static let maximumFrameByteCount = 32 << 20
}

extension EnclaveMessage: WireMessage {
    private enum Kind: UInt8 {
        case enrolment = 0xC1
        case presentation, receipt, refusal
    }

    public init(_ frame: Frame) throws(WireError) {
        guard let kind = Kind(rawValue: frame.type) else {
            throw WireError(.unknownType, "type \(frame.type) is no message of an enclave")
        }
        switch kind {
        case .enrolment: self = .enrolment(try FieldReader.read(from: frame.payload))
        case .presentation: self = .presentation(try FieldReader.read(from: frame.payload))
        case .receipt: self = .receipt(try FieldReader.read(from: frame.payload))
        case .refusal: self = .refusal(try FieldReader.read(from: frame.payload))
        }
    }

    public var frame: Frame {
        switch self {
        case .enrolment(let enrolment): Frame(Kind.enrolment, enrolment)
        case .presentation(let presentation): Frame(Kind.presentation, presentation)
        case .receipt(let receipt): Frame(Kind.receipt, receipt)
        case .refusal(let failure): Frame(Kind.refusal, failure)
        }
    }
}

/// What both sides have said, in order, as digests of the frames: what they sign and seal later covers all of it.
///
/// The hash function is SHA-256; each side brings its own.
public struct Transcript: Hashable, Sendable {
    private static let label = Array("plinius/1/provisioning".utf8)
    /// What the digest of the transcript is taken of: a label, then the digest of each frame, length and type included.
    public private(set) var bytes = label

    public init() {}

    /// Goes on with what ``bytes`` were at an earlier moment.
    public init(resuming bytes: [UInt8]) { self.bytes = bytes }

    /// Takes in the next frame, sent or received.
    public mutating func append(_ frame: Frame, hashedBy sha256: ([UInt8]) -> [UInt8]) {
        bytes += sha256(frame.encoded)
    }
}
