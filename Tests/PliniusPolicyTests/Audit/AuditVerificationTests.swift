import Crypto
import PliniusPolicy
import PliniusVerifier
import Testing

@Suite("Verifying an exported log")
struct AuditVerificationTests {
    private static func service(_ count: Int, seed: UInt8 = 1) throws -> LoggingService {
        var service = try LoggingService(seed)
        service.log(count)
        return service
    }

    private static func expect(
        _ code: Int32, _ check: String?, _ verification: AuditVerification,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(verification.exitCode == code, "\(verification)", sourceLocation: sourceLocation)
        #expect(verification.failure?.check == check, sourceLocation: sourceLocation)
    }

    @Test("A log as it was written verifies, with and without a kept head", arguments: [1, 2, 7, 8, 20])
    func verified(count: Int) throws {
        let service = try Self.service(count)
        let export = try service.export(sizes: [count, max(1, count / 2)])
        #expect(
            AuditVerification.judge(export.encoded, service: service.service)
                == .verified(try service.head().head))
        for kept in 0...count {
            Self.expect(
                0, nil, .judge(export.encoded, kept: try service.head(of: kept), service: service.service))
        }
    }

    @Test("Heads are signed under a label of their own") func message() throws {
        let head = AuditHead(
            service: [UInt8](repeating: 1, count: 32), epoch: [UInt8](repeating: 2, count: 16), size: 3,
            root: [UInt8](repeating: 4, count: 32), last: [UInt8](repeating: 5, count: 32), time: Instant(seconds: 6))
        func text(_ digits: String, _ count: Int) -> String { String(repeating: digits, count: count) }
        let json =
            #"{"epoch":"\#(text("02", 16))","last":"\#(text("05", 32))","root":"\#(text("04", 32))","#
            + #""service":"\#(text("01", 32))","size":3,"time":6}"#
        #expect(
            head.message == Array("perun/1/audit-head\u{0}".utf8) + Array(SHA256.hash(data: Array(json.utf8))))
    }

    @Test("A line has an entry, or a head, and nothing else") func lines() throws {
        let service = try Self.service(1)
        let entry = service.entries[0].json
        let head = try service.head().json
        for (line, check) in [
            (["entry": entry, "note": "x"], "audit.export"), (["entry": entry, "head": head], "audit.export"),
            ([:], "audit.head.head"), (["note": "x"], "audit.head.head"),
        ] as [(CanonicalJSON, String)] {
            let error = #expect(throws: FormatError.self) {
                try AuditExport(decoding: line.encoded + [UInt8(ascii: "\n")])
            }
            #expect(error?.check == check)
        }
        // An entry's texts have a length that can be shown.
        for (length, isRead) in [(1_024, true), (1_025, false)] {
            var other = try LoggingService()
            other.log(subject: String(repeating: "s", count: length))
            #expect(((try? AuditEntry(other.entries[0].json)) != nil) == isRead)
        }
    }

    @Test("Any altered byte of an entry is found") func altered() throws {
        let service = try Self.service(4)
        let export = try service.export()
        let bytes = AuditExport(entries: export.entries, heads: []).encoded
        let heads = AuditExport(entries: [], heads: export.heads).encoded
        for place in bytes.indices {
            var altered = bytes
            altered[place] ^= 1
            let verification = AuditVerification.judge(altered + heads, service: service.service)
            #expect(verification.exitCode == 20, "byte \(place): \(verification)")
        }
    }

    @Test("Any altered byte of a head is found") func alteredHead() throws {
        let service = try Self.service(2)
        let export = try service.export()
        let entries = AuditExport(entries: export.entries, heads: []).encoded
        let head = AuditExport(entries: [], heads: export.heads).encoded
        for place in head.indices {
            var altered = head
            altered[place] ^= 1
            let verification = AuditVerification.judge(entries + altered, service: service.service)
            #expect([20, 23].contains(verification.exitCode), "byte \(place): \(verification)")
        }
    }

    @Test("Entries that are left out, moved or made up are found") func moved() throws {
        let service = try Self.service(6)
        let whole = try service.export()
        for place in 0..<5 {
            var export = whole
            export.entries.remove(at: place)
            Self.expect(20, "audit.entry.index", .judge(export, service: service.service))
            export = whole
            export.entries.swapAt(place, place + 1)
            Self.expect(20, "audit.entry.index", .judge(export, service: service.service))
        }
        // With indices that fit, the chain does not.
        var export = whole
        let last = export.entries[5]
        export.entries[4] = AuditEntry(
            index: 4, time: last.time, kind: .refusal, subject: "x", actor: "x", detail: [:],
            previous: export.entries[3].hash)
        Self.expect(20, "audit.entry.previous", .judge(export, service: service.service))
        // The last entry has none behind it; the head knows it.
        export = whole
        export.entries[5] = AuditEntry(
            index: 5, time: last.time, kind: .refusal, subject: "x", actor: "x", detail: [:], previous: last.previous)
        Self.expect(20, "audit.head.root", .judge(export, service: service.service))
        // The same, when a head of that size was kept: the log's own head knows it already.
        Self.expect(
            20, "audit.head.root", .judge(export, kept: try service.head(), service: service.service))
        // Nothing is believed that no head tells of.
        export = whole
        export.entries.append(
            AuditEntry(
                index: 6, time: last.time, kind: .refusal, subject: "x", actor: "x", detail: [:], previous: last.hash))
        Self.expect(20, "audit.size", .judge(export, service: service.service))
    }

    @Test("A clock that went backwards is found") func clock() throws {
        var service = try LoggingService()
        service.log(1)
        service.entries.append(
            AuditEntry(
                index: 1, time: Instant(seconds: 5), kind: .release, subject: "x", actor: "x", detail: [:],
                previous: service.entries[0].hash))
        Self.expect(20, "audit.entry.time", .judge(try service.export(), service: service.service))
    }

    @Test("A log whose end is missing is truncated") func truncated() throws {
        let service = try Self.service(9)
        for count in 0..<9 {
            var export = try service.export()
            export.entries.removeLast(9 - count)
            Self.expect(21, "audit.size", .judge(export.encoded, service: service.service))
        }
        Self.expect(
            21, "audit.head", .judge(AuditExport(entries: service.entries, heads: []), service: service.service))
        Self.expect(21, "audit.head", .judge([], service: service.service))
    }

    @Test("A log that ends in the middle of a line is broken") func cutOff() throws {
        let service = try Self.service(3)
        let bytes = try service.export().encoded
        for count in 1..<bytes.count {
            let verification = AuditVerification.judge(Array(bytes.dropLast(count)), service: service.service)
            #expect([20, 21].contains(verification.exitCode), "without the last \(count): \(verification)")
        }
    }

    @Test("A log that is older than a kept head was set back") func rolledBack() throws {
        let service = try Self.service(9)
        let kept = try service.head()
        for count in 1..<9 {
            let older = AuditExport(
                entries: Array(service.entries.prefix(count)), heads: [try service.head(of: count)])
            Self.expect(0, nil, .judge(older, service: service.service))
            Self.expect(22, "audit.kept.size", .judge(older, kept: kept, service: service.service))
        }
        // As much may be missing too: what was set back is told first.
        let older = AuditExport(entries: Array(service.entries.prefix(3)), heads: [try service.head(of: 5)])
        Self.expect(22, "audit.kept.size", .judge(older, kept: kept, service: service.service))
    }

    @Test("A log that goes on otherwise than a kept head forked") func forked() throws {
        var service = try Self.service(5)
        var fork = service
        service.log(2)
        fork.log(3, subject: "hospital-a/others")
        Self.expect(
            22, "audit.kept.root",
            .judge(try fork.export(), kept: try service.head(of: 6), service: service.service))
        Self.expect(0, nil, .judge(try fork.export(), kept: try service.head(of: 5), service: service.service))
        // Two heads of one size cannot both be.
        var export = try fork.export()
        export.heads.append(try service.head(of: 6))
        export.heads.append(try fork.head(of: 6))
        Self.expect(22, "audit.head.root", .judge(export, service: service.service))
    }

    @Test("A log of another service is told as such") func anotherService() throws {
        let (one, other) = (try Self.service(3), try Self.service(3, seed: 2))
        Self.expect(23, "audit.service", .judge(try other.export(), service: one.service))
        Self.expect(23, "audit.service", .judge(try one.export(), kept: try other.head(), service: one.service))
    }

    @Test("What cannot be verified with is no fault of the log") func unusable() throws {
        let service = try Self.service(3)
        Self.expect(2, "audit.service", .judge(try service.export(), service: []))
        let head = try service.head()
        let unsigned = SignedAuditHead(head: head.head, signature: [UInt8](repeating: 0, count: 64))
        Self.expect(2, "audit.kept", .judge(try service.export(), kept: unsigned, service: service.service))
    }

    @Test("Lines that are no log are refused") func noLog() throws {
        let service = try Self.service(1)
        for text in [
            "\n", "{}\n", "[]\n", "x\n", "{\"entry\":{}}\n", "{\"entry\":1,\"head\":2}\n",
            "{\"head\":{},\"signature\":\"\"}\n", "null\n",
        ] {
            let verification = AuditVerification.judge(Array(text.utf8), service: service.service)
            #expect(verification.exitCode == 20, "\(text): \(verification)")
        }
    }

    @Test("An entry and a head come back as they were written") func roundTrip() throws {
        let service = try Self.service(2)
        let export = try service.export(sizes: [1, 2])
        #expect(try AuditExport(decoding: export.encoded) == export)
        #expect(try AuditEntry(service.entries[1].json) == service.entries[1])
        #expect(service.entries[1].hash == AuditEntry.hash(of: service.entries[1].canonical))
    }
}
