import Crypto
import Foundation
import PliniusSealing
import PliniusWire
import Testing
import _PliniusTestSupport

/// Training on the data of several owners, each sealed under its own key.
@Suite struct DatasetUnionTests {
    /// Images of noise, as an owner has them, and sealed in parts under two keys.
    struct Hospitals {
        let scenario: Scenario
        let otherKey: String
        let parts: [(data: String, key: String)]

        /// Seals `scenario.data` anew with all images, and two parts of it, the second under another key.
        init(config: String = Scenario.smallNetwork) throws {
            let scenario = try Scenario(count: 2, config: config)
            let otherKey = scenario.folder("other.key")
            self.scenario = scenario
            self.otherKey = otherKey
            try scenario.owner("keygen", "--out", otherKey)
            var generator = SystemRandomNumberGenerator()
            let images = (0..<96).map { _ in (0..<784).map { _ in UInt8.random(in: 0...255, using: &generator) } }
            func seal(_ range: Range<Int>, key: String, as name: String) throws -> String {
                let count = UInt8(range.count)
                let header: [UInt8] = [0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 28, 0, 0, 0, 28]
                let pixels = try scenario.folder.write(header + images[range].joined(), to: "\(name).images")
                let labels = try scenario.folder.write(
                    [0, 0, 8, 1, 0, 0, 0, count] + range.map { UInt8($0 * 7 % 10) }, to: "\(name).labels")
                let path = scenario.folder("\(name).sealed")
                try scenario.owner(
                    "seal", "--key", key, "--format", "idx", "--images", pixels, "--labels", labels, "--out", path,
                    "--force")
                return path
            }
            _ = try seal(0..<96, key: scenario.key, as: "train")
            parts = [
                (try seal(0..<40, key: scenario.key, as: "a"), scenario.key),
                (try seal(40..<96, key: otherKey, as: "b"), otherKey),
            ]
        }

        /// Trains on data sets in an order, with a key for each.
        func train(_ parts: [(data: String, key: String)], pool: String, _ more: String...) throws -> ProgramOutcome {
            try train(data: parts.map(\.data), keys: parts.map(\.key), pool: pool, more)
        }

        func train(data: [String], keys: [String], pool: String, _ more: [String] = []) throws -> ProgramOutcome {
            try Program.plinius.run(
                ["train", "--config", scenario.config, "--pool", pool, "--threads", "1", "--seed", "7", "--json"]
                    + data.flatMap { ["--data", $0] } + keys.flatMap { ["--insecure-local-key", $0] } + more)
        }
    }

    @Test(.timeLimit(.minutes(30)), arguments: ["onednn", "reference"])
    func partsTrainToTheBitsOfTheWholeWhateverIsKilled(executor: String) throws {
        let hospitals = try Hospitals()
        let scenario = hospitals.scenario
        let pools = ["whole", "union", "killed"].map { scenario.folder("\($0).pool") }
        let whole = try scenario.train(pool: pools[0], "--executor", executor)
        #expect(whole.succeeded, "\(whole)")
        let events = scenario.folder("events.jsonl")
        let union = try hospitals.train(
            hospitals.parts, pool: pools[1], "--executor", executor, "--events", events, "--test-data",
            scenario.testData)
        #expect(union.succeeded, "\(union)")
        #expect(try union.json["testAccuracy"] is Double)
        #expect(try String(contentsOfFile: events, encoding: .utf8).contains("\"trainCount\":96"))
        let expected = try scenario.exportedWeights(pool: pools[0])
        #expect(try scenario.exportedWeights(pool: pools[1]) == expected)

        for point in ["insideChunks:9", "afterFence:4"] {
            let killed = try hospitals.train(
                hospitals.parts, pool: pools[2], "--executor", executor, "--crash-at", point)
            #expect(!killed.succeeded)
        }
        let resumed = try hospitals.train(hospitals.parts, pool: pools[2], "--executor", executor)
        #expect(resumed.succeeded, "\(resumed)")
        #expect(try resumed.json["resumedFrom"] as? Int ?? 0 > 0)
        #expect(try scenario.exportedWeights(pool: pools[2]) == expected)
    }

