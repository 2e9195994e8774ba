import Foundation
import PliniusSealing
import Testing
import _PliniusTestSupport

/// A run goes on without its owner where the owner permitted it, on the same machine and in the same state, and nowhere else.
@Suite(.serialized) struct RestartTests {
    private static let permitted = "restart:\n  keepKey: true\n"
    private static let waiting = "waiting for an owner"
    private static let reopened = "the run goes on without its owner"
    private static let unused = "the kept key is not used"

    /// A run that was killed after some iterations, and may have kept its key.
    private struct Killed {
        let setting: ProvisioningScenario
        let platform: String
        let more: [String]
        let machine: SoftwareTPM?
        var scenario: Scenario { setting.scenario }
        var kept: String { scenario.pool + "@default.kept-key" }

        init(
            platform: String = "simulated", _ more: [String] = ["--keep-key"], on machine: SoftwareTPM? = nil,
            restart: String = permitted, tpm: (anchors: String, section: String)? = nil,
            policy: (String) -> Void = { _ in }
        ) throws {
            setting = try ProvisioningScenario()
            self.platform = platform
            self.more = more
            self.machine = machine
            let host = try WaitingHost(Program.plinius.start(arguments("--crash-at", "insideChunks:5")))
            let file = try setting.policy(from: host, tpm: tpm, restart: restart)
            policy(file)
            let released = try setting.provision(
                host.address, policy: file, "--keep-evidence", setting.folder("first.evidence"))
            #expect(released.succeeded, "\(released)")
            let outcome = try host.run.wait()
            #expect(outcome.errors.contains("SIGKILL"), "\(outcome)")
            #expect(outcome.errors.contains("is kept for restarts") == FileManager.default.fileExists(atPath: kept))
        }

        /// What starts the run, and again.
        func arguments(_ extra: String...) throws -> [String] { try arguments(extra) }

        private func arguments(_ extra: [String]) throws -> [String] {
            // A device for each process: what one of them left there is no answer to another.
            let tpm = try machine.map { ["--tpm", try $0.device()] } ?? []
            return setting.arguments(platform: platform, more + tpm + extra)
        }

        /// The bits of a run that nobody disturbed.
        func expected() throws -> [UInt8] {
            let local = scenario.folder("local.pool")
            #expect(try scenario.train(pool: local).succeeded)
            return try scenario.exportedWeights(pool: local)
        }

        /// Starts again; without an owner it ends only if it needs none.
        func start(_ extra: String...) throws -> ProgramOutcome {
            try Program.plinius.run(arguments(extra))
        }

        /// Starts again, and expects that the owner is waited for.
        func expectWaiting(
            because words: String, _ extra: String..., sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let host = try WaitingHost(Program.plinius.start(arguments(extra)))
            #expect(host.run.errorsSoFar.contains(words), "\(host.run.errorsSoFar)", sourceLocation: sourceLocation)
            host.run.signal(SIGTERM)
            #expect(try host.run.wait().succeeded, sourceLocation: sourceLocation)
        }
    }

    // MARK: Simulated

    @Test(.timeLimit(.minutes(30))) func aKeptKeyResumesToTheSameBitsWithoutAnOwner() throws {
        let killed = try Killed()
        let attributes = try FileManager.default.attributesOfItem(atPath: killed.kept)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let kept = try killed.setting.folder.read("run.pool@default.kept-key")
        let key = try killed.setting.folder.read("owner.key")
        #expect(kept.count == 93 && !hexadecimal(kept).contains(hexadecimal(key)))
        #expect(try !killed.setting.folder.names().contains { $0.hasSuffix(".part") })

        let events = killed.setting.folder("events.jsonl")
        let outcome = try killed.start("--events", events)
        #expect(outcome.succeeded, "\(outcome)")
        #expect(outcome.errors.contains(Self.reopened) && !outcome.errors.contains(Self.waiting), "\(outcome.errors)")
        #expect(try outcome.json["tee"] as? String == "simulated")
        #expect(outcome.errors.contains("enclave: simulated"), "\(outcome.errors)")
        #expect(try outcome.json["resumedFrom"] is Int)
        #expect(try String(contentsOfFile: events, encoding: .utf8).contains(Self.reopened))
        #expect(try killed.scenario.exportedWeights() == killed.expected())
    }

