public import ArgumentParser

/// The owner's program: keys, sealed data and exported models, on a machine that the owner trusts.
public struct OwnerCommand: ParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "plinius-owner",
        abstract: "Seals data for training on a machine that may not read it, and opens what comes back.",
        discussion: """
            Runs where the key is: never on the training host.

            Exit codes: 0 success, 1 the work failed, 2 bad usage (64 for options that cannot be read), 3 integrity refused, \
            4 recovery impossible.
            """,
        subcommands: [
            KeygenCommand.self, SealCommand.self, InspectCommand.self, VerifyCommand.self, ExportCommand.self,
            ImportCommand.self, OpenCommand.self, ProvisionCommand.self, ApproveCommand.self, EvidenceCommand.self,
            CollateralCommand.self, ConfigCommand.self, ModelCommand.self,
        ])

    public init() {}

    /// Runs the program with the arguments of the process.
    public static func launch() {
        main()
    }
}
