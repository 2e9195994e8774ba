/// An attestation report of SEV-SNP, before anybody believes it (AMD 56860, SNP Firmware ABI, table "ATTESTATION_REPORT").
package struct SNPReport: Sendable {
    package static let byteCount = 1184
    /// The versions that this build knows the fields of.
    package static let knownVersions: ClosedRange<UInt32> = 2...5

    package let version: UInt32
    package let guestSVN: UInt32
    package let policy: SNPGuestPolicy
    package let familyID: [UInt8]
    package let imageID: [UInt8]
    package let vmpl: UInt32
    package let signatureAlgorithm: UInt32
    package let currentTCB: SNPTCB
    package let platformInfo: SNPPlatformInfo
    package let isAuthorKeyEnabled: Bool
    /// Whether the firmware was told to sign nothing with the chip's key.
    package let isChipKeyMasked: Bool
    /// Which key signed: 0 the chip's, 1 a loaded one, 7 none.
    package let signingKey: UInt32
    package let reportData: [UInt8]
    package let measurement: [UInt8]
    package let hostData: [UInt8]
    package let idKeyDigest: [UInt8]
    package let authorKeyDigest: [UInt8]
    package let reportID: [UInt8]
    package let reportIDMA: [UInt8]
    package let reportedTCB: SNPTCB
    /// Since version 3.
    package let processor: SNPProcessor?
    package let chipID: [UInt8]
    package let committedTCB: SNPTCB
    package let currentFirmware: [UInt8]
    package let committedFirmware: [UInt8]
    package let launchTCB: SNPTCB
    /// Since version 5.
    package let launchMitigations: UInt64?
    package let currentMitigations: UInt64?
    /// What the signature covers.
    package let signedBytes: [UInt8]
    /// r ‖ s, 48 bytes each, big-endian.
    package let signature: [UInt8]

    /// - Throws: `snp.report.format`.
    package init(_ bytes: [UInt8]) throws(EvidenceError) {
        let format = "snp.report.format"
        guard bytes.count == Self.byteCount else {
            throw EvidenceError(format, expected: "\(Self.byteCount) bytes", found: "\(bytes.count) bytes")
        }
        var cursor = ByteCursor(bytes, format: format)
        version = try cursor.little()
        guard Self.knownVersions.contains(version) else {
            throw EvidenceError(format, expected: "version \(Self.knownVersions)", found: "version \(version)")
        }
        guestSVN = try cursor.little()
        policy = SNPGuestPolicy(rawValue: try cursor.little())
        familyID = try cursor.bytes(16)
        imageID = try cursor.bytes(16)
        vmpl = try cursor.little()
        signatureAlgorithm = try cursor.little()
        currentTCB = SNPTCB(try cursor.little())
        platformInfo = SNPPlatformInfo(rawValue: try cursor.little())
        let keys: UInt32 = try cursor.little()
        isAuthorKeyEnabled = keys & 1 != 0
        isChipKeyMasked = keys & 2 != 0
        signingKey = keys >> 2 & 7
        _ = try cursor.bytes(4)
        reportData = try cursor.bytes(64)
        measurement = try cursor.bytes(48)
        hostData = try cursor.bytes(32)
        idKeyDigest = try cursor.bytes(48)
        authorKeyDigest = try cursor.bytes(48)
        reportID = try cursor.bytes(32)
        reportIDMA = try cursor.bytes(32)
        reportedTCB = SNPTCB(try cursor.little())
        let numbers = try cursor.bytes(24)
        processor = version < 3 ? nil : SNPProcessor(family: numbers[0], model: numbers[1], stepping: numbers[2])
        chipID = try cursor.bytes(64)
        committedTCB = SNPTCB(try cursor.little())
        currentFirmware = Array(try cursor.bytes(4).prefix(3).reversed())
        committedFirmware = Array(try cursor.bytes(4).prefix(3).reversed())
        launchTCB = SNPTCB(try cursor.little())
        let mitigations: (UInt64, UInt64) = (try cursor.little(), try cursor.little())
        launchMitigations = version < 5 ? nil : mitigations.0
        currentMitigations = version < 5 ? nil : mitigations.1
        _ = try cursor.bytes(152)
        signedBytes = Array(bytes.prefix(cursor.offset))
        var scalars: [[UInt8]] = []
        for _ in 0..<2 {
            let scalar = try cursor.bytes(72)
            guard scalar.dropFirst(48).allSatisfy({ $0 == 0 }) else {
                throw EvidenceError(format, expected: "scalars of 48 bytes", found: "a longer one")
            }
            scalars.append(scalar.prefix(48).reversed())
        }
        signature = scalars[0] + scalars[1]
        // Nobody signed them, so that they must say nothing.
        guard try cursor.bytes(cursor.remaining).allSatisfy({ $0 == 0 }) else {
            throw EvidenceError(format, expected: "zeros after the signature", found: "other bytes")
        }
    }
}

