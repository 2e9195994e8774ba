import FoundationEssentials
import Logging
import PliniusPerun
import PliniusPerunClient
import PliniusPolicyManager
import PliniusVerifier
import Synchronization
import Testing

/// A manager on a free port of this machine, with a store of its own, while a closure runs.
struct TestServer: Sendable {
    let manager: PolicyManager
    let server: PerunServer
    let identity: TLSIdentity
    let port: Int
    let folder: String
    let log: LogLines
    let clock: TestClock

    var address: String { "127.0.0.1:\(port)" }

    /// Tests that compute hold the threads of this process for minutes: what is not about a limit has time.
    static var limits: ServerLimits {
        var limits = ServerLimits()
        (limits.requestSeconds, limits.idleSeconds) = (600, 600)
        return limits
    }

    func client(token: String? = nil, seconds: Int64 = 600) throws -> PerunClient {
        try PerunClient(address: address, certificate: identity.certificatePEM, token: token, seconds: seconds)
    }

    static func run(
        limits: ServerLimits = limits, token: String? = nil, options: PolicyManager.Options = .init(),
        clock: TestClock = TestClock(), _ body: (TestServer) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "perun-\(UInt64.random(in: 0...UInt64.max))")
        defer { try? FileManager.default.removeItem(at: folder) }
        var start = ManagerStart(folder: folder.path())
        start.root = .insecure
        start.attestation = "none"
        start.options = options
        let manager = try start.start(at: clock.now, clock: { clock.now }).manager
        let identity = try TLSIdentity(of: manager.store, hosts: ["127.0.0.1"], at: clock.now)
        let log = LogLines()
        var logger = Logger(label: "test") { _ in log.handler }
        logger.logLevel = .trace
        let server = PerunServer(
            manager: manager, identity: identity, address: .init(host: "127.0.0.1", port: 0), limits: limits,
            token: token, logger: logger)
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run(signals: false) { port in continuation.yield(port) } }
            let port = try await withThrowingTaskGroup(of: Int?.self) { start in
                start.addTask { await ports.first { _ in true } }
                start.addTask {
                    try await Task.sleep(for: .seconds(600))
                    return nil
                }
                defer { start.cancelAll() }
                return try #require(try await start.next() ?? nil)
            }
            do {
                try await body(
                    TestServer(
                        manager: manager, server: server, identity: identity, port: port, folder: folder.path(),
                        log: log, clock: clock))
            } catch {
                group.cancelAll()
                throw error
            }
            group.cancelAll()
        }
    }
}

/// A clock that tests turn.
final class TestClock: Sendable {
    private let seconds: Mutex<Int64>

    init(seconds: Int64 = 1_800_000_000) { self.seconds = Mutex(seconds) }

    var now: Instant { Instant(seconds: seconds.withLock { $0 }) }

    func advance(_ more: Int64) { seconds.withLock { $0 += more } }
}

/// Everything that was logged, at every level.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    fileprivate func add(_ line: String) { lines.withLock { $0.append(line) } }

    fileprivate var handler: any LogHandler { Handler(lines: self) }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            lines.add("\(event.level) \(event.message) \(metadata) \(event.metadata ?? [:])")
        }
    }
}
