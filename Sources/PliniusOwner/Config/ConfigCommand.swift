import ArgumentParser

/// What an owner asks about a network before it is trained.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Checks configurations of networks; takes no key.",
        subcommands: [ConfigCheckCommand.self])
}
