import Foundation
import PliniusSockets
import PliniusWire
import Testing
import _PliniusTestSupport

/// Leases that an owner renews while training goes on, or does not; the owner's part is played frame by frame.
@Suite(.serialized) struct RenewalTests {
    private static let id = [UInt8](repeating: 9, count: 16)
    private static let endless = Scenario.smallNetwork.replacingOccurrences(
        of: "max_batches=40", with: "max_batches=10000000")
    private static let asked = "an owner who renews the lease is awaited"
    private static let renewed = "the lease is renewed"
    private static let notYet = "the lease is not renewed yet: "

    /// A training under a lease.
    private struct Setting {
        let setting: ProvisioningScenario
        let host: WaitingHost
        let key: [UInt8]
        var scenario: Scenario { setting.scenario }

        /// Has it begun under a first grant.
        init(seconds: UInt32 = 3600, iterations: UInt64 = 1 << 40, _ more: String...) throws {
            setting = try ProvisioningScenario(config: RenewalTests.endless)
            key = try setting.folder.read("owner.key")
            // So rarely that what is mirrored at the end is mirrored because of the end.
            let events = ["--events", setting.folder("events.jsonl")]
            host = try WaitingHost(
                Program.plinius.start(setting.arguments(["--mirror-every", "10000000"] + events + more)))
            let granted = try grant(seconds: seconds, iterations: iterations)
            #expect(granted.refusal == nil && granted.data.leaseID.isEmpty)
        }

        /// Grants, as soon as somebody is awaited.
        func grant(
            seconds: UInt32 = 3600, iterations: UInt64 = 1 << 40, id: [UInt8]? = RenewalTests.id,
            modelKey: [UInt8]? = nil, floor: MirrorState? = nil, executor: GrantTerms.Executor? = nil
        ) throws -> (data: RuntimeData, refusal: String?) {
            try RawOwner.grant([modelKey ?? key, key], at: host.address) { data in
                GrantTerms(
                    purposes: [.train], keys: [.init(), .init(dataset: data.datasetIDs[0])],
                    lease: id.map { .init(id: $0, seconds: seconds, iterations: iterations) }, floor: floor,
                    executor: executor)
            }
        }

        /// How many iterations the host has heard of.
        var iterations: Int {
            let events = try? String(contentsOfFile: setting.folder("events.jsonl"), encoding: .utf8)
            return (events ?? "").components(separatedBy: "\"iteration\"").count
        }

        func wait(for words: String, count: Int = 1, sourceLocation: SourceLocation = #_sourceLocation) throws {
            #expect(
                try host.run.wait { $0.errorsSoFar.components(separatedBy: words).count > count },
                "\(host.run.errorsSoFar)", sourceLocation: sourceLocation)
        }

        /// The run ended with its lease, for this reason, and everything that was trained is in the pool.
        @discardableResult func expectEnd(
            _ words: String, sourceLocation: SourceLocation = #_sourceLocation
        ) throws -> Int {
            let outcome = try host.run.wait()
            #expect(outcome.status == .exited(3), "\(outcome)", sourceLocation: sourceLocation)
            let reason = try #require(try outcome.json["leaseEnd"] as? String, "\(outcome)")
            #expect(reason.contains(words), "\(reason)", sourceLocation: sourceLocation)
            let iterations = try #require(try outcome.json["iterations"] as? Int)
            #expect(iterations > 0, sourceLocation: sourceLocation)
            let status = try scenario.status().runs["default"]
            #expect(status?["iteration"] as? Int == iterations, sourceLocation: sourceLocation)
            return iterations
        }

