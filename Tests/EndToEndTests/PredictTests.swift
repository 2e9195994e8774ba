import Foundation
import PliniusDatasets
import PliniusWire
import Testing
import _PliniusTestSupport

/// What a model predicts is for the owner of the results alone, and is what the model says.
@Suite struct PredictTests {
    /// Has the model of a scenario's pool predict; `more` comes last.
    private func predict(
        _ scenario: Scenario, config: String? = nil, data: String? = nil, key: String? = nil, to name: String,
        _ more: String...
    ) throws -> ProgramOutcome {
        try Program.plinius.run(
            [
                "predict", "--config", config ?? scenario.config, "--data", data ?? scenario.testData, "--pool",
                scenario.pool, "--insecure-local-key", key ?? scenario.key, "--out", scenario.folder(name), "--json",
            ] + more)
    }

    /// What the test data are: digits of seed 2.
    private static func images(_ count: Int) -> [[UInt8]] {
        (0..<count).map { index in
            var pixels: [UInt8] = []
            _ = SyntheticDigits.draw(seed: 2, index: index, into: &pixels)
            return pixels
        }
    }

    /// How far results for the test data are from what a network says in plain loops.
    static func largestDifference(_ results: [[Float]], _ network: PlainNetwork) -> Double {
        zip(results, images(results.count)).map { outputs, image in
            zip(outputs, network.predict(image)).map { abs(Double($0) - $1) }.max() ?? 1
        }.max() ?? 1
    }

    @Test(.timeLimit(.minutes(30)), arguments: ["reference", "onednn"]) func resultsAreThoseOfThePlainNetwork(
        executor: String
    ) throws {
        // One more than whole mini-batches, so that the last one is not full.
        let scenario = try Scenario(count: 90)
        #expect(try scenario.train("--iterations", "12").succeeded)
        let folder = try scenario.folder.names().sorted()
        let pool = try scenario.folder.read("run.pool")
        let outcome = try predict(scenario, to: "results.sealed", "--executor", executor)
        #expect(outcome.succeeded, "\(outcome)")
        #expect(try scenario.folder.read("run.pool") == pool, "the pool is left as it is")
        #expect(try scenario.folder.names().sorted() == (folder + ["results.sealed"]).sorted())

        let results = SealedResults(
            try scenario.folder.read("results.sealed"), key: try scenario.folder.read("owner.key"))
        let opened = try results.opened()
        #expect(opened.count == 45 && results.outputs == 10)
        let difference = Self.largestDifference(
            opened, PlainNetwork(weights: try scenario.exportedWeights()))
        #expect(difference < 1e-4, "\(difference)")
        // Neither all the same nor anything at all.
        #expect(Set(opened).count > 40 && opened.allSatisfy { abs($0.reduce(0, +) - 1) < 1e-4 })

        let run = try #require(try scenario.status().runs["default"])
        #expect(results.runID == run["runID"] as? String && results.configDigest == run["configDigest"] as? String)
        #expect(results.iteration == 12 && results.commit == 12)
        #expect(results.cipher == 2)
        let data = try scenario.owner("inspect", scenario.testData, "--json").json
        #expect(results.datasetID == data["id"] as? String)
        let report = try outcome.json
        #expect(report["id"] as? String == hexadecimal(results.id))
        #expect(report["count"] as? Int == 45 && report["outputs"] as? Int == 10 && report["iteration"] as? Int == 12)
        #expect(report["bytes"] as? Int == results.bytes.count)

        // The same model says the same, under another name: another key, and no byte of a record in common.
        #expect(try predict(scenario, to: "again.sealed", "--executor", executor).succeeded)
        let again = SealedResults(try scenario.folder.read("again.sealed"), key: try scenario.folder.read("owner.key"))
        #expect(try again.opened() == opened && again.id != results.id)
        #expect(again.bytes[256..<312] != results.bytes[256..<312])

        // However many images go at once, one alone and more than there are among it.
        for batch in ["1", "7", "64"] {
            #expect(try predict(scenario, to: "\(batch).sealed", "--executor", executor, "--batch", batch).succeeded)
            let other = SealedResults(
                try scenario.folder.read("\(batch).sealed"), key: try scenario.folder.read("owner.key"))
            let largest = zip(try other.opened().joined(), opened.joined()).map { abs($0 - $1) }.max() ?? 1
            #expect(largest < 1e-5, "\(batch) at once")
        }
    }

