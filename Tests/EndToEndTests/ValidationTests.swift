import Foundation
import PliniusPersistence
import Testing
import _PliniusTestSupport

/// Validation while training: the best model is kept, whatever is killed, and training ends where it gets no better.
@Suite(.serialized) struct ValidationTests {
    /// It learns, by leaps and with falls between them.
    private static let network = Scenario.smallNetwork.replacing("learning_rate=0.05", with: "learning_rate=0.03")
        .replacing("policy=poly", with: "policy=constant")
        .replacing(
            "[convolutional]\nfilters=10\nsize=1\nstride=1\nactivation=linear\n\n[avgpool]",
            with: "[connected]\noutput=10\nactivation=linear")

    /// One validation, as the log tells it.
    private struct Validation: Equatable {
        let iteration: Int
        let score: Double
        let isBest: Bool
        let bestIteration: Int?
    }

    private func scenario(count: Int = 96) throws -> Scenario { try Scenario(count: count, config: Self.network) }

    /// Trains with a validation after every second iteration.
    private func train(
        _ scenario: Scenario, pool: String? = nil, every: String = "2", _ more: [String] = []
    ) throws -> ProgramOutcome {
        try Program.plinius.run(arguments(scenario, pool: pool, every: every, more))
    }

    private func arguments(
        _ scenario: Scenario, pool: String? = nil, every: String = "2", _ more: [String] = []
    ) -> [String] {
        scenario.trainArguments(
            pool: pool,
            ["--executor", "reference", "--validation-data", scenario.testData, "--validate-every", every] + more)
    }

    private func events(_ path: String) throws -> [[String: Any]] {
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").compactMap {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
    }

    private func validations(_ path: String) throws -> [Validation] {
        try events(path).filter { $0["event"] as? String == "validation" }.map { event in
            Validation(
                iteration: try #require(event["iteration"] as? Int), score: try #require(event["score"] as? Double),
                isBest: try #require(event["isBest"] as? Bool),
                bestIteration: (event["best"] as? [String: Any])?["iteration"] as? Int)
        }
    }

    /// What a pool holds in the end: both models to the bit, and which iteration is the best by what score.
    private struct Outcome: Equatable {
        let newest: [UInt8]
        let best: [UInt8]
        let iteration: Int
        let bestIteration: Int
        let score: Double
    }

    private func outcome(_ scenario: Scenario, pool: String? = nil) throws -> Outcome {
        let runs = try scenario.status(pool: pool).runs
        let best = try #require(runs["default.best"])
        return Outcome(
            newest: try scenario.exportedWeights(pool: pool, run: "default"),
            best: try scenario.exportedWeights(pool: pool, run: "default.best"),
            iteration: try #require(runs["default"]?["iteration"] as? Int),
            bestIteration: try #require(best["iteration"] as? Int), score: try #require(best["score"] as? Double))
    }

    // MARK: What it does, and what it leaves alone

    @Test(arguments: ["reference", "onednn"]) func theBestModelIsKeptAndTheRunIsNotDisturbed(executor: String) throws {
        let scenario = try scenario()
        let (plain, log) = (scenario.folder("plain.pool"), scenario.folder("events.jsonl"))
        #expect(try scenario.train(pool: plain, "--executor", executor).succeeded)
        let trained = try scenario.train(
            "--executor", executor, "--validation-data", scenario.testData, "--validate-every", "2", "--events", log,
            "--test-data", scenario.testData)
        #expect(trained.succeeded, "\(trained.errors)")
        #expect(try scenario.exportedWeights(run: "default") == scenario.exportedWeights(pool: plain))

        let validations = try validations(log)
        #expect(validations.map(\.iteration) == Array(stride(from: 2, through: 40, by: 2)))
        // The first of the greatest scores.
        let best = try #require(validations.max { ($0.score, $1.iteration) < ($1.score, $0.iteration) })
        #expect(Set(validations.map(\.score)).count > 5 && best.iteration > 2 && best.iteration < 40, "a dull curve")
        var (score, iteration) = (-Double.infinity, 0)
        for validation in validations {
            #expect(validation.isBest == (validation.score > score))
            if validation.isBest { (score, iteration) = (validation.score, validation.iteration) }
            #expect(validation.bestIteration == iteration)
        }
        let told = try #require(try trained.json["best"] as? [String: Any])
        #expect(told["iteration"] as? Int == best.iteration && told["score"] as? Double == best.score)
        #expect(told["run"] as? String == "default.best")
        // The last validation and the test at the end look at the same model.
        let accuracy = try #require(try trained.json["testAccuracy"] as? Double)
        #expect(validations.last.map { Float($0.score) } == Float(accuracy))

        // It is the model of a run that stopped there, and is used like any other.
        let stopped = scenario.folder("stopped.pool")
        #expect(
            try scenario.train(pool: stopped, "--executor", executor, "--iterations", "\(best.iteration)").succeeded)
        #expect(try scenario.exportedWeights(run: "default.best") == scenario.exportedWeights(pool: stopped))
        let test = [
            "test", "--config", scenario.config, "--data", scenario.testData, "--pool", scenario.pool,
            "--insecure-local-key", scenario.key, "--json",
        ]
        let tested = try Program.plinius.run(test + ["--run", "default.best"]).json
        #expect(tested["score"] as? Double == best.score && tested["iteration"] as? Int == best.iteration)
        #expect(try Program.plinius.run(test).json["iteration"] as? Int == 40, "without a name the run itself is meant")
        let predicted = try Program.plinius.run(
            ["predict"] + test.dropFirst() + ["--run", "default.best", "--out", scenario.folder("results.sealed")])
        #expect(try predicted.json["iteration"] as? Int == best.iteration, "\(predicted)")
        let status = try Program.plinius.run(["status", "--pool", scenario.pool])
        #expect(status.output.contains("iteration     \(best.iteration), score"), "\(status.output)")
        #expect(trained.errors.contains("the best so far") && trained.errors.contains("as run default.best"))
    }

