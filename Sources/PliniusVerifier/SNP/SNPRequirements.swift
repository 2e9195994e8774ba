/// What a policy asks of a guest of SEV-SNP; settings add up, each that is set has to hold.
///
/// Without any, the report is signed by a key of AMD's that no list revokes, the guest runs at privilege level 0 and can neither be looked
/// into nor be moved, and what runs in it remains open.
public struct SNPRequirements: Sendable {
    /// The measurements of the initial memory that may run, 48 bytes each.
    public var measurement: Setting<[[UInt8]]>?
    /// What the host configured the guest with when it was launched, 32 bytes.
    public var hostData: Setting<[UInt8]>?
    /// Whose guests may run: SHA-384 digests of the keys that signed the identity block, 48 bytes each.
    public var idKeyDigest: Setting<[[UInt8]]>?
    /// The digests of the keys that certified those keys, 48 bytes each.
    public var authorKeyDigest: Setting<[[UInt8]]>?
    /// The owner's number for the family of images, 16 bytes.
    public var familyID: Setting<[UInt8]>?
    /// The owner's number for the image, 16 bytes.
    public var imageID: Setting<[UInt8]>?
    /// The least security version that the owner gave the guest.
    public var minimumGuestSVN: Setting<UInt32>?
    /// The privilege level that the report was asked for at; 0 without this.
    public var vmpl: Setting<UInt32>?
    /// The product lines that may be used.
    public var products: Setting<[SNPProduct]>?
    /// Who may sign reports.
    public var signers: Setting<[SNPSigner]>?
    /// The clouds whose loaded keys may sign, as AMD certified their names: `CN=cc-us-east-2.amazonaws.com`.
    ///
    /// A chip's key is no cloud's, and is refused then.
    public var clouds: Setting<[String]>?
    /// The chips that may be used, 64 bytes each; Turin's 8 are followed by zeros.
    public var chipID: Setting<[[UInt8]]>?
    /// What the guest's policy may allow: ``SNPGuestPolicy/smt``, ``SNPGuestPolicy/cxl``; nothing else of the kind then.
    ///
    /// Debugging and migration have settings of their own.
    public var permittedPolicy: Setting<SNPGuestPolicy>?
    /// What the guest's policy has to ask for, as ``SNPGuestPolicy/singleSocket``.
    public var requiredPolicy: Setting<SNPGuestPolicy>?
    /// The least version of the firmware's interface that the guest's policy asks for.
    public var minimumABI: Setting<SNPABIVersion>?
    /// What may be on at the platform; nothing else then.
    public var permittedPlatform: Setting<SNPPlatformInfo>?
    /// What has to be on at the platform, as ``SNPPlatformInfo/aliasCheckComplete``.
    public var requiredPlatform: Setting<SNPPlatformInfo>?
    /// The least versions of the platform that the key which signed is for.
    public var minimumTCB: Setting<[SNPComponent: UInt8]>?
    /// The least versions of the platform when the guest was launched.
    public var minimumLaunchTCB: Setting<[SNPComponent: UInt8]>?
    /// Whether firmware that its owner may still take back is refused.
    public var requiresCommittedFirmware: Setting<Bool>?
    /// The mitigations that were in force when the guest was launched, at least, as bits; since version 5 of the report.
    public var launchMitigations: Setting<UInt64>?
    /// The mitigations that are in force, at least, as bits; since version 5 of the report.
    public var currentMitigations: Setting<UInt64>?
    /// Lets guests pass that the host may look into, and that keep no secret.
    public var toleratesDebug: Setting<Bool>?
    /// Lets guests pass that a migration agent may move to another machine.
    public var toleratesMigrationAgent: Setting<Bool>?
    /// Lets reports pass in which the host hides which chip made them.
    public var toleratesMaskedChipID: Setting<Bool>?
    /// Lets evidence pass although nothing is known of revocations, because no lists were imported.
    public var toleratesAbsentRevocationLists: Setting<Bool>?

    public init() {}
}

/// Who signed a report.
public enum SNPSigner: String, Hashable, Sendable, CaseIterable {
    /// The chip, with the key that its fuses and its versions yield (VCEK).
    case chip = "vcek"
    /// A cloud's key that AMD loaded into its machines (VLEK).
    case loaded = "vlek"

    init?(signingKey: UInt32) {
        switch signingKey {
        case 0: self = .chip
        case 1: self = .loaded
        default: return nil
        }
    }

    /// The common name of such keys' certificates.
    var commonName: String { "SEV-\(rawValue.uppercased())" }

    /// The common name of the authority that certifies such keys.
    func authority(_ product: SNPProduct) -> String {
        self == .chip ? "SEV-\(product.rawValue)" : "SEV-VLEK-\(product.rawValue)"
    }
}