    @Test func anotherOrderOrAnotherSetIsAnotherRun() throws {
        let hospitals = try Hospitals()
        let pool = hospitals.scenario.pool
        #expect(try !hospitals.train(hospitals.parts, pool: pool, "--crash-at", "afterFence:3").succeeded)
        let id = try #require(try hospitals.scenario.status().runs["default"]?["datasetID"] as? String)
        // By the rule of docs/architecture.md, with the ids as the files have them.
        let ids = try hospitals.parts.flatMap {
            try hospitals.scenario.folder.read(($0.data as NSString).lastPathComponent)[16..<32]
        }
        #expect(id == hexadecimal(SHA256.hash(data: Array("plinius data sets".utf8) + ids).prefix(16)))

        let (a, b) = (hospitals.parts[0], hospitals.parts[1])
        let whole = (data: hospitals.scenario.data, key: hospitals.scenario.key)
        // The first key is the run's, so that an order that begins with another owner has another key already.
        for (parts, words) in [
            ([a], "data set"), ([a, whole], "data set"), ([a, b, whole], "the order counts"), ([b, a], "key"),
        ] {
            let outcome = try hospitals.train(parts, pool: pool)
            #expect(outcome.status == .exited(3), "\(outcome)")
            #expect(outcome.errors.contains(words), "\(outcome.errors)")
        }
        #expect(try hospitals.train(hospitals.parts, pool: pool).succeeded)
    }

    @Test func theOrderCountsUnderOneKeyAsWell() throws {
        let scenario = try Scenario()
        func train(_ data: [String], _ more: String...) throws -> ProgramOutcome {
            try Program.plinius.run(
                ["train", "--config", scenario.config, "--pool", scenario.pool, "--threads", "1", "--json"]
                    + data.flatMap { ["--data", $0] } + ["--insecure-local-key", scenario.key] + more)
        }
        #expect(try !train([scenario.data, scenario.testData], "--crash-at", "afterFence:3").succeeded)
        let swapped = try train([scenario.testData, scenario.data])
        #expect(swapped.status == .exited(3), "\(swapped)")
        #expect(swapped.errors.contains("differs in data set") && swapped.errors.contains("the order counts"))
        #expect(try train([scenario.data, scenario.testData]).succeeded)
    }

    @Test func whatDoesNotGoTogetherIsRefusedByName() throws {
        let hospitals = try Hospitals()
        let scenario = hospitals.scenario
        let (a, b) = (hospitals.parts[0], hospitals.parts[1])
        let pool = scenario.pool
        func expect(
            _ outcome: ProgramOutcome, _ status: Int32, _ words: String...,
            sourceLocation: SourceLocation = #_sourceLocation
        ) {
            #expect(outcome.status == .exited(status), "\(outcome)", sourceLocation: sourceLocation)
            for word in words {
                #expect(outcome.errors.contains(word), "\(outcome.errors)", sourceLocation: sourceLocation)
            }
            #expect(!FileManager.default.fileExists(atPath: pool), sourceLocation: sourceLocation)
        }
        func seal(_ images: [UInt8], _ labels: [UInt8], classes: String, as name: String) throws -> String {
            let path = scenario.folder(name)
            try scenario.owner(
                "seal", "--key", a.key, "--format", "idx", "--classes", classes, "--images",
                scenario.folder.write(images, to: "images"), "--labels", scenario.folder.write(labels, to: "labels"),
                "--out", path)
            return path
        }
        let label: [UInt8] = [0, 0, 8, 1, 0, 0, 0, 1, 1]
        let small = try seal(
            [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3] + [UInt8](repeating: 9, count: 6), label, classes: "10",
            as: "small.sealed")
        let nine = try seal(
            [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28] + [UInt8](repeating: 9, count: 784), label, classes: "9",
            as: "nine.sealed")
        for (other, found) in [(small, "1x2x3"), (nine, "in 9 classes")] {
            expect(try hospitals.train(data: [a.data, other], keys: [a.key], pool: pool), 2, a.data, other, found)
        }
        expect(try hospitals.train([a, b, a], pool: pool), 2, "the same data set", a.data)
        expect(
            try hospitals.train(data: [String](repeating: a.data, count: 17), keys: [a.key], pool: pool), 2, "1 to 16")
        expect(
            try hospitals.train(data: [a.data, b.data, small], keys: [a.key, b.key], pool: pool), 2, "2 keys for 3")
        expect(
            try hospitals.train(data: [a.data], keys: [a.key, b.key], pool: pool), 2, "2 keys for 1 sealed data set:")
        expect(try hospitals.train(data: [a.data, b.data], keys: [a.key], pool: pool), 3, b.data, "another owner key")
        expect(
            try hospitals.train(data: [a.data, b.data], keys: [b.key, a.key], pool: pool), 3, a.data,
            "another owner key")
        let cut = try scenario.folder.write(scenario.folder.read("b.sealed").dropLast(), to: "cut.sealed")
        expect(try hospitals.train(data: [a.data, cut], keys: [a.key, b.key], pool: pool), 3, cut, "cut off")
        expect(try hospitals.train(data: [a.data, scenario.folder("none")], keys: [a.key], pool: pool), 2, "none")
        let other = try scenario.folder.write("no data", to: "other.sealed")
        for keys in [[a.key], [a.key, b.key]] {
            expect(try hospitals.train(data: [a.data, other], keys: keys, pool: pool), 3, other, "no sealed data set")
        }
        var damaged = try scenario.folder.read("b.sealed")
        damaged[4096 + 5 * (784 + 2 + 16)] ^= 1
        let broken = try scenario.folder.write(damaged, to: "broken.sealed")
        let outcome = try hospitals.train(data: [a.data, broken], keys: [a.key, b.key], pool: pool)
        #expect(outcome.status == .exited(3), "\(outcome)")
        #expect(outcome.errors.contains("In data set 2 of 2: Record 5 "), "\(outcome.errors)")
    }

