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

    @Option(
        help: ArgumentHelp(
            "Ask the policy manager of this file, which perun trust wrote, for the keys of all owners.",
            valueName: "file"
        )
    )
    var perun: String?

    @Option(
        help: ArgumentHelp(
            "With --perun: what the owner calls the data set. Once for each, in their order.",
            valueName: "owner/name"
        )
    )
    var dataAsset: [String] = []

    @Option(help: ArgumentHelp("With --perun: what its owner calls the network.", valueName: "owner/name"))
    var configAsset: String?

    @Option(help: ArgumentHelp("With --perun: what its owner calls the model.", valueName: "owner/name"))
    var modelAsset: String?

    /// What was asked for.
    /// - Throws: `HostError.Code.usage` if that is not one way, and one only.
    func source() throws(HostError) -> KeySource { try source(try errand()) }

    /// What was asked for by whoever predicts.
    /// - Parameter output: What their owner calls the results.
    /// - Throws: `HostError.Code.usage` if that is not one way, and one only, or without the results' name where it is needed.
    func source(predicting output: String?) throws(HostError) -> KeySource {
        var errand = try errand()
        guard (errand == nil) == (output == nil) else {
            throw HostError(
                .usage, "--perun and --output-asset go together: the results have an owner, and a name that it gave")
        }
        errand?.predictions = output
        return try source(errand)
    }

    private func source(_ errand: ManagerErrand?) throws(HostError) -> KeySource {
        if let errand {
            guard waitForOwner == nil, insecureLocalKey.isEmpty else {
                throw HostError(
                    .usage, "--perun, --wait-for-owner and --insecure-local-key exclude each other: give one of them")
            }
            var options = KeySource.OwnerOptions(
                address: errand.address, platform: attestation, tpm: tpm, attestationKey: attestationKey)
            options.errand = errand
            return .owner(options)
        }
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
                    + "plinius-owner provision, or --perun FILE to ask a policy manager. For development, where the key may lie on this machine, give "
                    + "--insecure-local-key FILE"
            )
        case (.some, false):
            throw HostError(.usage, "--wait-for-owner and --insecure-local-key exclude each other: give one of them")
        }
    }

    private func errand() throws(HostError) -> ManagerErrand? {
        guard let perun else {
            guard dataAsset.isEmpty, configAsset == nil, modelAsset == nil else {
                throw HostError(.usage, "--data-asset, --config-asset and --model-asset go with --perun")
            }
            return nil
        }
        guard !dataAsset.isEmpty, let configAsset, let modelAsset else {
            throw HostError(
                .usage,
                "--perun needs the names that owners gave: --data-asset for each --data, --config-asset and --model-asset"
            )
        }
        return try ManagerErrand(
            trustFile: perun, datasets: dataAsset, config: configAsset, model: modelAsset)
    }
}
