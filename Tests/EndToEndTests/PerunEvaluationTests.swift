import Foundation
import Testing
import _PliniusTestSupport

/// A model that several owners' data made is tested on the data of yet another, if all of them permit.
@Suite(.serialized) struct PerunEvaluationTests {
    /// A hospital that took no part in the training.
    private func addHospitalC(to parties: PerunScenario) throws {
        let folder = parties.folder
        let key = try parties.perun("keygen", "--out", folder("hospital-c.pem")).output
            .trimmingCharacters(in: .newlines)
        try parties.state("hospital-c", "namespace", "put", "hospital-c", "--member", key)
        // It permits tests of the lab's models, and nothing else.
        let policy = String(decoding: try folder.read("lab.yaml"), as: UTF8.self)
            .replacing(/change: .*/, with: "change: { key: \"\(key)\" }")
            .replacingOccurrences(of: "policy: lab/", with: "policy: hospital-c/")
            .replacingOccurrences(of: "purpose: train", with: "purpose: test")
            .replacing(/partners: .*/, with: #"partners: [ "lab/*", "hospital-a/*", "hospital-b/*" ]"#)
        try parties.state("hospital-c", "policy", "put", folder.write(policy, to: "hospital-c.yaml"))
        try parties.scenario.owner("keygen", "--out", folder("c.data-key"))
        try parties.scenario.owner(
            "seal", "--key", folder("c.data-key"), "--format", "synthetic-digits", "--count", "48", "--seed", "9",
            "--out", folder("c.sealed"))
        let identity = try #require(
            try parties.scenario.owner("inspect", folder("c.sealed"), "--json").json["id"] as? String)
        try parties.state(
            "hospital-c", "asset", "put", "hospital-c/scans", "--kind", "dataset", "--identity", identity, "--policy",
            "hospital-c/training", "--key-file", folder("c.data-key"))
    }

    /// Has an owner permit tests beside training, with these partners.
    private func permitTests(_ owner: String, partners: String, in parties: PerunScenario) throws {
        let name = "\(owner).yaml"
        let old = String(decoding: try parties.folder.read(name), as: UTF8.self)
        let training = try #require(old.range(of: "  - purpose: train"))
        let end = old.range(of: "  - purpose: test")?.lowerBound ?? old.endIndex
        let test = old[training.lowerBound..<end].replacingOccurrences(of: "purpose: train", with: "purpose: test")
            .replacing(/partners: .*/, with: "partners: [ \(partners) ]")
        try parties.folder.write(old[..<end] + test, to: name)
        try parties.state(owner, "policy", "put", parties.folder(name))
    }

    private func test(_ parties: PerunScenario, data: String? = nil) throws -> ProgramOutcome {
        try Program.plinius.run([
            "test", "--config", parties.scenario.config, "--data", data ?? parties.folder("c.sealed"), "--pool",
            parties.scenario.pool, "--perun", parties.trust, "--data-asset", "hospital-c/scans", "--config-asset",
            "lab/net", "--model-asset", "lab/model", "--attestation", "simulated", "--attestation-key",
            parties.folder("attestation.key"), "--threads", "1", "--json",
        ])
    }

    private func expectRefusal(
        _ outcome: ProgramOutcome, by check: String, naming text: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(
            outcome.status == .exited(3) && outcome.errors.contains("the check \(check) failed"), "\(outcome)",
            sourceLocation: sourceLocation)
        if let text { #expect(outcome.errors.contains(text), "\(outcome)", sourceLocation: sourceLocation) }
    }

    @Test(.timeLimit(.minutes(30))) func aModelIsTestedOnTheDataOfAnotherIfAllPermit() throws {
        let parties = try PerunScenario()
        try addHospitalC(to: parties)
        #expect(try parties.train("--iterations", "20").wait().succeeded)
        let pool = try parties.folder.read(URL(filePath: parties.scenario.pool).lastPathComponent)

        // Whose data the model was made from is asked too: A, B and the lab permit training alone.
        expectRefusal(
            try test(parties), by: "use.purpose", naming: "policy[hospital-a/training]: the check use.purpose failed")
        try permitTests("lab", partners: #""hospital-a/*", "hospital-b/*", "hospital-c/*""#, in: parties)
        try permitTests("hospital-a", partners: #""lab/*", "hospital-b/*", "hospital-c/*""#, in: parties)
        try permitTests("hospital-b", partners: #""lab/*", "hospital-a/*""#, in: parties)
        // B has nothing against tests, but does not work with C.
        expectRefusal(try test(parties), by: "use.partners", naming: "hospital-c/scans")
        try permitTests("hospital-b", partners: #""lab/*", "hospital-a/*", "hospital-c/scans""#, in: parties)
        let tested = try test(parties)
        #expect(tested.succeeded, "\(tested)")
        #expect(try tested.json["count"] as? Int == 48)
        #expect(try tested.json["iteration"] as? Int == 20)
        #expect(try test(parties).succeeded, "once more of the same run")

        // Data that nobody stated, under C's name.
        expectRefusal(try test(parties, data: parties.dataB), by: "request.datasets")
        // The model does not become C's by being tested: training goes on without it.
        #expect(try parties.folder.read(URL(filePath: parties.scenario.pool).lastPathComponent) == pool)
        #expect(try parties.train("--iterations", "25").wait().succeeded)

        // What C's data was used for is in the log, and a stop of A's is enough.
        try parties.perun("audit", "log", "--trust", parties.trust, "--out", parties.folder("log"))
        let log = String(decoding: try parties.folder.read("log"), as: UTF8.self)
        #expect(log.contains(#""purpose":"test""#))
        try parties.state("hospital-a", "stop", "hospital-a", "--reason", "doubts")
        expectRefusal(try test(parties), by: "asset.stopped", naming: "doubts")
    }
}
