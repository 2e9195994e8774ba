public import ArgumentParser

/// `perun`: the policy manager, and what its owners do with it.
public struct PerunCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "perun",
        abstract: "Releases keys of several owners to environments that all of them approve of.")

    public init() {}

    /// Does what the command line says, and ends the process.
    public static func launch() async { await main() }
}
