import Foundation
import PliniusWire
import Testing
import _PliniusTestSupport

/// What is granted for a time, and for one state of the mirror, by an owner who says it in the grant.
@Suite struct LeaseTests {
    private static let id = [UInt8](repeating: 9, count: 16)

    /// A training that waits for its owner, and that owner's key.
    private struct Setting {
        let setting: ProvisioningScenario
        let key: [UInt8]
        var scenario: Scenario { setting.scenario }

        init(config: String = Scenario.smallNetwork) throws {
            setting = try ProvisioningScenario(config: config)
            key = try setting.folder.read("owner.key")
        }

        /// Trains under terms until the process ends.
        func train(
            seconds: UInt32 = 3600, iterations: UInt64 = 1_000_000, pause: Double = 0, floor: MirrorState? = nil,
            _ more: String...
        ) throws -> (outcome: ProgramOutcome, data: RuntimeData) {
            let host = try WaitingHost(Program.plinius.start(setting.arguments(more)))
            let granted = try RawOwner.grant([key], at: host.address, pause: pause) { _ in
                GrantTerms(
                    purposes: [.train, .test], keys: [.init()],
                    lease: .init(id: LeaseTests.id, seconds: seconds, iterations: iterations), floor: floor)
            }
            #expect(granted.refusal == nil)
            return (try host.run.wait(), granted.data)
        }
    }

