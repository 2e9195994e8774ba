import PliniusWire

/// How well a run has to be protected, and by what.
public enum SecurityLevel: String, Hashable, Sendable, CaseIterable {
    /// A trusted execution environment: SGX, TDX or SEV-SNP.
    case tee
    /// One of those, and a TPM that proves the machine below it.
    case teeAndTPM = "tee+tpm"
    /// A TPM that proves the boot and everything that was executed since, and, where the run computes on one, a GPU that proves its own
    /// firmware.
    case trustedSystem = "tpm-ima-gpu"
    /// Nothing protects; the only level at which simulated evidence counts.
    case test

    /// Alternatives of which each has to be among the kinds of evidence that a policy demands.
    var demandedKinds: [Set<Evidence.Kind>] {
        switch self {
        case .tee: [[.sgx, .tdx, .snp]]
        case .teeAndTPM: [[.sgx, .tdx, .snp, .azureVTPM], [.tpm, .azureVTPM]]
        case .trustedSystem: [[.tpm, .azureVTPM]]
        case .test: []
        }
    }
}
