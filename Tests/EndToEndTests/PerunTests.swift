import Foundation
import PliniusDatasets
import Testing
import _PliniusTestSupport

/// Owners who trust each other as far as their policies say train one model, on a machine that none of them trusts.
@Suite(.serialized) struct PerunTests {
    @Test(.timeLimit(.minutes(30))) func fourPartiesTrainToTheBitsOfOne() throws {
        let parties = try PerunScenario()
        let scenario = parties.scenario
        let local = scenario.folder("local.pool")
        let alone = try Program.plinius.run([
            "train", "--config", scenario.config, "--data", scenario.data, "--data", parties.dataB, "--pool", local,
            "--insecure-local-key", parties.keyA, "--insecure-local-key", parties.keyB, "--threads", "1", "--seed", "7",
            "--json",
        ])
        #expect(alone.succeeded, "\(alone)")

        let begun = try parties.train("--iterations", "10").wait()
        #expect(begun.succeeded, "\(begun)")
        // One run is all that the policies permit: this is the same one.
        let resumed = try parties.train().wait()
        #expect(resumed.succeeded, "\(resumed)")
        #expect(try resumed.json["resumedFrom"] as? Int == 10)
        let another = try parties.train(pool: scenario.folder("another.pool")).wait()
        #expect(another.status == .exited(3) && another.errors.contains("request.run"), "\(another)")

        // What came out is the lab's.
        func export(_ key: String, _ pool: String, to name: String) throws -> ProgramOutcome {
            try Program.owner.run(
                ["export", "--key", key, "--pool", pool, "--format", "weights", "--out", scenario.folder(name)])
        }
        #expect(try export(parties.labKey, scenario.pool, to: "together").succeeded)
        #expect(try export(parties.keyA, local, to: "alone").succeeded)
        #expect(try scenario.folder.read("together") == scenario.folder.read("alone"))
        for key in [parties.keyA, parties.keyB] {
            #expect(try export(key, scenario.pool, to: "stolen").status == .exited(3))
        }

        let log = scenario.folder("log")
        try parties.perun("audit", "log", "--trust", parties.trust, "--out", log)
        try parties.perun("audit", "verify", log, "--trust", parties.trust)
        // No secret lies in a file of the manager's, or went to its log.
        let keys = try [parties.keyA, parties.keyB, parties.labKey].map { try Data(contentsOf: URL(filePath: $0)) }
        let written =
            try files(below: scenario.folder("store")) + [
                Data(parties.manager.errorsSoFar.utf8), Data(contentsOf: URL(filePath: log)),
            ]
        #expect(written.count > 3 && written.contains { $0.count > 4096 })
        for key in keys {
            let forms = [key, Data(hexadecimal(key).utf8), Data(key.base64EncodedString().utf8)]
            for form in forms { #expect(!written.contains { $0.range(of: form) != nil }) }
        }
    }

    @Test(.timeLimit(.minutes(30))) func stopsAndWithdrawalsHoldForTheNextStart() throws {
        let parties = try PerunScenario()
        #expect(try parties.train("--iterations", "3").wait().succeeded)
        let stop = try parties.state("hospital-b", "stop", "hospital-b", "--reason", "an incident")
        let stopped = try parties.train().wait()
        #expect(stopped.status == .exited(3) && stopped.errors.contains("asset.stopped"), "\(stopped)")
        #expect(stopped.errors.contains("an incident"), "\(stopped)")
        try parties.state("hospital-b", "resume", "hospital-b", try #require(stop["hash"] as? String))
        #expect(try parties.train("--iterations", "6").wait().succeeded)
        try parties.state("hospital-b", "withdraw", "hospital-b/scans")
        let withdrawn = try parties.train().wait()
        #expect(withdrawn.status == .exited(3) && withdrawn.errors.contains("asset.exists"), "\(withdrawn)")
        // The pool is what it was: nobody needs the manager to see that.
        #expect(try parties.scenario.status().runs["default"]?["iteration"] as? Int == 6)
    }

    @Test(.timeLimit(.minutes(30))) func theOperatorsMemoryHoldsNoKeyAndTheManagersNoData() throws {
        let config = Scenario.smallNetwork.replacingOccurrences(of: "max_batches=40", with: "max_batches=1000000")
        let parties = try PerunScenario(config: config)
        let events = parties.folder("events.jsonl")
        let run = try parties.train("--events", events)
        #expect(
            try run.wait { _ in
                (try? String(contentsOfFile: events, encoding: .utf8))?.contains("\"iteration\"") == true
            }, "\(run.errorsSoFar)")
        var image: [UInt8] = []
        _ = SyntheticDigits.draw(seed: 1, index: 0, into: &image)
        let rows = stride(from: 0, to: image.count, by: 28).map { Array(image[$0..<$0 + 28]) }
        let row = try #require(rows.max { Set($0).count < Set($1).count })
        let keys = [
            "hospital A's key": Array(try Data(contentsOf: URL(filePath: parties.keyA))),
            "hospital B's key": Array(try Data(contentsOf: URL(filePath: parties.keyB))),
            "the lab's key": Array(try Data(contentsOf: URL(filePath: parties.labKey))),
        ]
        let data = [
            "row of an image": row,
            "row as the network sees it": row.flatMap { pixel in
                withUnsafeBytes(of: Float(pixel) / 255) { Array($0) }
            },
        ]
        RunningProgram.holdStill(run.pid)
        let host = try run.searchMemory(
            for: keys.merging(data) { $1 }.merging(["something that is there": Array("hospital-b/scans".utf8)]) { $1 })
        run.signal(SIGCONT)
        RunningProgram.holdStill(parties.manager.pid)
        let manager = try parties.manager.searchMemory(
            for: data.merging(["something that is there": Array("hospital-b/scans".utf8)]) { $1 })
        parties.manager.signal(SIGCONT)
        run.signal(SIGTERM)
        #expect(try run.wait().succeeded)
        #expect(Set(host.found.keys) == ["something that is there"], "\(host.found)")
        #expect(Set(manager.found.keys) == ["something that is there"], "\(manager.found)")
    }

    private func files(below path: String) throws -> [Data] {
        let names = try FileManager.default.subpathsOfDirectory(atPath: path)
        return names.compactMap { try? Data(contentsOf: URL(filePath: "\(path)/\($0)")) }
    }
}
