import Crypto
import Foundation
import PliniusVerifier
import PliniusWire
import Testing

/// A kernel's log, read here by other code than the one that is tested.
private struct KernelLog {
    struct Entry: Equatable {
        /// All zeros for a violation.
        var templateHash: [UInt8]
        var data: [UInt8]

        init(_ algorithm: String, _ digest: [UInt8], _ path: String, isViolation: Bool = false) {
            let fields = [Array("\(algorithm):\0".utf8) + digest, Array("\(path)\0".utf8)]
            data = fields.flatMap { field in
                (0..<4).map { UInt8(truncatingIfNeeded: field.count >> (8 * $0)) } + field
            }
            templateHash = isViolation ? [UInt8](repeating: 0, count: 20) : Array(Insecure.SHA1.hash(data: data))
        }

        /// What goes into the register of each bank.
        func digests(padded: Bool = false) -> [(String, [UInt8])] {
            if templateHash == [UInt8](repeating: 0, count: 20) {
                return [("sha1", 20), ("sha256", 32), ("sha384", 48), ("sha512", 64)].map {
                    ($0, [UInt8](repeating: 0xFF, count: $1))
                }
            }
            let sha1 = Array(Insecure.SHA1.hash(data: data))
            guard !padded else {
                return [("sha1", 20), ("sha256", 32), ("sha384", 48), ("sha512", 64)].map {
                    ($0, sha1 + [UInt8](repeating: 0, count: $1 - 20))
                }
            }
            return [
                ("sha1", sha1), ("sha256", Array(SHA256.hash(data: data))), ("sha384", Array(SHA384.hash(data: data))),
                ("sha512", Array(SHA512.hash(data: data))),
            ]
        }
    }

    var entries: [Entry]

    /// Reads the lines that the kernel shows.
    init(ascii bytes: [UInt8]) throws {
        entries = try String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { line in
            let fields = line.split(separator: " ", maxSplits: 4, omittingEmptySubsequences: false)
            let digest = fields[3].split(separator: ":")
            let bytes = stride(from: 0, to: digest[1].count, by: 2).compactMap { offset in
                UInt8(digest[1].dropFirst(offset).prefix(2), radix: 16)
            }
            let entry = Entry(String(digest[0]), bytes, String(fields[4]))
            try #require(entry.templateHash.map { String(format: "%02x", $0) }.joined() == fields[1])
            return entry
        }
    }

    /// As the kernel's binary file.
    var binary: [UInt8] { Self.binary(entries[...]) }

    static func binary(_ entries: ArraySlice<Entry>) -> [UInt8] {
        var bytes: [UInt8] = []
        for entry in entries {
            bytes += [10, 0, 0, 0]
            bytes += entry.templateHash
            bytes += [6, 0, 0, 0]
            bytes += "ima-ng".utf8
            for shift in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: entry.data.count >> (8 * shift))) }
            bytes += entry.data
        }
        return bytes
    }
}

@Suite(
    "A kernel's log in an emulated TPM", .serialized, .enabled(if: SWTPM.isThere, SWTPM.reason),
    .enabled(if: Vectors.areThere, Vectors.reason))
struct SWTPMMeasurementTests {
    private let log: KernelLog
    private let requirements: TPMRequirements

    init() throws {
        let ascii = try Vectors.bytes("ima/ascii_runtime_measurements")
        log = try KernelLog(ascii: ascii)
        var ima = IMARequirements()
        // The log is another machine's, so that its first entry is not about these registers.
        ima.permitsUnboundBoot = asked(true)
        // It was made in a time when the kernel measured files by SHA-1.
        ima.permitsSHA1 = asked(true)
        ima.generations = asked([
            IMARequirements.Generation(name: "good", list: IMAAllowList(learningFrom: try IMALog(ascii: ascii)))
        ])
        var requirements = TPMRequirements()
        requirements.ima = asked(ima)
        self.requirements = requirements
    }

