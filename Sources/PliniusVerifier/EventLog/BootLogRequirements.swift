/// What a policy asks of the boot: firmware, secure boot, boot loader, command line.
public struct BootLogRequirements: Sendable {
    /// Whether secure boot has to have been on; it has, unless this says `false`.
    public var secureBoot: Setting<Bool>?
    /// Lets a boot pass whose log shows a debugger, audit or setup mode, missing protection against DMA, or a shim that checks nothing.
    public var permitsWeaknesses: Setting<Bool>?
    /// Who may have vouched for what booted: SHA-256 digests of certificates in DER.
    ///
    /// Without it, whoever the machine's own `db` names.
    public var authorities: Setting<Set<[UInt8]>>?
    /// What the firmware's `dbx` has to forbid: SHA-256 digests of programs, or of certificates in DER.
    public var revocations: Setting<Set<[UInt8]>>?
    /// For each register, the digests that may have gone into it; any other is refused.
    ///
    /// Separators need none.
    public var allowedDigests: [Int: Setting<Set<[UInt8]>>] = [:]
    /// Reference lists whose digests are allowed as well, by their names; registers that they are about are judged as those above.
    public var references: Setting<[String]>?
    /// Patterns for the kernel's command line, of which at least one must have been measured and every one must match.
    public var commandLines: Setting<[Pattern]>?
    /// Patterns for the boot loader's other texts.
    ///
    /// What tells a command from a command line is the log's word alone: a pattern that lets any command pass lets any command line pass.
    public var commands: Setting<[Pattern]>?
    /// Registers that the running system extends further, so that the log cannot explain them, and nothing in it about them counts.
    public var ignoredRegisters: Setting<Set<Int>>?
    /// Lets SHA-1 alone bind the log, for machines that have no other bank.
    public var permitsSHA1: Setting<Bool>?

    public init() {}
}
