import ArgumentParser
import Crypto
import PliniusPolicy

/// Makes the key of somebody who speaks for an owner.
struct KeygenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen",
        abstract: "Makes the key that an owner's statements are signed with, or shows the public half of one.",
        discussion: """
            The file is PKCS #8 in PEM, for your eyes only; keys that openssl genpkey made are taken, too. The public half, which is \
            printed, is what boards and policies name.
            """)

    @Option(help: ArgumentHelp("The file to make; an existing one is never overwritten.", valueName: "file"))
    var out: String?

    @Option(help: ArgumentHelp("Print the public half of the key in this file instead.", valueName: "file"))
    var show: String?

    @Option(help: "ed25519 or p256.", transform: keyKind) var kind: OwnerKey.Kind = .ed25519

    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        try await reporting(asJSON: json) {
            let key: OwnerSigningKey
            switch (out, show) {
            case (let out?, nil):
                key = kind == .ed25519 ? OwnerSigningKey() : .p256(P256.Signing.PrivateKey())
                try Files.create(out, Array(key.pem.utf8))
            case (nil, let path?): key = try OwnerSigningKey(file: path)
            default: throw CommandError(.usage, "give either --out, to make a key, or --show, to look at one")
            }
            let id = key.publicKey.id.hexadecimal
            if json {
                Output.print(KeyReport(key: key.publicKey.description, id: id))
            } else {
                Output.print(key.publicKey.description)
            }
        }
    }

    private struct KeyReport: Encodable {
        let key: String
        let id: String
    }
}

extension OwnerSigningKey {
    /// - Throws: ``CommandError`` that names the file, and tells nothing of what is in it.
    init(file path: String) throws(CommandError) {
        let text = try Files.text(path, as: "signing key")
        do throws(FormatError) { try self.init(pem: text) } catch {
            throw CommandError(.usage, "\(path): expected \(error.expected), found \(error.found)")
        }
    }
}

extension [UInt8] {
    /// Two digits for each byte.
    var hexadecimal: String { map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }

    /// Reads pairs of hexadecimal digits.
    init?(hexadecimal text: String) {
        let digits = text.compactMap(\.hexDigitValue)
        guard digits.count == text.count, digits.count.isMultiple(of: 2) else { return nil }
        self = stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
