public import ArgumentParser

/// `perun`: the policy manager, and what its owners do with it.
public struct PerunCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "perun",
        abstract: "Releases keys of several owners to environments that all of them approve of.",
        discussion: """
            Owners sign what they say with perun's commands, each on a machine of their own; the manager holds them to it.

            Exit codes: 0 success, 1 the work failed, 2 bad usage (64 for options that cannot be read), 3 refused, 20 to 23 for a log that \
            does not verify.
            """,
        subcommands: [
            KeygenCommand.self, TrustCommand.self, NamespaceCommand.self, PolicyCommand.self, AssetCommand.self,
            PlatformCommand.self, CollateralCommand.self, StatementCommand.self, StopCommand.self, ResumeCommand.self,
            WithdrawCommand.self, LeasesCommand.self, AuditCommand.self, ServeCommand.self, RootCommand.self,
            UnlockCommand.self, StandbyCommand.self, BackupCommand.self, RestoreCommand.self,
        ])

    public init() {}

    /// Does what the command line says, and ends the process.
    public static func launch() async { await main() }
}
