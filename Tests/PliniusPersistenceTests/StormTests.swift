import Glibc
import PliniusPersistence
import Testing
import _PliniusTestSupport

/// A short storm of kills; `scripts/pool-crash-storm` is the long one and says what is verified.
@Suite(.serialized)
struct StormTests {
    private static let storm = Program(name: "pool-storm")

    @Test("Every start after a SIGKILL finds exactly what was durable", arguments: CommitKind.allCases)
    func survivesKills(kind: CommitKind) throws {
        let folder = try TemporaryDirectory(in: "/dev/shm")
        defer { folder.remove() }
        let (pool, said) = (folder("pool"), try folder.write("", to: "said"))
        try #require(try Self.storm.run(["create", pool, "--commit", "\(kind)"]).succeeded)
        var acknowledged = ""
        for round in 0..<70 {
            let running = try Self.storm.start(["run", pool, "--threads", "3", "--acknowledged", said])
            // Every third kill falls anywhere from the start on, the others among transactions.
            if round % 3 > 0 { while running.outputSoFar.isEmpty { usleep(500) } }
            usleep(.random(in: 0..<20_000))
            running.signal(SIGKILL)
            let ended = try running.wait()
            try #require(ended.status == .signalled(SIGKILL), "\(ended.errors)")
            acknowledged += ended.output
            try folder.write(acknowledged, to: "said")
        }
        let last = try Self.storm.run(["verify", pool, "--acknowledged", said])
        #expect(last.succeeded, "\(last.errors)")
        #expect(!last.output.isEmpty, "no transaction became durable in 70 starts")
    }
}
