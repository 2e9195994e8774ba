internal import CIPSecMB

/// Who computes AES-GCM.
public enum SealingProvider: Sendable, CaseIterable, CustomStringConvertible {
    /// The system's intel-ipsec-mb: seals straight between buffers of the caller, x86-64 with AES instructions only.
    case intelIPSecMB
    /// swift-crypto: everywhere; copies each message twice on the way.
    case swiftCrypto

    /// The fastest one that this processor and this build have.
    public static let preferred: Self = intelIPSecMB.isAvailable ? .intelIPSecMB : .swiftCrypto

    /// Whether it can be used here.
    public var isAvailable: Bool {
        switch self {
        case .intelIPSecMB: cipsecmb_is_available()
        case .swiftCrypto: true
        }
    }

    public var description: String {
        switch self {
        case .intelIPSecMB: "intel-ipsec-mb"
        case .swiftCrypto: "swift-crypto"
        }
    }
}