    @Test(
        .timeLimit(.minutes(30)), arguments: ["", "restart:\n", "restart:\n  keepKey: false\n"]
    ) func withoutThePermissionNothingIsKept(restart: String) throws {
        let killed = try Killed(restart: restart)
        #expect(!FileManager.default.fileExists(atPath: killed.kept))
        try killed.expectWaiting(because: Self.waiting)
    }

    @Test(.timeLimit(.minutes(30))) func nobodyKeepsWhatNobodyAskedToKeep() throws {
        let killed = try Killed([])
        #expect(!FileManager.default.fileExists(atPath: killed.kept))
    }

    @Test(.timeLimit(.minutes(30))) func theOwnerIsWaitedForWhereTheKeyDoesNotOpen() throws {
        let killed = try Killed()
        let folder = killed.setting.folder
        let kept = try folder.read("run.pool@default.kept-key")
        var changed = kept
        changed[60] ^= 1
        var platform = kept
        platform[12] = 1
        let damaged: [([UInt8], String)] = [
            (changed, Self.unused), (platform, Self.unused), (kept.dropLast(), Self.unused), (kept + [0], Self.unused),
            ([], "is no file of 1 to 4096 bytes"),
            ([UInt8](repeating: 1, count: 4097), "is no file of 1 to 4096 bytes"),
        ]
        for (bytes, words) in damaged {
            try folder.write(bytes, to: "run.pool@default.kept-key")
            try killed.expectWaiting(because: words)
        }
        try folder.write(kept, to: "run.pool@default.kept-key")
        // Another run of the pool, which does not exist yet, and never begins with a kept key.
        try folder.write(kept, to: "run.pool@other.kept-key")
        try killed.expectWaiting(because: Self.unused, "--run", "other")
        // Another network, another machine.
        try folder.write(
            Scenario.smallNetwork.replacingOccurrences(of: "momentum=0.9", with: "momentum=0.8"), to: "net.cfg")
        try killed.expectWaiting(because: Self.unused)
        try folder.write(Scenario.smallNetwork, to: "net.cfg")
        let seed = try folder.read("attestation.key")
        try folder.write([UInt8](repeating: 9, count: 32), to: "attestation.key")
        try killed.expectWaiting(because: Self.unused)
        try folder.write(seed, to: "attestation.key")
        // Without the pool there is nothing to resume: the owner decides about a fresh start.
        try FileManager.default.moveItem(atPath: killed.scenario.pool, toPath: folder("away.pool"))
        try killed.expectWaiting(because: "the pool does not hold the run")
        try FileManager.default.moveItem(atPath: folder("away.pool"), toPath: killed.scenario.pool)

        let outcome = try killed.start()
        #expect(outcome.succeeded && outcome.errors.contains(Self.reopened), "\(outcome)")
    }

    @Test(.timeLimit(.minutes(30))) func anotherRunsKeyOpensForNobody() throws {
        let killed = try Killed()
        let folder = killed.setting.folder
        let other = folder("other.pool")
        let host = try killed.setting.host(pool: other, "--keep-key", "--run", "other", "--crash-at", "insideChunks:5")
        let policy = try killed.setting.policy(from: host, restart: Self.permitted)
        #expect(try killed.setting.provision(host.address, policy: policy).succeeded)
        #expect(try host.run.wait().errors.contains("SIGKILL"))
        let (first, second) = ("run.pool@default.kept-key", "other.pool@other.kept-key")
        let keys = (try folder.read(first), try folder.read(second))
        try folder.write(keys.1, to: first)
        try folder.write(keys.0, to: second)
        try killed.expectWaiting(because: Self.unused)
        try killed.expectWaiting(because: Self.unused, "--pool", other, "--run", "other")
        try folder.write(keys.1, to: second)
        #expect(try killed.start("--pool", other, "--run", "other").succeeded)
    }

