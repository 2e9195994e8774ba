import Crypto
import Foundation
import PliniusPerunClient
import PliniusPolicyManager
import PliniusVerifier
import Testing
import _PliniusTestSupport

/// Owners who have shares of a manager's root key, each with the program, and the manager in a process of its own.
@Suite("Unlocking", .timeLimit(.minutes(30))) struct UnlockCommandTests {
    private let desk: OwnerDesk

    init() throws {
        desk = try OwnerDesk()
        let outcome = try desk.perun(
            "root", "share", "--store", desk.folder("store"), "--threshold", "2", "--out", desk.folder("a"), "--out",
            desk.folder("b"), "--out", desk.folder("c"))
        try #require(outcome.succeeded, "\(outcome)")
    }

    private func unlock(_ name: String, _ more: [String]) throws -> ProgramOutcome {
        try desk.perun(["unlock", "--share", desk.folder(name)] + more)
    }

    @Test func ownersUnlockAManagerThatAnswersNothingElseBefore() async throws {
        for name in ["a", "b", "c"] {
            let mode = try FileManager.default.attributesOfItem(atPath: desk.folder(name))[.posixPermissions] as? Int
            #expect(mode == 0o600)
        }
        let options = ["--root", "shares", "--attestation", "none"]
        let manager = try ManagerProcess(desk.folder("store"), says: "locked", options)
        let whom = ["--manager", manager.address, "--first-use"]
        try await manager.asking { client async throws in
            #expect(try await client.health().status == "locked")
            for path in ["/v1/assets", "/v1/audit/head", "/v1/attestation?nonce=00", "/nothing"] {
                await refusal(503, "manager.locked") { _ = try await client.get(path) }
            }
            await refusal(503, "manager.locked") {
                _ = try await client.release(ReleaseRequest(result: Base64([1])))
            }
            await refusal(400) { _ = try await client.post("/v1/unlock", ["share": "x"], as: Health.self) }
            let document = try OpenAPIDocument(
                yaml: String(decoding: try await client.get("/openapi.yaml"), as: UTF8.self))
            let nonce = String(repeating: "0", count: 64)
            try document.check(try await client.lockedAttestation(nonce: nonce), as: "LockedAttestation")
        }
        // Nobody hands a share to whom nothing speaks for.
        let unknown = try unlock("a", ["--manager", manager.address])
        #expect(unknown.status == .exited(3) && unknown.errors.contains("trust.certificate"), "\(unknown)")
        let other = try unlock(
            "a", ["--manager", manager.address, "--certificate-digest", String(repeating: "0", count: 64)])
        #expect(other.status == .exited(3) && other.errors.contains("trust.certificate"), "\(other)")
        let protected = try unlock(
            "a", ["--manager", manager.address, "--policy", try policy(anchor: [UInt8](repeating: 1, count: 32))])
        #expect(protected.status == .exited(3) && protected.errors.contains("trust.evidence"), "\(protected)")

        let first = try unlock("c", whom)
        #expect(first.succeeded && first.output == "share 3 is in, 1 more are needed\n", "\(first)")
        // What was not copied to the letter, and what is a share of another manager.
        let text = String(decoding: try desk.folder.read("a"), as: UTF8.self)
        try desk.folder.write(String(text.dropLast(2)) + "\n", to: "short")
        #expect(try unlock("short", whom).status == .exited(2))
        let foreign = try desk.perun(
            "root", "share", "--store", desk.folder("other"), "--threshold", "1", "--out", desk.folder("foreign"))
        #expect(foreign.succeeded, "\(foreign)")
        let refused = try unlock("foreign", whom)
        #expect(refused.status == .exited(3) && refused.errors.contains("unlock.set"), "\(refused)")
        let last = try unlock("a", whom + ["--json"])
        #expect(try last.json["missing"] as? Int == 0, "\(last)")

        try manager.wait(until: "listening")
        try await manager.asking { client async throws in
            #expect(try await client.health().status == "ready")
            #expect(try await client.assets().assets.isEmpty)
            await refusal(409) { _ = try await client.lockedAttestation(nonce: String(repeating: "0", count: 64)) }
        }
        let trust = desk.folder("trust")
        #expect(try desk.perun("trust", "--manager", manager.address, "--first-use", "--out", trust).succeeded)
        try manager.stop()

        // The next start asks again; the certificate of before is not its, for its key is locked away.
        let again = try ManagerProcess(desk.folder("store"), says: "locked", options)
        let believed = try unlock("a", ["--trust", trust, "--manager", again.address])
        #expect(believed.status == .exited(3) && believed.errors.contains("trust.certificate"), "\(believed)")
        again.run.signal(SIGTERM)
        #expect(try again.run.wait().succeeded)
    }

    @Test func evidenceOfALockedManagerIsJudged() throws {
        let seed = Curve25519.Signing.PrivateKey()
        let key = try desk.folder.write(Array(seed.rawRepresentation), to: "platform")
        let manager = try ManagerProcess(
            desk.folder("store"), says: "locked",
            ["--root", "shares", "--attestation", "simulated", "--attestation-key", key])
        let good = [
            "--manager", manager.address, "--policy", try policy(anchor: Array(seed.publicKey.rawRepresentation)),
        ]
        let bad = ["--manager", manager.address, "--policy", try policy(anchor: [UInt8](repeating: 9, count: 32))]
        let refused = try unlock("a", bad)
        #expect(refused.status == .exited(3) && refused.errors.contains("simulated.signer.anchor"), "\(refused)")
        let first = try unlock("a", good)
        #expect(first.succeeded, "\(first)")
        #expect(try unlock("b", good).succeeded)
        try manager.wait(until: "listening")
        // What the policy is for beside: the same manager, unlocked.
        let trust = try desk.perun(["trust", "--out", desk.folder("trust")] + good)
        #expect(trust.succeeded, "\(trust)")
    }

    @Test func aCertificateThatTheOperatorGaveIsKnownBeforeTheRootKeyIs() throws {
        let now = Instant(seconds: Int64(Date().timeIntervalSince1970))
        let (own, other) = (
            try TLSIdentity.ephemeral(hosts: ["127.0.0.1"], at: now), try TLSIdentity.ephemeral(hosts: [], at: now)
        )
        let manager = try ManagerProcess(
            desk.folder("store"), says: "locked",
            [
                "--root", "shares", "--attestation", "none", "--tls-certificate",
                try desk.folder.write(own.certificatePEM, to: "certificate"), "--tls-key",
                try desk.folder.write(own.privateKeyPEM, to: "certificate.key"),
            ])
        func trust(_ identity: TLSIdentity, to name: String) throws -> [String] {
            let trust = ManagerTrust(
                address: manager.address, certificate: identity.certificatePEM, sealingKey: "", auditKey: "",
                basis: "digest")
            return ["--trust", try desk.folder.write(trust.json, to: name)]
        }
        let refused = try unlock("a", trust(other, to: "other.trust"))
        #expect(refused.status == .exited(3) && refused.errors.contains("trust.certificate"), "\(refused)")
        let whom = try trust(own, to: "own.trust")
        #expect(try unlock("a", whom).output == "share 1 is in, 1 more are needed\n")
        #expect(try unlock("b", whom).output == "share 2 is in, the manager is unlocked\n")
        try manager.wait(until: "listening")
    }

    @Test func sharesAreNotWrittenOverAnything() throws {
        let taken = try desk.perun(
            "root", "share", "--store", desk.folder("new"), "--threshold", "1", "--out", desk.folder("a"))
        #expect(taken.status == .exited(2) && taken.errors.contains("is there already"), "\(taken)")
        #expect(try !desk.folder.names().contains("new"))
        for arguments in [
            ["--threshold", "2", "--out", desk.folder("x")], ["--threshold", "0", "--out", desk.folder("x")],
            ["--threshold", "1", "--out", desk.folder("x"), "--out", desk.folder("x")],
        ] {
            let outcome = try desk.perun(["root", "share", "--store", desk.folder("new")] + arguments)
            #expect(!outcome.succeeded && !outcome.errors.isEmpty, "\(outcome)")
        }
        // The folder has a root key already.
        #expect(
            try !desk.perun(
                "root", "share", "--store", desk.folder("store"), "--threshold", "1", "--out", desk.folder("x")
            )
            .succeeded)
    }

    /// What the manager's own evidence must prove: this build, and a platform.
    private func policy(anchor: [UInt8]) throws -> String {
        let program = try Data(contentsOf: URL(filePath: Program(name: "perun").path))
        return try desk.folder.write(
            """
            version: 1
            name: manager
            level: test
            purposes: [export]
            configs: any
            datasets: any
            evidence: [simulated]
            anchors: { simulated: ["\(hex(anchor))"] }
            simulated: { measurement: ["\(hex(Array(SHA256.hash(data: program))))"] }

            """, to: "policy-\(anchor.count)-\(anchor[0]).yaml")
    }
}
