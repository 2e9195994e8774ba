import Foundation
import PliniusPerunClient
import Testing
import _PliniusTestSupport

/// A manager, a standby that its owner names, and what becomes of the log when one takes over from the other.
@Suite("Backup and takeover", .timeLimit(.minutes(30))) struct TakeoverCommandTests {
    private let desk: OwnerDesk
    private static let options = ["--root", "insecure", "--attestation", "none"]

    init() throws { desk = try OwnerDesk() }

    @discardableResult private func perun(_ arguments: String...) throws -> ProgramOutcome {
        let outcome = try desk.perun(arguments)
        try #require(outcome.succeeded, "\(arguments): \(outcome)")
        return outcome
    }

    private func restore(_ store: String, from backup: String, as standby: String, _ more: String...) throws
        -> ProgramOutcome
    {
        try desk.perun(
            [
                "restore", "--store", desk.folder(store), "--from", desk.folder(backup), "--standby",
                desk.folder(standby), "--root", "insecure", "--attestation", "none",
            ] + more)
    }

    @Test func aStandbyTakesOverAndKeptHeadsTellIfTheBackupWasOld() async throws {
        let (trust, key) = (desk.folder("trust"), desk.folder("key"))
        let member = try desk.key("key")
        let manager = try ManagerProcess(desk.folder("store"), Self.options)
        let spare = try ManagerProcess(desk.folder("spare"), Self.options)
        let stranger = try ManagerProcess(desk.folder("stranger"), Self.options)
        for (process, name) in [(manager, "trust"), (spare, "spare.trust"), (stranger, "stranger.trust")] {
            try perun("trust", "--manager", process.address, "--first-use", "--out", desk.folder(name))
        }
        try perun("namespace", "put", "hospital-a", "--member", member, "--key", key, "--trust", trust)
        let vouch = ["standby", "put", "hospital-a", "north", "--key", key, "--trust", trust]
        let named = try desk.perun(vouch + ["--standby", desk.folder("stranger.trust")])
        #expect(named.succeeded && named.errors.contains("proved nothing"), "\(named)")
        // The owner thinks again.
        #expect(try desk.perun(vouch + ["--standby", desk.folder("spare.trust")]).succeeded)
        let list = try perun("standby", "list", "--trust", trust, "--json").json
        let standbys = try #require(list["standbys"] as? [[String: Any]])
        #expect(standbys.map { $0["name"] as? String } == ["hospital-a/north"])
        #expect(standbys.first?["isSealed"] as? Bool == true && standbys.first?["version"] as? Int == 2)

        try perun("audit", "head", "--trust", trust, "--out", desk.folder("head-1"))
        let report = try perun("backup", "--store", desk.folder("store"), "--out", desk.folder("old"), "--json").json
        #expect((report["standbys"] as? [String])?.count == 1)
        let taken = try desk.perun("backup", "--store", desk.folder("store"), "--out", desk.folder("old"))
        #expect(taken.status == .exited(1) && taken.errors.contains("is there already"), "\(taken)")
        try perun("stop", "hospital-a", "--reason", "an inspection", "--key", key, "--trust", trust)
        try perun("audit", "head", "--trust", trust, "--kept", desk.folder("head-1"), "--out", desk.folder("head-2"))
        try perun("backup", "--store", desk.folder("store"), "--out", desk.folder("new"))
        try manager.stop()
        try spare.stop()

        // Not for whom the owner took back, not from what is damaged, not older than a kept head, not over anything.
        let refusals: [(backup: String, standby: String, more: [String], code: Int32, reason: String)] = [
            ("old", "stranger", [], 3, "no root key for the standby"),
            ("old", "nobody", [], 1, "no root key"),
            ("head-1", "spare", [], 3, "damaged"),
            ("absent", "spare", [], 1, "no backup"),
            ("old", "spare", ["--kept", desk.folder("head-2")], 3, "exit code 22"),
        ]
        for (backup, standby, more, code, reason) in refusals {
            let outcome = try desk.perun(
                [
                    "restore", "--store", desk.folder("again"), "--from", desk.folder(backup), "--standby",
                    desk.folder(standby), "--root", "insecure", "--attestation", "none",
                ] + more)
            #expect(outcome.status == .exited(code) && outcome.errors.contains(reason), "\(backup): \(outcome)")
            #expect(try !desk.folder.names().contains("again"))
        }
        let full = try restore("store", from: "new", as: "spare")
        #expect(full.status == .exited(1) && full.errors.contains("empty"), "\(full)")

        // From the newest, owners notice nothing: the same service, the same certificate.
        let good = try restore("again", from: "new", as: "spare", "--kept", desk.folder("head-2"))
        try #require(good.succeeded, "\(good)")
        var heads = try await heads(of: "again", against: ["head-1", "head-2"])
        #expect(heads == [0, 0])
        // From the old one they do, also after it has grown beyond the head that they kept.
        #expect(try restore("behind", from: "old", as: "spare").succeeded)
        heads = try await self.heads(of: "behind", against: ["head-1", "head-2"])
        #expect(heads == [0, 22])
        heads = try await self.heads(of: "behind", against: ["head-1", "head-2"], stopping: 3)
        #expect(heads == [0, 22])
        // And of another service they know by its key.
        #expect(
            try desk.perun("audit", "head", "--trust", desk.folder("stranger.trust"), "--kept", desk.folder("head-1"))
                .status == .exited(23))
    }

    /// What owners who believe the manager of before find out about one that goes on in its place.
    private func heads(of store: String, against kept: [String], stopping count: Int = 0) async throws -> [Int32] {
        let manager = try ManagerProcess(desk.folder(store), Self.options)
        var trust = try ManagerTrust(json: try desk.folder.read("trust"))
        trust.address = manager.address
        let moved = try desk.folder.write(trust.json, to: "moved.trust")
        for number in 0..<count {
            try perun(
                "stop", "hospital-a", "--reason", "number \(number)", "--key", desk.folder("key"), "--trust", moved)
        }
        let codes = try kept.map { name -> Int32 in
            let outcome = try desk.perun("audit", "head", "--trust", moved, "--kept", desk.folder(name))
            guard case .exited(let code) = outcome.status else { return -1 }
            return code
        }
        try manager.stop()
        return codes
    }
}
