import Foundation
import PliniusPersistence
import Testing
import _PliniusTestSupport

/// Several runs in one pool: begun, killed, resumed, told and exported, each as if it were alone.
@Suite(.serialized) struct RunsTests {
    /// A small, seeded source of instants.
    private var jitter = SeededRandom(seed: 5)

    /// The size of a pool that has room for just so many runs, as one with a single run tells it.
    private func size(for count: Int, of scenario: Scenario) throws -> Int {
        let pool = scenario.folder("measured.pool")
        #expect(try scenario.train(pool: pool, "--iterations", "1").succeeded)
        let (status, runs) = try scenario.status(pool: pool)
        let total = try #require(status["byteCount"] as? Int)
        let one = try #require(runs["default"]?["byteCount"] as? Int)
        #expect(status["freeBytes"] as? Int == 0 && status["largestFreeBytes"] as? Int == 0)
        return total + (count - 1) * one
    }

    // MARK: Turns

    @Test(.timeLimit(.minutes(30))) mutating func runsThatTakeTurnsAndAreKilledEndWithTheBitsThatTheyHaveAlone() throws
    {
        let scenario = try Scenario()
        let seeds = ["one": "7", "two": "8", "three": "9"]
        var expected: [String: [UInt8]] = [:]
        for (run, seed) in seeds {
            let alone = scenario.folder("\(run).pool")
            #expect(try scenario.train(pool: alone, seed: seed, "--executor", "reference").succeeded)
            expected[run] = try scenario.exportedWeights(pool: alone)
        }
        #expect(Set(expected.values).count == 3, "runs of different seeds differ")

        let points = MortalRun.points
        for turn in 0..<5 {
            for (run, seed) in seeds.sorted(by: { $0.key < $1.key }) {
                let point = try #require(points.randomElement(using: &jitter))
                let outcome = try scenario.train(
                    seed: seed, "--executor", "reference", "--run", run, "--pool-size", "4M", "--crash-at",
                    "\(point):\(turn + 1)")
                #expect(
                    outcome.status == .exited(1) && outcome.errors.contains("SIGKILL"), "\(run), \(turn): \(outcome)")
            }
        }
        for (run, seed) in seeds {
            let outcome = try scenario.train(seed: seed, "--executor", "reference", "--run", run)
            #expect(outcome.succeeded, "\(run): \(outcome.errors)")
            #expect(try outcome.json["run"] as? String == run && outcome.json["resumedFrom"] as? Int != nil)
        }
        for (run, weights) in expected { #expect(try scenario.exportedWeights(run: run) == weights, "\(run)") }
    }

    // MARK: Kills while a run begins

    @Test(.timeLimit(.minutes(30))) mutating func killsWhileASecondRunBeginsLeaveTheFirstUntouchedAndLeakNothing()
        throws
    {
        let scenario = try Scenario()
        let size = try "\(size(for: 2, of: scenario))"
        #expect(try scenario.train("--run", "first", "--pool-size", size, "--iterations", "5").succeeded)
        let before = try scenario.status()
        let weights = try scenario.exportedWeights()
        /// The first run is as it was, and the second is not there, or there with a mirror; says which.
        func check(_ comment: Comment) throws -> Bool {
            let (pool, runs) = try scenario.status()
            #expect(try scenario.exportedWeights(run: "first") == weights, comment)
            guard let second = runs["second"] else {
                #expect(pool["freeBytes"] as? Int == before.pool["freeBytes"] as? Int, comment)
                #expect(pool["largestFreeBytes"] as? Int == before.pool["freeBytes"] as? Int, comment)
                return false
            }
            #expect(second["problem"] == nil && pool["freeBytes"] as? Int == 0, comment)
            return true
        }
        for point in MortalRun.points {
            let outcome = try scenario.train("--run", "second", "--crash-at", "\(point):0")
            #expect(outcome.status == .exited(1) && outcome.errors.contains("SIGKILL"), "\(point): \(outcome)")
            #expect(try !check("\(point)"))
        }
        // And at any instant, until one falls so late that the second run is there.
        var begun = false
        for kill in 0..<40 where !begun {
            // No further than the first run went, or the bits at the end would be those of a longer run.
            let run = try Program.plinius.start(scenario.trainArguments(["--run", "second", "--iterations", "5"]))
            usleep(UInt32.random(in: 0..<UInt32(kill + 1) * 4_000, using: &jitter))
            let enclaves = run.children
            Glibc.kill(Bool.random(using: &jitter) ? run.pid : enclaves.first ?? run.pid, SIGKILL)
            _ = try run.wait()
            for enclave in enclaves { MortalRun.waitUntilGone(enclave) }
            begun = try check("kill \(kill)")
        }
        // The room is for just one more: had anything leaked, it would not do.
        let outcome = try scenario.train("--run", "second", "--iterations", "5")
        #expect(outcome.succeeded, "\(outcome.errors)")
        #expect(try scenario.exportedWeights(run: "second") == weights, "the same seed gives the same bits")
    }

