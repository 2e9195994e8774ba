import PliniusVerifier
import Testing

/// A paravisor's report, written by hand.
@Suite("Layout of the paravisor's report")
struct HCLReportTests {
    private struct Form {
        var mark = Array("HCLA".utf8)
        var headerVersion: UInt32 = 2
        var rest: [UInt8] = [2] + [UInt8](repeating: 0, count: 19)
        var version: UInt32 = 1
        var kind: UInt32 = 2
        var hash: UInt32 = 1
        var keys = #"{"kid": "HCLAkPub", "kty": "RSA", "n": "AQAB", "e": "Aw"}"#
        /// Blanks behind the claims' JSON, which JSON allows.
        var blanks = 0
        var filling: [UInt8] = []
        var lengthError = 0
        var sizeError = 0
        var totalError = 0

        var bytes: [UInt8] {
            let claims = Array(#"{"keys": [\#(keys)]}"#.utf8) + [UInt8](repeating: 0x20, count: blanks)
            let size = claims.count + 20
            let numbers = [UInt32(size + sizeError), version, kind, hash, UInt32(claims.count + lengthError)]
            return mark + little(headerVersion) + little(UInt32(32 + 1184 + size + totalError)) + rest
                + [UInt8](repeating: 5, count: 1184) + numbers.flatMap { little($0) } + claims + filling
        }
    }

    @Test("What the layout says is read")
    func good() throws {
        let report = try HCLReport(Form().bytes)
        #expect(report.hardware == .snp && report.hash == .sha256 && report.hardwareReport.count == 1184)
        #expect(report.modulus == [1, 0, 1] && report.exponent == [3])
        let variants: [(inout Form) -> Void] = [
            { $0.headerVersion = 1 }, { $0.hash = 3 }, { $0.kind = 4 },
            { $0.keys += #", {"kid": "other", "kty": "RSA"}"# }, { $0.blanks = (32 << 10) - Self.claimsByteCount },
            { $0.filling = [UInt8](repeating: 0, count: (64 << 10) - $0.bytes.count) },
        ]
        for change in variants {
            var form = Form()
            change(&form)
            #expect(throws: Never.self) { try HCLReport(form.bytes) }
        }
    }

    private static let claimsByteCount = Form().bytes.count - 32 - 1184 - 20

    @Test("Every other layout is refused")
    func bad() throws {
        let changes: [(String, (inout Form) -> Void)] = [
            ("mark", { $0.mark[3] = 0x42 }), ("header 0", { $0.headerVersion = 0 }),
            ("header 3", { $0.headerVersion = 3 }), ("request", { $0.rest[0] = 1 }), ("status", { $0.rest[4] = 1 }),
            ("reserved", { $0.rest[19] = 1 }), ("version 2", { $0.version = 2 }), ("VBS", { $0.kind = 1 }),
            ("no hash", { $0.hash = 0 }), ("another hash", { $0.hash = 4 }), ("length", { $0.lengthError = -1 }),
            ("size", { $0.sizeError = 1 }),
            (
                "longer than its size",
                {
                    $0.lengthError = 1
                    $0.filling = [0x20]
                }
            ), ("whole size", { $0.totalError = 4 }),
            ("long claims", { $0.blanks = (32 << 10) - Self.claimsByteCount + 1 }),
            ("long", { $0.filling = [UInt8](repeating: 0, count: (64 << 10) - $0.bytes.count + 1) }),
            ("filling", { $0.filling = [0, 1] }), ("no key", { $0.keys = "" }),
            ("two keys", { $0.keys += ", " + $0.keys }), ("another name", { $0.keys.replace("Ak", with: "Ek") }),
            ("another kind", { $0.keys.replace("RSA", with: "EC") }),
            ("no modulus", { $0.keys.replace(#""n""#, with: #""m""#) }),
        ]
        for (name, change) in changes {
            var form = Form()
            change(&form)
            let error = try #require(throws: EvidenceError.self, "\(name)") { try HCLReport(form.bytes) }
            #expect(error.check == "azure.hcl.format")
        }
    }
}