    @Test func sixteenDataSetsOfTwoOwnersAreOne() throws {
        let hospitals = try Hospitals()
        let scenario = hospitals.scenario
        let keys = (0..<16).map { $0 % 2 == 0 ? scenario.key : hospitals.otherKey }
        let data = try keys.enumerated().map { index, key in
            let path = scenario.folder("\(index).sealed")
            try scenario.owner(
                "seal", "--key", key, "--format", "synthetic-digits", "--count", "3", "--seed", "\(index)", "--out",
                path)
            return path
        }
        let outcome = try hospitals.train(data: data, keys: keys, pool: scenario.pool)
        #expect(outcome.succeeded, "\(outcome)")
    }

    // MARK: With keys that their owners release

    @Test(.timeLimit(.minutes(30))) func anOwnersKeyOpensAllOfItsDataSets() throws {
        let setting = try ProvisioningScenario()
        let scenario = setting.scenario
        let local = scenario.folder("local.pool")
        #expect(try scenario.train(pool: local, "--data", scenario.testData).succeeded)
        let host = try setting.host("--data", scenario.testData)
        let id = hexadecimal(try scenario.folder.read("train.sealed")[16..<32])
        // Each data set is the policy's to name.
        let narrow = try setting.policy(from: host, datasets: id)
        let refused = try setting.provision(host.address, policy: narrow)
        #expect(refused.status == .exited(3) && refused.errors.contains("bundle.data-set"), "\(refused)")
        try host.waitsAgain()
        let both = id + "\", \"" + hexadecimal(try scenario.folder.read("test.sealed")[16..<32])
        let policy = try setting.policy(from: host, datasets: both)
        #expect(try setting.provision(host.address, policy: policy).succeeded)
        let outcome = try host.run.wait()
        #expect(outcome.succeeded, "\(outcome)")
        #expect(try scenario.exportedWeights() == scenario.exportedWeights(pool: local))
    }

    @Test(.timeLimit(.minutes(30))) func aGrantOfSeveralKeysOpensTheDataOfSeveralOwners() throws {
        let hospitals = try Hospitals()
        let scenario = hospitals.scenario
        let local = scenario.folder("local.pool")
        #expect(try hospitals.train(hospitals.parts, pool: local).succeeded)
        let host = try WaitingHost(
            Program.plinius.start(
                [
                    "train", "--config", scenario.config, "--pool", scenario.pool, "--wait-for-owner", "127.0.0.1:0",
                    "--attestation", "simulated", "--threads", "1", "--seed", "7", "--json",
                ] + hospitals.parts.flatMap { ["--data", $0.data] }))
        let files = try ["a.sealed", "b.sealed"].map { try scenario.folder.read($0) }
        let keys = try ["owner.key", "other.key"].map { try scenario.folder.read($0) }
        let model = GrantTerms.Key()
        let second = GrantTerms.Key(dataset: Array(files[1][16..<32]))

        // Without the second owner's key its data set stays closed, and is named.
        let refusal = try RawOwner.grant(.init(purposes: [.train], keys: [model]), [keys[0]], at: host.address).refusal
        #expect(
            refusal?.contains("\(hexadecimal(files[1][16..<32])) was not sealed with the key") == true,
            "\(refusal ?? "")")
        try host.waitsAgain()
        // In another order of the keys as well: each is found by what it is for.
        let granted = try RawOwner.grant(
            .init(purposes: [.train], keys: [second, model]), [keys[1], keys[0]], at: host.address)
        #expect(granted.data.datasetIDs == files.map { Array($0[16..<32]) })
        #expect(granted.refusal == nil)
        let outcome = try host.run.wait()
        #expect(outcome.succeeded, "\(outcome)")
        #expect(try scenario.exportedWeights() == scenario.exportedWeights(pool: local))
    }
}
