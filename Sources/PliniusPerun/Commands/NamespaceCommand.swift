import ArgumentParser
import PliniusPerunClient
import PliniusPolicy

/// Who speaks for an owner.
struct NamespaceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "namespace", abstract: "States who speaks for an owner, or lists owners.",
        subcommands: [Put.self, List.self])

    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "put", abstract: "States whose signatures count for an owner from now on.",
            discussion: """
                The first statement about an owner is signed by every key that it names; later ones by those who speak for the owner \
                until then. Every named key can stop what the owner's assets take part in, alone and at once.
                """)

        @Argument(help: "The owner's name: a-z, 0-9, -, _ and dots.") var name: String

        @Option(
            help: ArgumentHelp("A public key that belongs to the board. May be repeated.", valueName: "key"),
            transform: ownerKey)
        var member: [OwnerKey] = []

        @Option(help: ArgumentHelp("How many of the members have to agree; all without.", valueName: "n"))
        var atLeast: Int?

        @Option(
            help: ArgumentHelp("A key that can stop a statement until it counts. May be repeated.", valueName: "key"),
            transform: ownerKey)
        var veto: [OwnerKey] = []

        @Option(help: ArgumentHelp("How long statements wait for a veto, in seconds.", valueName: "s"))
        var timeLock: Int64 = 0

        @Option(
            help: ArgumentHelp(
                "A board of other rules, instead of members: canonical JSON as docs/owner-policy.md has it.",
                valueName: "file"))
        var board: String?

        @OptionGroup var signing: SigningOptions

        func run() async throws {
            try await reporting(asJSON: signing.json) {
                guard ScopedName.isName(name) else {
                    throw CommandError(.usage, "\"\(name)\" is no name: use a-z, 0-9, -, _ and dots, 64 at most")
                }
                let board = try readBoard()
                let namespace = Statement.Namespace(board: board, keys: board.keys.union(board.veto))
                try await signing.state(StatementDraft(namespace: name, content: .namespace(namespace)))
            }
        }

        private func readBoard() throws -> Board {
            guard let board else {
                guard !member.isEmpty else { throw CommandError(.usage, "give --member for every key, or --board") }
                let rules = member.map { Board.Rule.key($0) }
                do throws(FormatError) {
                    return try Board(
                        atLeast.map { .atLeast($0, of: rules) } ?? (rules.count == 1 ? rules[0] : .allOf(rules)),
                        veto: Set(veto), timeLock: timeLock)
                } catch { throw CommandError(.usage, "the board is refused: \(error)") }
            }
            guard member.isEmpty, veto.isEmpty, atLeast == nil, timeLock == 0 else {
                throw CommandError(
                    .usage, "--board says all of it: leave --member, --at-least, --veto, --time-lock out")
            }
            var bytes = try Files.bytes(board, as: "board")
            if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
            do throws(FormatError) { return try Board(try CanonicalJSON(canonical: bytes)) } catch {
                throw CommandError(.usage, "\(board): \(error)")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists owners.")

        @OptionGroup var manager: ManagerOptions

        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            try await reporting(asJSON: json) {
                let list = try await manager.asking { try await $0.namespaces() }
                if json { return Output.print(list) }
                for entry in list.namespaces {
                    Output.print("\(entry.name)  version \(entry.version)  \(entry.statement)")
                }
            }
        }
    }
}