    @Test(
        "Recurrent state, drawn learning rates and boxes that count images are left alone, too",
        arguments: ["reference", "onednn"])
    func otherNetworks(executor: String) throws {
        let text = """
            [net]
            batch=8
            subdivisions=2
            time_steps=4
            inputs=128
            learning_rate=0.1
            policy=random
            max_batches=12
            [lstm]
            output=12
            batch_normalize=1
            [dropout]
            probability=.2
            [connected]
            output=128
            activation=linear
            [softmax]
            """
        let boxes = """
            [net]
            batch=8
            height=64
            width=64
            channels=1
            learning_rate=0.001
            adam=1
            max_batches=8
            [convolutional]
            batch_normalize=1
            filters=6
            size=3
            stride=8
            pad=1
            activation=leaky
            [convolutional]
            filters=30
            size=1
            stride=1
            activation=linear
            [region]
            anchors=2.5,3, 3.5,3.5
            num=2
            classes=10
            """
        let cases = [
            (text, ["synthetic-text", "--count", "20", "--window", "16"]),
            (boxes, ["synthetic-boxes", "--count", "16"]),
        ]
        for (network, sealing) in cases {
            let scenario = try Scenario(count: 32, config: network)
            for (data, seed) in [(scenario.data, "1"), (scenario.testData, "2")] {
                let sealed = try Program.owner.run(
                    ["seal", "--key", scenario.key, "--out", data, "--force", "--seed", seed, "--format"] + sealing)
                try #require(sealed.succeeded, "\(sealed.errors)")
            }
            let plain = scenario.folder("plain.pool")
            #expect(try scenario.train(pool: plain, "--executor", executor).succeeded)
            let trained = try scenario.train(
                "--executor", executor, "--validation-data", scenario.testData, "--validate-every", "1")
            #expect(trained.succeeded, "\(trained.errors)")
            #expect(try scenario.exportedWeights(run: "default") == scenario.exportedWeights(pool: plain))
            #expect(try scenario.status().runs["default.best"] != nil)
        }
    }

    // MARK: Kills

    @Test(.timeLimit(.minutes(30)), arguments: MortalRun.points.flatMap { [$0, "best.\($0)"] })
    func killsAroundAValidationLeaveNoTrace(point: String) throws {
        let scenario = try scenario()
        let whole = scenario.folder("whole.pool")
        #expect(try train(scenario, pool: whole, ["--iterations", "20"]).succeeded)
        let expected = try outcome(scenario, pool: whole)
        // The best model is ahead of the run's mirror where that is made seldom.
        for mirrorEvery in ["1", "7"] {
            let more = ["--mirror-every", mirrorEvery, "--iterations", "20"]
            for countdown in [2, 1, 0] {
                let killed = try train(scenario, more + ["--crash-at", "\(point):\(countdown)"])
                if killed.succeeded { continue }
                #expect(killed.errors.contains("SIGKILL") && killed.status == .exited(1), "\(countdown): \(killed)")
            }
            let resumed = try train(scenario, more)
            #expect(resumed.succeeded, "\(resumed.errors)")
            #expect(try outcome(scenario) == expected, "\(mirrorEvery)")
            let best = try #require(try resumed.json["best"] as? [String: Any])
            #expect(best["iteration"] as? Int == expected.bestIteration && best["score"] as? Double == expected.score)
            try FileManager.default.removeItem(atPath: scenario.pool)
        }
    }

