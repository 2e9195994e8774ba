internal import PliniusTPM
public import PliniusWire

/// How a key is sealed, where there is a choice.
public struct SealingOptions: Hashable, Sendable {
    /// Lets a simulation seal, whose test key everybody may know: for tests alone.
    public var allowsSimulation = false
    /// The VMPL whose key an SNP guest asks for, which may not be more privileged than the kernel's own.
    public var privilegeLevel: UInt32 = 0
    /// The registers that have to be as they were, or as they were approved.
    public var registers = Self.defaultRegisters
    /// The owner's P-256 key (x and y, 64 bytes) that approves values of the registers, so that an update does not lose the key; without
    /// one the values at the time of sealing are the only ones.
    public var approvalKey: [UInt8]?
    /// The approvals that there are, 64 bytes each; see ``Attester/approvalMessage(of:)``.
    public var approvals: [[UInt8]] = []

    public init() {}

    /// Firmware, boot loader and its state (0 to 7), Shim's keys (14) in the SHA-256 bank.
    ///
    /// IMA's register is not among them: it changes with every program.
    public static let defaultRegisters = Set(
        (Array(0...7) + [14]).map { PCRValues.Register(bank: TPMHash.sha256, index: $0) })
}
