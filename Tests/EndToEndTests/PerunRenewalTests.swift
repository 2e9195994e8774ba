import Foundation
import Testing
import _PliniusTestSupport

/// What owners decide reaches a training that is under way, at the next renewal of its lease.
@Suite(.serialized) struct PerunRenewalTests {
    private static let endless = Scenario.smallNetwork.replacingOccurrences(
        of: "max_batches=40", with: "max_batches=10000000")

    /// What ends a run.
    enum Event: CaseIterable {
        case stop, withdrawal, silence
    }

    @Test(.timeLimit(.minutes(30)), arguments: Event.allCases)
    func renewalsGoOnUntilAnOwnerEndsThem(event: Event) throws {
        let parties = try PerunScenario(config: Self.endless, seconds: 6)
        let scenario = parties.scenario
        // So rarely that what is mirrored at the end is mirrored because of the end.
        let run = try parties.train("--mirror-every", "10000000")
        try wait(run, for: "the lease is renewed", count: 2)
        let words: String
        switch event {
        case .stop:
            try parties.state("hospital-b", "stop", "hospital-b", "--reason", "an incident")
            words = "an incident"
        case .withdrawal:
            try parties.state("hospital-b", "withdraw", "hospital-b/scans")
            words = "asset.exists"
        case .silence:
            parties.manager.signal(SIGKILL)
            words = "was for 6 seconds"
        }
        let outcome = try run.wait()
        #expect(outcome.status == .exited(3), "\(outcome)")
        let reason = try #require(try outcome.json["leaseEnd"] as? String)
        #expect(reason.contains(words) && reason.contains("seconds") == (event == .silence), "\(reason)")
        // What was trained until then is in the pool, with the bits of a run that nobody disturbed.
        let iterations = try #require(try outcome.json["iterations"] as? Int)
        #expect(try iterations > 0 && scenario.status().runs["default"]?["iteration"] as? Int == iterations)
        let local = scenario.folder("local.pool")
        let alone = try Program.plinius.run([
            "train", "--config", scenario.config, "--data", scenario.data, "--data", parties.dataB, "--pool", local,
            "--insecure-local-key", parties.keyA, "--insecure-local-key", parties.keyB, "--threads", "1", "--seed", "7",
            "--iterations", "\(iterations)", "--mirror-every", "10000000", "--json",
        ])
        #expect(alone.succeeded, "\(alone)")
        for (key, pool, name) in [(parties.labKey, scenario.pool, "together"), (parties.keyA, local, "alone")] {
            let export = try Program.owner.run(
                ["export", "--key", key, "--pool", pool, "--format", "weights", "--out", scenario.folder(name)])
            #expect(export.succeeded, "\(export)")
        }
        #expect(try scenario.folder.read("together") == scenario.folder.read("alone"))
        guard event != .silence else { return }
        // The manager has written the renewals down, and says the same to whoever tries again.
        let log = scenario.folder("log")
        try parties.perun("audit", "log", "--trust", parties.trust, "--out", log)
        try parties.perun("audit", "verify", log, "--trust", parties.trust)
        let entries = try String(contentsOfFile: log, encoding: .utf8)
        #expect(entries.components(separatedBy: "\"kind\":\"renewal\"").count > 2, "\(entries)")
        let again = try parties.train().wait()
        #expect(again.status == .exited(3) && again.errors.contains(words), "\(again)")
    }

    @Test(.timeLimit(.minutes(30))) func theRunGoesOnInOnePlaceAndNotInAnOlderState() throws {
        let parties = try PerunScenario(config: Self.endless, seconds: 20)
        let scenario = parties.scenario
        #expect(try parties.train("--iterations", "5").wait().succeeded)
        let old = try scenario.folder.read("run.pool")
        let other = try scenario.folder.write(old, to: "other.pool")
        let first = try parties.train("--mirror-every", "10000000")
        try wait(first, for: "granted the lease")
        // From the same state, on another machine: it takes over, and the first one hears of it when it asks for more.
        let second = try parties.train(pool: other)
        try wait(second, for: "granted the lease")
        let ended = try first.wait()
        #expect(ended.status == .exited(3), "\(ended)")
        #expect(try (ended.json["leaseEnd"] as? String)?.contains("took over") == true, "\(ended)")
        try wait(second, for: "the lease is renewed", count: 2)
        second.signal(SIGTERM)
        #expect(try second.wait().succeeded)
        // What the first one trained is behind what the manager knows of the second, as is the pool of the beginning.
        let iteration = try scenario.status().runs["default"]?["iteration"] as? Int
        #expect(iteration ?? 0 > 5)
        for _ in 0..<2 {
            let refused = try parties.train().wait()
            #expect(refused.status == .exited(3) && refused.errors.contains("state.rollback"), "\(refused)")
            try scenario.folder.write(old, to: "run.pool")
        }
        let done = try #require(try scenario.status(pool: other).runs["default"]?["iteration"] as? Int)
        let last = try parties.train(pool: other, "--iterations", "\(done + 1)").wait()
        #expect(last.succeeded, "\(last)")
    }

    private func wait(
        _ run: RunningProgram, for words: String, count: Int = 1, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(
            try run.wait { $0.errorsSoFar.components(separatedBy: words).count > count }, "\(run.errorsSoFar)",
            sourceLocation: sourceLocation)
    }
}
