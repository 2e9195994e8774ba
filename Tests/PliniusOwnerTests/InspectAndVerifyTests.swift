import Foundation
import PliniusMirror
import PliniusSealing
import Testing
import _PliniusTestSupport

@Suite("plinius-owner inspect and verify")
struct InspectAndVerifyTests {
    let folder: OwnerFolder

    init() throws {
        folder = try OwnerFolder()
        let outcome = try folder.run(
            "seal", "--key", "@key", "--format", "synthetic-digits", "--count", "5", "--out", "@data.sealed")
        #expect(outcome.succeeded, "\(outcome.errors)")
    }

    @Test("inspect --json prints one object and nothing else, and needs no key")
    func json() throws {
        let outcome = try folder.run("inspect", "--json", "@data.sealed")
        #expect(outcome.succeeded)
        #expect(outcome.errors == "")
        let object = try #require(
            JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
        let header = try folder.withDataset("data.sealed") { $0.header }
        #expect(object["id"] as? String == header.id.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
        #expect(object["count"] as? Int == 5)
        #expect(object["channels"] as? Int == 1)
        #expect(object["height"] as? Int == 28)
        #expect(object["width"] as? Int == 28)
        #expect(object["classes"] as? Int == 10)
        #expect(object["truth"] as? String == "label")
        #expect(object["cipher"] as? String == "aes-256-gcm")
        #expect(outcome.output.hasSuffix("}\n"))
    }

    @Test("inspect tells people the same, and that it proves nothing")
    func people() throws {
        let outcome = try folder.run("inspect", "@data.sealed")
        #expect(outcome.succeeded)
        for word in ["1x28x28", "aes-256-gcm", "10", "verify"] {
            #expect(outcome.output.contains(word))
        }
    }

    @Test("inspect refuses what is no sealed data set")
    func notADataset() throws {
        try folder.write(Array("PLINPOOL".utf8), to: "other", mode: 0o644)
        try folder.expectRefusal(3, ["no sealed data set"], "inspect", "@other")
        try folder.write(Array(try folder.folder.read("data.sealed").prefix(100)), to: "cut", mode: 0o644)
        try folder.expectRefusal(3, ["cut off", "100 bytes"], "inspect", "@cut")
        try folder.expectRefusal(2, ["missing", "No such file"], "inspect", "@missing")
    }

    @Test("verify opens every record and says how many")
    func verifies() throws {
        let outcome = try folder.run("verify", "--key", "@key", "@data.sealed")
        #expect(outcome.succeeded)
        #expect(outcome.output.contains("all 5 records"))
    }

    @Test(
        "verify refuses every kind of damage with exit code 3 and its reason, and changes nothing",
        arguments: [
            ("magic", "no sealed data set"), ("version", "format"), ("count", "authentication code"),
            ("id", "another owner key"),
            ("record", "Record 3 "), ("tag", "Record 4 "), ("cut", "cut off"), ("longer", "appended"),
            ("swapped", "Record 0 "),
        ])
    func refuses(kind: String, word: String) throws {
        var bytes = try folder.folder.read("data.sealed")
        let record = 784 + 2 + 16
        switch kind {
        case "magic": bytes[3] ^= 1
        case "version": bytes[8] ^= 2
        case "count": bytes[32] ^= 1
        case "id": bytes[20] ^= 1
        case "record": bytes[4_096 + 3 * record + 400] ^= 1
        case "tag": bytes[bytes.count - 1] ^= 1
        case "cut": bytes.removeLast()
        case "longer": bytes.append(0)
        case "swapped":
            let first = Array(bytes[4_096..<4_096 + record])
            bytes.replaceSubrange(4_096..<4_096 + record, with: bytes[(4_096 + record)..<(4_096 + 2 * record)])
            bytes.replaceSubrange((4_096 + record)..<(4_096 + 2 * record), with: first)
        default: Issue.record("no damage of the kind \(kind)")
        }
        try folder.write(bytes, to: "data.sealed", mode: 0o644)
        try folder.expectRefusal(3, [word], "verify", "--key", "@key", "@data.sealed")
    }

    @Test("verify names a wrong key as the reason")
    func wrongKey() throws {
        try folder.write(randomBytes(32), to: "other", mode: 0o600)
        try folder.expectRefusal(3, ["another owner key"], "verify", "--key", "@other", "@data.sealed")
    }
}