    @Test(.timeLimit(.minutes(30))) func labelsAreNotLookedAt() throws {
        let scenario = try Scenario()
        #expect(try scenario.train("--iterations", "4").succeeded)
        // The digits of the test set once more, with labels of two classes.
        let shape: [UInt8] = [0, 0, 8, 3, 0, 0, 0, 48, 0, 0, 0, 28, 0, 0, 0, 28]
        try scenario.folder.write(shape + Self.images(48).joined(), to: "images")
        try scenario.folder.write([0, 0, 8, 1, 0, 0, 0, 48] + (0..<48).map { UInt8($0 % 2) }, to: "labels")
        try scenario.owner(
            "seal", "--key", scenario.key, "--format", "idx", "--images", scenario.folder("images"), "--labels",
            scenario.folder("labels"), "--classes", "2", "--out", scenario.folder("other.sealed"))
        let key = try scenario.folder.read("owner.key")
        func results(_ data: String, _ name: String) throws -> [[Float]] {
            let outcome = try predict(scenario, data: data, to: name)
            try #require(outcome.succeeded, "\(outcome)")
            return try SealedResults(try scenario.folder.read(name), key: key).opened()
        }
        let own = try results(scenario.testData, "own")
        #expect(try results(scenario.folder("other.sealed"), "other") == own && own.count == 48)
        // Whoever tests looks at them.
        let tested = try Program.plinius.run([
            "test", "--config", scenario.config, "--data", scenario.folder("other.sealed"), "--pool", scenario.pool,
            "--insecure-local-key", scenario.key,
        ])
        #expect(tested.status == .exited(2) && tested.errors.contains("2 classes"), "\(tested)")
    }

    @Test(.timeLimit(.minutes(30))) func whatDoesNotFitIsRefusedAndLeavesNothing() throws {
        let scenario = try Scenario()
        #expect(try scenario.train("--iterations", "4").succeeded)
        let folder = scenario.folder
        try scenario.owner("keygen", "--out", folder("other.key"))
        try folder.write(
            Scenario.smallNetwork.replacingOccurrences(of: "filters=8", with: "filters=9"), to: "other.cfg")
        try folder.write(
            Scenario.smallNetwork.replacingOccurrences(of: "height=28", with: "height=14"), to: "flat.cfg")
        var data = try folder.read("test.sealed")
        try folder.write(data.dropLast(), to: "cut.sealed")
        data[4096 + 47 * 802] ^= 1
        try folder.write(data, to: "tampered.sealed")
        try scenario.owner(
            "seal", "--key", folder("other.key"), "--format", "synthetic-digits", "--count", "8", "--out",
            folder("foreign.sealed"))
        try folder.write("not results", to: "there")
        let before = try folder.names().sorted()
        func expect(
            _ code: Int32, _ words: String, _ outcome: ProgramOutcome,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            #expect(
                outcome.status == .exited(code) && outcome.errors.contains(words), "\(outcome)",
                sourceLocation: sourceLocation)
            #expect(try outcome.json["exitCode"] as? Int == Int(code), sourceLocation: sourceLocation)
            #expect(try folder.names().sorted() == before, sourceLocation: sourceLocation)
        }
        try expect(3, "another owner key", predict(scenario, key: folder("other.key"), to: "out"))
        try expect(3, "another owner key", predict(scenario, data: folder("foreign.sealed"), to: "out"))
        try expect(3, "configuration", predict(scenario, config: folder("other.cfg"), to: "out"))
        try expect(2, "expects 1x14x28", predict(scenario, config: folder("flat.cfg"), to: "out"))
        try expect(2, "second", predict(scenario, to: "out", "--run", "second"))
        try expect(3, "Record 47", predict(scenario, data: folder("tampered.sealed"), to: "out"))
        try expect(3, "cut off", predict(scenario, data: folder("cut.sealed"), to: "out"))
        try expect(2, "is there already", predict(scenario, to: "there"))
        try expect(2, "does not exist", predict(scenario, to: "nowhere/out"))
        try expect(2, "go together", predict(scenario, to: "out", "--output-asset", "lab/predictions"))
        try expect(2, "no executor", predict(scenario, to: "out", "--executor", "abacus"))
        try expect(2, "--batch is 0", predict(scenario, to: "out", "--batch", "0"))
        try expect(2, "--batch is 65537", predict(scenario, to: "out", "--batch", "65537"))
        #expect(try folder.read("there") == Array("not results".utf8))