    @Test(.timeLimit(.minutes(30))) func whatDoesNotGoTogetherIsRefused() throws {
        let setting = try ProvisioningScenario()
        let short = try setting.folder.write([UInt8](repeating: 1, count: 63), to: "short.approval")
        let long = try setting.folder.write([UInt8](repeating: 1, count: 65), to: "long.approval")
        let cases: [([String], String)] = [
            (["--approval", short], "goes with --keep-key"),
            (["--keep-key", "--approval", short], "has not 64 bytes"),
            (["--keep-key", "--approval", long], "has not 64 bytes"),
            (["--keep-key", "--approval", "/nowhere"], "does not exist"),
            (["--keep-key"] + [[String]](repeating: ["--approval", short], count: 17).flatMap { $0 }, "at most 16"),
            (["--trusted-counter", "0x81000000"], "0x01800000"), (["--trusted-counter", "many"], "0x01800000"),
        ]
        for (options, words) in cases {
            let outcome = try Program.plinius.run(setting.arguments(options))
            #expect(outcome.status == .exited(2) && outcome.errors.contains(words), "\(options): \(outcome)")
        }
        let local = try Program.plinius.run(setting.scenario.trainArguments(["--keep-key"]))
        #expect(local.status == .exited(2) && local.errors.contains("go with --wait-for-owner"), "\(local)")
    }

    // MARK: With a TPM

    private static let tpmSection = (anchors: "[maker.pem]", section: "  endorsement: true")

    /// A run whose key a TPM sealed.
    private func killed(
        _ tpm: SoftwareTPM, restart: String = permitted, policy: (String) -> Void = { _ in }
    ) throws -> Killed {
        let maker = try TemporaryDirectory()
        let path = try maker.write(tpm.authority(), to: "maker.pem")
        return try Killed(
            platform: "simulated+tpm", on: tpm, restart: restart,
            tpm: ("[\(path)]", Self.tpmSection.section), policy: policy)
    }

    @Test(.enabled(if: SoftwareTPM.isAvailable, Comment(rawValue: SoftwareTPM.missing)), .timeLimit(.minutes(30)))
    func aTPMGivesTheKeyBackAsLongAsItsRegistersStay() throws {
        let tpm = try SoftwareTPM(certified: true)
        defer { tpm.stop() }
        let killed = try killed(tpm)
        try tpm.extend(4, with: sha256([1]))
        try killed.expectWaiting(because: Self.unused)
        try tpm.restart()
        let other = try SoftwareTPM()
        defer { other.stop() }
        try killed.expectWaiting(because: Self.unused, "--tpm", other.device())
        let outcome = try killed.start()
        #expect(outcome.succeeded && outcome.errors.contains(Self.reopened), "\(outcome)")
        #expect(try outcome.json["tee"] as? String == "simulated+tpm")
        #expect(try killed.scenario.exportedWeights() == killed.expected())
    }

    @Test(.enabled(if: SoftwareTPM.isAvailable, Comment(rawValue: SoftwareTPM.missing)), .timeLimit(.minutes(30)))
    func approvedRegistersOpenTheKeyAndOthersDoNot() throws {
        let tpm = try SoftwareTPM(certified: true)
        defer { tpm.stop() }
        let keys = try TemporaryDirectory()
        let approvalKey = keys("approval.key")
        #expect(try Program.owner.run(["keygen", "--out", approvalKey]).succeeded)
        let shown = try Program.owner.run(["approve", "--key", approvalKey])
        let point = shown.output.trimmingCharacters(in: .newlines)
        #expect(shown.succeeded && point.count == 128, "\(shown)")
        var policy = ""
        let killed = try killed(
            tpm, restart: "restart:\n  keepKey: true\n  registers: [0, 4]\n  approvalKey: \(point)\n"
        ) { policy = $0 }
        let approve = ["approve", "--key", approvalKey, "--policy", policy]

        // The state of now is no exception.
        try killed.expectWaiting(because: Self.unused)
        let first = keys("first.approval")
        let now = try Program.owner.run(
            approve + ["--evidence", killed.setting.folder("first.evidence"), "--out", first])
        #expect(now.succeeded, "\(now)")
        try tpm.extend(4, with: sha256([1]))
        try killed.expectWaiting(because: Self.unused, "--approval", first)
        // What the register will be can be told beforehand.
        let updated = hexadecimal(sha256([UInt8](repeating: 0, count: 32) + sha256([1])))
        let zeros = String(repeating: "00", count: 32)
        let second = keys("second.approval")
        let then = try Program.owner.run(
            approve + ["--register", "0:\(zeros)", "--register", "4:\(updated)", "--out", second])
        #expect(then.succeeded, "\(then)")
        let outcome = try killed.start("--approval", first, "--approval", second)
        #expect(outcome.succeeded && outcome.errors.contains(Self.reopened), "\(outcome)")

        let out = keys("out")
        let stranger = killed.scenario.key
        let plain = try killed.setting.folder.write(
            String(contentsOfFile: policy, encoding: .utf8).components(separatedBy: "restart:")[0], to: "plain.yaml")
        let refused: [([String], String)] = [
            (["approve", "--key", approvalKey, "--out", out], "--policy is missing"),
            (approve + ["--register", "0:\(zeros)"], "--out is missing"),
            (approve + ["--register", "0:\(zeros)", "--out", out], "no value of PCR 4"),
            (approve + ["--register", "24:\(zeros)", "--out", out], "a number from 0 to 23"),
            (approve + ["--register", "4:00", "--out", out], "32 bytes are expected"),
            (approve + ["--evidence", policy, "--out", out], "is no evidence"),
            (["approve", "--key", stranger, "--policy", policy, "--out", out], "is another key than"),
            (["approve", "--key", approvalKey, "--policy", plain, "--out", out], "no line restart.approvalKey"),
            (approve + ["--register", "0:\(zeros)", "--register", "4:\(zeros)", "--out", first], "is there already"),
        ]
        for (arguments, words) in refused {
            let outcome = try Program.owner.run(arguments)
            #expect(!outcome.succeeded && outcome.errors.contains(words), "\(arguments): \(outcome)")
        }
    }

