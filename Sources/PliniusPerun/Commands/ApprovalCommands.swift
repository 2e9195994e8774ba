import ArgumentParser
import PliniusPerunClient
import PliniusPolicy

/// Agrees to a statement.
struct ApproveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve", abstract: "Shows a statement that waits, and agrees to it.",
        discussion:
            "The hash is all that is agreed to: compare it with the one that you were told, or read what is shown.")

    @Argument(help: "The statement's hash.") var hash: String

    @OptionGroup var signing: SigningOptions

    func run() async throws {
        try await reporting(asJSON: signing.json) { try await signing.answer(hash) { .approval(subject: $0) } }
    }
}

/// Refuses a statement.
struct VetoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "veto", abstract: "Refuses a statement that waits, if the key may object to it.")

    @Argument(help: "The statement's hash.") var hash: String

    @OptionGroup var signing: SigningOptions

    func run() async throws {
        try await reporting(asJSON: signing.json) { try await signing.answer(hash) { .veto(subject: $0) } }
    }
}

extension SigningOptions {
    /// States something about another statement, which the manager has.
    fileprivate func answer(_ text: String, _ content: (StatementHash) -> Statement.Content) async throws {
        guard let hash = StatementHash(text) else {
            throw CommandError(.usage, "\"\(text)\" is no hash of a statement: give 64 digits")
        }
        let (subject, old) = try await manager.asking { client in
            let subject = try await StatementFile(asking: client, for: hash)
            guard let predecessor = subject.statement.predecessor else { return (subject, Statement?.none) }
            return (subject, try await StatementFile(asking: client, for: predecessor).statement)
        }
        try await state(
            StatementDraft(namespace: subject.statement.namespace, content: content(hash), replaces: false)
        ) { _ in
            var lines = ["about:"] + (try subject.lines()).map { "  \($0)" }
            if let new = try OwnerPolicy(subject.statement, source: subject.source), let old,
                let present = try OwnerPolicy(old)
            {
                let difference = PolicyDifference(from: present, to: new)
                lines += ["changes:"] + difference.text.split(separator: "\n").map { "  \($0)" }
            }
            return lines
        }
    }
}
