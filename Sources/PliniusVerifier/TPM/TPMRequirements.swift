/// What a policy asks of a machine's TPM.
public struct TPMRequirements: Sendable {
    /// What the quote has to carry: it binds the quote to one challenge.
    public var extraData: Setting<[UInt8]>?
    /// The attestation keys of the machines that may answer: their names, two bytes for the hash and the digest, from enrolment.
    ///
    /// A quote by a key that nobody enrolled shows that some TPM signed, and not whose.
    public var akNames: Setting<Set<[UInt8]>>?
    /// Lets evidence pass that holds the attestation key without its attributes, as other programs store it.
    ///
    /// Such a key may belong to no TPM.
    public var permitsBareKey: Setting<Bool>?
    /// Lets a quote pass that is signed over a SHA-1 digest.
    public var permitsSHA1: Setting<Bool>?
    /// Registers that the quote has to cover, by bank.
    public var selection: [HashAlgorithm: Setting<Set<Int>>] = [:]
    /// The values that a register may have, by bank and index; the quote has to cover it.
    public var registers: [HashAlgorithm: [Int: Setting<Set<[UInt8]>>]] = [:]
    /// How often the TPM had been reset when trust in it began: another number says that the machine was booted since.
    public var resetCount: Setting<UInt32>?
    /// How often it had been resumed or restarted since that reset.
    public var restartCount: Setting<UInt32>?
    /// The lowest version of the TPM's firmware, in its maker's numbering.
    public var minimumFirmware: Setting<UInt64>?
    /// Demands a certificate of the TPM's maker; the anchors are the policy's own.
    public var endorsement: Setting<Bool>?
    /// Demands the boot's log, and says what it has to show; one that nobody asks for is left alone.
    public var bootLog: Setting<BootLogRequirements>?
    /// Demands the kernel's log, and says which files may be in it; one that nobody asks for is left alone.
    public var ima: Setting<IMARequirements>?
    /// Where the last verdict on this machine left its kernel's log; together with ``resetCount`` and ``restartCount``, since a machine
    /// that was booted begins another.
    public var imaState: IMAState?

    public init() {}
}

/// What a TPM's quote says, after its signature held.
public struct TPMClaims: PlatformClaims {
    /// The quote's extra data.
    public let boundData: [UInt8]
    /// What identifies the attestation key; `nil` where only the bare key is known.
    public let akName: [UInt8]?
    /// The registers that the quote covers, by bank and index.
    public let registers: [HashAlgorithm: [Int: [UInt8]]]
    public let resetCount: UInt32
    public let restartCount: UInt32
    /// Milliseconds that the TPM was powered.
    public let clock: UInt64
    public let firmwareVersion: UInt64
    /// What the next verdict on this machine's log begins with; `nil` if there was no log.
    public internal(set) var imaState: IMAState?

    public var measurements: [String: String] {
        registers.reduce(into: [:]) { all, bank in
            for (index, value) in bank.value { all["pcr.\(bank.key).\(index)"] = hexadecimal(value) }
        }
    }
}
