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

    /// What Intel's service answers, as `curl -i` keeps it, out of a set that holds all of it.
    private func answers(_ folder: OwnerFolder) throws -> [String] {
        let set = try #require(
            JSONSerialization.jsonObject(
                with: Data(try EvidenceVectors.bytes("sgx/quote-v3.collateral.json"))) as? [String: String])
        func answer(_ member: String, _ prefix: String, _ header: String) throws -> String {
            let chain = try #require(
                set["\(prefix)_issuer_chain"]?.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
            let body = "{\"\(member)\":\(set[prefix] ?? ""),\"signature\":\"\(set["\(prefix)_signature"] ?? "")\"}"
            return "HTTP/1.1 200 OK\r\n\(header): \(chain)\r\n\r\n\(body)"
        }
        let files = [
            "info": try answer("tcbInfo", "tcb_info", "TCB-Info-Issuer-Chain"),
            "identity": try answer("enclaveIdentity", "qe_identity", "SGX-Enclave-Identity-Issuer-Chain"),
            "root": try #require(set["root_ca_crl"]), "pck": try #require(set["pck_crl"]),
        ]
        for (name, text) in files { try folder.write(Array(text.utf8), to: name, mode: 0o644) }
        return files.keys.sorted().map { folder($0) }
    }

    @Test("Intel's answers are imported as they came, gone on from, and warned of before they are out of date")
    func imported() throws {
        let folder = try OwnerFolder()
        let files = try answers(folder)
        let common = ["collateral", "import", "--key", folder("key"), "--now", EvidenceVectors.pinnedTime]
        let made = try Program.owner.run(
            common + ["--series", "intel", "--days", "40", "--out", folder("one")] + files)
        #expect(made.succeeded, "\(made.errors)")
        #expect(made.errors.contains("warning: ") && made.errors.contains("out of date after"), "\(made.errors)")
        let key = try #require(made.output.split(whereSeparator: \.isWhitespace).last.map(String.init))
        let quote = try EvidenceVectors.path("sgx/quote-v3.bin")
        func judged(_ name: String, _ more: String...) throws -> EvidenceOutcome {
            try EvidenceOutcome(
                verifying: quote, ["--collateral", folder(name), "--collateral-key", key] + more)
        }
        let first = try judged("one")
        #expect(first.failures == ["sgx.tcb.status"] && first.passed.contains("collateral.bundle.validity"))
        #expect((first.object["warnings"] as? [String])?.isEmpty == true)
        // Without a bundle, the answers themselves are judged with.
        let loose = try EvidenceOutcome(verifying: quote, files.flatMap { ["--collateral", $0] })
        #expect(loose.failures == ["sgx.tcb.status"])

        try folder.write(
            Array("sha256:\(String(repeating: "ab", count: 32)) /bin/true\n".utf8), to: "list", mode: 0o644)
        let roots = try EvidenceVectors.path("snp/roots/ask_ark_milan.pem")
        let next = try Program.owner.run(
            common + ["--from", folder("one"), "--out", folder("two"), "--days", "5", "--endorsement", roots]
                + ["--reference", "ima:os=\(folder("list"))", roots])
        #expect(next.succeeded && next.output.contains("number 2 of intel"), "\(next.errors)")
        let shown = try folder.run("collateral", "show", "@two", "--collateral-key", key, "--json")
        let object = try JSONSerialization.jsonObject(with: Data(shown.output.utf8)) as? [String: Any]
        for (name, count) in [
            ("intel", 1), ("amdCertificates", 2), ("endorsementAuthorities", 2), ("referenceLists", 1), ("serial", 2),
        ] {
            #expect(object?[name] as? Int == count, "\(name): \(shown.output)")
        }
        let second = try judged("two")
        #expect(second.failures == ["sgx.tcb.status"])
        let warning = "the bundle intel number 2 expires in 5 days"
        #expect((second.object["warnings"] as? [String])?.first?.contains(warning) == true)
        #expect(second.outcome.errors.contains("warning: \(warning)"), "\(second.outcome.errors)")
        // Both bundles of a series: the later one has to come later.
        let back = try Program.owner.run([
            "evidence", "verify", quote, "--collateral", folder("two"), "--collateral", folder("one"),
            "--collateral-key", key,
        ])
        #expect(back.status == .exited(3) && back.errors.contains("collateral.bundle.serial"), "\(back.errors)")
        let over = try Program.owner.run(common + ["--from", folder("two"), "--out", folder("two"), roots])
        #expect(over.succeeded && over.output.contains("number 3"), "\(over.errors)")
    }

    @Test("A number that is not higher, another series, another key and files of nobody's are refused")
    func importRefusals() throws {
        let folder = try OwnerFolder()
        let roots = try EvidenceVectors.path("snp/roots/ask_ark_milan.pem")
        let common = ["collateral", "import", "--key", "@key", "--now", EvidenceVectors.pinnedTime]
        let first = try folder.run(
            "collateral", "import", "--key", "@key", "--series", "amd", "--serial", "5", "--out", "@one", roots)
        #expect(first.succeeded, "\(first.errors)")
        try folder.run("keygen", "--out", "@other")
        try folder.write(Array("hello".utf8), to: "text", mode: 0o644)
        let next = ["--from", "@one", "--out", "@two"]
        for (code, words, arguments) in [
            (3, ["collateral.bundle.serial", "5"], next + ["--serial", "5", roots]),
            (2, ["--series", "amd"], next + ["--series", "intel", roots]),
            (3, ["collateral.bundle.signer"], next + ["--key", "@other", roots]),
            (2, ["--series"], ["--out", "@two", roots]), (2, ["nothing is imported"], next),
            (2, ["text", "collateral.import.format"], next + ["@text"]),
            (2, ["--reference", "boot-log"], next + ["--reference", "os=@text"]),
            (2, ["collateral.reference.format"], next + ["--reference", "ima:os=\(folder("text"))"]),
            (2, ["missing"], next + ["--endorsement", "@missing"]),
        ] as [(CInt, [String], [String])] {
            // The last of an option counts.
            let own = arguments.contains("--key") ? common.filter { !["--key", "@key"].contains($0) } : common
            try folder.expectRefusal(code, words, own + arguments)
        }
    }
}
