import Crypto
import Foundation
import PliniusPerunClient
import PliniusVerifier
import Testing
import _PliniusTestSupport

/// What an owner with a board of two does with a manager, each step a command.
@Suite("An owner's commands", .timeLimit(.minutes(30))) struct OwnerCommandTests {
    private let desk: OwnerDesk
    private let manager: ManagerProcess
    private let collateralKey = Curve25519.Signing.PrivateKey()
    /// The public halves of the two keys.
    private let members: [String]

    init() throws {
        desk = try OwnerDesk()
        members = [try desk.key("one"), try desk.key("two", kind: "p256")]
        manager = try ManagerProcess(
            desk.folder("store"),
            [
                "--root", "insecure", "--attestation", "none", "--collateral-key",
                "ed25519:\(hex(Array(collateralKey.publicKey.rawRepresentation)))",
            ])
        try perun("trust", "--manager", manager.address, "--first-use", "--out", desk.folder("trust"))
        #expect(
            try state(["namespace", "put", "hospital-a", "--member", members[0], "--member", members[1]])["status"]
                as? String == "active")
    }

    @discardableResult private func perun(_ arguments: String...) throws -> ProgramOutcome { try perun(arguments) }

    @discardableResult private func perun(_ arguments: [String]) throws -> ProgramOutcome {
        let outcome = try desk.perun(arguments)
        try #require(outcome.succeeded, "\(arguments): \(outcome)")
        return outcome
    }

    /// Asks the manager.
    private func ask(_ arguments: String...) throws -> ProgramOutcome {
        try perun(arguments + ["--trust", desk.folder("trust")])
    }

    /// Has something stated, with the keys of both members if there is nothing else said.
    @discardableResult private func state(_ arguments: [String], by keys: [String] = ["one", "two"]) throws -> [String:
        Any]
    {
        let signing = keys.flatMap { ["--key", desk.folder($0)] }
        return try perun(arguments + signing + ["--trust", desk.folder("trust"), "--json"]).json
    }

    private func policy(_ name: String, runs: Int) throws -> String {
        let path = try desk.policy(key: members[0], runs: "\(runs)", to: name)
        let text = String(decoding: try desk.folder.read(name), as: UTF8.self).replacingOccurrences(
            of: "change: { key: \"\(members[0])\" }",
            with: """
                change:
                  all-of: [ { key: "\(members[0])" }, { key: "\(members[1])" } ]
                  veto: [ { key: "\(members[0])" } ]
                  time-lock: 1d
                """)
        try desk.folder.write(text, to: name)
        return path
    }

    @Test func policiesWaitForTheBoardAndForTheirTime() throws {
        let first = try policy("first.yaml", runs: 3)
        let begun = try state(["policy", "put", first], by: ["one"])
        let hash = try #require(begun["hash"] as? String)
        #expect(begun["status"] as? String == "pending")
        #expect(try ask("policy", "pending").output.contains(hash))
        #expect(try ask("policy", "list").output.isEmpty)
        // The second member sees what it agrees to.
        let approval = try desk.perun(
            "policy", "approve", hash, "--key", desk.folder("two"), "--trust", desk.folder("trust"))
        #expect(approval.succeeded && approval.errors.contains(hash), "\(approval)")
        #expect(try ask("policy", "list").output.contains("hospital-a/training"))
        #expect(try ask("policy", "show", "hospital-a/training").output.contains("time-lock: 1d"))
        #expect(try ask("policy", "explain", "hospital-a/training").output.contains("3 runs"))

        // The next version waits a day, and whoever may objects.
        let second = try policy("second.yaml", runs: 4)
        let difference = try ask("policy", "diff", "hospital-a/training", second)
        #expect(difference.output.contains("uses[train].runs: 3 -> 4"), "\(difference)")
        let change = try state(["policy", "put", second])
        #expect(change["status"] as? String == "locked" && change["lockedUntil"] is Int)
        let changed = try #require(change["hash"] as? String)
        try state(["policy", "veto", changed], by: ["one"])
        #expect(try ask("policy", "pending").output.isEmpty)
        // Who agrees afterwards changes nothing.
        _ = try desk.perun("policy", "approve", changed, "--key", desk.folder("two"), "--trust", desk.folder("trust"))
        #expect(try ask("policy", "show", "hospital-a/training").output.contains("runs: 3"))
    }

    @Test func statementsAreSignedWithoutTheManager() throws {
        let file = desk.folder("asset.json")
        let draft = try perun(
            "asset", "put", "hospital-a/scans", "--kind", "dataset", "--identity", String(repeating: "0a", count: 16),
            "--generate-key", "--trust", desk.folder("trust"), "--statement-out", file)
        let hash = draft.output.trimmingCharacters(in: .newlines)
        #expect(try perun("statement", "show", file).output.contains(hash))
        try perun("statement", "sign", file, "--key", desk.folder("one"), "--hash", hash)
        let other = try desk.perun(
            "statement", "sign", file, "--key", desk.folder("two"), "--hash", String(repeating: "0", count: 64))
        #expect(!other.succeeded)
        #expect(try ask("statement", "post", file).output.contains("pending"))
        try perun("statement", "sign", file, "--key", desk.folder("two"))
        #expect(try ask("statement", "post", file).output.contains("active"))
        let assets = try #require(try ask("asset", "list", "--json").json["assets"] as? [[String: Any]])
        #expect(assets.map { $0["name"] as? String } == ["hospital-a/scans"])
        #expect(assets.first?["hasKey"] as? Bool == true)

        // What is stated can be held up, let go, and taken away for good.
        let stop = try state(["stop", "hospital-a", "--asset", "scans", "--reason", "a question"], by: ["two"])
        #expect(stop["status"] as? String == "active")
        let stopped = try #require(stop["hash"] as? String)
        #expect(try state(["resume", "hospital-a", stopped], by: ["one"])["status"] as? String == "pending")
        #expect(try state(["resume", "hospital-a", stopped])["status"] as? String == "active")
        #expect(try state(["withdraw", "hospital-a/scans"])["status"] as? String == "active")
        let left = try #require(try ask("asset", "list", "--json").json["assets"] as? [[String: Any]])
        #expect(left.first?["isWithdrawn"] as? Bool == true)
        #expect((try ask("leases", "--json").json["leases"] as? [Any])?.isEmpty == true)
    }

    @Test func machinesCollateralAndTheLog() throws {
        for digits in [32, 68, 128] {
            let machine = ["platform", "put", "hospital-a", "--id", String(repeating: "1", count: digits)]
            let vouched = try state(machine + ["--region", "eu", "--host", "rack 1"])
            #expect(vouched["status"] as? String == "active")
        }
        let wrong = try desk.perun(
            "platform", "put", "hospital-a", "--id", "11", "--region", "eu", "--host", "x", "--key", desk.folder("one"),
            "--trust", desk.folder("trust"))
        #expect(wrong.status == .exited(2) && wrong.errors.contains("16, 34, 50, 64, 66"), "\(wrong)")

        let now = Instant(seconds: Int64(Date().timeIntervalSince1970))
        let bundle = CollateralBundle(
            series: "amd", serial: 1, issued: now, expires: Instant(seconds: now.seconds + 86_400))
        let good = try desk.folder.write(bundle.signed(with: .ed25519(collateralKey)), to: "bundle")
        #expect(try ask("collateral", "put", good).output == "amd is taken\n")
        let bad = try desk.folder.write(bundle.signed(with: .ed25519(Curve25519.Signing.PrivateKey())), to: "other")
        let refused = try desk.perun("collateral", "put", bad, "--trust", desk.folder("trust"))
        #expect(refused.status == .exited(3) && refused.errors.contains("collateral.bundle.signer"), "\(refused)")

        let (log, head) = (desk.folder("log"), desk.folder("head"))
        _ = try ask("audit", "head", "--out", head)
        _ = try ask("audit", "log", "--out", log)
        let verdict = try ask("audit", "verify", log, "--kept", head, "--json").json
        #expect(verdict["entries"] as? Int ?? 0 > 6)
        let text = String(decoding: try desk.folder.read("log"), as: UTF8.self)
        try desk.folder.write(text.replacingOccurrences(of: "\"amd\"", with: "\"amx\""), to: "log")
        #expect(try desk.perun("audit", "verify", log, "--trust", desk.folder("trust")).status == .exited(20))
    }
}
