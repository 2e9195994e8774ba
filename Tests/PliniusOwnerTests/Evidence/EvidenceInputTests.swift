import Foundation
import Testing
import _PliniusTestSupport

@Suite("plinius-owner evidence, on what is none")
struct EvidenceInputTests {
    let folder: OwnerFolder

    init() throws { folder = try OwnerFolder() }

    @Test("A missing file, an empty one, a folder without evidence and unknown bytes are told apart")
    func noEvidence() throws {
        try folder.expectRefusal(2, ["missing", "No such file"], "evidence", "verify", "@missing")
        try folder.write([], to: "empty", mode: 0o644)
        try folder.expectRefusal(2, ["stored.format", "empty is empty"], "evidence", "verify", "@empty")
        try folder.write(Array("hello".utf8), to: "text", mode: 0o644)
        try folder.expectRefusal(2, ["stored.format", "SGX and TDX quotes", "text"], "evidence", "verify", "@text")
        // A folder of its own: the owner's key beside the text is random, and may begin as evidence does.
        let unknown = try TemporaryDirectory()
        try unknown.write("hello", to: "text")
        try folder.expectRefusal(2, ["stored.format", "nothing known"], "evidence", "verify", unknown(""))
        let empty = try TemporaryDirectory()
        try folder.expectRefusal(2, ["stored.format", "no file"], "evidence", "verify", empty(""))
        try folder.expectRefusal(2, ["stored.format"], "evidence", "learn", "@text")
    }

    @Test(
        "What begins like evidence and is malformed is refused, with its format",
        arguments: [
            (#"{"hcl_report": 1}"#, "stored.azure.format"), (#"{"ak_public": 1}"#, "stored.trustee-tpm.format"),
            (#"{"evidence": "", "certificate": 3}"#, "stored.nvidia.format"), ("[]", "stored.nvidia.format"),
            (#"{"provider": "tdx_guest", "outblob": "00ff"}"#, "stored.configfs.format"), ("{", "stored.json.format"),
            ("10 " + String(repeating: "0", count: 40) + " ima-ng x\n", "ima.log.format"),
        ])
    func malformed(text: String, check: String) throws {
        try folder.write(Array(text.utf8), to: "evidence", mode: 0o644)
        try folder.expectRefusal(3, [check, "evidence"], "evidence", "verify", "@evidence")
    }

    @Test("A malformed quote is a check that failed")
    func cutQuote() throws {
        let header: [UInt8] = [3, 0, 2, 0, 0, 0, 0, 0]
        try folder.write(header, to: "quote", mode: 0o644)
        let outcome = try EvidenceOutcome(verifying: folder("quote"))
        #expect(outcome.outcome.status == .exited(3) && outcome.failedCheck == "sgx.quote.format")
    }

    @Test("Options that mean nothing are refused")
    func options() throws {
        try folder.write([3, 0, 2, 0, 0, 0, 0, 0], to: "quote", mode: 0o644)
        for (words, arguments) in [
            (["--now"], ["--now", "tomorrow"]), (["--report-data", "hexadecimal"], ["--report-data", "0"]),
            (["--report-data", "65 bytes"], ["--report-data", String(repeating: "00", count: 65)]),
            (["--register", "sha256"], ["--register", "md5:00"]), (["--nonce"], ["--nonce", "00"]),
            (["--collateral-key", "ed25519"], ["--collateral-key", "rsa:00"]),
            (["missing"], ["--collateral", "@missing"]),
            (["quote", "collateral.import.format"], ["--collateral", "@quote"]),
            (["missing"], ["--policy", "@missing"]),
        ] {
            try folder.expectRefusal(2, words, ["evidence", "verify", "@quote"] + arguments)
        }
    }

    @Test("A policy with a key that nobody knows is refused, with the one that was meant")
    func policy() throws {
        try folder.write([3, 0, 2, 0, 0, 0, 0, 0], to: "quote", mode: 0o644)
        let text = """
            version: 1
            name: p
            level: tee
            purposes: [train]
            evidence: [sgx]
            configs: any
            datasets: any
            sgx:
              mrenclav: [00]
            """
        try folder.write(Array(text.utf8), to: "policy.yaml", mode: 0o644)
        try folder.expectRefusal(
            2, ["policy.yaml:9", "sgx.mrenclav", "perhaps mrenclave"], "evidence", "verify", "@quote", "--policy",
            "@policy.yaml")
    }
}
