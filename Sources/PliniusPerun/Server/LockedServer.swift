import HTTPTypes
public import Logging
import PliniusPerunClient
public import PliniusPolicyManager
import PliniusWire
import ServiceLifecycle

/// A manager on the network that waits for its owners' shares, and answers nothing else.
public struct LockedServer: Sendable {
    private let manager: LockedManager
    private let identity: TLSIdentity
    private let address: PerunServer.Address
    private let limits: ServerLimits
    private let logger: Logger

    /// - Parameter identity: Drawn for this start, where the service's own is in the store: see ``TLSIdentity/ephemeral(hosts:at:)``.
    public init(
        manager: LockedManager, identity: TLSIdentity, address: PerunServer.Address,
        limits: ServerLimits = ServerLimits(), logger: Logger
    ) {
        self.manager = manager
        self.identity = identity
        self.address = address
        self.limits = limits
        self.logger = logger
    }

    /// Listens until enough shares are in, or the process is told to stop.
    /// - Parameters:
    ///   - signals: Whether signals end it; without, cancelling the task does.
    ///   - isListening: Told the port as soon as there is one.
    /// - Returns: Whether the manager is unlocked.
    /// - Throws: if nothing can listen there, or the certificate is none.
    public func run(
        signals: Bool = true, isListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) async throws -> Bool {
        let (shares, continuation) = AsyncStream.makeStream(of: Void.self)
        let responder = Responder(
            routes: routes { continuation.yield() }, limits: limits, otherwise: Self.problem)
        let listener = HTTPSListener(responder: responder, identity: identity, address: address, logger: logger)
        try await listener.run(
            signals: signals, beside: Unlocking(manager: manager, shares: shares), isListening: isListening)
        return await manager.standing.missing == 0
    }

    /// Ends with the last share that is missing.
    private struct Unlocking: Service {
        let manager: LockedManager
        /// A value for each share that came in.
        let shares: AsyncStream<Void>

        func run() async throws {
            for await _ in shares.cancelOnGracefulShutdown() where await manager.standing.missing == 0 { return }
        }
    }

    /// What everything is answered that a locked manager knows nothing of.
    private static let problem = ProblemDetails(
        type: "urn:perun:problem:locked", title: "Service Unavailable", status: 503,
        detail: "the manager is locked: its owners hand in their shares of the root key with perun unlock",
        check: "manager.locked", expected: "enough shares of the root key", found: "too few")

    private func routes(_ hasShare: @escaping @Sendable () -> Void) -> [Route] {
        [
            Route(.get, "/v1/unlock") { [manager, identity] call in
                let nonce = try hexadecimal(call.query["nonce"] ?? "", count: 32, "attestation.nonce")
                let evidence = try manager.evidence(nonce: nonce, certificate: identity.digest)
                return try Answer(
                    LockedAttestation(
                        evidence: evidence.map { Base64($0.encoded) }, certificate: hexadecimal(identity.digest),
                        sealingKey: hexadecimal(manager.sealingKey), standing: UnlockStanding(await manager.standing)))
            },
            Route(.post, "/v1/unlock") { [manager] call in
                let share = try call.message(UnlockRequest.self).share
                let standing = try await manager.take(
                    HPKEMessage(encapsulatedKey: share.encapsulatedKey.bytes, ciphertext: share.ciphertext.bytes))
                hasShare()
                return try Answer(UnlockStanding(standing))
            },
        ] + PerunServer.openRoutes(identity, status: "locked")
    }

    /// What a manager that is not locked says to whoever would unlock it.
    static var routesOfOthers: [Route] {
        [.get, .post].map { (method: HTTPRequest.Method) in
            Route(method, "/v1/unlock") { _ in throw ManagerError(.conflict, "the manager is not locked") }
        }
    }
}

extension UnlockStanding {
    init(_ standing: LockedManager.Standing) {
        self.init(
            set: hexadecimal(standing.set), threshold: standing.threshold, shares: standing.shares,
            missing: standing.missing)
    }
}