/// What a guest's owner allows and asks for, fixed when it was launched (table "Guest Policy").
public struct SNPGuestPolicy: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Two threads of a core may run.
    public static let smt = Self(rawValue: 1 << 16)
    /// A migration agent may be bound to the guest.
    public static let migrationAgent = Self(rawValue: 1 << 18)
    /// The host may look into the guest.
    public static let debug = Self(rawValue: 1 << 19)
    /// The guest runs on one socket alone.
    public static let singleSocket = Self(rawValue: 1 << 20)
    /// Memory behind CXL may be used.
    public static let cxl = Self(rawValue: 1 << 21)
    /// Memory is encrypted with 256 bits.
    public static let memoryAES256XTS = Self(rawValue: 1 << 22)
    /// The power meter is off.
    public static let raplDisabled = Self(rawValue: 1 << 23)
    /// The host cannot read ciphertext.
    public static let ciphertextHiding = Self(rawValue: 1 << 24)
    /// The host cannot move pages out.
    public static let pageSwapDisabled = Self(rawValue: 1 << 25)

    /// The bit that is always 1.
    static let reserved = Self(rawValue: 1 << 17)
    /// The bits that allow something, where the others restrict.
    static let permissions: Self = [.smt, .migrationAgent, .debug, .cxl]
    static let known: Self = [
        .permissions, .reserved, .singleSocket, .memoryAES256XTS, .raplDisabled, .ciphertextHiding, .pageSwapDisabled,
        Self(rawValue: 0xFFFF),
    ]

    /// The least version of the firmware's interface that the guest runs under.
    public var minimumABI: SNPABIVersion {
        SNPABIVersion(major: UInt8(rawValue >> 8 & 255), minor: UInt8(rawValue & 255))
    }
}

/// A version of the firmware's interface.
public struct SNPABIVersion: Hashable, Sendable, Comparable, CustomStringConvertible {
    public var major: UInt8
    public var minor: UInt8

    public init(major: UInt8, minor: UInt8) {
        self.major = major
        self.minor = minor
    }

    public static func < (first: Self, second: Self) -> Bool {
        (first.major, first.minor) < (second.major, second.minor)
    }

    public var description: String { "\(major).\(minor)" }
}

/// How the machine is set up (table "PLATFORM_INFO").
public struct SNPPlatformInfo: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Two threads of a core run.
    public static let smt = Self(rawValue: 1 << 0)
    /// All memory is encrypted, the host's too.
    public static let tsme = Self(rawValue: 1 << 1)
    /// Memory corrects errors.
    public static let ecc = Self(rawValue: 1 << 2)
    /// The power meter is off.
    public static let raplDisabled = Self(rawValue: 1 << 3)
    /// The host cannot read ciphertext.
    public static let ciphertextHiding = Self(rawValue: 1 << 4)
    /// Memory was searched for addresses that mean the same cell since the last reset.
    public static let aliasCheckComplete = Self(rawValue: 1 << 5)
    /// Devices may take part.
    public static let tio = Self(rawValue: 1 << 7)
}
