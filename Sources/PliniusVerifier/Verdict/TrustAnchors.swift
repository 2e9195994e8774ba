/// The keys that every chain must end at, as certificates in DER.
public struct TrustAnchors: Sendable {
    /// Intel SGX Root CA: quotes, TCB info, QE identity.
    public var intel: [[UInt8]] = TrustAnchors.intelRoot
    /// AMD root keys (ARK): Milan, Genoa, Turin.
    public var amd: [[UInt8]] = AMDCertificates.roots
    /// NVIDIA Device Identity CA.
    public var nvidia: [[UInt8]] = [NVIDIACertificates.root]
    /// Makers of TPMs: who may certify an endorsement key.
    ///
    /// There is no one root, so that a policy names them.
    public var endorsement: [[UInt8]] = []
    /// Who signs simulated evidence, as Ed25519 public keys of 32 bytes; empty but in tests.
    public var simulated: [[UInt8]] = []

    /// The makers' own keys, where there is one for all.
    public static let pinned = TrustAnchors()

    public init() {}
}
