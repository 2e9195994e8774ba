import ArgumentParser
import PliniusPerunClient
import PliniusPolicy

/// Statements in files: signing where no network is.
struct StatementCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "statement",
        abstract: "Shows, signs and posts statements that lie in files.",
        discussion: """
            Every command that states something takes --statement-out. The file goes to whoever has a key, on a machine without a \
            network if need be, and comes back with one more signature; the last one posts it.
            """,
        subcommands: [Show.self, Sign.self, Post.self])

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Shows what a statement says, and who has signed it.")

        @Argument(help: "The statement's file.") var file: String

        func run() async throws {
            try await reporting {
                for line in try StatementFile(file: file).lines() { Output.print(line) }
            }
        }
    }

    struct Sign: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "sign", abstract: "Shows a statement, and puts signatures under it; no network is used.")

        @Argument(help: "The statement's file.") var file: String

        @Option(help: ArgumentHelp("A key to sign with. May be repeated.", valueName: "file")) var key: [String]

        @Option(help: ArgumentHelp("Sign only if the statement has this hash.", valueName: "hash")) var hash: String?

        @Option(help: ArgumentHelp("Write there, instead of in place of the file.", valueName: "file"))
        var out: String?

        func run() async throws {
            try await reporting {
                var statement = try StatementFile(file: file)
                if let hash, hash.lowercased() != statement.hash.description {
                    throw CommandError(
                        .refused, "the check statement.hash failed: expected \(hash), found \(statement.hash)")
                }
                for line in try statement.lines() { Output.note(line) }
                try statement.sign(with: key.map { path throws(CommandError) in try OwnerSigningKey(file: path) })
                try Files.create(out ?? file, statement.encoded, replacing: out == nil)
                Output.print(statement.hash.description)
            }
        }
    }

    struct Post: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "post", abstract: "Hands a signed statement to the manager.")

        @Argument(help: "The statement's file.") var file: String

        @OptionGroup var manager: ManagerOptions

        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            try await reporting(asJSON: json) {
                let request = try StatementFile(file: file).request
                guard !request.signatures.isEmpty else {
                    throw CommandError(.usage, "nobody has signed \(file): use perun statement sign")
                }
                let standing = try await manager.asking { try await $0.submit(request) }
                if json { Output.print(standing) } else { standing.lines.forEach { Output.print($0) } }
            }
        }
    }
}
