import Foundation
import Testing
import _PliniusTestSupport

/// Any kill at any instant costs at most the running iteration, and the resumed run ends with the same bits.
@Suite(.serialized) struct KillTests {
    @Test(.timeLimit(.minutes(30)), arguments: ["onednn", "reference"]) func killsAtRandomInstantsLeaveNoTrace(
        executor: String
    ) throws {
        let scenario = try Scenario()
        let whole = scenario.folder("whole.pool")
        let clock = ContinuousClock()
        let start = clock.now
        #expect(try scenario.train(pool: whole, "--executor", executor).succeeded)
        let duration = UInt64((clock.now - start) / .microseconds(1))
        let expected = try scenario.exportedWeights(pool: whole)

        let run = MortalRun(arguments: scenario.trainArguments(["--executor", executor]))
        var jitter = MortalRun.Jitter(state: executor == "onednn" ? 11 : 12)
        var kills = 0
        var finished = 0
        while kills < 20 || finished == 0 {
            let instant = jitter.next(below: duration)
            let victim: MortalRun.Victim = jitter.next(below: 2) == 0 ? .enclave : .host
            let outcome =
                kills < 20
                ? try run.run(until: .instant(instant), of: victim) : try Program.plinius.run(run.arguments)
            if outcome.succeeded {
                #expect(try scenario.exportedWeights() == expected, "after \(kills) kills")
                finished += 1
                try FileManager.default.removeItem(atPath: scenario.pool)
            } else {
                kills += 1
                #expect(outcome.wasKilled, "\(outcome)")
            }
        }
    }

    @Test(.timeLimit(.minutes(30)), arguments: MortalRun.points) func killsInsideTheCommitLeaveNoTrace(point: String)
        throws
    {
        let scenario = try Scenario()
        let whole = scenario.folder("whole.pool")
        #expect(try scenario.train(pool: whole, "--executor", "reference").succeeded)
        let expected = try scenario.exportedWeights(pool: whole)

        // Both slots, several distances from the start of the process.
        let run = MortalRun(arguments: scenario.trainArguments(["--executor", "reference"]))
        for countdown in [1, 2, 5, 0, 3] {
            let outcome = try run.run(until: .point(point, countdown))
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
}
