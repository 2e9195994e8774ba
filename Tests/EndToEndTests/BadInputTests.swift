import Foundation
import Testing
import _PliniusTestSupport

/// Bad input names itself, says what to do, and changes nothing.
@Suite struct BadInputTests {
    private let scenario: Scenario

    init() throws { scenario = try Scenario(count: 32) }

    private func expectFailure(
        _ arguments: [String], status: CInt, mentioning words: String..., comment: Comment? = nil
    ) throws {
        let outcome = try Program.plinius.run(arguments)
        #expect(outcome.status == .exited(status), "\(comment ?? ""): \(outcome)")
        for word in words { #expect(outcome.errors.contains(word), "\"\(word)\" is not in: \(outcome.errors)") }
    }

    @Test func missingFilesAreNamed() throws {
        for flag in ["--config", "--data", "--insecure-local-key"] {
            var arguments = scenario.trainArguments()
            let place = try #require(arguments.firstIndex(of: flag))
            arguments[place + 1] = scenario.folder("nowhere")
            try expectFailure(arguments, status: 2, mentioning: "nowhere")
        }
        #expect(!FileManager.default.fileExists(atPath: scenario.pool))
    }

    @Test func keysOfAWrongLengthAreRefused() throws {
        for count in [0, 31, 33, 5000] {
            try scenario.folder.write([UInt8](repeating: 7, count: count), to: "bad.key")
            chmod(scenario.folder("bad.key"), 0o600)
            let arguments = scenario.trainArguments().map { $0 == scenario.key ? scenario.folder("bad.key") : $0 }
            try expectFailure(arguments, status: 2, mentioning: "32")
        }
    }

    @Test func configurationErrorsNameFileLineAndKey() throws {
        let cases: [(String, String, [String])] = [
            ("filters=8", "filters=eight", ["net.cfg", "filters"]), ("[maxpool]", "[maxpole]", ["net.cfg", "maxpole"]),
            ("policy=poly", "policy=polly", ["net.cfg", "policy", "polly"]),
            ("batch=16", "batch=15", ["net.cfg", "subdivisions"]),
        ]
        for (old, new, words) in cases {
            try scenario.folder.write(Scenario.smallNetwork.replacingOccurrences(of: old, with: new), to: "net.cfg")
            let outcome = try scenario.train()
            #expect(outcome.status == .exited(2), "\(new): \(outcome)")
            for word in words { #expect(outcome.errors.contains(word), "\(new): \(outcome.errors)") }
        }
    }

    @Test func unknownKeysAreWarnedOf() throws {
        try scenario.folder.write(
            Scenario.smallNetwork.replacingOccurrences(of: "momentum=0.9", with: "momentun=0.9"), to: "net.cfg")
        let outcome = try scenario.train("--iterations", "1")
        #expect(outcome.succeeded)
        #expect(outcome.errors.contains("[net] has no use for momentun"), "\(outcome.errors)")
    }

    @Test func dataThatDoesNotFitTheNetworkIsNamed() throws {
        try scenario.folder.write(
            Scenario.smallNetwork.replacingOccurrences(of: "height=28", with: "height=32"), to: "net.cfg")
        try expectFailure(scenario.trainArguments(), status: 2, mentioning: "1x28x28", "1x32x28")
        try scenario.folder.write(
            Scenario.smallNetwork.replacingOccurrences(of: "filters=10", with: "filters=12"), to: "net.cfg")
        try expectFailure(scenario.trainArguments(), status: 2, mentioning: "10 classes", "12 outputs")
    }

    @Test func noKeyMeansNoTraining() throws {
        let arguments = scenario.trainArguments().filter { $0 != "--insecure-local-key" && $0 != scenario.key }
        try expectFailure(arguments, status: 2, mentioning: "--insecure-local-key")
    }

    @Test func aReadOnlyPoolIsRefused() throws {
        #expect(try scenario.train("--iterations", "2").succeeded)
        let before = try scenario.folder.read("run.pool")
        chmod(scenario.pool, 0o400)
        // Permissions do not bind root; an immutable file does, where the file system knows such files.
        let isImmutable = geteuid() == 0 && chattr("+i", scenario.pool)
        defer { if isImmutable { _ = chattr("-i", scenario.pool) } }
        guard geteuid() != 0 || isImmutable else { return }
        let outcome = try scenario.train()
        #expect([.exited(1), .exited(2)].contains(outcome.status), "\(outcome)")
        #expect(outcome.errors.contains("run.pool"), "\(outcome.errors)")
        #expect(try scenario.folder.read("run.pool") == before)
    }

    /// Sets an attribute of a file, and tells whether the file system took it.
    private func chattr(_ attribute: String, _ path: String) -> Bool {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/chattr")
        process.arguments = [attribute, path]
        process.standardError = nil
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    @Test(.enabled(if: geteuid() == 0, "only root can mount a small file system"))
    func aFullDiskLeavesNoPoolBehind() throws {
        let mountPoint = scenario.folder("small")
        try FileManager.default.createDirectory(atPath: mountPoint, withIntermediateDirectories: false)
        // Room for a superblock, and not for two slots.
        guard mount("tmpfs", mountPoint, "tmpfs", 0, "size=16k") == 0 else { return }
        defer { umount2(mountPoint, CInt(MNT_DETACH)) }
        let outcome = try scenario.train(pool: "\(mountPoint)/run.pool")
        #expect(outcome.status == .exited(1), "\(outcome)")
        #expect(outcome.errors.contains("space") || outcome.errors.contains("room"), "\(outcome.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: mountPoint).isEmpty)
    }

    @Test func aSecondTrainerIsRefusedByTheLock() throws {
        try scenario.folder.write(
            Scenario.smallNetwork.replacingOccurrences(of: "max_batches=40", with: "max_batches=100000"), to: "net.cfg")
        let first = try Program.plinius.start(scenario.trainArguments())
        #expect(try first.wait { _ in FileManager.default.fileExists(atPath: scenario.pool) })
        let second = try Program.plinius.run(scenario.trainArguments())
        #expect(second.status == .exited(1), "\(second)")
        #expect(second.errors.contains("lock") || second.errors.contains("another"), "\(second.errors)")
        #expect(first.isRunning, "the first trainer was disturbed")
        first.signal(SIGTERM)
        #expect(try first.wait().succeeded)
    }

    @Test func aLossThatIsNotANumberStopsAndKeepsTheLastGoodMirror() throws {
        try scenario.folder.write(
            Scenario.smallNetwork.replacingOccurrences(of: "learning_rate=0.05", with: "learning_rate=1e6"),
            to: "net.cfg")
        let outcome = try scenario.train()
        #expect(outcome.status == .exited(1), "\(outcome)")
        #expect(outcome.errors.contains("layer"), "\(outcome.errors)")
        let status = try Program.plinius.run(["status", "--pool", scenario.pool, "--json"])
        #expect(status.succeeded)
        // What was kept can still be opened and exported.
        #expect(try !scenario.exportedWeights().isEmpty)
    }
}