        var pool = try folder.read("run.pool")
        for place in stride(from: pool.count / 2, to: pool.count, by: 64) { pool[place] ^= 1 }
        try folder.write(pool, to: "run.pool")
        try expect(3, "no mirror", predict(scenario, to: "out"))
    }

    @Test(.timeLimit(.minutes(30))) func theOwnerReadsThem() throws {
        let scenario = try Scenario()
        #expect(try scenario.train("--iterations", "8").succeeded)
        #expect(try predict(scenario, to: "results.sealed").succeeded)
        let folder = scenario.folder
        try folder.write((0..<10).map { "digit, \($0)" }.joined(separator: "\n"), to: "names")
        try scenario.owner(
            "open", folder("results.sealed"), "--key", scenario.key, "--json", "--top", "3", "--names", folder("names"),
            "--out", folder("predictions.jsonl"))
        try scenario.owner(
            "open", folder("results.sealed"), "--key", scenario.key, "--csv", "--out", folder("predictions.csv"))
        let opened = try SealedResults(
            try folder.read("results.sealed"), key: try folder.read("owner.key")
        ).opened()
        let lines = String(decoding: try folder.read("predictions.jsonl"), as: UTF8.self).split(separator: "\n")
        let rows = String(decoding: try folder.read("predictions.csv"), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == opened.count && rows.count == opened.count + 1)
        #expect(rows.first == "index,class1,probability1")
        var correct = 0
        for (index, outputs) in opened.enumerated() {
            let order = outputs.indices.sorted { (-outputs[$0], $0) < (-outputs[$1], $1) }
            let line = try #require(try JSONSerialization.jsonObject(with: Data(lines[index].utf8)) as? [String: Any])
            let top = try #require(line["top"] as? [[String: Any]])
            #expect(line["index"] as? Int == index)
            let guesses = Array(order.prefix(3))
            #expect(top.map { $0["class"] as? Int ?? -1 } == guesses)
            #expect(top.map { $0["name"] as? String ?? "" } == guesses.map { "digit, \($0)" })
            #expect(top.map { Float($0["probability"] as? Double ?? -1) } == guesses.map { outputs[$0] })
            let row = rows[index + 1].split(separator: ",")
            #expect(row[0] == "\(index)" && row[1] == "\(order[0])" && Float(row[2]) == outputs[order[0]])
            var pixels: [UInt8] = []
            if SyntheticDigits.draw(seed: 2, index: index, into: &pixels) == order[0] { correct += 1 }
        }
        // What plinius test counts.
        let tested = try Program.plinius.run([
            "test", "--config", scenario.config, "--data", scenario.testData, "--pool", scenario.pool,
            "--insecure-local-key", scenario.key, "--json",
        ])
        #expect(try tested.json["correct"] as? Int == correct)
    }
}

/// Predictions with keys that come from an owner, for as long as the owner says.
@Suite struct ProvisionedPredictTests {
    private let setting: ProvisioningScenario
    private let key: [UInt8]
    private var scenario: Scenario { setting.scenario }

    init() throws {
        setting = try ProvisioningScenario()
        key = try setting.folder.read("owner.key")
        #expect(try setting.scenario.train("--iterations", "4").succeeded)
    }

    private func start(_ more: [String] = []) throws -> RunningProgram {
        try Program.plinius.start(
            [
                "predict", "--config", scenario.config, "--data", scenario.testData, "--pool", scenario.pool, "--out",
                scenario.folder("results.sealed"), "--wait-for-owner", "127.0.0.1:0", "--attestation", "simulated",
                "--attestation-key", scenario.folder("attestation.key"), "--threads", "1", "--json",
            ] + more)
    }

    private var hasResults: Bool {
        get throws { try scenario.folder.names().contains { $0.contains("results") } }
    }

    @Test(.timeLimit(.minutes(30))) func anOwnerGrantsItsKeyForThisPurpose() throws {
        let host = try WaitingHost(start())
        let training = try setting.policy(from: host, purposes: "train, test, export")
        let refused = try setting.provision(host.address, policy: training)
        #expect(refused.status == .exited(3) && refused.errors.contains("bundle.purpose"), "\(refused)")
        try host.waitsAgain()
        #expect(try !hasResults)
        let policy = try setting.policy(from: host, purposes: "infer")
        #expect(try setting.provision(host.address, policy: policy).succeeded)
        let outcome = try host.run.wait()
        #expect(outcome.succeeded, "\(outcome)")
        #expect(try SealedResults(scenario.folder.read("results.sealed"), key: key).opened().count == 48)
    }

    /// Predicts under terms until the process ends.
    private func predict(
        _ terms: GrantTerms, _ keys: [[UInt8]], pause: Double = 0, _ more: [String] = []
    ) throws -> ProgramOutcome {
        let host = try WaitingHost(start(more))
        let granted = try RawOwner.grant(keys, at: host.address, pause: pause) { data in
            #expect(data.purpose == .infer && data.state?.counter == 4)
            return terms
        }
        #expect(granted.refusal == nil)
        return try host.run.wait()
    }

