import Foundation
import Testing
import _PliniusTestSupport

/// SIGTERM and SIGINT finish the iteration, mirror, and exit 0 with a line that says how to resume; in every phase.
@Suite(.serialized) struct SignalTests {
    @Test(.timeLimit(.minutes(30)), arguments: [SIGTERM, SIGINT]) func aSignalAtAnyInstantLeavesAResumableRun(
        signal: CInt
    ) throws {
        let scenario = try Scenario()
        let whole = scenario.folder("whole.pool")
        let clock = ContinuousClock()
        let start = clock.now
        #expect(try scenario.train(pool: whole).succeeded)
        let duration = (clock.now - start) / .microseconds(1)
        let expected = try scenario.exportedWeights(pool: whole)

        // Start-up, creation, training, evaluation, exit: spread evenly over the time of a whole run.
        for step in 0..<12 {
            try? FileManager.default.removeItem(atPath: scenario.pool)
            let run = try Program.plinius.start(scenario.trainArguments(["--test-data", scenario.testData]))
            usleep(UInt32(duration * Double(step) / 10))
            run.signal(signal)
            let outcome = try run.wait()
            // Before the program holds signals back, and so before it makes anything, the signal's default ends it.
            let hadBegun = FileManager.default.fileExists(atPath: scenario.pool)
            #expect(
                outcome.succeeded || (!hadBegun && outcome.status == .signalled(signal)),
                "\(step), \(hadBegun ? "begun" : "not begun"): \(outcome)")
            #expect(try scenario.train().succeeded)
            #expect(try scenario.exportedWeights() == expected, "after a signal in step \(step)")
        }
    }

    @Test(.timeLimit(.minutes(30))) func aStoppedRunSaysHowToResume() throws {
        let config = Scenario.smallNetwork.replacingOccurrences(of: "max_batches=40", with: "max_batches=100000")
        let scenario = try Scenario(config: config)
        let events = scenario.folder("events.jsonl")
        let run = try Program.plinius.start(scenario.trainArguments(["--events", events]))
        #expect(
            try run.wait { _ in
                (try? String(contentsOfFile: events, encoding: .utf8))?.contains("\"iteration\"") == true
            })
        run.signal(SIGTERM)
        let outcome = try run.wait()
        #expect(outcome.succeeded)
        #expect(outcome.errors.contains("resume"), "\(outcome.errors)")
        let iterations = try #require(try outcome.json["iterations"] as? Int)
        let status = try scenario.status().runs["default"]
        #expect(status?["iteration"] as? Int == iterations, "what was reported is what is durable")
    }
}
