import Foundation
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
public import Logging
import NIOCore
import NIOHTTP1
import NIOSSL
public import PliniusPolicyManager
import ServiceLifecycle
import UnixSignals

/// The policy manager on the network: HTTPS with TLS 1.3, and nothing older.
public struct PerunServer: Sendable {
    /// Where it listens.
    public struct Address: Hashable, Sendable {
        public var host: String
        /// 0 for a free one.
        public var port: Int

        public init(host: String, port: Int) {
            self.host = host
            self.port = port
        }

        /// Reads `host:port` or `[v6]:port`.
        /// - Returns: `nil` if that is something else.
        public init?(_ text: String) {
            guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
                return nil
            }
            var host = String(text[..<colon])
            if host.hasPrefix("["), host.hasSuffix("]") {
                host = String(host.dropFirst().dropLast())
            } else if host.contains(":") {
                return nil
            }
            guard !host.isEmpty else { return nil }
            self.init(host: host, port: Int(port))
        }
    }

    private let manager: PolicyManager
    private let identity: TLSIdentity
    private let address: Address
    private let limits: ServerLimits
    private let token: String?
    private let logger: Logger

    /// - Parameters:
    ///   - identity: The certificate that it shows, and its key.
    ///   - token: What has to be told before anything is listed; `nil` if everybody may read.
    public init(
        manager: PolicyManager, identity: TLSIdentity, address: Address, limits: ServerLimits = ServerLimits(),
        token: String? = nil, logger: Logger
    ) {
        self.manager = manager
        self.identity = identity
        self.address = address
        self.limits = limits
        self.token = token
        self.logger = logger
    }

    /// Listens until the process is told to stop by SIGTERM or SIGINT, then finishes what it has begun.
    /// - Parameters:
    ///   - signals: Whether signals end it; without, cancelling the task does.
    ///   - isListening: Told the port as soon as there is one.
    /// - Throws: if nothing can listen there, or the certificate is none.
    public func run(
        signals: Bool = true, isListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) async throws {
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(identity.certificatePEM.utf8)).map {
                .certificate($0)
            },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(identity.privateKeyPEM.utf8), format: .pem)))
        tls.minimumTLSVersion = .tlsv13
        tls.applicationProtocols = ["http/1.1"]
        // The server's own limit answers with a problem; the parser's, twice as much, ends the connection.
        let decoder = HTTP1Channel.Configuration.DecoderConfiguration(
            maxHeaderFieldSize: 2 * limits.headers, maxHeaderListSize: 2 * limits.headers, maxHeaderFieldCount: 200)
        let channel = HTTP1Channel.Configuration(
            idleTimeout: .seconds(limits.idleSeconds), httpDecoderConfiguration: decoder)
        let application = Application(
            responder: Responder(routes: Self.routes(of: manager, identity), limits: limits, token: token),
            server: try .tls(.http1(configuration: channel), tlsConfiguration: tls),
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port), serverName: nil,
                availableConnectionsDelegate: .maximum(limits.connections, logger: logger)),
            onServerRunning: { channel in await isListening(channel.localAddress?.port ?? 0) },
            logger: logger)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [application], gracefulShutdownSignals: signals ? [.sigterm, .sigint] : [], logger: logger))
        try await group.run()
    }

    /// What can be asked: method and path of each route.
    public var operations: [(method: String, path: String)] {
        Self.routes(of: manager, identity).map { ($0.method.rawValue, $0.path) }
    }
}
