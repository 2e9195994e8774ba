import ArgumentParser
import PliniusHost

/// Where the enclave is to get the owner's key from.
struct KeyOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Listen for the owner there: host:port, [v6]:port, a port of this machine (0: any), or unix:path.",
            valueName: "address"
        )
    )
    var waitForOwner: String?

    @Option(
        help: ArgumentHelp(
            "The platform whose evidence the owner gets; what the machine offers if there is none.",
            valueName: "name"
        )
    )
    var attestation: String?

    @Option(
        help: ArgumentHelp(
            "How the TPM is reached, as tpm2-tss names it; device:/dev/tpmrm0 if there is none.",
            valueName: "tcti"
        )
    )
    var tpm: String?

    @Option(help: ArgumentHelp("For tests: the key that signs simulated evidence.", valueName: "file"))
    var attestationKey: String?

    @Option(
        help: ArgumentHelp(
            "The owner's key as a file on this machine; insecure because whoever runs the machine can read it. "
                + "Once for all data sets, or once for each, in their order.",
            valueName: "key"
        )
    )
    var insecureLocalKey: [String] = []

    /// What was asked for.
    /// - Throws: `HostError.Code.usage` if that is not one way, and one only.
    func source() throws(HostError) -> KeySource {
        switch (waitForOwner, insecureLocalKey.isEmpty) {
        case (let address?, true):
            return .owner(
                .init(address: address, platform: attestation, tpm: tpm, attestationKey: attestationKey)
            )
        case (nil, false):
            guard attestation == nil, tpm == nil, attestationKey == nil else {
                throw HostError(.usage, "--attestation, --tpm and --attestation-key go with --wait-for-owner")
            }
            return .localFiles(insecureLocalKey)
        case (nil, true):
            throw HostError(
                .usage,
                "the enclave has no way to the owner's key: give --wait-for-owner ADDRESS, and let the owner run "
                    + "plinius-owner provision. For development, where the key may lie on this machine, give "
                    + "--insecure-local-key FILE"
            )
        case (.some, false):
            throw HostError(.usage, "--wait-for-owner and --insecure-local-key exclude each other: give one of them")
        }
    }
}
