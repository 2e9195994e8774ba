import ArgumentParser
import Foundation
import Logging
import PliniusPolicyManager
import PliniusVerifier
import Synchronization

/// Runs the policy manager.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Runs the policy manager: it keeps owners' keys, and releases them as their policies say.",
        discussion: """
            The store is a folder that belongs to one process at a time; it is made when there is none. The root key, which protects all \
            others, is sealed by the platform, put together from owners' shares, or, for tests alone, lies in the folder as it is. Where \
            owners have shares, the manager is locked at each start until they have handed in enough of them by perun unlock.

            Clients pin the certificate: GET /v1/certificate shows it, and the log line at the start has its digest. SIGTERM ends the \
            manager after it has answered what it was asked.
            """)

    @Option(help: "The folder of the store.") var store: String

    @Option(help: "Where to listen: host:port or [v6]:port; port 0 takes a free one.")
    var listen: String = "127.0.0.1:8443"

    @Option(help: "How the root key is kept: platform, shares of owners, or insecure for tests alone.")
    var root: String = "platform"

    @Option(
        help: ArgumentHelp(
            "A file with an owner's share of the root key, where owners bring them here. May be repeated.",
            valueName: "file"))
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

    @Option(
        help: ArgumentHelp(
            "The key that simulated evidence is signed with, 32 bytes; for tests alone.", valueName: "file"))
    var attestationKey: String?

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
        let own = try ownIdentity()
        guard let (started, port) = try await open(address, own, limits, logger, at: now) else { return }
        let manager = started.manager
        for path in collateral { _ = try await manager.importCollateral(try Self.bytes(path)) }
        let identity = try own ?? TLSIdentity(of: manager.store, hosts: [address.host, "localhost"], at: now)
        let token = try readToken.map { try Self.text($0).trimmingCharacters(in: .whitespacesAndNewlines) }
        if let token, token.utf8.count < 16 {
            throw ValidationError("the token for reading has \(token.utf8.count) bytes: use 16 or more random ones")
        }
        if !started.isProtected {
            logger.warning("the root key lies in the folder as it is: at level test, and nowhere else")
        }
        let server = PerunServer(
            manager: manager, identity: identity, address: .init(host: address.host, port: port), limits: limits,
            token: token, logger: logger)
        try await server.run { [logger] in Self.announce("listening", address, $0, identity, logger) }
        try manager.store.close()
    }

    private static func announce(
        _ what: String, _ address: PerunServer.Address, _ port: Int, _ identity: TLSIdentity, _ logger: Logger
    ) {
        logger.notice(
            "\(what)",
            metadata: [
                "host": .string(address.host), "port": .stringConvertible(port),
                "certificate": .string(hexadecimal(identity.digest)),
            ])
    }

    /// The certificate that the operator gave; `nil` if the manager has one of its own.
    private func ownIdentity() throws -> TLSIdentity? {
        switch (tlsCertificate, tlsKey) {
        case (let certificate?, let key?):
            return try TLSIdentity(certificatePEM: try Self.text(certificate), privateKeyPEM: try Self.text(key))
        case (nil, nil): return nil
        default: throw ValidationError("--tls-certificate and --tls-key belong together")
        }
    }

    /// Opens the store, after its owners have handed in their shares where the root key is shared.
    /// - Returns: The manager, and the port to listen on; `nil` if the process was told to stop before.
    private func open(
        _ address: PerunServer.Address, _ own: TLSIdentity?, _ limits: ServerLimits, _ logger: Logger, at now: Instant
    ) async throws -> (ManagerStart.Started, port: Int)? {
        let start = try start()
        guard case .shares = start.root else { return (try start.start(at: now), address.port) }
        let locked = try LockedManager(start)
        // Whoever waits at one port for the manager to be unlocked finds it there then.
        let port = Mutex(address.port)
        if await locked.standing.missing > 0 {
            let identity = try own ?? .ephemeral(hosts: [address.host, "localhost"], at: now)
            let server = LockedServer(
                manager: locked, identity: identity, address: address, limits: limits, logger: logger)
            let isOpen = try await server.run { listening in
                port.withLock { $0 = listening }
                Self.announce("locked", address, listening, identity, logger)
            }
            guard isOpen else { return nil }
        }
        return (try await locked.open(at: Instant(seconds: Int64(Date().timeIntervalSince1970))), port.withLock { $0 })
    }

    private func start() throws -> ManagerStart {
        var start = ManagerStart(folder: store)
        switch (root, share.isEmpty) {
        case ("platform", true): start.root = .platform
        case ("insecure", true): start.root = .insecure
        case ("platform", false), ("shares", _): start.root = .shares(try share.map { try Self.text($0) })
        default: throw ValidationError("--root is \(root): give platform, shares, or insecure without shares")
        }
        start.attestation = attestation
        start.tpm = tpm
        start.attestationKey = attestationKey
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