    @Test(.timeLimit(.minutes(30))) func killsAtRandomInstantsLeaveNoTrace() throws {
        var jitter = SeededRandom(seed: 21)
        let scenario = try scenario()
        let whole = scenario.folder("whole.pool")
        let start = ContinuousClock.now
        #expect(try train(scenario, pool: whole).succeeded)
        let duration = (ContinuousClock.now - start) / .microseconds(1)
        let expected = try outcome(scenario, pool: whole)
        var (kills, finished) = (0, 0)
        while kills < 20 || finished == 0 {
            let run = try Program.plinius.start(
                arguments(scenario, ["--mirror-every", "\(Int.random(in: 1...9, using: &jitter))"]))
            usleep(UInt32.random(in: 0..<UInt32(duration), using: &jitter))
            let enclaves = run.children
            if kills < 20 { kill(Bool.random(using: &jitter) ? run.pid : enclaves.first ?? run.pid, SIGKILL) }
            let ended = try run.wait()
            for enclave in enclaves { MortalRun.waitUntilGone(enclave) }
            guard ended.succeeded else {
                kills += 1
                continue
            }
            #expect(try outcome(scenario) == expected, "after \(kills) kills")
            finished += 1
            try FileManager.default.removeItem(atPath: scenario.pool)
        }
    }

    // MARK: Early stopping

    @Test(.timeLimit(.minutes(30))) func trainingEndsWhereItGetsNoBetterKilledOrNot() throws {
        let scenario = try scenario()
        let (log, whole) = (scenario.folder("events.jsonl"), scenario.folder("whole.pool"))
        #expect(try train(scenario, pool: whole, ["--events", log]).succeeded)
        // Where patience ends, by what the whole run tells.
        let patience = 3
        var (best, tries, end) = (0, 0, 0)
        for validation in try validations(log) where end == 0 {
            (best, tries) = validation.isBest ? (validation.iteration, 0) : (best, tries + 1)
            if tries == patience { end = validation.iteration }
        }
        try #require(end > 0 && end < 40, "a run that never gets worse shows nothing")

        let options = ["--patience", "\(patience)", "--mirror-every", "5"]
        let early = scenario.folder("early.pool")
        let ended = try train(scenario, pool: early, options)
        #expect(ended.succeeded && ended.errors.contains("ended early: no better score in 3 validations"), "\(ended)")
        let result = try ended.json
        #expect(result["complete"] as? Bool == true && result["iterations"] as? Int == end)
        #expect((result["earlyEnd"] as? String)?.contains("since iteration \(best)") == true)
        let expected = try outcome(scenario, pool: early)
        #expect(expected.iteration == end && expected.bestIteration == best)

        for point in ["best.beforeFence:1", "best.afterFence:0", "afterMarker:1", "afterFence:0"] {
            #expect(try train(scenario, options + ["--crash-at", point]).status == .exited(1), "\(point)")
        }
        // The last commit of all, in which the run ends.
        var killed: ProgramOutcome
        repeat { killed = try train(scenario, options + ["--crash-at", "beforeFence:0"]) } while !killed.succeeded
        #expect(try outcome(scenario) == expected)

        let before = try scenario.folder.read("run.pool")
        let again = try train(scenario, options)
        #expect(try again.succeeded && again.json["earlyEnd"] as? String == result["earlyEnd"] as? String, "\(again)")
        #expect(try again.json["resumedFrom"] as? Int == end && again.json["iterations"] as? Int == end)
        #expect(try scenario.folder.read("run.pool") == before, "a run that has ended changes nothing")

        // Who has more patience goes on, and meets the run that had it from the beginning.
        let patient = try train(scenario)
        #expect(try patient.succeeded && patient.json["earlyEnd"] == nil && patient.json["iterations"] as? Int == 40)
        #expect(try outcome(scenario) == outcome(scenario, pool: whole))
    }

