import Foundation
import Testing
import _PliniusTestSupport

/// Many enclaves that ask at once; `make bench-releases` asks for more of them.
@Suite("Load", .enabled(if: Load.wrk.isInstalled, Comment(rawValue: Load.missing)), .timeLimit(.minutes(30)))
struct LoadTests {
    private static let enclaves =
        ProcessInfo.processInfo.environment["PLINIUS_LOAD_ENCLAVES"].flatMap(Int.init) ?? 300

    @Test func everyEnclaveGetsItsKeysInBoundedMemory() async throws {
        let load = try await Load()
        // What is allocated once, whatever the load.
        _ = try await load.release(to: 50, connections: 16)
        let before = load.memory
        let outcome = try await load.release(to: Self.enclaves, connections: 16)
        let growth = load.memory - before
        await load.close()
        #expect(outcome.releases == Self.enclaves)
        #expect(outcome.failures == 0, "\(outcome.failure ?? "no answer")")
        #expect(before > 0 && growth < 64 << 20, "\(growth) bytes more than after the first releases")
        let line: [String: Any] = [
            "releases": outcome.releases, "perSecond": Double(outcome.releases) / outcome.seconds,
            "median": outcome.median, "p99": outcome.p99, "memory": before + growth, "growth": growth,
        ]
        print(String(decoding: try JSONSerialization.data(withJSONObject: line, options: .sortedKeys), as: UTF8.self))
    }
}
