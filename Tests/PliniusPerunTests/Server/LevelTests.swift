import PliniusPerunClient
import PliniusPolicy
import PliniusVerifier
import PliniusWire
import Testing

/// The same job under policies of other levels: what the owners write changes, and nothing of what the operator asks for.
@Suite("Levels", .timeLimit(.minutes(30))) struct LevelTests {
    private static let mrenclave = String(repeating: "ab", count: 32)
    private static let measurement = String(repeating: "cd", count: 48)
    private static let akName = "000b" + String(repeating: "ef", count: 32)
    private static let tpm = "tpm: { akNames: [\"\(akName)\"] }"

    @Test(
        "A simulation passes at the level test alone",
        arguments: [
            ("test", [], nil),
            ("tee", ["evidence: [sgx]", "sgx: { mrenclave: [\"\(mrenclave)\"] }"], "bundle.kinds"),
            (
                "tee+tpm",
                ["evidence: [sev-snp, tpm]", "snp: { measurement: [\"\(measurement)\"] }", tpm], "bundle.kinds"
            ),
            (
                "tpm-ima-gpu",
                ["evidence: [tpm]", tpm, "ima: { generations: [ { name: image, lists: [files] } ] }"], "bundle.kinds"
            ),
        ] as [(String, [String], String?)])
    func simulation(level: String, environment: [String], check: String?) async throws {
        var world = TestWorld()
        (world.level, world.environment) = (level, environment)
        world.files = ["files": Array("sha256:\(Self.mrenclave) /usr/bin/true\n".utf8)]
        try await TestServer.run { server in
            let client = try server.client()
            try await world.establish(with: client)
            guard let check else {
                #expect(try await world.exchange(with: client).answer.lease.seconds == 60)
                return
            }
            await refusal(403, check) { _ = try await world.exchange(with: client) }
            // The manager says beforehand what would have been needed.
            let wanted = try await client.challenge(world.challenge).wanted
            #expect(!wanted.contains("simulated") && environment[0].contains(wanted[0]))
            #expect(try await client.leases().leases.isEmpty)
        }
    }

    @Test func ownersWhoAskForOtherSurroundingsGetNone() async throws {
        let world = TestWorld()
        try await TestServer.run { server in
            let client = try server.client()
            try await world.establish(with: client)
            let first = try await world.exchange(with: client)
            let policy = try world.policy("hospital-b")
            let stricter = try world.policy("hospital-b", sequence: 2, predecessor: policy.statement.hash) { yaml in
                let environment = yaml.firstRange(of: "      evidence:").map { yaml[..<$0.lowerBound] } ?? ""
                yaml =
                    environment.replacing("level: test", with: "level: tee")
                    + "      evidence: [sgx]\n      sgx: { mrenclave: [\"\(Self.mrenclave)\"] }\n"
            }
            let request = try world.request(stricter.statement, source: stricter.source)
            #expect(try await client.submit(request).status == "active")
            // What was granted before ends when it would have to be renewed.
            var renewal = world.challenge
            renewal.lease = first.answer.lease.id
            await refusal(403, "bundle.kinds") {
                _ = try await world.exchange(
                    with: client, renewal, change: world.resumed(1, lease: first.answer.lease.id))
            }
            await refusal(403, "bundle.kinds") {
                _ = try await world.exchange(with: client, change: world.resumed(1))
            }
        }
    }

    @Test(
        "A level that the surroundings cannot have is refused when it is stated",
        arguments: [
            (["level": "tee"], "for the level tee"), (["level": "tpm-ima-gpu"], "for the level tpm-ima-gpu"),
            (["level": "tpm-ima-gpu", "purpose": "infer"], "to a TEE only"), (["level": "TEE"], "uses[0].level"),
        ] as [([String: String], String)])
    func readings(changes: [String: String], reason: String) async throws {
        let world = TestWorld()
        guard case .policy(let name, let document) = try world.policy("lab").statement.content,
            var members = document.members, var use = members["uses"]?.entries?.first?.members
        else { throw CancellationError() }
        for (key, value) in changes { use[key] = .string(value) }
        members["uses"] = .array([.object(use)])
        let statement = world.statement("lab", .policy(name: name, document: .object(members)))
        try await TestServer.run { server in
            let client = try server.client()
            _ = try await client.submit(world.request(world.founding("lab")))
            do {
                _ = try await client.submit(world.request(statement))
                Issue.record("it counts")
            } catch let error as PerunClientError {
                #expect(error.problem?.status == 400 && error.problem?.check == "statement.policy", "\(error)")
                #expect(error.problem?.found?.contains(reason) == true, "\(error)")
            }
        }
    }
}