    // MARK: Runs that were begun without

    @Test func aRunThatHadNoBestModelGetsOneIfThereIsRoom() throws {
        let scenario = try scenario()
        #expect(try scenario.train("--executor", "reference", "--iterations", "10").succeeded)
        let before = try scenario.exportedWeights()
        let full = try train(scenario)
        #expect(full.status == .exited(1), "\(full)")
        for words in ["no run default.best", "no room", "plinius pool grow"] { #expect(full.errors.contains(words)) }
        #expect(try scenario.status().runs["default"]?["iteration"] as? Int == 10)
        #expect(try scenario.status().runs.count == 1 && scenario.exportedWeights() == before)

        let grown = try Program.plinius.run(["pool", "grow", scenario.pool, "--size", "4M"])
        #expect(grown.succeeded, "\(grown)")
        #expect(try train(scenario, ["--crash-at", "best.insideChunks:0"]).errors.contains("SIGKILL"))
        #expect(try scenario.status().runs.keys.sorted() == ["default"])
        let trained = try train(scenario)
        #expect(trained.succeeded, "\(trained.errors)")
        let whole = scenario.folder("whole.pool")
        #expect(try train(scenario, pool: whole).succeeded)
        #expect(try scenario.exportedWeights(run: "default") == scenario.exportedWeights(pool: whole, run: "default"))
        let best = try #require(try trained.json["best"] as? [String: Any])
        #expect(try #require(best["iteration"] as? Int) > 10)
    }

    @Test func aRunThatHasABestModelGoesOnWithoutAndWithItAgain() throws {
        let scenario = try scenario()
        #expect(try train(scenario, ["--iterations", "20"]).succeeded)
        let best = try outcome(scenario).bestIteration
        #expect(try scenario.train("--executor", "reference", "--iterations", "30").succeeded)
        #expect(try outcome(scenario).bestIteration == best)
        #expect(try train(scenario).succeeded)
        let plain = scenario.folder("plain.pool")
        #expect(try scenario.train(pool: plain, "--executor", "reference").succeeded)
        #expect(try scenario.exportedWeights(run: "default") == scenario.exportedWeights(pool: plain))
    }

    // MARK: What is refused

    @Test func aPoolForBothIsMadeFromTheStartOrNotAtAll() throws {
        let scenario = try scenario(count: 32)
        let small = scenario.folder("small.pool")
        #expect(try scenario.train(pool: small, "--iterations", "1").succeeded)
        let one = try #require(try FileManager.default.attributesOfItem(atPath: small)[.size] as? Int)
        let refused = try train(scenario, ["--pool-size", "\(one)"])
        #expect(refused.status == .exited(2) && refused.errors.contains("at least"), "\(refused)")
        #expect(!FileManager.default.fileExists(atPath: scenario.pool))
        #expect(try train(scenario, ["--iterations", "1"]).succeeded)
        let (pool, runs) = try scenario.status()
        #expect(pool["freeBytes"] as? Int == 0 && runs.count == 2)
        #expect(runs["default"]?["byteCount"] as? Int == runs["default.best"]?["byteCount"] as? Int)

        // A second pair, for which there is room for one only.
        let grown = try Program.plinius.run([
            "pool", "grow", scenario.pool, "--size",
            "\(try scenario.folder.read("run.pool").count + #require(runs["default"]?["byteCount"] as? Int) + 4096)",
        ])
        #expect(grown.succeeded, "\(grown)")
        let before = try scenario.status()
        let second = try train(scenario, ["--run", "second"])
        #expect(second.status == .exited(1) && second.errors.contains("no run second and no run second.best"))
        let after = try scenario.status()
        #expect(after.runs.keys == before.runs.keys)
        #expect(after.pool["freeBytes"] as? Int == before.pool["freeBytes"] as? Int)
    }

    @Test func badOptionsAreRefusedBeforeAnythingIsMade() throws {
        let scenario = try scenario(count: 32)
        let without = [
            (["--patience", "3"], "--validation-data"), (["--validate-every", "3"], "--validation-data"),
            (["--epochs", "0"], "--epochs"), (["--epochs", "1", "--iterations", "1"], "exclude each other"),
            (["--epochs", "21"], "takes 42 iterations"), (["--epochs", "\(UInt64.max)"], "more iterations"),
            (["--validation-data", scenario.folder("nowhere")], "nowhere"),
        ]
        for (more, words) in without {
            let outcome = try Program.plinius.run(scenario.trainArguments(more))
            #expect(outcome.status == .exited(2) && outcome.errors.contains(words), "\(more): \(outcome)")
        }
        for (more, words) in [
            (["--patience", "0"], "--patience"), (["--run", String(repeating: "x", count: 36)], "1 to 40 letters"),
            (["--crash-at", "best.nowhere:0"], "no crash point"),
        ] {
            let outcome = try train(scenario, more)
            #expect(outcome.status == .exited(2) && outcome.errors.contains(words), "\(more): \(outcome)")
        }
        #expect(try train(scenario, every: "0").status == .exited(2))
        try scenario.folder.write(
            Self.network.replacing("momentum", with: "sampling=with-replacement\nmomentum"), to: "net.cfg")
        let drawn = try scenario.train("--epochs", "1")
        #expect(drawn.status == .exited(2) && drawn.errors.contains("with-replacement"), "\(drawn)")
        #expect(!FileManager.default.fileExists(atPath: scenario.pool))
    }

    @Test func theBestModelIsThatOfItsRunByItsValidationData() throws {
        let scenario = try scenario(count: 32)
        #expect(try train(scenario, ["--pool-size", "4M", "--iterations", "4"]).succeeded)
        func refuses(_ status: CInt, _ words: String, _ outcome: ProgramOutcome) throws {
            #expect(outcome.status == .exited(status) && outcome.errors.contains(words), "\(words): \(outcome)")
        }
        let before = try scenario.folder.read("run.pool")
        try refuses(2, "nothing trains on from it", scenario.train("--run", "default.best"))
        try refuses(2, "nothing trains on from it", train(scenario, ["--run", "default.best"]))
        #expect(try scenario.folder.read("run.pool") == before)
        // The same images sealed again are another set.
        try scenario.owner(
            "seal", "--key", scenario.key, "--format", "synthetic-digits", "--count", "16", "--seed", "2", "--out",
            scenario.folder("other.sealed"))
        try refuses(
            3, "by this validation set",
            scenario.train("--executor", "reference", "--validation-data", scenario.folder("other.sealed")))
        // Another owner's, whose key the run does not have.
        let other = try Scenario(count: 32)
        try refuses(3, "key", scenario.train("--executor", "reference", "--validation-data", other.testData))
        #expect(try scenario.folder.read("run.pool") == before)
        // What stands where the best model would be.
        #expect(try scenario.train("--run", "a.best", "--iterations", "1").succeeded)
        try refuses(2, "no run a", train(scenario, ["--run", "a", "--pool-size", "4M"]))
        #expect(try scenario.train("--run", "a", "--iterations", "1").succeeded)
        try refuses(3, "a.best is not the best model of the run a", train(scenario, ["--run", "a"]))
    }

    @Test func anOlderBestModelIsRefusedAndSoIsNone() throws {
        let scenario = try scenario()
        func extent() throws -> Range<Int> {
            let file = try #require(fopen(scenario.pool, "r+"))
            defer { fclose(file) }
            return try #require(
                try Pool.open(descriptor: fileno(file)).read { view throws(PersistenceError) in
                    try view.extentRoot("run/default.best")?.range
                })
        }
        #expect(try train(scenario, ["--iterations", "4"]).succeeded)
        let (old, place) = (try scenario.folder.read("run.pool"), try extent())
        #expect(try train(scenario, ["--iterations", "20"]).succeeded)
        let new = try scenario.folder.read("run.pool")
        #expect(new[place] != old[place])

        var mixed = new
        mixed.replaceSubrange(place, with: old[place])
        try scenario.folder.write(mixed, to: "run.pool")
        let older = try train(scenario)
        #expect(older.status == .exited(3) && older.errors.contains("rolled back"), "\(older)")
        #expect(older.errors.contains("the best model default.best"), "\(older)")
        #expect(try scenario.folder.read("run.pool") == mixed)

        try scenario.folder.write(new, to: "run.pool")
        do {
            let file = try #require(fopen(scenario.pool, "r+"))
            defer { fclose(file) }
            try Pool.open(descriptor: fileno(file)).transaction { tx throws(PersistenceError) in
                if try tx.extentRoot("run/default.best") != nil { tx.removeRoot("run/default.best") }
            }
        }
        let none = try train(scenario)
        #expect(none.status == .exited(3) && none.errors.contains("does not hold it (default.best)"), "\(none)")
        // A byte of it that is changed is noticed when the run goes on, not when the model is used at last.
        var changed = new
        // The first bytes of the chunks of both slots, behind a superblock, the configuration, a header and a page of tags.
        let slotBytes = (place.count - 8192 - 4096) / 2
        for slot in 0..<2 { changed[place.lowerBound + 8192 + 4096 + slot * slotBytes + 2 * 4096] ^= 1 }
        try scenario.folder.write(changed, to: "run.pool")
        let tampered = try train(scenario)
        #expect(tampered.status == .exited(3) && tampered.errors.contains("default.best"), "\(tampered)")
        try scenario.folder.write(new, to: "run.pool")
        #expect(try train(scenario).succeeded)
    }

