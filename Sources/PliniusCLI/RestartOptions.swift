import ArgumentParser
import PliniusHost

/// What a restart without the owner needs.
struct RestartOptions: ParsableArguments {
    @Flag(help: "Keep the owner's key for restarts beside the pool, sealed to the enclave, if the owner permits it.")
    var keepKey = false

    @Option(
        help: ArgumentHelp(
            "An approval of other values of the TPM's registers, by plinius-owner approve; may be given several times.",
            valueName: "file"
        )
    )
    var approval: [String] = []

    @Option(
        help: ArgumentHelp(
            "Have the TPM count the starts of the run there (0x01800000 to 0x01BFFFFF, for this run alone): an older pool is refused.",
            valueName: "index"
        )
    )
    var trustedCounter: String?

    /// Adds the options to those of a key that comes from its owner.
    /// - Throws: `HostError.Code.usage` if they do not go together.
    func apply(to source: KeySource) throws(HostError) -> KeySource {
        guard keepKey || !approval.isEmpty || trustedCounter != nil else { return source }
        guard case .owner(var options) = source else {
            throw HostError(.usage, "--keep-key, --approval and --trusted-counter go with --wait-for-owner")
        }
        guard keepKey || approval.isEmpty else {
            throw HostError(.usage, "--approval goes with --keep-key: it is for a key that was kept")
        }
        options.keepsKey = keepKey
        options.approvals = approval
        options.counter = try index()
        return .owner(options)
    }

    private func index() throws(HostError) -> UInt32? {
        guard let text = trustedCounter else { return nil }
        let index = text.hasPrefix("0x") ? UInt32(text.dropFirst(2), radix: 16) : UInt32(text)
        guard let index, (0x0180_0000...0x01BF_FFFF).contains(index) else {
            throw HostError(
                .usage, "--trusted-counter is \(text): an index from 0x01800000 to 0x01BFFFFF is expected")
        }
        return index
    }
}
