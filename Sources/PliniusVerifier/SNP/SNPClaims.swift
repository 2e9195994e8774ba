/// What a report says of a guest of SEV-SNP, after its signatures held.
public struct SNPClaims: PlatformClaims, Hashable {
    public let product: SNPProduct
    public let signer: SNPSigner
    /// The cloud whose loaded key signed, as AMD certified its name; `nil` for a chip's key.
    public let cloud: String?
    public let measurement: [UInt8]
    public let hostData: [UInt8]
    public let idKeyDigest: [UInt8]
    /// Zeros if no key certified the one that signed the identity block.
    public let authorKeyDigest: [UInt8]
    public let familyID: [UInt8]
    public let imageID: [UInt8]
    public let guestSVN: UInt32
    public let vmpl: UInt32
    public let policy: SNPGuestPolicy
    public let platformInfo: SNPPlatformInfo
    /// The guest's own number, new with each launch.
    public let reportID: [UInt8]
    /// 64 bytes; zeros if the host hides it, or a loaded key signed.
    public let chipID: [UInt8]
    public let reportedTCB: SNPTCB
    public let launchTCB: SNPTCB
    /// `nil` before version 5 of the report.
    public let launchMitigations: UInt64?
    public let currentMitigations: UInt64?
    /// The guest's 64 bytes of report data.
    public let boundData: [UInt8]

    public var measurements: [String: String] {
        [
            "measurement": hexadecimal(measurement), "hostdata": hexadecimal(hostData),
            "idkeydigest": hexadecimal(idKeyDigest), "authorkeydigest": hexadecimal(authorKeyDigest),
        ]
    }

    init(_ report: SNPReport, _ product: SNPProduct, _ signer: SNPSigner, cloud: String?) {
        self.product = product
        self.signer = signer
        self.cloud = cloud
        measurement = report.measurement
        hostData = report.hostData
        idKeyDigest = report.idKeyDigest
        authorKeyDigest = report.authorKeyDigest
        familyID = report.familyID
        imageID = report.imageID
        guestSVN = report.guestSVN
        vmpl = report.vmpl
        policy = report.policy
        platformInfo = report.platformInfo
        reportID = report.reportID
        chipID = report.chipID
        reportedTCB = report.reportedTCB
        launchTCB = report.launchTCB
        launchMitigations = report.launchMitigations
        currentMitigations = report.currentMitigations
        boundData = report.reportData
    }
}
