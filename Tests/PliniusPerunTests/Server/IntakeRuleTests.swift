import PliniusPerunClient
import PliniusPolicy
import PliniusPolicyManager
import PliniusVerifier
import Testing

/// Statements that others, or other statements, are in the way of.
@Suite("Rules of statements", .timeLimit(.minutes(30))) struct IntakeRuleTests {
    let world = TestWorld()

    @Test func whoeverFloodsTheManagerIsStopped() async throws {
        var options = PolicyManager.Options()
        (options.maximumNamespaces, options.maximumPending) = (2, 1)
        try await TestServer.run(options: options) { server in
            let client = try server.client()
            let (chair, clerk) = (OwnerSigningKey(), OwnerSigningKey())
            let board = try Board(.allOf([.key(chair.publicKey), .key(clerk.publicKey)]))
            let founding = world.statement(
                "clinic", .namespace(.init(board: board, keys: [chair.publicKey, clerk.publicKey])))
            _ = try await client.submit(world.request(founding, by: [chair, clerk]))
            _ = try await client.submit(world.request(world.founding("lab")))
            await refusal(429) { _ = try await client.submit(world.request(world.founding("hospital-a"))) }
            // Whoever is there may go on.
            let key = world.lab.publicKey
            let again = world.statement(
                "lab", .namespace(.init(board: try Board(.key(key), timeLock: 1), keys: [key])), sequence: 2,
                predecessor: try world.founding("lab").hash)
            #expect(try await client.submit(world.request(again)).status == "active")
            func net(_ name: String) throws -> Statement { try world.asset(name, .model, "r", secret: .none) }
            let first = try net("clinic/a")
            #expect(try await client.submit(world.request(first, by: [chair])).status == "pending")
            await refusal(429) { _ = try await client.submit(world.request(net("clinic/b"), by: [chair])) }
            #expect(try await client.submit(world.request(first, by: [clerk])).status == "active")
            #expect(try await client.submit(world.request(net("clinic/b"), by: [chair])).status == "pending")
        }
    }

    @Test func ofTwoThatWaitOneCounts() async throws {
        try await TestServer.run { server in
            let client = try server.client()
            let (chair, clerk) = (OwnerSigningKey(), OwnerSigningKey())
            let board = try Board(.allOf([.key(chair.publicKey), .key(clerk.publicKey)]))
            let founding = world.statement(
                "clinic", .namespace(.init(board: board, keys: [chair.publicKey, clerk.publicKey])))
            _ = try await client.submit(world.request(founding, by: [chair, clerk]))
            let rivals = try ["a", "b"].map { try world.asset("clinic/model", .model, $0, secret: .generated) }
            for rival in rivals {
                #expect(try await client.submit(world.request(rival, by: [chair])).status == "pending")
            }
            #expect(try await client.submit(world.request(rivals[1], by: [clerk])).status == "active")
            #expect(try await client.statement("\(rivals[0].hash)").standing.status == "outrun")
            await refusal(409) { _ = try await client.submit(world.request(rivals[0], by: [clerk])) }
            #expect(try await client.assets().assets.map(\.identity) == ["b"])
        }
    }

    @Test func nobodyAgreesForOthersNorLiftsTheirStops() async throws {
        try await TestServer.run { server in
            let client = try server.client()
            try await world.establish(with: client)
            let policy = try world.policy("hospital-a").statement
            for content in [Statement.Content.approval(subject: policy.hash), .veto(subject: policy.hash)] {
                await refusal(404, "statement.subject") {
                    _ = try await client.submit(world.request(world.statement("lab", content)))
                }
            }
            let stops = (1...2).map { number in
                world.statement(
                    "hospital-b", .stop(.init(.asset("scans"), reason: "number \(number)")), sequence: Int64(number))
            }
            for stop in stops { #expect(try await client.submit(world.request(stop)).status == "active") }
            await refusal(404, "statement.stop") {
                _ = try await client.submit(world.request(world.statement("lab", .resume(stop: stops[0].hash))))
            }
            // Each stop is lifted for itself.
            let lift = world.statement("hospital-b", .resume(stop: stops[0].hash))
            #expect(try await client.submit(world.request(lift)).status == "active")
            await refusal(403, "asset.stopped") { _ = try await world.exchange(with: client) }
            let last = world.statement("hospital-b", .resume(stop: stops[1].hash))
            #expect(try await client.submit(world.request(last)).status == "active")
            _ = try await world.exchange(with: client)
        }
    }

    @Test func aKeyStaysWithItsAsset() async throws {
        try await TestServer.run { server in
            let client = try server.client()
            try await world.establish(with: client)
            let before = try await world.exchange(with: client)
            let keys = try before.enclave.open(before.answer.grant.bytes).keys
            let first = try world.asset("hospital-a/scans", .dataset, hex(world.datasetA), secret: .generated)
            guard case .asset(let asset) = first.content else { throw CancellationError() }
            let again = world.statement("hospital-a", .asset(asset), sequence: 2, predecessor: first.hash)
            #expect(try await client.submit(world.request(again)).status == "active")
            let after = try await world.exchange(with: client, change: world.resumed(1))
            #expect(try after.enclave.open(after.answer.grant.bytes).keys == keys)
        }
    }

    @Test func statementsAreWhatTheySay() async throws {
        try await TestServer.run { server in
            let client = try server.client()
            try await world.establish(with: client)
            let policy = try world.policy("hospital-a")
            guard case .policy(_, let document) = policy.statement.content else { throw CancellationError() }
            let other = world.statement("hospital-a", .policy(name: "other", document: document))
            await refusal(400, "statement.policy") { _ = try await client.submit(world.request(other)) }
            let asset = try world.asset("lab/more", .model, "r", secret: .none)
            await refusal(400, "statement.source") {
                _ = try await client.submit(world.request(asset, source: policy.source))
            }
            var many = try world.request(asset)
            many.signatures = [SignatureMessage](repeating: many.signatures[0], count: 65)
            await refusal(400) { _ = try await client.submit(many) }
        }
    }
}