    // MARK: Names

    @Test func namesThatAreNoneAreRefusedBeforeAnythingIsMade() throws {
        let scenario = try Scenario(count: 32)
        for name in ["", "..", "a/b", "a b", "ä", String(repeating: "x", count: 41)] {
            let outcome = try scenario.train("--run", name)
            #expect(outcome.status == .exited(2) && outcome.errors.contains("1 to 40 letters"), "\(name): \(outcome)")
        }
        #expect(!FileManager.default.fileExists(atPath: scenario.pool))
    }

    @Test func aRunThatIsNotThereTellsThoseThatAre() throws {
        let scenario = try Scenario(count: 32)
        for run in ["one", "two"] {
            #expect(try scenario.train("--run", run, "--pool-size", "4M", "--iterations", "1").succeeded)
        }
        let test = [
            "test", "--config", scenario.config, "--data", scenario.testData, "--pool", scenario.pool,
            "--insecure-local-key", scenario.key,
        ]
        let export = [
            "export", "--key", scenario.key, "--pool", scenario.pool, "--format", "weights", "--out",
            scenario.folder("model"),
        ]
        for (more, words) in [([], "No run is named"), (["--run", "three"], "no run three")] {
            let status = ["status", "--pool", scenario.pool]
            for outcome in [
                try Program.plinius.run(test + more), try Program.owner.run(export + more),
                try Program.plinius.run(status + (more.isEmpty ? ["--run", "three"] : more)),
            ] {
                #expect(outcome.status == .exited(2), "\(outcome)")
                #expect(outcome.errors.contains("It holds: one, two."), "\(outcome.errors)")
            }
            #expect(try Program.plinius.run(test + more).errors.contains(words))
        }
        #expect(try Program.plinius.run(test + ["--run", "two", "--json"]).json["iteration"] as? Int == 1)
    }

    @Test func namesThatWereSwappedAreRefused() throws {
        let scenario = try Scenario(count: 32)
        for run in ["one", "two"] {
            #expect(try scenario.train("--run", run, "--pool-size", "4M", "--iterations", "2").succeeded)
        }
        do {
            let file = try #require(fopen(scenario.pool, "r+"))
            defer { fclose(file) }
            try Pool.open(descriptor: fileno(file)).transaction { tx throws(PersistenceError) in
                guard let one = try tx.extentRoot("run/one"), let two = try tx.extentRoot("run/two") else { return }
                try tx.setRoot("run/one", two)
                try tx.setRoot("run/two", one)
            }
        }
        let before = try scenario.folder.read("run.pool")
        let words = "Under the name one the pool holds the run two"
        for outcome in [
            try scenario.train("--run", "one"),
            try Program.plinius.run([
                "test", "--config", scenario.config, "--data", scenario.testData, "--pool", scenario.pool,
                "--insecure-local-key", scenario.key, "--run", "one",
            ]),
            try Program.owner.run([
                "export", "--key", scenario.key, "--pool", scenario.pool, "--format", "weights", "--run", "one",
                "--out", scenario.folder("model"),
            ]),
        ] {
            #expect(outcome.status == .exited(3) && outcome.errors.contains(words), "\(outcome)")
        }
        let status = try Program.plinius.run(["status", "--pool", scenario.pool])
        #expect(status.status == .exited(3) && status.output.contains(words), "\(status)")
        #expect(try scenario.folder.read("run.pool") == before, "a refused pool was changed")
    }

    // MARK: Room

    @Test func aRunThatDoesNotFitIsRefusedAndTheOthersGoOn() throws {
        let scenario = try Scenario(count: 32)
        #expect(try scenario.train("--iterations", "3").succeeded)
        let weights = try scenario.exportedWeights()
        let outcome = try scenario.train("--run", "other")
        #expect(outcome.status == .exited(1), "\(outcome)")
        for words in ["no room", "It holds: default.", "0 are free", "plinius pool grow"] {
            #expect(outcome.errors.contains(words), "\(outcome.errors)")
        }
        #expect(try scenario.exportedWeights() == weights)
        #expect(try scenario.train().succeeded)
    }