    // MARK: Epochs and seeds

    @Test func epochsAreCountedInIterationsAndValidatedAtTheirEnds() throws {
        let scenario = try scenario(count: 100)
        let log = scenario.folder("events.jsonl")
        let outcome = try scenario.train(
            "--executor", "reference", "--validation-data", scenario.testData, "--epochs", "3", "--events", log)
        // 300 images in batches of 16.
        #expect(try outcome.succeeded && outcome.json["iterations"] as? Int == 19, "\(outcome.errors)")
        #expect(try validations(log).map(\.iteration) == [7, 13, 19])
        let epochs = try events(log).filter { $0["event"] as? String == "iteration" }.compactMap { $0["epoch"] as? Int }
        #expect(epochs == (1...19).map { (16 * $0 - 1) / 100 + 1 })
        #expect(outcome.errors.contains("epoch 1"))
        #expect(try scenario.train("--executor", "reference", "--iterations", "19").json["resumedFrom"] as? Int == 19)
    }

    @Test func theInitialParametersMayHaveASeedOfTheirOwn() throws {
        let scenario = try scenario(count: 32)
        /// What a run begins with, and ends with.
        func weights(_ name: String, seed: String, _ more: [String] = []) throws -> (begin: [UInt8], end: [UInt8]) {
            let pool = scenario.folder(name)
            let arguments = { (last: [String]) in
                scenario.trainArguments(
                    pool: pool, seed: seed, ["--executor", "reference", "--iterations", "3"] + more + last)
            }
            // Killed in its first commit but one, the pool holds what the run began with.
            #expect(try Program.plinius.run(arguments(["--crash-at", "afterMarker:1"])).status == .exited(1))
            let begin = try scenario.exportedWeights(pool: pool)
            let ended = try Program.plinius.run(arguments([]))
            #expect(ended.succeeded, "\(ended.errors)")
            return (begin, try scenario.exportedWeights(pool: pool))
        }
        let seven = try weights("7", seed: "7")
        let both = try weights("7-7", seed: "7", ["--init-seed", "7"])
        let other = try weights("8-7", seed: "8", ["--init-seed", "7"])
        let eight = try weights("8", seed: "8")
        #expect(both == seven)
        #expect(other.begin == seven.begin && other.end != seven.end && other.end != eight.end)
        #expect(eight.begin != seven.begin)

        func goOn(_ name: String, _ more: String...) throws -> ProgramOutcome {
            try Program.plinius.run(
                scenario.trainArguments(pool: scenario.folder(name), seed: nil, ["--iterations", "4"] + more))
        }
        for (name, seed) in [("8-7", "8"), ("8", "7"), ("7-7", "8")] {
            let refused = try goOn(name, "--init-seed", seed)
            #expect(
                refused.status == .exited(3) && refused.errors.contains("seed of the initial parameters"), "\(name)")
        }
        for (name, more) in [("8-7", ["--init-seed", "7"]), ("8", []), ("7-7", ["--init-seed", "7"]), ("7", [])] {
            let outcome = try Program.plinius.run(
                scenario.trainArguments(pool: scenario.folder(name), seed: nil, ["--iterations", "4"] + more))
            #expect(outcome.succeeded, "\(name): \(outcome.errors)")
        }
        #expect(try scenario.status(pool: scenario.folder("8-7")).runs["default"]?["initSeed"] as? Int == 7)
        let status = try Program.plinius.run(["status", "--pool", scenario.folder("8-7")])
        #expect(status.output.contains("seed          8, of the initial parameters 7"), "\(status.output)")
    }
}
