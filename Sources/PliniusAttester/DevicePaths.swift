/// Where the kernel and the library OS show what attests: one root apart, a directory laid out like theirs serves as well.
public struct DevicePaths: Hashable, Sendable {
    /// This machine's.
    public static let system = DevicePaths()

    /// Gramine's folder of attestation files.
    public var gramine: String
    /// The folder of configfs-tsm in which each request makes one of its own (Linux 6.7).
    public var reports: String
    /// The event log of a TD, as ACPI has it.
    public var ccel: String
    /// The device that an SNP guest asks its firmware through.
    public var snpGuest: String
    /// IMA's log, binary, with the templates' SHA-1.
    public var imaLog: String
    /// The firmware's event log.
    public var uefiLog: String
    /// How tpm2-tss reaches the TPM: the name of a TCTI and its configuration, `device:/dev/tpmrm0`.
    public var tpm: String
    /// The program that runs, whose digest a simulation reports.
    public var program: String
    /// The seed of the key that a simulation signs with, 32 bytes; a throw-away key if `nil`.
    public var simulationKey: String?

    /// All paths under a folder, the root of this machine's files if it is empty.
    public init(under root: String = "") {
        gramine = root + "/dev/attestation"
        reports = root + "/sys/kernel/config/tsm/report"
        ccel = root + "/sys/firmware/acpi/tables/data/CCEL"
        snpGuest = root + "/dev/sev-guest"
        imaLog = root + "/sys/kernel/security/ima/binary_runtime_measurements"
        uefiLog = root + "/sys/kernel/security/tpm0/binary_bios_measurements"
        tpm = "device:" + root + "/dev/tpmrm0"
        program = root + "/proc/self/exe"
    }
}
