import Foundation
import Testing
import _PliniusTestSupport

@Suite("plinius-owner collateral", .enabled(if: EvidenceVectors.areThere, EvidenceVectors.reason))
struct CollateralCommandTests {
    @Test("A bundle is made, shown, and judged with; another key's, an expired and a changed one are refused")
    func bundle() throws {
        let folder = try OwnerFolder()
        let made = try folder.run(
            "collateral", "make", "--key", "@key", "--series", "intel", "--serial", "7", "--days", "5", "--now",
            EvidenceVectors.pinnedTime, "--out", "@bundle", try EvidenceVectors.path("sgx/quote-v3.collateral.json"))
        #expect(made.succeeded, "\(made.errors)")
        let key = try #require(made.output.split(whereSeparator: \.isWhitespace).last.map(String.init))
        let shown = try folder.run("collateral", "show", "@bundle", "--collateral-key", key, "--json")
        let object = try JSONSerialization.jsonObject(with: Data(shown.output.utf8)) as? [String: Any]
        #expect(
            object?["series"] as? String == "intel" && object?["serial"] as? Int == 7 && object?["intel"] as? Int == 1)
        #expect(object?["expires"] as? String == "2025-07-06T00:00:00Z")

        let quote = try EvidenceVectors.path("sgx/quote-v3.bin")
        let arguments = ["--collateral", folder("bundle"), "--collateral-key", key]
        let judged = try EvidenceOutcome(verifying: quote, arguments)
        #expect(judged.failures == ["sgx.tcb.status"] && judged.passed.contains("collateral.bundle.validity"))
        let late = try EvidenceOutcome(verifying: quote, arguments + ["--now", "2025-07-07T00:00:00Z"])
        #expect(late.failedCheck == "collateral.bundle.validity")

        let other = "ed25519:" + String(repeating: "00", count: 32)
        try folder.expectRefusal(
            3, ["collateral.bundle.signer"], "collateral", "show", "@bundle", "--collateral-key", other)
        try folder.expectRefusal(
            3, ["collateral.bundle.signer"], "evidence", "verify", quote, "--collateral", "@bundle")
        var bytes = try folder.folder.read("bundle")
        bytes[bytes.count - 1] ^= 1
        try folder.write(bytes, to: "changed", mode: 0o644)
        try folder.expectRefusal(
            3, ["collateral.bundle.signature"], "collateral", "show", "@changed", "--collateral-key", key)
        try folder.expectRefusal(
            2, ["--days"], "collateral", "make", "--key", "@key", "--series", "s", "--serial", "1", "--days", "0",
            "--out",
            "@none", quote)
    }
}
