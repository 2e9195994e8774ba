/// What the makers said of their platforms, imported from signed bundles; nothing in it is believed before its own signature is checked.
public struct Collateral: Sendable {
    /// A bundle that it came from.
    public struct Source: Hashable, Sendable {
        public var series: String
        public var serial: UInt64
        public var issued: Instant
        public var expires: Instant

        public init(series: String, serial: UInt64, issued: Instant, expires: Instant) {
            self.series = series
            self.serial = serial
            self.issued = issued
            self.expires = expires
        }
    }

    /// Intel's, for each family of platforms; of two for one family the last counts.
    public var intel: [IntelCollateral] = []
    /// AMD's certificates that evidence may lack (ASK, ASVK, VCEK), in DER.
    public var amdCertificates: [[UInt8]] = []
    /// AMD's revocation lists, in DER.
    public var amdRevocationLists: [[UInt8]] = []
    /// NVIDIA's revocation lists, in DER.
    public var nvidiaRevocationLists: [[UInt8]] = []
    /// Who may certify endorsement keys of TPMs besides those that a policy names, in DER.
    public var endorsementAuthorities: [[UInt8]] = []
    /// Certificates between those authorities and endorsement keys, in DER; nobody has to believe them.
    public var endorsementIntermediates: [[UInt8]] = []
    /// Digests that policies name: files, boot components, measurements of GPUs.
    public var references: [ReferenceList] = []
    /// The bundles; empty if nothing was imported from one.
    public var sources: [Source] = []

    public init() {}

    /// A list of reference digests, the last of several with one name.
    public func reference(_ purpose: ReferenceList.Purpose, _ name: String) -> ReferenceList? {
        references.last { $0.purpose == purpose && $0.name == name }
    }
}
