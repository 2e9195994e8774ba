import Crypto
import Foundation
import PliniusPolicy
import PliniusVerifier
import Testing
import _PliniusTestSupport

@Suite("The log, away from the manager") struct AuditCommandTests {
    @Test func exitCodesTellWhatHappenedToTheLog() throws {
        let desk = try OwnerDesk()
        let key = Curve25519.Signing.PrivateKey()
        let whole = log(of: 5, signedBy: key)
        let service = hex(Array(key.publicKey.rawRepresentation))
        let kept = try desk.folder.write(
            head(of: Array(whole.entries.prefix(3)), signedBy: key).json.encoded, to: "kept")
        let newer = try desk.folder.write(
            head(of: log(of: 7, signedBy: key).entries, signedBy: key).json.encoded, to: "newer")
        func verify(_ export: [UInt8], service: String, _ more: String...) throws -> ProgramOutcome {
            let file = try desk.folder.write(export, to: "log")
            return try desk.perun(["audit", "verify", file, "--service-key", service, "--json"] + more)
        }
        let good = try verify(whole.encoded, service: service, "--kept", kept)
        #expect(good.succeeded, "\(good)")
        #expect(try good.json["entries"] as? Int == 5)

        let changed = String(decoding: whole.encoded, as: UTF8.self)
            .replacingOccurrences(of: "\"subject\":\"2\"", with: "\"subject\":\"7\"")
        let short = AuditExport(entries: Array(whole.entries.prefix(4)), heads: whole.heads)
        let other = Curve25519.Signing.PrivateKey()
        let cases: [(export: [UInt8], service: String, more: [String], code: Int32)] = [
            (Array(changed.utf8), service, [], 20), (short.encoded, service, [], 21),
            (whole.encoded, service, ["--kept", newer], 22),
            (whole.encoded, hex(Array(other.publicKey.rawRepresentation)), [], 23),
            (whole.encoded, "00", [], 2), (whole.encoded, service, ["--kept", desk.folder("absent")], 2),
        ]
        for (export, service, more, code) in cases {
            let file = try desk.folder.write(export, to: "log")
            let outcome = try desk.perun(["audit", "verify", file, "--service-key", service] + more)
            #expect(outcome.status == .exited(code), "\(code): \(outcome)")
        }
    }

    private func log(of count: Int, signedBy key: Curve25519.Signing.PrivateKey) -> AuditExport {
        var entries: [AuditEntry] = []
        var previous = AuditEntry.origin
        for index in 0..<count {
            let entry = AuditEntry(
                index: index, time: Instant(seconds: 100), kind: .statement, subject: "\(index)", actor: "a",
                detail: [:],
                previous: previous)
            previous = AuditEntry.hash(of: entry.canonical)
            entries.append(entry)
        }
        return AuditExport(entries: entries, heads: [head(of: entries, signedBy: key)])
    }

    /// The root is computed here, as RFC 9162 defines it.
    private func head(of entries: [AuditEntry], signedBy key: Curve25519.Signing.PrivateKey) -> SignedAuditHead {
        func root(_ leaves: ArraySlice<[UInt8]>) -> [UInt8] {
            if leaves.count == 1, let leaf = leaves.first { return Array(SHA256.hash(data: [0] + leaf)) }
            var half = 1
            while half * 2 < leaves.count { half *= 2 }
            let middle = leaves.startIndex + half
            return Array(SHA256.hash(data: [1] + root(leaves[..<middle]) + root(leaves[middle...])))
        }
        let head = AuditHead(
            service: Array(key.publicKey.rawRepresentation), epoch: [UInt8](repeating: 0, count: 16),
            size: entries.count,
            root: root(entries.map(\.canonical)[...]),
            last: entries.last.map { AuditEntry.hash(of: $0.canonical) } ?? [],
            time: Instant(seconds: 200))
        let signature = (try? key.signature(for: head.message)).map { Array($0) } ?? []
        return SignedAuditHead(head: head, signature: signature)
    }
}
