import Foundation
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL
import PliniusPolicyManager
import ServiceLifecycle
import UnixSignals

/// A port on which a responder answers: HTTPS with TLS 1.3, and nothing older.
struct HTTPSListener {
    let responder: Responder
    let identity: TLSIdentity
    let address: PerunServer.Address
    let logger: Logger

    /// Listens until the process is told to stop by SIGTERM or SIGINT, or the companion is done, then finishes what it has begun.
    /// - Parameters:
    ///   - signals: Whether signals end it; without, cancelling the task does.
    ///   - companion: What goes on beside.
    ///   - isListening: Told the port as soon as there is one.
    /// - Throws: if nothing can listen there, or the certificate is none.
    func run(
        signals: Bool, beside companion: some Service, isListening: @escaping @Sendable (Int) async -> Void
    ) async throws {
        let limits = responder.limits
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
            responder: responder, server: try .tls(.http1(configuration: channel), tlsConfiguration: tls),
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port), serverName: nil,
                availableConnectionsDelegate: .maximum(limits.connections, logger: logger)),
            onServerRunning: { channel in await isListening(channel.localAddress?.port ?? 0) },
            logger: logger)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: application),
                    .init(service: companion, successTerminationBehavior: .gracefullyShutdownGroup),
                ], gracefulShutdownSignals: signals ? [.sigterm, .sigint] : [], logger: logger))
        try await group.run()
    }
}
