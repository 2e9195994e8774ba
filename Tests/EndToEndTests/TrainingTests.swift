import Foundation
import Testing
import _PliniusTestSupport

/// The main job on real programs: seal, train, test, look, export.
@Suite struct TrainingTests {
    @Test func aRunReportsWhatItDid() throws {
        let scenario = try Scenario()
        let events = scenario.folder("events.jsonl")
        let outcome = try scenario.train("--test-data", scenario.testData, "--events", events)
        #expect(outcome.succeeded, "\(outcome.errors)")
        let result = try outcome.json
        #expect(result["iterations"] as? Int == 40)
        #expect(result["tee"] as? String == "simulated")
        #expect(result["executor"] as? String == "onednn")
        #expect((result["tier"] as? String)?.hasPrefix("T") == true)
        #expect(result["loss"] is Double && result["averageLoss"] is Double && result["testAccuracy"] is Double)
        for times in ["iterationMilliseconds", "mirrorMilliseconds", "batchMilliseconds"] {
            let values = try #require(result[times] as? [String: Double], "\(times)")
            #expect(Set(values.keys) == ["median", "p95"])
        }
        let lines = try String(contentsOfFile: events, encoding: .utf8).split(separator: "\n").map {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
        let kinds = Set(lines.compactMap { $0?["event"] as? String })
        #expect(kinds.isSuperset(of: ["start", "iteration", "mirror", "finish"]), "\(kinds)")
    }

    @Test func trainingTwiceGivesTheSameBits() throws {
        let scenario = try Scenario()
        for executor in ["onednn", "reference"] {
            let pools = ["a", "b"].map { scenario.folder("\(executor)-\($0).pool") }
            for pool in pools { #expect(try scenario.train(pool: pool, "--executor", executor).succeeded) }
            #expect(
                try scenario.exportedWeights(pool: pools[0]) == scenario.exportedWeights(pool: pools[1]), "\(executor)")
        }
    }

    @Test func aFinishedRunIsNotTrainedAgain() throws {
        let scenario = try Scenario()
        #expect(try scenario.train().succeeded)
        let before = try scenario.exportedWeights()
        let again = try scenario.train()
        #expect(again.succeeded)
        #expect(try again.json["resumedFrom"] as? Int == 40)
        #expect(try scenario.exportedWeights() == before)
    }

    @Test func onlyAStrictRunGoesOnPastTheEndOfItsSchedule() throws {
        let scenario = try Scenario()
        let refused = try scenario.train("--iterations", "41")
        #expect(refused.status == .exited(2) && refused.errors.contains("max_batches=40"), "\(refused)")
        // As PLINIUS does, which makes one update more.
        let strict = ["--compat", "strict", "--iterations"]
        #expect(try Program.plinius.run(scenario.trainArguments(strict + ["40"])).succeeded)
        let further = try Program.plinius.run(scenario.trainArguments(strict + ["41"]))
        #expect(try further.json["iterations"] as? Int == 41, "\(further)")
        #expect(try further.json["resumedFrom"] as? Int == 40)
    }

    @Test func mirroringSeldomEndsWithTheSameBits() throws {
        let scenario = try Scenario()
        let pools = ["a", "b"].map { scenario.folder("\($0).pool") }
        #expect(try scenario.train(pool: pools[0]).succeeded)
        #expect(
            try scenario.train(pool: pools[1], "--mirror-every", "7", "--crash-at", "afterFence:2").status == .exited(1)
        )
        #expect(try scenario.train(pool: pools[1], "--mirror-every", "7").succeeded)
        #expect(try scenario.exportedWeights(pool: pools[0]) == scenario.exportedWeights(pool: pools[1]))
    }

    @Test func theTestCommandAgreesWithTheRun() throws {
        let scenario = try Scenario()
        let trained = try scenario.train("--test-data", scenario.testData).json
        let outcome = try Program.plinius.run([
            "test", "--config", scenario.config, "--data", scenario.testData, "--pool", scenario.pool,
            "--insecure-local-key", scenario.key, "--json",
        ])
        #expect(outcome.succeeded, "\(outcome.errors)")
        let tested = try outcome.json
        #expect(tested["count"] as? Int == 48)
        #expect(tested["accuracy"] as? Double == trained["testAccuracy"] as? Double)
        #expect(tested["loss"] is Double && tested["imagesPerSecond"] is Double)
    }

    @Test(.timeLimit(.minutes(30))) func syntheticDigitsAreLearned() throws {
        let config = """
            [net]
            batch=64
            height=28
            width=28
            channels=1
            learning_rate=0.1
            policy=poly
            max_batches=150
            [convolutional]
            batch_normalize=1
            filters=16
            size=3
            stride=2
            pad=1
            activation=leaky
            [convolutional]
            batch_normalize=1
            filters=32
            size=3
            stride=2
            pad=1
            activation=leaky
            [connected]
            output=10
            activation=linear
            [softmax]
            """
        let scenario = try Scenario(count: 4000, config: config)
        let outcome = try scenario.train("--test-data", scenario.testData, "--threads", "2")
        let accuracy = try #require(try outcome.json["testAccuracy"] as? Double)
        #expect(accuracy > 0.9, "\(outcome.errors)")
    }
}
