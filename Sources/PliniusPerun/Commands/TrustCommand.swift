import ArgumentParser
import Crypto
import Foundation
import PliniusPerunClient
import PliniusPolicyManager
import PliniusVerifier
import PliniusWire

/// Finds out whether a manager is to be believed, and remembers what it is known by.
struct TrustCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trust",
        abstract: "Judges a policy manager, and writes down the keys by which all other commands know it.",
        discussion: """
            With --policy, a policy as docs/attestation-policy.md describes it, the manager proves where it runs: its evidence binds its \
            TLS certificate, the key that secrets are sealed to, and the key that signs the audit log. With --certificate-digest the \
            manager's operator says on another way what the certificate's SHA-256 is; it is in the manager's log. With --first-use \
            whoever answers is believed: for tests alone.

            Exit codes: 0 believed, 1 no answer, 2 bad usage, 3 refused.
            """)

    @Option(help: "Where the manager is: host:port or [v6]:port.") var manager: String

    @Option(help: ArgumentHelp("The file to write; all other commands take it as --trust.", valueName: "file"))
    var out: String

    @OptionGroup var judging: JudgingOptions

    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        try await reporting(asJSON: json) {
            guard try judging.isGiven() else {
                throw CommandError(.usage, "give one of --policy, --certificate-digest and --first-use")
            }
            let claimed = try await PerunClient.claimedCertificate(of: manager)
            let digest = Array(SHA256.hash(data: claimed.der))
            try judging.check(certificate: digest)
            let challenge = try judging.challenge()
            // From here on another certificate ends the connection.
            let answer = try await PerunClient(address: manager, certificate: claimed.pem).closing { client in
                try await client.attestation(nonce: challenge.challenge.nonce.hexadecimal)
            }
            try check(answer, digest, challenge)
            let trust = ManagerTrust(
                address: manager, certificate: claimed.pem, sealingKey: answer.sealingKey, auditKey: answer.auditKey,
                basis: judging.basis)
            try Files.create(out, trust.json)
            if json { Output.print(trust) } else { Output.print("\(out): the manager at \(manager) is believed") }
            if judging.firstUse { Output.note("warning: nothing proves who answered; this is for tests alone") }
            if !answer.isProtected { Output.note("warning: the manager proves nothing of where it runs") }
        }
    }

    /// Holds what the manager says of itself against the certificate, and its evidence against the policy.
    private func check(_ answer: SelfAttestation, _ digest: [UInt8], _ challenge: IssuedChallenge) throws {
        guard answer.certificate == digest.hexadecimal else {
            throw CommandError(
                .refused,
                "the check trust.certificate failed: the manager says \(answer.certificate), found \(digest.hexadecimal)"
            )
        }
        guard let sealingKey = [UInt8](hexadecimal: answer.sealingKey), sealingKey.count == 32,
            let auditKey = [UInt8](hexadecimal: answer.auditKey), auditKey.count == 32
        else { throw CommandError(.refused, "the check trust.keys failed: expected two keys of 32 bytes") }
        try judging.check(
            answer.evidence, for: challenge, sealingKey: sealingKey,
            identity: PolicyManager.identityDigest(certificate: digest, auditKey: auditKey), run: "perun/1/service")
    }
}

extension Instant {
    /// The system's time.
    static var system: Instant { Instant(seconds: Int64(Date().timeIntervalSince1970.rounded(.down))) }

    /// A time in the format of ISO 8601; the system's for `nil`.
    /// - Throws: ``CommandError`` if it is none.
    static func option(_ text: String?) throws(CommandError) -> Instant {
        guard let text else { return .system }
        guard let date = try? Date(text, strategy: .iso8601) else {
            throw CommandError(.usage, "--now is \"\(text)\": give a time such as 2025-07-01T00:00:00Z")
        }
        return Instant(seconds: Int64(date.timeIntervalSince1970.rounded(.down)))
    }
}

extension Policy {
    /// Reads a policy about surroundings; the files that it names lie beside it.
    /// - Throws: ``CommandError`` with everything that is wrong with it.
    init(file path: String) throws(CommandError) {
        let text = try Files.text(path, as: "policy")
        do throws(PolicyErrors) {
            try self.init(yaml: text, file: path) { try Files.beside(path, $0) }
        } catch {
            throw CommandError(.usage, "the policy is refused:\n\(error)")
        }
    }
}

extension Files {
    /// A file that another one names, beside it.
    static func beside(_ path: String, _ name: String) throws(CommandError) -> [UInt8] {
        try bytes(
            URL(filePath: name, relativeTo: URL(filePath: path).deletingLastPathComponent()).path, as: "file")
    }
}
