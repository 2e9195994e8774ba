/// What the makers said of their platforms, imported from signed bundles; nothing in it is believed before its own signature is checked.
public struct Collateral: Sendable {
    /// Intel's, for each family of platforms.
    public var intel: [IntelCollateral] = []
    /// AMD's certificates that evidence may lack (ASK, ASVK, VCEK), in DER.
    public var amdCertificates: [[UInt8]] = []
    /// AMD's revocation lists, in DER.
    public var amdRevocationLists: [[UInt8]] = []
    /// NVIDIA's revocation lists, in DER.
    public var nvidiaRevocationLists: [[UInt8]] = []

    public init() {}
}
