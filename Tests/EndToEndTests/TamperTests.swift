import Foundation
import Testing
import _PliniusTestSupport

/// Whoever changes the pool or the data is refused with a reason and exit code 3, and the file stays as it was.
///
/// That *every* byte counts is the mirror's and the data set's own tests' matter; here the programs say so.
@Suite struct TamperTests {
    private let scenario: Scenario

    init() throws {
        scenario = try Scenario()
        let outcome = try scenario.train("--executor", "reference", "--iterations", "9")
        try #require(outcome.succeeded, "\(outcome.errors)")
    }

    /// Where the run's mirror begins in its pool, and its second slot: the superblock tells.
    private func places(in pool: [UInt8]) throws -> (mirror: Int, slotB: Int) {
        let mirror = try #require(
            stride(from: 0, to: pool.count, by: 4096).first { pool[$0..<$0 + 8].elementsEqual("PLINMIRR".utf8) })
        return (mirror, mirror + pool[mirror + 160..<mirror + 168].reversed().reduce(0) { $0 << 8 | Int($1) })
    }

    /// Trains on a changed file and expects a refusal that says `reason`.
    private func expectRefusal(of name: String, _ bytes: [UInt8], because reason: String, _ comment: Comment? = nil)
        throws
    {
        try scenario.folder.write(bytes, to: name)
        let outcome = try scenario.train("--executor", "reference")
        #expect(outcome.status == .exited(3), "\(comment ?? ""): \(outcome)")
        #expect(outcome.errors.lowercased().contains(reason), "\(comment ?? ""): \(outcome.errors)")
        #expect(try scenario.folder.read(name) == bytes, "the refused file was changed")
    }

    @Test func flippedBytesOfThePoolAreRefused() throws {
        let original = try scenario.folder.read("run.pool")
        // Superblock, description, and the newest slot's header, tags and chunks: commit 9 is in slot B.
        let (mirror, slot) = try places(in: original)
        let superblock = [0, 9, 40, 100, 221, 8192 + 20].map { mirror + $0 }
        for offset in superblock + [slot + 8, slot + 40, slot + 100, slot + 4096, slot + 8192 + 5] {
            var bytes = original
            bytes[offset] ^= 0x10
            try scenario.folder.write(bytes, to: "run.pool")
            let outcome = try scenario.train("--executor", "reference")
            #expect(outcome.status == .exited(3), "byte \(offset): \(outcome)")
            #expect(try scenario.folder.read("run.pool") == bytes, "the refused pool was changed")
        }
        try scenario.folder.write(original, to: "run.pool")
        #expect(try scenario.train("--executor", "reference").succeeded)
    }

    @Test func aTruncatedPoolIsRefused() throws {
        let original = try scenario.folder.read("run.pool")
        for count in [original.count - 1, original.count / 2, 4096, 100] {
            try scenario.folder.write(original[..<count], to: "run.pool")
            let outcome = try scenario.train("--executor", "reference")
            #expect([.exited(3), .exited(4)].contains(outcome.status), "\(count) bytes: \(outcome)")
            #expect(try scenario.folder.read("run.pool").count == count)
        }
    }

    @Test func anEmptyPoolFileIsNoReasonToStartAfresh() throws {
        try scenario.folder.write([UInt8](), to: "run.pool")
        let outcome = try scenario.train("--executor", "reference")
        #expect(!outcome.succeeded)
        #expect(try scenario.folder.read("run.pool").isEmpty)
    }

    @Test func anOldSlotPutBackIsRefused() throws {
        let old = try scenario.folder.read("run.pool")
        #expect(try scenario.train("--executor", "reference", "--iterations", "14").succeeded)
        var new = try scenario.folder.read("run.pool")
        // Commit 14 is in slot A; put commit 9 back into slot B, which holds 13.
        let start = try places(in: old).slotB
        new.replaceSubrange(start..., with: old[start...])
        try expectRefusal(of: "run.pool", new, because: "put back")
    }

    @Test func thePoolOfAnotherRunIsNamed() throws {
        let before = try scenario.folder.read("run.pool")
        let otherSeed = try scenario.train(seed: "8", "--executor", "reference")
        #expect(otherSeed.status == .exited(3))
        #expect(otherSeed.errors.contains("seed"), "\(otherSeed.errors)")

        try scenario.folder.write(
            Scenario.smallNetwork.replacingOccurrences(of: "filters=8", with: "filters=9"), to: "net.cfg")
        let otherNetwork = try scenario.train("--executor", "reference")
        #expect(otherNetwork.status == .exited(3))
        #expect(otherNetwork.errors.contains("config"), "\(otherNetwork.errors)")
        try scenario.folder.write(Scenario.smallNetwork, to: "net.cfg")

        let otherData = try Program.plinius.run(
            scenario.trainArguments().map { $0 == scenario.data ? scenario.testData : $0 })
        #expect(otherData.status == .exited(3))
        #expect(otherData.errors.contains("data set"), "\(otherData.errors)")
        #expect(try scenario.folder.read("run.pool") == before)
    }

    @Test func anotherKeyIsNamed() throws {
        try scenario.owner("keygen", "--out", scenario.folder("other.key"))
        let before = try scenario.folder.read("run.pool")
        let outcome = try Program.plinius.run(
            scenario.trainArguments().map { $0 == scenario.key ? scenario.folder("other.key") : $0 })
        #expect(outcome.status == .exited(3))
        #expect(outcome.errors.contains("key"), "\(outcome.errors)")
        #expect(try scenario.folder.read("run.pool") == before)
    }

    @Test func aFlippedRecordIsRefusedWhereItIsUsed() throws {
        var bytes = try scenario.folder.read("train.sealed")
        // In 96 records every batch of an epoch is met within six iterations.
        bytes[4096 + 50 * 802 + 17] ^= 1
        try FileManager.default.removeItem(atPath: scenario.pool)
        try expectRefusal(of: "train.sealed", bytes, because: "record 50")
    }

    /// Where a mirror of several chunks meets a device, a thread waits for it while the next iteration begins.
    @Test func theIterationBeforeABadRecordIsReported() throws {
        let wide = Scenario.smallNetwork.replacingOccurrences(
            of: "[dropout]", with: "[connected]\noutput=400\nactivation=leaky\n\n[dropout]")
        let scenario = try Scenario(config: wide, in: "/var/tmp")
        var bytes = try scenario.folder.read("train.sealed")
        bytes[4096 + 60 * 802 + 17] ^= 1
        try scenario.folder.write(bytes, to: "train.sealed")
        let events = scenario.folder("events.jsonl")
        let outcome = try scenario.train("--threads", "2", "--events", events)
        #expect(outcome.status == .exited(3), "\(outcome)")
        let told = try String(contentsOfFile: events, encoding: .utf8).split(separator: "\n")
            .compactMap { try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
            .filter { $0["event"] as? String == "iteration" }.compactMap { $0["iteration"] as? Int }
        let kept = try #require(try scenario.status().runs["default"]?["iteration"] as? Int)
        #expect(kept > 0 && told == Array(1...kept))
    }

    @Test func aFlippedDataHeaderIsRefused() throws {
        let original = try scenario.folder.read("train.sealed")
        for offset in [0, 8, 16, 40, 72, 4095] {
            var bytes = original
            bytes[offset] ^= 1
            try scenario.folder.write(bytes, to: "train.sealed")
            let outcome = try scenario.train("--executor", "reference")
            #expect(outcome.status == .exited(3), "byte \(offset): \(outcome)")
        }
        try expectRefusal(of: "train.sealed", Array(original.dropLast(802)), because: "record", "one record is missing")
    }
}
