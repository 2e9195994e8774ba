import ArgumentParser
import PliniusPerunClient
import PliniusPolicy
import PliniusVerifier

/// What becomes of a statement: who signs it, and where it goes.
struct SigningOptions: ParsableArguments {
    @OptionGroup var manager: ManagerOptions

    @Option(help: ArgumentHelp("A key to sign with. May be repeated.", valueName: "file")) var key: [String] = []

    @Option(
        help: ArgumentHelp(
            "Write the statement to this file instead of posting it: perun statement sign and perun statement post go on from there.",
            valueName: "file"))
    var statementOut: String?

    @Option(
        help: ArgumentHelp(
            "The hash of the statement that this one replaces; the manager is asked if there is none.",
            valueName: "hash"))
    var predecessor: String?

    @Option(help: ArgumentHelp("The number of the statement, with --predecessor.", valueName: "n"))
    var sequence: Int64?

    @Flag(help: "Print one JSON object.") var json = false
}

/// What a command needs to say of its statement.
struct StatementDraft {
    var namespace: String
    var content: Statement.Content
    var source: String?
    /// The secret that goes with it, 32 bytes.
    var secret: [UInt8]?
    /// Whether to say what the statement replaces; the newest about its subject is looked for.
    var replaces = true
}

extension SigningOptions {
    /// Writes a statement, shows it, signs it, and posts it or keeps it in a file.
    /// - Parameter show: Says more of it before it is signed, given what it replaces.
    /// - Throws: What ``CommandError`` sorts.
    func state(_ draft: StatementDraft, show: (Statement?) throws -> [String] = { _ in [] }) async throws {
        let keys = try key.map { path throws(CommandError) in try OwnerSigningKey(file: path) }
        guard !keys.isEmpty || statementOut != nil else {
            throw CommandError(.usage, "give --key to sign and post, or --statement-out to have it signed elsewhere")
        }
        let present = try await present(draft)
        var statement = Statement(namespace: draft.namespace, issued: .system, draft.content)
        if let present {
            statement.predecessor = present.hash
            statement.sequence = present.sequence + 1
        }
        // What nobody would read is not signed either.
        do throws(FormatError) { _ = try Statement(canonical: statement.encoded) } catch {
            throw CommandError(.usage, "this cannot be stated: \(error)")
        }
        var file = StatementFile(statement, source: draft.source)
        if let secret = draft.secret {
            file.sealedKey = try SealedSecret(secret, for: manager.believed(), with: file.hash)
        }
        for line in try file.lines() + show(present?.statement) { Output.note(line) }
        try file.sign(with: keys)
        if let statementOut {
            try Files.create(statementOut, file.encoded)
            if json {
                Output.print(KeptStatement(file: statementOut, hash: file.hash.description))
            } else {
                Output.print(file.hash.description)
            }
            return
        }
        let request = file.request
        let standing = try await manager.asking { try await $0.submit(request) }
        if json { Output.print(standing) } else { standing.lines.forEach { Output.print($0) } }
    }

    private struct KeptStatement: Encodable {
        let file: String
        let hash: String
    }

    /// The newest statement about a subject, as far as it is known.
    private struct Present {
        let hash: StatementHash
        let sequence: Int64
        let statement: Statement?
    }

    private func present(_ draft: StatementDraft) async throws -> Present? {
        guard draft.replaces else { return nil }
        if let predecessor, let sequence {
            guard let hash = StatementHash(predecessor), (1..<Int64.max).contains(sequence) else {
                throw CommandError(
                    .usage, "--predecessor is a hash of 64 digits, --sequence the number of the new statement")
            }
            return Present(hash: hash, sequence: sequence - 1, statement: nil)
        }
        guard sequence == nil else { throw CommandError(.usage, "--sequence goes with --predecessor") }
        // Without a manager, it is the first: whoever has another will refuse it.
        if manager.trust == nil, predecessor == nil { return nil }
        let subject = Statement(namespace: draft.namespace, issued: .system, draft.content).subject
        return try await manager.asking { client in
            var text = predecessor
            if text == nil {
                switch subject {
                case .namespace:
                    text = try await client.namespaces().namespaces.first { $0.name == draft.namespace }?.statement
                case .policy(let name):
                    text = try await client.policies().policies.first { $0.name == "\(draft.namespace)/\(name)" }?
                        .statement
                case .asset(let name):
                    text = try await client.assets().assets.first { $0.name == "\(draft.namespace)/\(name)" }?
                        .statement
                case .standby(let name):
                    text = try await client.standbys().standbys.first { $0.name == "\(draft.namespace)/\(name)" }?
                        .statement
                case .platform, nil: return nil
                }
            }
            guard let text else { return nil }
            guard let hash = StatementHash(text) else {
                throw CommandError(.usage, "\(text) is no hash of a statement: give 64 digits")
            }
            let file = try await StatementFile(asking: client, for: hash)
            return Present(hash: hash, sequence: file.statement.sequence, statement: file.statement)
        }
    }
}

extension StatementFile {
    /// Fetches a statement, and believes the manager nothing that its hash and its signatures do not prove.
    init(asking client: PerunClient, for hash: StatementHash) async throws {
        let answer = try await client.statement(hash.description)
        try self.init(canonical: answer.statement.bytes, signatures: answer.signatures, source: answer.source)
        guard self.hash == hash else {
            throw CommandError(
                .refused,
                "the check statement.hash failed: expected \(hash), found \(self.hash), as the manager sent it")
        }
    }
}