        /// The weights are those of a run that nobody disturbed.
        func expectUndisturbedBits(after iterations: Int) throws {
            let local = scenario.folder("local.pool")
            let outcome = try scenario.train(
                pool: local, "--iterations", "\(iterations)", "--mirror-every", "10000000")
            #expect(outcome.succeeded, "\(outcome)")
            #expect(try scenario.exportedWeights() == scenario.exportedWeights(pool: local))
        }
    }

    @Test(.timeLimit(.minutes(30))) func aLeaseIsRenewedWhileTrainingGoesOnAndEndsWhenNobodyRenewsIt() throws {
        let setting = try Setting(seconds: 8, "--mirror-every", "5")
        var last: MirrorState?
        for count in 1...3 {
            try setting.wait(for: Self.asked, count: count)
            let granted = try setting.grant(seconds: 8, floor: last)
            #expect(granted.refusal == nil && granted.data.leaseID == Self.id && !granted.data.isNewRun)
            // What the mirror holds by now, and not what the pool held at the beginning.
            let state = try #require(granted.data.state)
            #expect(state.counter > last?.counter ?? 0)
            last = state
            try setting.wait(for: Self.renewed, count: count)
        }
        let iterations = try setting.expectEnd("was for 8 seconds")
        try setting.expectUndisturbedBits(after: iterations)
    }

    @Test(.timeLimit(.minutes(30))) func iterationsAreRenewedAndCountedFromTheChallenge() throws {
        // Half of them take far longer than an owner needs to answer, also beside other tests.
        let setting = try Setting(iterations: 16_000)
        try setting.wait(for: Self.asked)
        #expect(try setting.grant(iterations: 300).refusal == nil)
        // More may be done by now than the new term has; it counts from where the run was all the same.
        let iterations = try setting.expectEnd("was for 300 iterations")
        #expect(8_300..<16_300 ~= iterations, "from half of the first term on, three hundred")
        try setting.expectUndisturbedBits(after: iterations)
    }

    @Test(.timeLimit(.minutes(30))) func aRefusalEndsTheRunAtOnceWithTheOwnersWords() throws {
        let setting = try Setting(seconds: 20)
        try setting.wait(for: Self.asked)
        var owner = try RawOwner(setting.host.address)
        let words =
            "the check asset.stopped failed: expected nothing stopped, found hospital-b/scans: an incident"
        try owner.say(.refusal(Failure(category: .integrity, message: words)))
        #expect(try owner.hearRefusal()?.contains(words) == true)
        try setting.expectEnd("the owner refuses: \(words)")
        #expect(!setting.host.run.errorsSoFar.contains("no key was granted"), "nobody is waited for after that")
    }

    @Test(.timeLimit(.minutes(30))) func whatIsNoRenewalLeavesTheLeaseAsItIs() throws {
        let setting = try Setting(seconds: 40)
        let state = MirrorState(counter: 1 << 40, tag: [UInt8](repeating: 1, count: 32))
        func hangUp() throws -> String? {
            try RawOwner(setting.host.address).socket.send([1])
            return nil
        }
        func nonsense() throws -> String? {
            var owner = try RawOwner(setting.host.address)
            try owner.socket.send([1, 0, 0, 0, 3])
            return try owner.hearRefusal()
        }
        let cases: [(String, () throws -> String?)] = [
            ("the owner went away in the middle", hangUp), ("type 3 is no message", nonsense),
            ("another key", { try setting.grant(modelKey: [UInt8](repeating: 8, count: 32)).refusal }),
            ("of another lease", { try setting.grant(id: [UInt8](repeating: 8, count: 16)).refusal }),
            ("or of none", { try setting.grant(id: nil).refusal }),
            ("is a fork: the owner knows of its commit", { try setting.grant(floor: state).refusal }),
            (
                "the executor reference, and the run is computed by onednn",
                { try setting.grant(executor: .reference).refusal }
            ),
        ]
        try setting.wait(for: Self.asked)
        for (count, (words, attempt)) in cases.enumerated() {
            let refusal = try attempt()
            try setting.wait(for: Self.notYet, count: count + 1)
            let told = setting.host.run.errorsSoFar
            #expect(
                told.components(separatedBy: "\n").contains { $0.contains(Self.notYet) && $0.contains(words) },
                "\(told)")
            #expect(refusal?.contains(words) ?? (count == 0), "\(words): \(refusal ?? "nothing")")
            // Asked again when an eighth of the rest is over.
            try setting.wait(for: Self.asked, count: count + 2)
        }
        #expect(try setting.grant(seconds: 3600).refusal == nil)
        try setting.wait(for: Self.renewed)
        setting.host.run.signal(SIGTERM)
        let outcome = try setting.host.run.wait()
        #expect(outcome.succeeded, "\(outcome)")
    }

    @Test(.timeLimit(.minutes(30))) func evidenceKeepsNobodyFromTrainingAndWithoutItALeaseIsNotRenewed() throws {
        let setting = try Setting(seconds: 16)
        let enclave = try #require(setting.host.run.children.first)
        let prover = try #require(RunningProgram.children(of: enclave).first)
        RunningProgram.holdStill(prover)
        try setting.wait(for: Self.asked)
        var owner = try RawOwner(setting.host.address)
        try owner.say(.challenge(Challenge(nonce: [UInt8](repeating: 1, count: 32))))
        // A platform that takes its time holds up the owner, and not the run.
        let begun = setting.iterations
        #expect(try setting.host.run.wait { _ in setting.iterations > begun + 20 })
        kill(prover, SIGKILL)
        #expect(try owner.hearRefusal()?.contains("the process that collects evidence is gone") == true)
        try setting.expectEnd("was for 16 seconds")
    }
}
