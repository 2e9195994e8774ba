import Foundation
import Testing
import _PliniusTestSupport

/// `plinius pool` as an operator runs it.
@Suite struct PoolCommandTests {
    private func plinius(_ arguments: String...) throws -> ProgramOutcome {
        try Program.plinius.run(["pool"] + arguments)
    }

    /// The only line of the output, which is an object.
    private func object(_ outcome: ProgramOutcome) throws -> [String: Any] {
        #expect(outcome.output.split(separator: "\n").count == 1)
        return try #require(JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    }

    @Test("A pool is made, checked, grown and mended", arguments: ["redo-log", "flip", "twin-copies"])
    func life(commit: String) throws {
        let folder = try TemporaryDirectory(in: "/dev/shm")
        let pool = folder("pool")
        let made = try object(
            try plinius("create", pool, "--size", "2M", "--heap", "64K", "--commit", commit, "--json"))
        #expect(made["commit"] as? String == commit && made["byteCount"] as? Int == 2 << 20)
        #expect(made["heapBytes"] as? Int == 64 << 10 && made["tier"] as? String == "T1 (memory file system)")

        let again = try plinius("create", pool, "--size", "2M", "--json")
        #expect(again.status == .exited(2))
        #expect(try object(again)["exitCode"] as? Int == 2)

        let before = try folder.read("pool")
        for command in ["check", "inspect", "roots"] {
            #expect(try plinius(command, pool).succeeded)
            #expect(try plinius(command, pool, "--json").succeeded)
        }
        #expect(try folder.read("pool") == before)
        let checked = try object(try plinius("check", pool, "--json"))
        #expect(checked["isSound"] as? Bool == true && (checked["verified"] as? [String])?.isEmpty == false)

        #expect(try object(try plinius("grow", pool, "--size", "3M", "--json"))["byteCount"] as? Int == 3 << 20)
        #expect(try plinius("grow", pool, "--size", "3M").status == .exited(2))
        #expect(try folder.read("pool").count == 3 << 20)

        // A growth that was cut off.
        #expect(truncate(pool, 4 << 20) == 0)
        let planned = try plinius("repair", pool, "--dry-run")
        #expect(planned.succeeded && planned.output.contains("would cut the file from 4194304 to 3145728 bytes"))
        #expect(try folder.read("pool").count == 4 << 20)
        #expect(try object(try plinius("repair", pool, "--json"))["isSound"] as? Bool == true)
        #expect(try folder.read("pool").count == 3 << 20)
        #expect(try plinius("repair", pool).output == "nothing to repair\n")
    }

    @Test("A damaged pool is told from a file that cannot be read, and none is changed")
    func damage() throws {
        let folder = try TemporaryDirectory(in: "/dev/shm")
        let pool = folder("pool")
        #expect(try plinius("create", pool, "--size", "2M").succeeded)
        #expect(truncate(pool, 1 << 20) == 0)
        let before = try folder.read("pool")
        let checked = try plinius("check", pool, "--json")
        #expect(checked.status == .exited(3))
        #expect((try object(checked)["findings"] as? [String])?.count == 1)
        let repaired = try plinius("repair", pool, "--json")
        #expect(repaired.status == .exited(3))
        #expect((try object(repaired)["error"] as? String)?.contains("cut off") == true)
        try folder.write([UInt8](repeating: 7, count: 1 << 16), to: "other")
        #expect(try plinius("check", folder("other")).status == .exited(3))
        #expect(try plinius("inspect", folder("other")).status == .exited(3))
        #expect(try plinius("check", folder("missing")).status == .exited(1))
        #expect(try plinius("check", folder.path).status != .exited(0))
        #expect(try folder.read("pool") == before)
    }
}