    /// The checks that failed, and where the log stands then.
    private func judge(
        _ evidence: Evidence, _ entries: ArraySlice<KernelLog.Entry>, state: IMAState? = nil,
        _ requirements: TPMRequirements? = nil
    ) -> (failures: [String], state: IMAState?) {
        var requirements = requirements ?? self.requirements
        requirements.imaState = state
        let start = (0..<8).map { UInt8(truncatingIfNeeded: entries.startIndex >> (8 * $0)) }
        let evidence = evidence.with("ima-log", KernelLog.binary(entries)).with("ima-start", start)
        var claims: TPMClaims?
        let found = failures { (examination: inout Examination) throws(EvidenceError) in
            claims = try examineTPM(evidence, requirements, Context(now: Vectors.pinnedTime), &examination)
        }
        return (found, claims?.imaState)
    }

    @Test("The whole log is proved by every bank, and no line can be deleted, moved, changed or added")
    func edits() throws {
        try #require(log.entries.count == 826)
        let tpm = try SWTPM()
        try tpm.makeKey("ak", "rsa", "rsassa")
        try tpm.extend(10, log.entries.map { $0.digests() })
        let quote = try tpm.quote("ak", "sha1:10+sha256:0,1,2,3,4,5,6,7,8,9,10+sha384:10+sha512:10")
        let registers = try PCRValues(decoding: #require(quote["pcrs"]))
        #expect(
            registers.values[.init(bank: 0x0B, index: 10)]?.map { String(format: "%02x", $0) }.joined()
                == "c4a065637fc6a7c55f2811dd06cb45dd037133be2b3dc5c3e6fbe6bf061db724")

        let good = judge(quote, log.entries[...])
        #expect(good.failures.isEmpty && good.state?.provedCount == 826 && good.state?.pending.isEmpty == true)
        #expect(
            failures { (examination: inout Examination) throws(EvidenceError) in
                _ = try examineTPM(quote, requirements, Context(now: Vectors.pinnedTime), &examination)
            } == ["tpm.ima-log.present"])

