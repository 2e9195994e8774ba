internal import PliniusTPM
public import PliniusWire

/// What evidence is to contain, where there is a choice.
public struct EvidenceOptions: Hashable, Sendable {
    /// The VMPL that an SNP report is asked for, 0 to 3; the kernel's own if `nil`.
    public var privilegeLevel: UInt32?
    /// What the TPM signs with.
    public var keyAlgorithm = TPMKeyAlgorithm.ecc
    /// Where the TPM keeps its attestation key (0x81000000 and up), so that it is not made anew each time; made there if it is not.
    public var keyHandle: UInt32?
    /// What the TPM quotes.
    public var registers = Self.defaultRegisters
    /// How many entries of IMA's log the verifier has already.
    public var firstLogEntry: UInt64 = 0

    public init() {}

    /// Firmware, boot loader, kernel (0 to 9), IMA (10), Shim's keys (14) in the SHA-256 bank.
    public static let defaultRegisters = Set(
        (Array(0...10) + [14]).map { PCRValues.Register(bank: TPMHash.sha256, index: $0) })
}