    private func lease(seconds: UInt32 = 3600, iterations: UInt64 = 1000) -> GrantTerms.Lease {
        GrantTerms.Lease(id: [UInt8](repeating: 9, count: 16), seconds: seconds, iterations: iterations)
    }

    @Test(.timeLimit(.minutes(30))) func aLeaseThatEndsLeavesNoResults() throws {
        // 48 images in mini-batches of 8.
        func terms(_ lease: GrantTerms.Lease) -> GrantTerms {
            GrantTerms(purposes: [.infer], keys: [.init()], lease: lease)
        }
        let short = try predict(terms(lease(iterations: 5)), [key])
        #expect(short.status == .exited(3) && short.errors.contains("was for 5 iterations and is over"), "\(short)")
        #expect(try short.json["exitCode"] as? Int == 3)
        #expect(try !hasResults)
        let late = try predict(terms(lease(seconds: 1)), [key], pause: 1.1)
        #expect(late.status == .exited(3) && late.errors.contains("was for 1 seconds and is over"), "\(late)")
        #expect(try !hasResults)
        let long = try predict(terms(lease(iterations: 6)), [key])
        #expect(long.succeeded, "\(long)")
        #expect(try hasResults)
    }

    @Test(.timeLimit(.minutes(30))) func aKeyForOneExecutorIsUsedByNoOther() throws {
        func terms(_ executor: GrantTerms.Executor?) -> GrantTerms {
            GrantTerms(purposes: [.infer], keys: [.init()], executor: executor)
        }
        for (granted, asked) in [(GrantTerms.Executor.reference, "onednn"), (.oneDNN, "reference")] {
            let against = try predict(terms(granted), [key], ["--executor", asked])
            #expect(
                against.status == .exited(3)
                    && against.errors.contains(
                        "the owners ask for the executor \(granted), and --executor asks for \(asked)"),
                "\(against)")
            #expect(try against.json["exitCode"] as? Int == 3 && !hasResults)
        }
        // The model comes of oneDNN; what it is used by is what the grant says.
        for (granted, name) in [(GrantTerms.Executor.reference, "reference"), (.oneDNN, "onednn")] {
            let fitting = try predict(terms(granted), [key])
            #expect(
                try fitting.succeeded && hasResults && fitting.errors.contains("images; \(name) on 1 "), "\(fitting)")
            try FileManager.default.removeItem(atPath: scenario.folder("results.sealed"))
        }
        // Whoever names none leaves the choice to the command.
        #expect(try predict(terms(nil), [key], ["--executor", "reference"]).succeeded)
    }

    @Test(.timeLimit(.minutes(30))) func aKeyForAnythingElseIsNotUsed() throws {
        let host = try WaitingHost(start())
        let purposes: Set<RuntimeData.Purpose> = [.train, .test, .export]
        let granted = try RawOwner.grant(GrantTerms(purposes: purposes, keys: [.init()]), [key], at: host.address)
        #expect(granted.refusal?.contains("not granted for this purpose: infer") == true, "\(granted)")
        try host.waitsAgain()
        host.run.signal(SIGTERM)
        #expect(try host.run.wait().status == .exited(1))
        #expect(try !hasResults)
    }

    @Test(.timeLimit(.minutes(30))) func whatComesOutMayHaveAnOwnerOfItsOwn() throws {
        let other = [UInt8](repeating: 3, count: 32)
        let outcome = try predict(GrantTerms(purposes: [.infer], keys: [.init(), .predictions]), [key, other])
        #expect(outcome.succeeded, "\(outcome)")
        let bytes = try scenario.folder.read("results.sealed")
        #expect(try SealedResults(bytes, key: other).opened().count == 48)
        #expect(throws: (any Error).self) { try SealedResults(bytes, key: key).opened() }
        // Its key opens neither the model nor the data.
        let keyFile = try scenario.folder.write(other, to: "other.key")
        chmod(keyFile, 0o600)
        let open = try Program.owner.run([
            "open", scenario.folder("results.sealed"), "--key", scenario.key, "--out", scenario.folder("stolen"),
        ])
        #expect(open.status == .exited(3) && open.errors.contains("another key"), "\(open)")
        try scenario.owner("open", scenario.folder("results.sealed"), "--key", keyFile, "--out", scenario.folder("own"))
    }

    @Test(.timeLimit(.minutes(30)), arguments: [SIGTERM, SIGINT]) func aSignalEndsItWithoutResults(
        signal: Int32
    ) throws {
        let host = try WaitingHost(start())
        host.run.signal(signal)
        let outcome = try host.run.wait()
        #expect(outcome.status == .exited(1) && outcome.errors.contains("because a signal asked for it"), "\(outcome)")
        #expect(try outcome.json["exitCode"] as? Int == 1)
        #expect(try !hasResults)
    }
}
