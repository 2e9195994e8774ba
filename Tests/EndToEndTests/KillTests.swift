import Foundation
import Testing
import _PliniusTestSupport

/// Any kill at any instant costs at most the running iteration, and the resumed run ends with the same bits.
@Suite(.serialized) struct KillTests {
    /// A small, seeded source of instants.
    private struct Jitter {
        var state: UInt64
        mutating func next(below bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
    }

    static let crashPoints = [
        "afterMarker", "insideChunks", "afterChunks", "afterTags", "insideHeader", "beforeFence", "afterFence",
    ]

    @Test(.timeLimit(.minutes(30)), arguments: ["onednn", "reference"]) func killsAtRandomInstantsLeaveNoTrace(
        executor: String
    ) throws {
        let scenario = try Scenario()
        let whole = scenario.folder("whole.pool")
        let clock = ContinuousClock()
        let start = clock.now
        #expect(try scenario.train(pool: whole, "--executor", executor).succeeded)
        let duration = (clock.now - start) / .microseconds(1)
        let expected = try scenario.exportedWeights(pool: whole)

        var jitter = Jitter(state: executor == "onednn" ? 11 : 12)
        var kills = 0
        var finished = 0
        while kills < 20 || finished == 0 {
            let run = try Program.plinius.start(scenario.trainArguments(["--executor", executor]))
            usleep(UInt32(jitter.next(below: UInt64(duration))))
            // Sometimes the host dies, sometimes the enclave; both hold the pool.
            let enclaves = run.children
            let victim = jitter.next(below: 2) == 0 ? enclaves.first : nil
            if kills < 20 { kill(victim ?? run.pid, SIGKILL) }
            let outcome = try run.wait()
            for enclave in enclaves { Self.waitUntilGone(enclave) }
            if outcome.succeeded {
                #expect(try scenario.exportedWeights() == expected, "after \(kills) kills")
                finished += 1
                try FileManager.default.removeItem(atPath: scenario.pool)
            } else {
                kills += 1
                #expect(outcome.status == .signalled(SIGKILL) || outcome.errors.contains("SIGKILL"), "\(outcome)")
            }
        }
    }

    @Test(.timeLimit(.minutes(30)), arguments: crashPoints) func killsInsideTheCommitLeaveNoTrace(point: String) throws
    {
        let scenario = try Scenario()
        let whole = scenario.folder("whole.pool")
        #expect(try scenario.train(pool: whole, "--executor", "reference").succeeded)
        let expected = try scenario.exportedWeights(pool: whole)

        // Both slots, several distances from the start of the process.
        for countdown in [1, 2, 5, 0, 3] {
            let outcome = try scenario.train("--executor", "reference", "--crash-at", "\(point):\(countdown)")
            #expect(outcome.errors.contains("SIGKILL"), "\(point):\(countdown): \(outcome)")
            #expect(outcome.status == .exited(1))
        }
        let outcome = try scenario.train("--executor", "reference")
        #expect(outcome.succeeded, "\(outcome.errors)")
        #expect(try outcome.json["resumedFrom"] as? Int != nil)
        #expect(try scenario.exportedWeights() == expected)
    }

    @Test func aTornCommitIsReported() throws {
        let scenario = try Scenario()
        let outcome = try scenario.train("--crash-at", "insideChunks:3")
        #expect(outcome.status == .exited(1))
        #expect(outcome.errors.contains("resume"), "the host says what is safe: \(outcome.errors)")
        let resumed = try scenario.train()
        #expect(resumed.succeeded)
        #expect(resumed.errors.contains("killed while it mirrored"), "\(resumed.errors)")
    }

    /// The enclave leaves when its host is gone, but nobody reaps it at once.
    static func waitUntilGone(_ pid: CInt) {
        for _ in 0..<5_000 where !RunningProgram.commandLine(of: pid).isEmpty { usleep(1_000) }
        #expect(RunningProgram.commandLine(of: pid).isEmpty, "the enclave outlives its host")
    }
}
