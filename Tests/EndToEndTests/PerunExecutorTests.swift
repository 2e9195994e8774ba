import Foundation
import Testing
import _PliniusTestSupport

/// What computes is said by the owners' policies, and the operator's command stays the same.
@Suite(.serialized) struct PerunExecutorTests {
    /// Has an owner name an executor, or another one than before, for training.
    private func name(_ executor: String, by owner: String, in parties: PerunScenario) throws {
        let name = "\(owner).yaml"
        let old = String(decoding: try parties.folder.read(name), as: UTF8.self)
            .replacing(#/ {4}executor: .*\n/#, with: "")
        try parties.folder.write(
            old.replacingOccurrences(of: "    level: test\n", with: "    level: test\n    executor: \(executor)\n"),
            to: name)
        try parties.state(owner, "policy", "put", parties.folder(name))
    }

    private func expectRefusal(
        _ outcome: ProgramOutcome, naming texts: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(outcome.status == .exited(3), "\(outcome)", sourceLocation: sourceLocation)
        for text in texts {
            #expect(outcome.errors.contains(text), "\(text): \(outcome.errors)", sourceLocation: sourceLocation)
        }
    }

    @Test(
        .timeLimit(.minutes(30)),
        arguments: [("reference", "reference", "onednn", "oneDNN"), ("oneDNN", "onednn", "reference", "reference")])
    func oneLineOfAPolicyChoosesWhatComputes(word: String, name: String, other: String, otherWord: String) throws {
        let parties = try PerunScenario()
        let scenario = parties.scenario
        try self.name(word, by: "hospital-b", in: parties)
        let begun = try parties.train("--iterations", "3").wait()
        #expect(try begun.succeeded && begun.json["executor"] as? String == name, "\(begun)")
        #expect(try scenario.status().runs["default"]?["executor"] as? String == name)

        // The command may say the same, and nothing else; the pool stays as it was.
        let pool = try scenario.folder.read("run.pool")
        let against = try parties.train("--executor", other).wait()
        expectRefusal(
            against, naming: "the owners ask for the executor \(word), and --executor asks for \(other)",
            "leave --executor away")
        #expect(try scenario.folder.read("run.pool") == pool)
        let resumed = try parties.train("--iterations", "5", "--executor", name).wait()
        #expect(try resumed.succeeded && resumed.json["resumedFrom"] as? Int == 3, "\(resumed)")

        // Two owners who name different ones refuse, and both lines are told.
        try self.name(otherWord, by: "lab", in: parties)
        expectRefusal(
            try parties.train().wait(), naming: "the check terms.executor failed",
            "\(word) by hospital-b/training, uses[0].executor", "\(otherWord) by lab/training, uses[0].executor")

        // What was begun with one is not gone on with by another.
        try self.name(otherWord, by: "hospital-b", in: parties)
        expectRefusal(
            try parties.train().wait(),
            naming: "the owners ask for the executor \(otherWord), and the run was begun with \(name)",
            "begin another run")
        #expect(try scenario.status().runs["default"]?["iteration"] as? Int == 5)
    }

    @Test(.timeLimit(.minutes(30))) func aRunOfAnotherExecutorThanAskedForNeverBegins() throws {
        let parties = try PerunScenario()
        try name("reference", by: "hospital-a", in: parties)
        let against = try parties.train("--executor", "onednn").wait()
        expectRefusal(against, naming: "the owners ask for the executor reference, and --executor asks for onednn")
        let pool = parties.scenario.pool
        #expect(try !FileManager.default.fileExists(atPath: pool) || parties.scenario.status().runs.isEmpty)
    }
}
