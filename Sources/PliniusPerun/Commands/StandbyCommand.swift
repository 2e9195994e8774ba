import ArgumentParser
import PliniusPerunClient
import PliniusPolicy

/// Which managers may take over.
struct StandbyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "standby", abstract: "Names managers that may take over with a backup, or lists them.",
        subcommands: [Put.self, List.self])

    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "put", abstract: "States, in the name of an owner, that a manager may take over.",
            discussion: """
                A standby is a manager of its own, on another machine: judge it with perun trust, and give the file. It gets the root key, \
                and with it the keys of all owners: it counts once every owner has named it whose keys the manager has. To take a standby \
                back, name another in its place.
                """)

        @Argument(help: "The owner who lets it take over.") var namespace: String

        @Argument(help: "What the owner calls it.") var name: String

        @Option(help: ArgumentHelp("What perun trust wrote about the standby.", valueName: "file")) var standby: String

        @OptionGroup var signing: SigningOptions

        func run() async throws {
            try await reporting(asJSON: signing.json) {
                let trust = try ManagerOptions.believed(standby)
                guard let key = [UInt8](hexadecimal: trust.sealingKey), key.count == 32 else {
                    throw CommandError(
                        .usage, "\(standby): its sealing key is none: make the file anew with perun trust")
                }
                if trust.basis != "evidence" {
                    Output.note("warning: the standby proved nothing of where it runs (\(trust.basis))")
                }
                try await signing.state(
                    StatementDraft(
                        namespace: namespace, content: .standby(Statement.Standby(name: name, sealingKey: key))))
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Lists the managers that owners let take over.")

        @OptionGroup var manager: ManagerOptions

        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            try await reporting(asJSON: json) {
                let list = try await manager.asking { try await $0.standbys() }
                if json { return Output.print(list) }
                for standby in list.standbys {
                    let standing = standby.isSealed ? "may take over" : "waits for other owners"
                    Output.print("\(standby.name)  \(standing)  \(standby.sealingKey)")
                }
            }
        }
    }
}
