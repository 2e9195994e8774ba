import ArgumentParser
import Foundation
import Logging
import PliniusPolicyManager
import PliniusVerifier

/// Runs the policy manager.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Runs the policy manager: it keeps owners' keys, and releases them as their policies say.",
        discussion: """
            The store is a folder that belongs to one process at a time; it is made when there is none. The root key, which protects all \
            others, is sealed by the platform, put together from owners' shares, or, for tests alone, lies in the folder as it is.

            Clients pin the certificate: GET /v1/certificate shows it, and the log line at the start has its digest. SIGTERM ends the \
            manager after it has answered what it was asked.
            """)

    @Option(help: "The folder of the store.") var store: String

    @Option(help: "Where to listen: host:port or [v6]:port; port 0 takes a free one.")
    var listen: String = "127.0.0.1:8443"

    @Option(help: "How the root key is kept: platform, or insecure for tests alone.")
    var root: String = "platform"

    @Option(help: ArgumentHelp("A file with an owner's share of the root key. May be repeated.", valueName: "file"))
    var share: [String] = []

    @Option(
        help: ArgumentHelp(
            "A file with the token that clients must show before anything is listed; everybody may read without.",
            valueName: "file"))
    var readToken: String?

    @Option(help: ArgumentHelp("The TLS certificate, in PEM; the manager makes its own without.", valueName: "file"))
    var tlsCertificate: String?

    @Option(help: ArgumentHelp("The key of the TLS certificate, in PEM.", valueName: "file")) var tlsKey: String?

    @Option(help: ArgumentHelp("A signed bundle of collateral to import. May be repeated.", valueName: "file"))
    var collateral: [String] = []

    @Option(
        help: ArgumentHelp(
            "Whose bundles of collateral are believed: ed25519:HEX or p256:HEX. May be repeated.", valueName: "key"))
    var collateralKey: [String] = []

    @Option(
        help: ArgumentHelp(
            "What proves where the manager runs, such as sev-snp+tpm; none for nothing. The machine decides without.",
            valueName: "name"))
    var attestation: String?

    @Option(help: ArgumentHelp("How the TPM is reached, as tpm2-tss names it.", valueName: "tcti")) var tpm: String?

    @Option(
        help: ArgumentHelp(
            "How many requests an address may go on to make in a second; six times as many after a pause.",
            valueName: "number"))
    var requestsPerSecond: Int = 20

    @Option(help: "What is logged: trace, debug, info, notice, warning or error.") var logLevel: String = "info"

    func run() async throws {
        var logger = Logger(label: "perun") { StreamLogHandler.standardError(label: $0) }
        guard let level = Logger.Level(rawValue: logLevel) else {
            throw ValidationError("--log-level is \(logLevel): give trace, debug, info, notice, warning or error")
        }
        logger.logLevel = level
        guard let address = PerunServer.Address(listen) else {
            throw ValidationError("--listen is \(listen): give host:port or [v6]:port")
        }
        guard (1...1_000_000).contains(requestsPerSecond) else {
            throw ValidationError("--requests-per-second is \(requestsPerSecond): give 1 to 1000000")
        }
        var limits = ServerLimits()
        (limits.rate, limits.burst) = (Double(requestsPerSecond), 6 * requestsPerSecond)
        let now = Instant(seconds: Int64(Date().timeIntervalSince1970))
        let started = try start().start(at: now)
        let manager = started.manager
        for path in collateral { _ = try await manager.importCollateral(try Self.bytes(path)) }
        let identity: TLSIdentity
        switch (tlsCertificate, tlsKey) {
        case (let certificate?, let key?):
            identity = try TLSIdentity(
                certificatePEM: try Self.text(certificate), privateKeyPEM: try Self.text(key))
        case (nil, nil): identity = try TLSIdentity(of: manager.store, hosts: [address.host, "localhost"], at: now)
        default: throw ValidationError("--tls-certificate and --tls-key belong together")
        }
        let token = try readToken.map { try Self.text($0).trimmingCharacters(in: .whitespacesAndNewlines) }
        if let token, token.utf8.count < 16 {
            throw ValidationError("the token for reading has \(token.utf8.count) bytes: use 16 or more random ones")
        }
        if !started.isProtected {
            logger.warning("the root key lies in the folder as it is: at level test, and nowhere else")
        }
        let server = PerunServer(
            manager: manager, identity: identity, address: address, limits: limits, token: token,
            logger: logger)
        let digest = identity.digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        try await server.run { [logger] port in
            logger.notice(
                "listening",
                metadata: [
                    "host": .string(address.host), "port": .stringConvertible(port), "certificate": .string(digest),
                ])
        }
        try manager.store.close()
    }

    private func start() throws -> ManagerStart {
        var start = ManagerStart(folder: store)
        switch (root, share.isEmpty) {
        case ("platform", true): start.root = .platform
        case ("insecure", true): start.root = .insecure
        case ("platform", false): start.root = .shares(try share.map { try Self.text($0) })
        default: throw ValidationError("--root is \(root): give platform, or insecure without shares")
        }
        start.attestation = attestation
        start.tpm = tpm
        start.options.collateralKeys = try collateralKey.map { text in
            let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
            let bytes = parts.count == 2 ? try? hexadecimal(parts[1], count: parts[1].utf8.count / 2, "key") : nil
            switch (parts.first, bytes?.count) {
            case ("ed25519", 32): return .ed25519(bytes ?? [])
            case ("p256", 64): return .p256(bytes ?? [])
            default:
                throw ValidationError(
                    "--collateral-key is \(text): give ed25519: and 32 bytes, or p256: and 64, in hexadecimal")
            }
        }
        return start
    }

    private static func bytes(_ path: String) throws -> [UInt8] {
        do { return Array(try Data(contentsOf: URL(filePath: path))) } catch {
            throw ValidationError("\(path) cannot be read: \(error.localizedDescription)")
        }
    }

    private static func text(_ path: String) throws -> String {
        guard let text = String(validating: try bytes(path), as: UTF8.self) else {
            throw ValidationError("\(path) is no text")
        }
        return text
    }
}
