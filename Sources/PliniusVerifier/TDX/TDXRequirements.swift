/// What a policy asks of a trust domain; settings add up, each that is set has to hold.
///
/// Without any, the platform is up to date, and the domain is neither for debugging nor may it move, and what runs in it remains open.
public struct TDXRequirements: Sendable {
    /// The measurements of the initial memory that may run, 48 bytes each.
    public var mrtd: Setting<[[UInt8]]>?
    /// What the domain was configured with when it was started, 48 bytes.
    public var mrconfigID: Setting<[UInt8]>?
    /// The domain's owner, 48 bytes, whatever the host took that to be.
    public var mrowner: Setting<[UInt8]>?
    /// What the owner configured, 48 bytes.
    public var mrownerConfig: Setting<[UInt8]>?
    /// The values that the registers may have, by their number from 0 to 3; 48 bytes each.
    public var rtmr: [Int: Setting<[[UInt8]]>] = [:]
    /// The measurements of the TDX module that may run, 48 bytes each.
    public var mrseam: Setting<[[UInt8]]>?
    /// The measurements of service domains that may be bound to this one, 48 bytes each; TDX 1.5.
    public var mrserviceTD: Setting<[[UInt8]]>?
    /// The module's attributes; zeros without this.
    public var seamAttributes: Setting<BitPattern>?
    /// The domain's attributes, besides those for debugging and migration.
    public var tdAttributes: Setting<BitPattern>?
    /// The extended processor features that the domain may use.
    public var xfam: Setting<BitPattern>?
    /// Lets domains pass whose host may look into them, and that keep no secret.
    public var toleratesDebug: Setting<Bool>?
    /// Lets domains pass that a migration domain may move to another machine; ``mrserviceTD`` says which one.
    public var toleratesMigration: Setting<Bool>?
    /// What the boot's event log has to show; the log is required then.
    public var bootLog: BootLogRequirements?
    /// How current the platform has to be.
    public var tcb = IntelTCBRequirements()

    public init() {}
}

/// The bits that are looked at, and what they have to be.
public struct BitPattern: Hashable, Sendable {
    public var value: UInt64
    public var mask: UInt64

    public init(_ value: UInt64, mask: UInt64 = .max) {
        self.value = value
        self.mask = mask
    }

    func matches(_ bits: UInt64) -> Bool { bits & mask == value & mask }
}

extension BitPattern: CustomStringConvertible {
    public var description: String {
        "0x\(String(value & mask, radix: 16))" + (mask == .max ? "" : " under the mask 0x\(String(mask, radix: 16))")
    }
}