    private func expectLeaseEnd(
        _ outcome: ProgramOutcome, _ words: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(outcome.status == .exited(3), "\(outcome)", sourceLocation: sourceLocation)
        #expect(outcome.errors.contains(words), "\(outcome.errors)", sourceLocation: sourceLocation)
        #expect(try outcome.json["complete"] as? Bool == false, sourceLocation: sourceLocation)
        #expect(
            try (outcome.json["leaseEnd"] as? String)?.contains(words) == true, "\(outcome)",
            sourceLocation: sourceLocation)
    }

    @Test(.timeLimit(.minutes(30)), arguments: [1, 4]) func iterationsAreCountedAndTheBitsAreThoseOfAnUndisturbedRun(
        mirrorEvery: Int
    ) throws {
        let setting = try Setting()
        let scenario = setting.scenario
        let local = scenario.folder("local.pool")
        #expect(try scenario.train(pool: local).succeeded)
        var done = 0
        for length in [15, 15] {
            let outcome = try setting.train(iterations: UInt64(length), "--mirror-every", "\(mirrorEvery)").outcome
            try expectLeaseEnd(outcome, "was for \(length) iterations")
            done += length
            #expect(try outcome.json["iterations"] as? Int == done)
            #expect(try scenario.status().runs["default"]?["iteration"] as? Int == done)
        }
        // The rest fits to the update.
        let outcome = try setting.train(iterations: 10, "--test-data", scenario.testData).outcome
        #expect(outcome.succeeded, "\(outcome)")
        #expect(try outcome.json["testAccuracy"] is Double && outcome.json["leaseEnd"] == nil)
        #expect(try scenario.exportedWeights() == scenario.exportedWeights(pool: local))
    }

    @Test(.timeLimit(.minutes(30))) func whenTheTimeIsOverTrainingEndsWithAMirror() throws {
        let setting = try Setting(
            config: Scenario.smallNetwork.replacingOccurrences(of: "max_batches=40", with: "max_batches=10000000"))
        // So rarely that only the end of the lease can have mirrored it.
        let outcome = try setting.train(seconds: 6, "--mirror-every", "10000000").outcome
        try expectLeaseEnd(outcome, "was for 6 seconds")
        let iterations = try #require(try outcome.json["iterations"] as? Int)
        #expect(iterations > 0)
        #expect(try setting.scenario.status().runs["default"]?["iteration"] as? Int == iterations)
        // Counted from the challenge: a grant that comes late is over when it comes, and nothing is trained.
        let late = try setting.train(seconds: 1, pause: 1.1).outcome
        try expectLeaseEnd(late, "was for 1 seconds")
        #expect(try late.json["iterations"] as? Int == iterations)
    }

    /// A start without the owner would know neither of the lease's end nor of what the mirror has reached, nor which executor is asked for.
    @Test(.timeLimit(.minutes(30))) func aKeyForATimeOrForAStateIsNotKept() throws {
        let setting = try Setting()
        let kept = setting.scenario.pool + "@default.kept-key"
        func train(_ terms: (RuntimeData) -> GrantTerms) throws -> ProgramOutcome {
            let host = try WaitingHost(Program.plinius.start(setting.setting.arguments(["--keep-key"])))
            #expect(try RawOwner.grant([setting.key], at: host.address, on: terms).refusal == nil)
            return try host.run.wait()
        }
        let restart = GrantTerms.Restart(registers: [], allowsSimulation: true)
        let leased = try train { _ in
            GrantTerms(
                purposes: [.train], keys: [.init()], restart: restart,
                lease: .init(id: Self.id, seconds: 3600, iterations: 5))
        }
        let floored = try train {
            GrantTerms(purposes: [.train], keys: [.init()], restart: restart, floor: $0.state)
        }
        let named = try train { _ in
            GrantTerms(purposes: [.train], keys: [.init()], restart: restart, executor: .oneDNN)
        }
        for outcome in [leased, floored, named] {
            #expect(outcome.errors.contains("the key is not kept"), "\(outcome)")
        }
        #expect(leased.status == .exited(3) && floored.succeeded && named.succeeded)
        #expect(!FileManager.default.fileExists(atPath: kept))
        let free = try train { _ in GrantTerms(purposes: [.train], keys: [.init()], restart: restart) }
        #expect(free.succeeded && FileManager.default.fileExists(atPath: kept), "\(free)")
    }

    @Test(.timeLimit(.minutes(30))) func aMirrorThatIsNotTheOneTheOwnerKnowsIsRefused() throws {
        let setting = try Setting()
        let scenario = setting.scenario
        let first = try setting.train(iterations: 5)
        #expect(first.data.state == nil && first.data.runID.isEmpty)
        let old = try scenario.folder.read("run.pool")
        let second = try setting.train(iterations: 5)
        let oldState = try #require(second.data.state)
        // The first state, and one commit for each update.
        #expect(oldState.counter == 5 && oldState.tag.count == 32)
        let newest = try scenario.folder.read("run.pool")
        let third = try setting.train(iterations: 1, floor: oldState)
        try expectLeaseEnd(third.outcome, "was for 1 iterations")
        let state = try #require(third.data.state)
        #expect(state.counter == 10)

        func refuses(_ pool: [UInt8]?, floor: MirrorState, _ words: String) throws {
            if let pool {
                try scenario.folder.write(pool, to: "run.pool")
            } else {
                try FileManager.default.removeItem(atPath: scenario.pool)
            }
            let outcome = try setting.train(floor: floor).outcome
            #expect(outcome.status == .exited(3) && outcome.errors.contains(words), "\(outcome)")
            if let pool { #expect(try scenario.folder.read("run.pool") == pool, "what is refused is left as it was") }
        }
        try refuses(old, floor: state, "holds commit 5, and commit 10 is known of")
        try refuses(old, floor: MirrorState(counter: 5, tag: state.tag), "is a fork")
        // The same updates once more, from the same state: every bit of the model is the same, and it is another commit.
        try scenario.folder.write(old, to: "run.pool")
        _ = try setting.train(iterations: 5)
        let fork = try scenario.folder.read("run.pool")
        try refuses(fork, floor: state, "is a fork: it holds another commit 10")
        try refuses(nil, floor: state, "the pool does not hold the run")
        try scenario.folder.write(newest, to: "run.pool")
        let outcome = try setting.train(floor: state).outcome
        #expect(outcome.succeeded, "\(outcome)")
    }
}
