import HTTPTypes
public import Logging
public import PliniusPolicyManager

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
        let sessions = token.map { ReadSessions(token: $0) }
        let responder = Responder(
            routes: Self.routes(of: manager, identity) + Self.pageRoutes(manager, sessions), limits: limits,
            readers: Readers(manager: manager, sessions: sessions))
        let listener = HTTPSListener(responder: responder, identity: identity, address: address, logger: logger)
        let housekeeping = Housekeeping(manager: manager, seconds: limits.housekeepingSeconds, logger: logger)
        try await listener.run(signals: signals, beside: housekeeping, isListening: isListening)
    }

    /// What programs can ask: method and path of each route.
    public var operations: [(method: String, path: String)] {
        Self.routes(of: manager, identity).map { ($0.method.rawValue, $0.path) }
    }
}
