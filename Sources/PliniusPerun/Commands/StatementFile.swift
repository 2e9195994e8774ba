import Foundation
import PliniusPerunClient
import PliniusPolicy
import PliniusVerifier

/// A statement on its way from whoever writes it over those who sign it to the manager: a file of JSON that any medium may carry.
struct StatementFile {
    let statement: Statement
    let canonical: [UInt8]
    let hash: StatementHash
    private(set) var signatures: [Signature] = []
    var source: String?
    var sealedKey: SealedSecret?

    init(_ statement: Statement, source: String? = nil) {
        self.statement = statement
        canonical = statement.encoded
        hash = StatementHash(of: canonical)
        self.source = source
    }

    /// Takes what a file or a manager has.
    /// - Throws: `FormatError`: the bytes are no statement, or a signature under them is none.
    init(
        canonical: [UInt8], signatures: [SignatureMessage], source: String?, sealedKey: SealedSecret? = nil
    ) throws(FormatError) {
        statement = try Statement(canonical: canonical)
        self.canonical = canonical
        hash = StatementHash(of: canonical)
        self.source = source
        self.sealedKey = sealedKey
        for message in signatures {
            guard let key = OwnerKey(message.key) else {
                throw FormatError(
                    "statement.key", expected: "ed25519: or p256: and a key", found: "\(message.key.prefix(150))")
            }
            let signature = Signature(key: key, bytes: message.signature.bytes)
            guard signature.isValid(for: hash) else {
                throw FormatError(
                    "statement.signature", expected: "a signature of \(key) under \(hash)", found: "bytes that are none"
                )
            }
            self.signatures.append(signature)
        }
    }

    /// - Throws: ``CommandError`` that names the file.
    init(file path: String) throws(CommandError) {
        let bytes = try Files.bytes(path, as: "statement")
        guard let request = try? JSONDecoder().decode(StatementRequest.self, from: Data(bytes)) else {
            throw CommandError(.usage, "\(path) is no statement: --statement-out of perun's other commands makes them")
        }
        do throws(FormatError) {
            try self.init(
                canonical: request.statement.bytes, signatures: request.signatures, source: request.source,
                sealedKey: request.sealedKey)
        } catch { throw CommandError(.refused, "\(path): the check \(error)") }
    }

    var request: StatementRequest {
        StatementRequest(
            statement: Base64(canonical),
            signatures: signatures.map {
                SignatureMessage(key: $0.key.description, signature: Base64($0.bytes))
            },
            source: source, sealedKey: sealedKey)
    }

    var encoded: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return ((try? encoder.encode(request)).map { Array($0) } ?? []) + [UInt8(ascii: "\n")]
    }

    /// Signs it with the keys that have not.
    mutating func sign(with keys: [OwnerSigningKey]) throws {
        for key in keys where !signatures.contains(where: { $0.key == key.publicKey }) {
            signatures.append(try key.sign(hash))
        }
    }

    /// What it says, for whoever is about to sign it.
    /// - Throws: `PolicyErrors` if it is a policy that cannot be read, or whose source says something else.
    func lines() throws(PolicyErrors) -> [String] {
        var lines = [
            "\(statement.kind.rawValue) of \(statement.namespace), number \(statement.sequence), written \(statement.issued)"
        ]
        if let predecessor = statement.predecessor { lines.append("  replaces \(predecessor)") }
        if let policy = try OwnerPolicy(statement, source: source) {
            lines += policy.explanation.map { "  \($0)" }
        } else {
            let members = statement.json.members ?? [:]
            let known: Set = ["type", "namespace", "sequence", "issued", "predecessor"]
            for (name, value) in members.sorted(by: { $0.key < $1.key }) where !known.contains(name) {
                lines.append("  \(name): \(value.text ?? String(decoding: value.encoded, as: UTF8.self))")
            }
        }
        lines += signatures.map { "  signed by \($0.key)" }
        return lines + ["  hash \(hash)"]
    }
}
