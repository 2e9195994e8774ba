import ArgumentParser
import PliniusHost

/// Where the enclave is to get the owner's key from.
struct KeyOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The owner's key as a file on this machine; insecure because whoever runs the machine can read it.",
            valueName: "key"
        )
    )
    var insecureLocalKey: String?

    /// The path that was given.
    /// - Throws: `HostError.Code.usage` if there is none: a secure way does not exist yet.
    func required() throws(HostError) -> String {
        guard let insecureLocalKey else {
            throw HostError(
                .usage,
                "the enclave has no way to the owner's key: keys that are released to an attested enclave only are not "
                    + "there yet. For development, where the key may lie on this machine, give --insecure-local-key FILE"
            )
        }
        return insecureLocalKey
    }
}