        for index in [0, 1, 400, 824, 825] {
            var entries = log.entries
            entries.remove(at: index)
            #expect(judge(quote, entries[...]).failures.first == "ima.replay.register", "without line \(index)")

            entries = log.entries
            entries.swapAt(index, index == 0 ? 1 : index - 1)
            #expect(judge(quote, entries[...]).failures.first == "ima.replay.register", "line \(index) moved")

            entries = log.entries
            entries[index].data[entries[index].data.count - 2] ^= 1
            #expect(judge(quote, entries[...]).failures.first == "ima.replay.register", "line \(index) changed")
            entries[index] = log.entries[index]
            entries[index].templateHash[3] ^= 1
            #expect(judge(quote, entries[...]).failures == ["ima.entry.templateHash"], "hash \(index) changed")

            entries = log.entries
            entries.insert(KernelLog.Entry("sha256", [UInt8](repeating: 7, count: 32), "/bin/sh"), at: index)
            #expect(judge(quote, entries[...]).failures.first == "ima.replay.register", "a line before \(index)")
            entries[index] = KernelLog.Entry("sha256", [UInt8](repeating: 0, count: 32), "/bin/sh", isViolation: true)
            #expect(judge(quote, entries[...]).failures.first == "ima.replay.register", "a violation before \(index)")
        }
        // Behind the end nothing contradicts a line yet: it is judged now, and the next quote has to prove it.
        let unknown = KernelLog.Entry("sha256", [UInt8](repeating: 7, count: 32), "/bin/evil")
        #expect(judge(quote, (log.entries + [unknown])[...]).failures == ["ima.entry.file"])
        let ahead = judge(quote, (log.entries + [log.entries[5]])[...])
        #expect(ahead.failures.isEmpty && ahead.state?.pending.count == 1)
        #expect(judge(quote, log.entries[...], state: ahead.state).failures == ["ima.replay.catchUp"])
    }

    @Test("A quote may lag behind its log once, and has to catch up")
    func lagging() throws {
        let tpm = try SWTPM()
        try tpm.makeKey("ak", "rsa", "rsassa")
        try tpm.extend(10, log.entries[..<800].map { $0.digests() })
        let early = try tpm.quote("ak", "sha1:10+sha256:10")
        let first = judge(early, log.entries[..<820])
        #expect(first.failures.isEmpty)
        let state = try #require(first.state)
        #expect(state.provedCount == 800 && state.pending.count == 20)
        // The same quote again does not.
        #expect(judge(early, log.entries[800..<820], state: state).failures == ["ima.replay.catchUp"])

        try tpm.extend(10, log.entries[800...].map { $0.digests() })
        let late = try tpm.quote("ak", "sha1:10+sha256:10")
        let second = judge(late, log.entries[800...], state: state)
        #expect(second.failures.isEmpty && second.state?.provedCount == 826)
        // Other lines than those that were shown, and a gap.
        var entries = log.entries
        entries.swapAt(805, 806)
        #expect(!judge(late, entries[800...], state: state).failures.isEmpty)
        #expect(judge(late, log.entries[801...], state: state).failures == ["ima.log.start"])
        #expect(judge(late, log.entries[800...]).failures == ["ima.log.start"])
        // Nothing new: the same quote proves the same.
        #expect(judge(late, log.entries[826...], state: second.state).failures.isEmpty)
    }

    @Test("A violation is proved like any entry, and passes only by the policy")
    func violation() throws {
        let tpm = try SWTPM()
        try tpm.makeKey("ak", "rsa", "rsassa")
        var entries = Array(log.entries[..<10])
        entries.append(KernelLog.Entry("sha256", [UInt8](repeating: 0, count: 32), "/var/log/x", isViolation: true))
        entries.append(log.entries[10])
        try tpm.extend(10, entries.map { $0.digests() })
        let quote = try tpm.quote("ak", "sha256:10")
        #expect(judge(quote, entries[...]).failures == ["ima.entry.violation"])
        var tolerant = requirements
        tolerant.ima?.value.toleratedViolations = asked([Pattern("/var/log/**")])
        #expect(judge(quote, entries[...], tolerant).failures.isEmpty)
        // Its line cannot be made one of a harmless file.
        var hidden = entries
        hidden[10] = log.entries[3]
        #expect(judge(quote, hidden[...], tolerant).failures.first == "ima.replay.register")
    }

    @Test("The rule of old kernels is recognised, and proves too little")
    func padded() throws {
        let tpm = try SWTPM()
        try tpm.makeKey("ak", "rsa", "rsassa")
        try tpm.extend(10, log.entries.map { $0.digests(padded: true) })
        let quote = try tpm.quote("ak", "sha1:10+sha256:10+sha384:10+sha512:10")
        var strict = requirements
        strict.ima?.value.permitsSHA1 = nil
        #expect(judge(quote, log.entries[...], strict).failures.first == "ima.replay.strength")
        #expect(judge(quote, log.entries[...]).failures.isEmpty)
        #expect(judge(quote, log.entries.dropFirst()).failures == ["ima.log.start"])
        var entries = log.entries
        entries.swapAt(7, 8)
        #expect(judge(quote, entries[...]).failures == ["ima.replay.register"])
    }

    @Test("A boot in between ends what was proved")
    func reboot() throws {
        let tpm = try SWTPM()
        try tpm.makeKey("ak", "rsa", "rsassa")
        try tpm.extend(10, log.entries[..<50].map { $0.digests() })
        let before = try tpm.quote("ak", "sha256:10")
        let state = try #require(judge(before, log.entries[..<50]).state)
        var same = requirements
        let attest = try TPMAttest(#require(before["attest"]))
        same.resetCount = asked(attest.resetCount)
        same.restartCount = asked(attest.restartCount)

        try tpm.reboot(keepsState: true)
        try tpm.extend(10, log.entries[..<50].map { $0.digests() })
        let after = try tpm.quote("ak", "sha256:10")
        #expect(judge(after, log.entries[..<50], state: state, same).failures.contains("tpm.clock.restart-count"))
        #expect(judge(after, log.entries[..<50]).failures.isEmpty)
    }
}
