import Crypto
import Foundation
import Testing
import _PliniusTestSupport

@Suite("Statements in files") struct StatementCommandTests {
    /// The signature is verified as the protocol has it, without the code that made it.
    @Test func aPolicyIsSignedBySeveralAwayFromTheNetwork() throws {
        let desk = try OwnerDesk()
        let (first, second) = (try desk.key("one.pem"), try desk.key("two.pem", kind: "p256"))
        let policy = try desk.policy(key: first)
        let put = try desk.perun(
            "policy", "put", policy, "--key", desk.folder("one.pem"), "--statement-out", desk.folder("policy.json"))
        try #require(put.succeeded, "\(put)")
        #expect(
            put.errors.contains("permits to train with assets of hospital-a/*, lab/net, lab/model"), "\(put.errors)")
        let hash = put.output.trimmingCharacters(in: .newlines)
        #expect(put.errors.contains("hash \(hash)"))

        let sign = try desk.perun(
            "statement", "sign", desk.folder("policy.json"), "--key", desk.folder("two.pem"), "--hash", hash)
        try #require(sign.succeeded, "\(sign)")
        // The same key again adds nothing.
        #expect(
            try desk.perun("statement", "sign", desk.folder("policy.json"), "--key", desk.folder("one.pem")).succeeded)

        let file = try desk.json("policy.json")
        let canonical = try #require((file["statement"] as? String).flatMap { Data(base64Encoded: $0) })
        let digest = SHA256.hash(data: canonical)
        #expect(hex(Array(digest)) == hash)
        let message = Data("perun/1/statement\0".utf8) + Data(digest)
        let signatures = try #require(file["signatures"] as? [[String: String]])
        #expect(signatures.compactMap { $0["key"] } == [first, second])
        let bytes = signatures.compactMap { $0["signature"].flatMap { Data(base64Encoded: $0) } }
        try #require(bytes.count == 2)
        let one = try Curve25519.Signing.PublicKey(rawRepresentation: octets(first))
        let two = try P256.Signing.PublicKey(x963Representation: octets(second))
        #expect(one.isValidSignature(bytes[0], for: message))
        #expect(two.isValidSignature(try P256.Signing.ECDSASignature(rawRepresentation: bytes[1]), for: message))
        #expect(file["source"] as? String == String(decoding: try desk.folder.read("policy.yaml"), as: UTF8.self))
        let members = try #require(try JSONSerialization.jsonObject(with: canonical) as? [String: Any])
        #expect(members["type"] as? String == "policy" && members["namespace"] as? String == "hospital-a")
        #expect(members["predecessor"] as? String == "" && members["sequence"] as? Int == 1)
    }

    @Test func whatWasChangedOnTheWayIsNotSigned() throws {
        let desk = try OwnerDesk()
        let key = try desk.key("one.pem")
        let path = desk.folder("stop.json")
        let stop = try desk.perun(
            "stop", "hospital-a", "--reason", "a reason", "--key", desk.folder("one.pem"), "--statement-out", path)
        try #require(stop.succeeded, "\(stop)")
        let text = String(decoding: try desk.folder.read("stop.json"), as: UTF8.self)
        let statement = try #require(try desk.json("stop.json")["statement"] as? String)
        let canonical = String(decoding: try #require(Data(base64Encoded: statement)), as: UTF8.self)
        func changed(_ from: String, _ to: String) -> String {
            let other = Data(canonical.replacingOccurrences(of: from, with: to).utf8).base64EncodedString()
            return text.replacingOccurrences(of: statement, with: other)
        }
        let changes: [(content: String, check: String)] = [
            (changed("a reason", "another"), "statement.signature"),
            (changed("\"reason\":\"a reason\"", "\"reason\": \"a reason\""), "json.canonical"),
            (changed("\"sequence\":1", "\"sequence\":0"), "statement.sequence"),
            (text.replacingOccurrences(of: key, with: try desk.key("two.pem")), "statement.signature"),
        ]
        for (content, check) in changes {
            #expect(content != text)
            let file = try desk.folder.write(content, to: "changed.json")
            let outcome = try desk.perun("statement", "sign", file, "--key", desk.folder("two.pem"))
            #expect(outcome.status == .exited(3) && outcome.errors.contains(check), "\(check): \(outcome)")
            #expect(try desk.folder.read("changed.json") == Array(content.utf8))
        }
        let hash = String(repeating: "0", count: 64)
        let other = try desk.perun("statement", "sign", path, "--key", desk.folder("two.pem"), "--hash", hash)
        #expect(other.status == .exited(3) && other.errors.contains("statement.hash"), "\(other)")
    }

    @Test func whatOthersWroteSteersNoTerminal() throws {
        let desk = try OwnerDesk()
        let policy = try desk.folder.write(#"{ version: "calm\u001B[2J\u202Edown" }"#, to: "policy.yaml")
        let outcome = try desk.perun("policy", "lint", policy)
        #expect(outcome.errors.contains("calm\u{FFFD}[2J\u{FFFD}down"), "\(outcome)")
        #expect(!outcome.errors.unicodeScalars.contains("\u{1B}"))
    }

    /// What is sealed opens with the manager's key, for this one statement.
    @Test func anAssetsKeyIsSealedToTheManager() throws {
        let desk = try OwnerDesk()
        _ = try desk.key("one.pem")
        let manager = Curve25519.KeyAgreement.PrivateKey()
        let trust = try desk.folder.write(
            """
            {"address":"127.0.0.1:1","auditKey":"00","basis":"digest","certificate":"none",
            "sealingKey":"\(hex(Array(manager.publicKey.rawRepresentation)))"}
            """, to: "trust.json")
        let secret = [UInt8](repeating: 0x5A, count: 32)
        let key = try desk.folder.write(secret, to: "data.key")
        let identity = String(repeating: "ab", count: 16)
        let put = try desk.perun(
            "asset", "put", "hospital-a/scans", "--kind", "dataset", "--identity", identity, "--policy",
            "hospital-a/training", "--key-file", key, "--trust", trust, "--key", desk.folder("one.pem"),
            "--predecessor",
            String(repeating: "1", count: 64), "--sequence", "5", "--statement-out", desk.folder("asset.json"))
        try #require(put.succeeded, "\(put)")
        let file = try desk.json("asset.json")
        let canonical = try #require((file["statement"] as? String).flatMap { Data(base64Encoded: $0) })
        #expect(!String(decoding: try desk.folder.read("asset.json"), as: UTF8.self).contains(hex(secret)))
        let members = try #require(try JSONSerialization.jsonObject(with: canonical) as? [String: Any])
        #expect(members["sequence"] as? Int == 5)
        let sealed = try #require(file["sealedKey"] as? [String: String])
        let parts = try ["encapsulatedKey", "ciphertext"].map { name in
            try #require(sealed[name].flatMap { Data(base64Encoded: $0) })
        }
        func open(for hash: [UInt8]) throws -> Data {
            var recipient = try HPKE.Recipient(
                privateKey: manager,
                ciphersuite: .init(kem: .Curve25519_HKDF_SHA256, kdf: .HKDF_SHA256, aead: .AES_GCM_256),
                info: Data("perun/1/upload".utf8), encapsulatedKey: parts[0])
            return try recipient.open(parts[1], authenticating: hash)
        }
        #expect(try Array(open(for: Array(SHA256.hash(data: canonical)))) == secret)
        #expect(throws: (any Error).self) { try open(for: [UInt8](repeating: 0, count: 32)) }
    }

    @Test func badInputIsUsage() throws {
        let desk = try OwnerDesk()
        let key = try desk.key("one.pem")
        let out = desk.folder("out.json")
        let hash = String(repeating: "0", count: 64)
        let cases: [(arguments: [String], says: String)] = [
            (["stop", "hospital-a", "--reason", "x"], "--key"),
            (
                ["stop", "hospital-a", "--reason", "x", "--asset", "a", "--run", "lab/m#r", "--statement-out", out],
                "exclude"
            ),
            (["stop", "hospital-a", "--reason", "x", "--run", "lab", "--statement-out", out], "is no run"),
            (["stop", "hospital-a", "--reason", "a\u{1B}b", "--statement-out", out], "cannot be stated"),
            (["resume", "hospital-a", "00", "--statement-out", out], "no hash"),
            (["policy", "approve", hash, "--statement-out", out], "--trust"),
            (["namespace", "put", "Hospital", "--member", key, "--statement-out", out], "is no name"),
            (["namespace", "put", "hospital-a", "--statement-out", out], "--member"),
            (["namespace", "put", "hospital-a", "--member", key, "--at-least", "2", "--statement-out", out], "board"),
            (["asset", "put", "a/b", "--kind", "dataset", "--identity", "00", "--statement-out", out], "16 bytes"),
            (
                [
                    "asset", "put", "a/b", "--kind", "model", "--identity", "r", "--policy", "c/p", "--statement-out",
                    out,
                ], "owner"
            ),
            (["platform", "put", "a", "--id", "00", "--region", "eu", "--host", "h", "--statement-out", out], "--id"),
            (["statement", "show", desk.folder("one.pem")], "is no statement"),
            (["statement", "post", desk.folder("absent"), "--trust", "x"], "cannot be read"),
            (["policy", "pending"], "--trust"),
        ]
        for (arguments, says) in cases {
            let outcome = try desk.perun(arguments)
            #expect(outcome.status == .exited(2) && outcome.errors.contains(says), "\(arguments): \(outcome)")
        }
        #expect(try desk.folder.names() == ["one.pem"])
        #expect(try desk.perun("asset", "put", "nothing", "--kind", "x", "--identity", "y").status == .exited(64))
    }

    private func octets(_ key: String) -> [UInt8] {
        let digits = Array(key.drop { $0 != ":" }.dropFirst())
        return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...($0 + 1)]), radix: 16) }
    }
}
