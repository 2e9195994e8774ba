import ArgumentParser
import Foundation
import PliniusPerunClient
import PliniusPolicy
import PliniusVerifier

/// Owners' policies: writing, understanding, agreeing to them.
struct PolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Writes, compares, tries out and signs owners' policies.",
        subcommands: [
            Lint.self, Explain.self, Diff.self, SimulateCommand.self, LearnCommand.self, Put.self, ApproveCommand.self,
            VetoCommand.self, Show.self, List.self, Pending.self,
        ])

    struct Lint: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "lint", abstract: "Reads a policy file, and warns of what its owner should have meant.",
            discussion: "Exit codes: 0 a policy, with or without warnings, 2 none, 3 warnings with --strict.")

        @Argument(help: "The policy file.") var file: String

        @Flag(help: "Refuse a policy with warnings.") var strict = false

        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            try await reporting(asJSON: json) {
                let policy = try OwnerPolicy(file: file)
                let warnings = policy.warnings
                if json {
                    Output.print(
                        Report(
                            policy: policy.name.value.description, digest: policy.digest.hexadecimal,
                            warnings: warnings.map {
                                Report.Warning(check: $0.check, place: $0.line.description, text: $0.text)
                            }))
                } else {
                    warnings.forEach { Output.print("\(file): \($0)") }
                    Output.print("\(file): \(policy.name.value), \(policy.digest.hexadecimal)")
                }
                guard !strict || warnings.isEmpty else {
                    throw CommandError(.refused, "\(file) has \(warnings.count) warnings")
                }
            }
        }

        private struct Report: Encodable {
            let policy: String
            let digest: String
            let warnings: [Warning]

            struct Warning: Encodable {
                let check: String
                let place: String
                let text: String
            }
        }
    }

    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "explain", abstract: "Says in sentences what a policy permits.")

        @Argument(help: "A policy file, or the name of a policy that the manager has.") var policy: String

        @OptionGroup var manager: ManagerOptions

        func run() async throws {
            try await reporting {
                for line in try await OwnerPolicy.named(policy, manager).explanation { Output.print(line) }
            }
        }
    }

    struct Diff: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "diff", abstract: "Says what changes from one version of a policy to another.",
            discussion: "With one argument, the other version is the one that counts at the manager.")

        @Argument(help: "Two policy files, or one, or the name of a policy that the manager has.")
        var versions: [String]

        @OptionGroup var manager: ManagerOptions

        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            try await reporting(asJSON: json) {
                guard let last = versions.last, versions.count <= 2 else {
                    throw CommandError(.usage, "give one policy, or two")
                }
                let new = try await OwnerPolicy.named(last, manager)
                let old = try await OwnerPolicy.named(
                    versions.count == 2 ? versions[0] : new.name.value.description, manager)
                let difference = PolicyDifference(from: old, to: new)
                if json {
                    let report: CanonicalJSON = [
                        "from": .string(old.digest.hexadecimal), "to": .string(new.digest.hexadecimal),
                        "changes": difference.json,
                        "warnings": .array(difference.warnings.map { .string($0.description) }),
                    ]
                    Output.print(String(decoding: report.encoded, as: UTF8.self))
                } else {
                    Output.print(difference.isEmpty ? "no difference" : difference.text)
                }
            }
        }
    }

    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "put", abstract: "Signs a policy, and hands it to the manager.",
            discussion: """
                Before it is signed, standard error shows what it permits, what changes, and the hash that the others of the board agree \
                to. What is signed is the file's content in canonical form, with the files that it names; the file itself goes along \
                for showing.
                """)

        @Argument(help: "The policy file.") var file: String

        @OptionGroup var signing: SigningOptions

        func run() async throws {
            try await reporting(asJSON: signing.json) {
                let policy = try OwnerPolicy(file: file)
                let name = policy.name.value
                let draft = StatementDraft(
                    namespace: name.namespace, content: .policy(name: name.name, document: policy.document),
                    source: try Files.text(file, as: "policy"))
                try await signing.state(draft) { present in
                    guard let present, let old = try OwnerPolicy(present) else { return [] }
                    let difference = PolicyDifference(from: old, to: policy)
                    return ["changes:"]
                        + (difference.isEmpty ? ["none"] : difference.text.split(separator: "\n").map(String.init))
                        .map { "  \($0)" }
                }
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Prints a policy that counts, as it was written.")

        @Argument(help: "The policy, such as hospital-a/training.", transform: scopedName) var policy: ScopedName

        @OptionGroup var manager: ManagerOptions

        @Flag(help: "Print what was signed, in canonical form.") var canonical = false

        func run() async throws {
            try await reporting {
                let file = try await manager.asking { try await StatementFile(asking: $0, forPolicy: policy) }
                // A source that says something else than what was signed is refused here.
                guard let read = try OwnerPolicy(file.statement, source: file.source) else {
                    throw CommandError(.refused, "the manager answered with a statement that is no policy")
                }
                Output.note("\(policy): statement \(file.hash)")
                if !canonical, let source = file.source { return Output.print(source) }
                Output.print(String(decoding: read.document.encoded, as: UTF8.self))
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists policies that count.")

        @OptionGroup var manager: ManagerOptions

        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            try await reporting(asJSON: json) {
                let list = try await manager.asking { try await $0.policies() }
                if json { return Output.print(list) }
                for entry in list.policies {
                    Output.print("\(entry.name)  version \(entry.version)  \(entry.statement)")
                }
            }
        }
    }

    struct Pending: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "pending", abstract: "Lists statements that wait for signatures or for their time.")

        @OptionGroup var manager: ManagerOptions

        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            try await reporting(asJSON: json) {
                let list = try await manager.asking { try await $0.pending() }
                if json { return Output.print(list) }
                for line in list.statements.flatMap(\.lines) { Output.print(line) }
            }
        }
    }
}

extension OwnerPolicy {
    /// Reads a policy file; the files that it names lie beside it.
    init(file path: String) throws {
        let text = try Files.text(path, as: "policy")
        try self.init(yaml: text, file: path) { try Files.beside(path, $0) }
    }

    /// Reads a file, or what counts at the manager if the text names no file and can be a policy's name.
    static func named(_ text: String, _ manager: ManagerOptions) async throws -> OwnerPolicy {
        guard !FileManager.default.fileExists(atPath: text), let name = ScopedName(text), manager.trust != nil else {
            return try OwnerPolicy(file: text)
        }
        let file = try await manager.asking { try await StatementFile(asking: $0, forPolicy: name) }
        guard let policy = try OwnerPolicy(file.statement, source: file.source), policy.name.value == name else {
            throw CommandError(.refused, "the manager answered with a statement that is not about \(name)")
        }
        return policy
    }
}

extension StatementFile {
    /// Fetches the statement that counts for a policy.
    init(asking client: PerunClient, forPolicy name: ScopedName) async throws {
        let answer = try await client.policy(name.description)
        try self.init(canonical: answer.statement.bytes, signatures: answer.signatures, source: answer.source)
    }
}