    // MARK: Counted

    @Test(.enabled(if: SoftwareTPM.isAvailable, Comment(rawValue: SoftwareTPM.missing)), .timeLimit(.minutes(30)))
    func aCountedRunRefusesOlderPoolsAndNeverTheNewest() throws {
        let tpm = try SoftwareTPM()
        defer { tpm.stop() }
        let counter = "0x01805001"
        let killed = try Killed(["--keep-key", "--trusted-counter", counter], on: tpm)
        let pool = killed.scenario.pool
        let old = try killed.setting.folder.read("run.pool")

        // Wherever a start dies, before it is counted and after, the next one goes on.
        for point in MortalRun.points + ["afterMarker:1", "afterFence:1"] {
            let outcome = try killed.start("--crash-at", point.contains(":") ? point : "\(point):0")
            #expect(outcome.errors.contains(Self.reopened), "\(point): \(outcome)")
            #expect(outcome.errors.contains("SIGKILL"), "\(point): \(outcome)")
        }
        // At other instants, among them those around the count itself.
        for delay in stride(from: 100_000, through: 500_000, by: 50_000) {
            let run = try Program.plinius.start(killed.arguments("--iterations", "30"))
            usleep(UInt32(delay))
            let enclaves = run.children
            run.signal(SIGKILL)
            let outcome = try run.wait()
            for enclave in enclaves { MortalRun.waitUntilGone(enclave) }
            #expect(!outcome.errors.contains("trusted counter was to stand"), "\(outcome)")
        }
        let newest = try killed.setting.folder.read("run.pool")

        // Put back, the pool of the first start is an old one, however it is asked for.
        try killed.setting.folder.write(old, to: "run.pool")
        for index in [counter, "0x01805002"] {
            let outcome = try killed.start("--trusted-counter", index)
            #expect(outcome.status == .exited(3) && outcome.errors.contains("older pool"), "\(outcome)")
        }
        let uncounted = try Program.plinius.run(killed.setting.arguments(["--keep-key"]))
        #expect(uncounted.status == .exited(3) && uncounted.errors.contains("stands at none"), "\(uncounted)")
        #expect(try killed.setting.folder.read("run.pool") == old, "a pool that is refused is left as it was")

        try killed.setting.folder.write(newest, to: "run.pool")
        let outcome = try killed.start()
        #expect(outcome.succeeded, "\(outcome)")
        #expect(outcome.errors.contains("of the trusted counter, is refused from now on"), "\(outcome.errors)")
        #expect(try killed.scenario.exportedWeights() == killed.expected())
        #expect(FileManager.default.fileExists(atPath: pool))
    }

    @Test(.enabled(if: SoftwareTPM.isAvailable, Comment(rawValue: SoftwareTPM.missing)), .timeLimit(.minutes(30)))
    func aRunThatBeganUncountedStaysSo() throws {
        let tpm = try SoftwareTPM()
        defer { tpm.stop() }
        let killed = try Killed()
        let outcome = try killed.start("--tpm", tpm.device(), "--trusted-counter", "0x01805001")
        #expect(outcome.status == .exited(3) && outcome.errors.contains("was to stand at none"), "\(outcome)")
        #expect(try killed.start().succeeded)
    }
}