    @Test func aSizeForTheNewPoolIsKeptToAndCheckedFirst() throws {
        let scenario = try Scenario(count: 32)
        for size in ["1", "64K", "9999999T"] {
            let outcome = try scenario.train("--pool-size", size)
            #expect(outcome.status == .exited(2) && outcome.errors.contains("at least"), "\(size): \(outcome)")
            #expect(!FileManager.default.fileExists(atPath: scenario.pool))
        }
        for size in ["0", "-1", "1.5G", "M", "64m", "99999999999999999999"] {
            #expect(try scenario.train("--pool-size", size).status == .exited(64), "\(size)")
        }
        #expect(try scenario.train("--pool-size", "3M", "--iterations", "1").succeeded)
        #expect(try scenario.folder.read("run.pool").count == 3 << 20)
        #expect(try scenario.status().pool["byteCount"] as? Int == 3 << 20)
    }

    // MARK: Pools that are there already

    @Test(arguments: CommitKind.allCases) func anEmptyPoolOfAnyKindTakesARun(kind: CommitKind) throws {
        let scenario = try Scenario(count: 32)
        do {
            let file = try #require(fopen(scenario.pool, "w+"))
            defer { fclose(file) }
            _ = try Pool.create(descriptor: fileno(file), byteCount: 2 << 20, commit: kind)
        }
        let status = try Program.plinius.run(["status", "--pool", scenario.pool, "--json"])
        #expect(try (status.json["runs"] as? [Any])?.isEmpty == true)
        let outcome = try scenario.train("--iterations", "2")
        #expect(outcome.succeeded, "\(outcome)")
        #expect(try scenario.status().runs["default"]?["iteration"] as? Int == 2)
    }

    // MARK: Status

    @Test func theStatusTellsEveryRunAndOneThatIsDamagedHidesNoOther() throws {
        let scenario = try Scenario(count: 32)
        for (run, iterations) in [("b", "4"), ("a", "2")] {
            #expect(try scenario.train("--run", run, "--pool-size", "4M", "--iterations", iterations).succeeded)
        }
        let (pool, runs) = try scenario.status()
        #expect(pool["runCount"] as? Int == 2 && pool["byteCount"] as? Int == 4 << 20)
        #expect((pool["runs"] as? [[String: Any]])?.compactMap { $0["name"] as? String } == ["a", "b"])
        for (run, iterations) in [("a", 2), ("b", 4)] {
            let status = try #require(runs[run])
            #expect(status["iteration"] as? Int == iterations && status["generation"] as? Int == 1)
            #expect(status["loss"] is Double && status["averageLoss"] is Double && status["byteCount"] is Int)
            #expect((status["slots"] as? [[String: Any]])?.count == 2)
        }
        let one = try Program.plinius.run(["status", "--pool", scenario.pool, "--run", "b", "--json"]).json
        #expect((one["runs"] as? [[String: Any]])?.compactMap { $0["name"] as? String } == ["b"])
        #expect(one["runCount"] as? Int == 2)
        let text = try Program.plinius.run(["status", "--pool", scenario.pool])
        #expect(text.succeeded)
        for words in [
            "2 runs", "run           a\n", "run           b\n", "iteration     4", "nothing of this is authenticated",
        ] {
            #expect(text.output.contains(words), "\(text.output)")
        }

        // The mirrors lie in the order of their beginnings: the first is b's.
        var bytes = try scenario.folder.read("run.pool")
        let mirror = try #require(
            stride(from: 0, to: bytes.count, by: 4096).first { bytes[$0..<$0 + 8].elementsEqual("PLINMIRR".utf8) })
        bytes[mirror + 300] ^= 1
        try scenario.folder.write(bytes, to: "run.pool")
        let damaged = try Program.plinius.run(["status", "--pool", scenario.pool, "--json"])
        #expect(damaged.status == .exited(3))
        let told = try scenario.status().runs
        #expect((told["b"]?["problem"] as? String)?.contains("superblock") == true)
        #expect(told["a"]?["iteration"] as? Int == 2)
        #expect(try scenario.train("--run", "b").status == .exited(3))
        #expect(try scenario.train("--run", "a").succeeded)
    }
}
