public import PliniusWire

/// Evidence that passed every check of one policy for one challenge: what keys are released to.
///
/// It comes out of ``UnverifiedEvidence/verdict(under:for:in:)`` and from nowhere else.
public struct VerifiedEvidence: Sendable {
    /// What the evidence binds: the key that secrets are sealed to, and what they are for.
    public let runtimeData: RuntimeData
    /// What each platform said.
    public let claims: [Evidence.Kind: any PlatformClaims]

    /// How the policy lets the enclave keep a key; `nil` if it does not.
    public let restart: GrantTerms.Restart?

    init(
        runtimeData: RuntimeData, claims: [Evidence.Kind: any PlatformClaims], restart: GrantTerms.Restart?
    ) {
        self.runtimeData = runtimeData
        self.claims = claims
        // No other purpose goes on in another process.
        self.restart = runtimeData.purpose == .train ? restart : nil
    }
}

extension VerifiedEvidence {
    /// What it proves of the machine: the identifiers of AMD's chips that no host hides and of Intel's platforms, and the names of the TPM's
    /// keys that the hardware vouches for; where there are none of these, the names of the TPM's keys that quoted.
    ///
    /// A TPM beside a chip that is named says nothing of where the chip is: it may have been asked over a wire.
    public var platformIdentities: Set<[UInt8]> { Self.platformIdentities(of: claims.values) }

    package static func platformIdentities(of claims: some Sequence<any PlatformClaims>) -> Set<[UInt8]> {
        var hardware: Set<[UInt8]> = []
        var quoted: Set<[UInt8]> = []
        for claims in claims {
            let azure = claims as? AzureVTPMClaims
            if let name = azure?.tpm.akName { hardware.insert(name) }
            if let name = (claims as? TPMClaims)?.akName { quoted.insert(name) }
            let chip: any PlatformClaims = azure?.hardware ?? claims
            let id = (chip as? SNPClaims)?.chipID ?? (chip as? SGXClaims)?.tcb.ppid ?? (chip as? TDXClaims)?.tcb.ppid
            if let id, id.contains(where: { $0 != 0 }) { hardware.insert(id) }
        }
        return hardware.isEmpty ? quoted : hardware
    }
}
