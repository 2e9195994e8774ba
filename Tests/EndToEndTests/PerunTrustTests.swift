import Foundation
import Testing
import _PliniusTestSupport

/// Whom the programs of operators and owners believe, and what they say when nobody answers.
@Suite(.serialized) struct PerunTrustTests {
    @Test(.timeLimit(.minutes(30))) func oneManagerIsBelievedAndNobodyElseWhereItWas() throws {
        let parties = try PerunScenario()
        let folder = parties.folder
        let run = try parties.train("--iterations", "5").wait()
        #expect(run.succeeded, "\(run)")

        // Neither the operator's programs nor those of owners said anything that is secret, in any form.
        var said = run.output + run.errors + parties.manager.errorsSoFar
        let listing = try parties.perun("leases", "--trust", parties.trust)
        let assets = try parties.perun("asset", "list", "--trust", parties.trust)
        for outcome in [listing, assets] { said += outcome.output + outcome.errors }
        #expect(said.contains("lab/model"))
        let root = String(decoding: try folder.read("store/root.insecure"), as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(root.count == 64 && !said.contains(root))
        for path in [parties.keyA, parties.keyB, parties.labKey, folder("attestation.key")] {
            let key = try Data(contentsOf: URL(filePath: path))
            #expect(key.count == 32)
            #expect(!said.contains(hexadecimal(key)) && !said.contains(key.base64EncodedString()), "\(path)")
        }
        let pem = try #require(
            String(decoding: try folder.read("lab.pem"), as: UTF8.self).split(separator: "\n").dropFirst().first)
        #expect(pem.count > 40 && !said.contains(pem))

        // Another manager's certificate: what answers at the address is not what is believed.
        let other = try Program(name: "perun").start([
            "serve", "--store", folder("other"), "--listen", "127.0.0.1:0", "--root", "insecure", "--attestation",
            "none",
        ])
        defer { other.signal(SIGKILL) }
        var port: String?
        _ = try other.wait { run in
            port = run.errorsSoFar.range(of: #"(?<= port=)\d+"#, options: .regularExpression).map {
                String(run.errorsSoFar[$0])
            }
            return port != nil
        }
        let trust = folder("other.json")
        try parties.perun(
            "trust", "--manager", "127.0.0.1:\(try #require(port))", "--first-use", "--out", trust)
        func json(_ name: String) throws -> [String: Any] {
            try #require(try JSONSerialization.jsonObject(with: Data(folder.read(name))) as? [String: Any])
        }
        var file = try json("other.json")
        file["address"] = try json("trust.json")["address"]
        try folder.write(JSONSerialization.data(withJSONObject: file), to: "spliced.json")
        let spliced = folder("spliced.json")
        /// How many entries and heads the manager's log has.
        func lines(_ name: String) throws -> Int {
            try parties.perun("audit", "log", "--trust", parties.trust, "--out", folder(name))
            return try folder.read(name).count { $0 == UInt8(ascii: "\n") }
        }
        let before = try lines("before")
        let refused = try train(parties, trust: spliced)
        #expect(refused.status == .exited(1) && refused.errors.contains("shows another certificate"), "\(refused)")
        for arguments in [["leases"], ["stop", "lab", "--reason", "x", "--key", folder("lab.pem")]] {
            let outcome = try Program(name: "perun").run(arguments + ["--trust", spliced])
            #expect(
                outcome.status == .exited(1) && outcome.errors.contains("shows another certificate"), "\(outcome)")
        }
        #expect(try lines("after") == before)

        // Nobody answers at all.
        parties.manager.signal(SIGTERM)
        #expect(try parties.manager.wait().succeeded)
        let address = try #require(try json("trust.json")["address"] as? String)
        let alone = try train(parties, trust: parties.trust)
        #expect(alone.status == .exited(1) && alone.errors.contains(address), "\(alone)")
        for arguments in [["leases"], ["stop", "lab", "--reason", "x", "--key", folder("lab.pem")]] {
            let outcome = try Program(name: "perun").run(arguments + ["--trust", parties.trust])
            #expect(outcome.status == .exited(1) && outcome.errors.contains(address), "\(outcome)")
        }
        #expect(try parties.scenario.status().runs["default"]?["iteration"] as? Int == 5)
    }

    private func train(_ parties: PerunScenario, trust: String) throws -> ProgramOutcome {
        try Program.plinius.run([
            "train", "--config", parties.scenario.config, "--data", parties.scenario.data, "--data", parties.dataB,
            "--pool", parties.scenario.pool, "--perun", trust, "--data-asset", "hospital-a/scans", "--data-asset",
            "hospital-b/scans", "--config-asset", "lab/net", "--model-asset", "lab/model", "--attestation",
            "simulated", "--attestation-key", parties.folder("attestation.key"), "--threads", "1", "--json",
        ])
    }
}
