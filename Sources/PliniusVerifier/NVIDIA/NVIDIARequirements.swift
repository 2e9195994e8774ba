/// What a policy asks of a GPU; settings add up, each that is set has to hold.
///
/// Without any, NVIDIA certified the GPU, no list revokes its certificates, and its driver and firmware remain open.
public struct NVIDIARequirements: Sendable {
    /// The values that measurements may have, by their index from 1, as NVIDIA's reference manifests list them; 48 bytes each.
    public var measurements: Setting<[Int: [[UInt8]]]>?
    /// Reference lists whose values count as well, by their names.
    public var references: Setting<[String]>?
    /// Lets GPUs pass whose measurements nobody compares; it shows in the verdict.
    public var toleratesAnyMeasurement: Setting<Bool>?
    /// The versions of the driver that may be used: `590.12`.
    public var driverVersions: Setting<[String]>?
    /// The versions of the card's firmware that may be used: `96.00.A5.00.01`.
    public var vbiosVersions: Setting<[String]>?
    /// Lets evidence pass although nothing is known of revocations, because no lists were imported.
    public var toleratesAbsentRevocationLists: Setting<Bool>?

    public init() {}
}

/// What a GPU says of itself, after its signatures held.
public struct NVIDIAClaims: PlatformClaims, Hashable {
    /// The common name of the GPU's certificate.
    public let device: String
    /// The serial number of that certificate, which no other GPU has.
    public let serialNumber: [UInt8]
    /// `nil` if the report does not say.
    public let driverVersion: String?
    public let vbiosVersion: String?
    /// What was measured, by its index from 1.
    public let blocks: [Int: [UInt8]]
    /// The nonce of the request, 32 bytes.
    public let boundData: [UInt8]

    public var measurements: [String: String] {
        Dictionary(uniqueKeysWithValues: blocks.map { ("measurement.\($0)", hexadecimal($1)) })
    }

    init(_ report: NVIDIAReport, _ leaf: ParsedCertificate) {
        device = leaf.commonName ?? ""
        serialNumber = leaf.serialNumber
        driverVersion = report.driverVersion
        vbiosVersion = report.vbiosVersion
        blocks = report.measurements
        boundData = report.nonce
    }
}
