import Foundation
import Testing
import _PliniusTestSupport

@Suite("Policies, before anybody signs them") struct PolicyCommandTests {
    @Test func areReadWithWarningsAndSuggestions() throws {
        let desk = try OwnerDesk()
        let policy = try desk.policy(key: try desk.key("one.pem"))
        let lint = try desk.perun("policy", "lint", policy, "--json")
        try #require(lint.succeeded, "\(lint)")
        let warnings = try #require(try lint.json["warnings"] as? [[String: String]])
        #expect(warnings.compactMap { $0["check"] }.contains("lint.level"))
        #expect(try lint.json["policy"] as? String == "hospital-a/training")
        #expect(try desk.perun("policy", "lint", policy, "--strict").status == .exited(3))
        let text = String(decoding: try desk.folder.read("policy.yaml"), as: UTF8.self)
        let broken = try desk.folder.write(text.replacingOccurrences(of: "runs:", with: "rnus:"), to: "broken.yaml")
        let refused = try desk.perun("policy", "lint", broken)
        #expect(refused.status == .exited(2) && refused.errors.contains("perhaps runs"), "\(refused)")
        let sentences = try desk.perun("policy", "explain", policy)
        #expect(sentences.succeeded && sentences.output.contains("3 runs"), "\(sentences)")
    }

    @Test func differencesAreNamed() throws {
        let desk = try OwnerDesk()
        let key = try desk.key("one.pem")
        let (old, new) = (try desk.policy(key: key), try desk.policy(key: key, runs: "4", to: "new.yaml"))
        let text = try desk.perun("policy", "diff", old, new)
        #expect(text.output == "changed uses[train].runs: 3 -> 4\n", "\(text)")
        let json = try desk.perun("policy", "diff", old, new, "--json").json
        let changes = try #require(json["changes"] as? [[String: String]])
        #expect(changes == [["path": "uses[train].runs", "old": "3", "new": "4"]])
        let yaml = String(decoding: try desk.folder.read("new.yaml"), as: UTF8.self)
        let named = try desk.folder.write(
            yaml.replacingOccurrences(of: "    runs: 4", with: "    executor: reference\n    runs: 4"), to: "named.yaml"
        )
        #expect(try desk.perun("policy", "diff", new, named).output == "added   uses[train].executor: reference\n")
        #expect(try desk.perun("policy", "explain", named).output.contains("by the executor reference alone"))
        #expect(try desk.perun("policy", "diff", old, old).output == "no difference\n")
        #expect(try desk.perun("policy", "diff", old, new, old).status == .exited(2))
    }

    @Test func areTriedOutOnEvidence() throws {
        let desk = try OwnerDesk()
        let key = try desk.key("one.pem")
        let (evidence, anchor) = try desk.evidence()
        let request = [
            "--evidence", evidence, "--dataset", "hospital-a/scans", "--config", "lab/net", "--output", "lab/model",
        ]
        func simulate(_ policy: String, _ more: String...) throws -> ProgramOutcome {
            try desk.perun(["policy", "simulate", policy] + request + more)
        }
        let good = try desk.policy(key: key, anchor: anchor)
        let permitted = try simulate(good, "--json")
        #expect(permitted.succeeded, "\(permitted)")
        #expect(try permitted.json["permitted"] as? Bool == true)
        #expect(try permitted.json["isForTests"] as? Bool == true)
        // The lab has no draft, so that its answer is open.
        #expect(try permitted.json["open"] as? [String] == ["lab"])

        let text = String(decoding: try desk.folder.read("policy.yaml"), as: UTF8.self)
        let named = try desk.folder.write(
            text.replacingOccurrences(of: "    level: test", with: "    level: test\n    executor: reference"),
            to: "named.yaml")
        let told = try simulate(named)
        #expect(told.succeeded && told.output.contains("terms.executor: reference by hospital-a/training"), "\(told)")
        let other = try desk.folder.write(
            String(decoding: try desk.folder.read("named.yaml"), as: UTF8.self)
                .replacing(/policy: .*/, with: "policy: lab/own").replacing(/partners: .*/, with: "partners: \"*/*\"")
                .replacingOccurrences(of: "executor: reference", with: "executor: oneDNN"), to: "other.yaml")
        let split = try simulate(named, other)
        #expect(split.status == .exited(3) && split.errors.contains("the check terms.executor failed"), "\(split)")
        #expect(split.errors.contains("reference by hospital-a/training, uses[0].executor (line"), "\(split)")
        #expect(split.errors.contains("oneDNN by lab/own, uses[0].executor (line"), "\(split)")

        let past = try desk.folder.write(
            text.replacingOccurrences(of: "always", with: "{ from: 2020-01-01, until: 2021-01-01 }"), to: "past.yaml")
        let refusals: [(policy: String, more: [String], check: String)] = [
            (try desk.policy(key: key, to: "anchor.yaml"), [], "simulated.signer.anchor"),
            (past, [], "use.window"),
            (try desk.policy(key: key, anchor: anchor, outcome: "hospital-a", to: "out.yaml"), [], "use.outcome"),
            (good, ["--run", "another"], "run"),
            (good, ["--resumed"], "request.begins"),
            (good, ["--purpose", "test", "--model", "lab/model"], "use.purpose"),
            (good, ["--dataset", "hospital-c/scans=\(String(repeating: "0", count: 32))"], "use.partners"),
        ]
        for (policy, more, check) in refusals {
            let outcome = try desk.perun(["policy", "simulate", policy] + request + more)
            #expect(outcome.status == .exited(3) && outcome.errors.contains(check), "\(check): \(outcome)")
        }
        #expect(
            try desk.perun("policy", "simulate", good, good, "--evidence", evidence, "--config", "lab/net").status
                == .exited(2))
        #expect(try simulate(good, "--evidence", desk.folder("absent")).status == .exited(2))
        let bytes = try desk.folder.write([UInt8](repeating: 3, count: 40), to: "noise")
        #expect(try simulate(good, "--evidence", bytes).status == .exited(2))
    }

    @Test func areDraftedFromEvidenceThatThenPasses() throws {
        let desk = try OwnerDesk()
        let key = try desk.key("one.pem")
        let (evidence, _) = try desk.evidence()
        let learned = try desk.perun(
            "policy", "learn", "hospital-a/training", "--evidence", evidence, "--changed-by", key, "--outcome", "lab",
            "--out",
            desk.folder("learned.yaml"))
        try #require(learned.succeeded, "\(learned)")
        let tried = try desk.perun(
            "policy", "simulate", desk.folder("learned.yaml"), "--evidence", evidence, "--dataset", "hospital-a/scans",
            "--config", "hospital-a/net", "--output", "lab/model")
        // Whom the draft lets take part is for its owner to say.
        #expect(tried.status == .exited(3) && tried.errors.contains("use.partners"), "\(tried)")
    }
}
