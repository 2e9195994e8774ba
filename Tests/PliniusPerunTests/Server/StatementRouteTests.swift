import Crypto
import FoundationEssentials
import PliniusPerunClient
import PliniusPolicy
import PliniusPolicyManager
import PliniusVerifier
import Testing

/// What owners say, and when it counts.
@Suite("Statements over HTTPS", .timeLimit(.minutes(30))) struct StatementRouteTests {
    let world = TestWorld()

    @Test func statementsCountAsTheBoardSays() async throws {
        try await TestServer.run { server in
            let client = try server.client()
            let (chair, clerk, guardian) = (OwnerSigningKey(), OwnerSigningKey(), OwnerSigningKey())
            let keys = [chair, clerk, guardian].map(\.publicKey)
            let board = try Board(
                .allOf([.key(chair.publicKey), .key(clerk.publicKey)]), veto: [guardian.publicKey], timeLock: 3_600)
            let founding = world.statement("clinic", .namespace(.init(board: board, keys: Set(keys))))
            // Whoever is named shows the key.
            let first = try await client.submit(world.request(founding, by: [chair]))
            #expect(first.status == "pending" && !first.needs.isEmpty)
            #expect(try await client.namespaces().namespaces.isEmpty)
            #expect(try await client.submit(world.request(founding, by: [clerk, guardian])).status == "active")

            let asset = world.statement(
                "clinic",
                .asset(Asset(name: try world.name("clinic/net"), kind: .config, identity: hex(world.config))))
            let half = try await client.submit(world.request(asset, by: [chair]))
            #expect(half.status == "pending" && half.needs == ["\(clerk.publicKey)"])
            #expect(try await client.pending().statements.map(\.hash) == ["\(asset.hash)"])
            // An approval is as good as a signature.
            let approval = world.statement("clinic", .approval(subject: asset.hash))
            _ = try await client.submit(world.request(approval, by: [clerk]))
            let locked = try await client.statement("\(asset.hash)").standing
            #expect(locked.status == "locked" && locked.lockedUntil == server.clock.now.seconds + 3_600)
            #expect(locked.signers == [chair, clerk].map(\.publicKey.description).sorted())
            #expect(try await client.assets().assets.isEmpty)
            server.clock.advance(3_600)
            #expect(try await client.statement("\(asset.hash)").standing.status == "active")
            #expect(try await client.assets().assets.map(\.name) == ["clinic/net"])

            // A veto in time ends it; another version has to be written anew.
            var changed = Asset(name: try world.name("clinic/net"), kind: .config, identity: hex(world.config))
            changed.lineage = [try world.name("clinic/other")]
            let next = world.statement("clinic", .asset(changed), sequence: 2, predecessor: asset.hash)
            #expect(try await client.submit(world.request(next, by: [chair, clerk])).status == "locked")
            let veto = world.statement("clinic", .veto(subject: next.hash))
            _ = try await client.submit(world.request(veto, by: [guardian]))
            #expect(try await client.statement("\(next.hash)").standing.status == "vetoed")
            server.clock.advance(3_600)
            #expect(try await client.assets().assets[0].version == 1)
            await refusal(409) { _ = try await client.submit(world.request(next, by: [chair, clerk])) }
        }
    }

    @Test func whatDoesNotFollowWhatCountsIsRefused() async throws {
        try await TestServer.run { server in
            let client = try server.client()
            try await world.establish(with: client)
            let policy = try world.policy("hospital-a")
            let second = try world.policy("hospital-a", sequence: 2, predecessor: policy.statement.hash) {
                $0 = $0.replacing("runs: 2", with: "runs: 3")
            }
            let rival = try world.policy("hospital-a", sequence: 2, predecessor: policy.statement.hash) {
                $0 = $0.replacing("runs: 2", with: "runs: 4")
            }
            #expect(try await client.submit(world.request(second.statement, source: second.source)).status == "active")
            await refusal(409, "statement.predecessor") { _ = try await client.submit(world.request(rival.statement)) }
            #expect(try await client.statement("\(policy.statement.hash)").standing.status == "replaced")
            #expect(try await client.policies().policies.first { $0.name == "hospital-a/training" }?.version == 2)
            let kept = try await client.policy("hospital-a/training")
            #expect(kept.source == second.source && kept.statement.bytes == second.statement.encoded)
            let explained = try await client.explain(policy: "hospital-a/training")
            #expect(explained.text.contains("3 runs") && !explained.warnings.isEmpty)

            // A key that does not speak for the owner, a signature that is none, a source that says something else, and bytes that are none.
            let stop = world.statement("hospital-a", .stop(.init(.namespace, reason: "x")))
            await refusal(403, "statement.signer") { _ = try await client.submit(world.request(stop, by: [world.lab])) }
            var forged = try world.request(stop)
            forged.signatures[0].signature.bytes[5] ^= 1
            await refusal(403, "statement.signature") { _ = try await client.submit(forged) }
            forged.signatures = []
            await refusal(400, "statement.signatures") { _ = try await client.submit(forged) }
            let third = try world.policy("hospital-a", sequence: 3, predecessor: second.statement.hash) {
                $0 = $0.replacing("runs: 2", with: "runs: 5")
            }
            await refusal(400, "statement.policy") {
                _ = try await client.submit(world.request(third.statement, source: second.source))
            }
            var broken = try world.request(third.statement)
            broken.statement.bytes.append(32)
            await refusal(400) { _ = try await client.submit(broken) }
            // Nobody stops a run of others.
            let run = try #require(Run("other/model#night"))
            let foreign = world.statement("hospital-a", .stop(.init(.run(run), reason: "x")))
            await refusal(403, "statement.scope") { _ = try await client.submit(world.request(foreign)) }
            let approval = world.statement("hospital-a", .approval(subject: StatementHash(of: [1])))
            await refusal(404, "statement.subject") { _ = try await client.submit(world.request(approval)) }
        }
    }

    @Test func uploadedKeysAreTheOnesThatTheStatementCommitsTo() async throws {
        try await TestServer.run { server in
            let client = try server.client()
            try await world.establish(with: client)
            let about = try await client.attestation(nonce: String(repeating: "1", count: 64))
            let recipient = try Curve25519.KeyAgreement.PublicKey(
                rawRepresentation: #require(OwnerKey("ed25519:\(about.sealingKey)")?.bytes))
            func sealed(_ key: [UInt8], for statement: Statement) throws -> SealedSecret {
                var sender = try HPKE.Sender(
                    recipientKey: recipient,
                    ciphersuite: .init(kem: .Curve25519_HKDF_SHA256, kdf: .HKDF_SHA256, aead: .AES_GCM_256),
                    info: Data("perun/1/upload".utf8))
                let box = try sender.seal(Data(key), authenticating: Data(statement.hash.bytes))
                return SealedSecret(
                    encapsulatedKey: Base64(Array(sender.encapsulatedKey)), ciphertext: Base64(Array(box)))
            }
            let key = [UInt8](repeating: 0x5C, count: 32)
            let statement = try world.asset(
                "hospital-a/more", .dataset, hex([UInt8](repeating: 0xC, count: 16)),
                secret: .uploaded(Asset.Secret.commitment(to: key)))
            await refusal(400, "statement.secret") { _ = try await client.submit(world.request(statement)) }
            for wrong in [key + [1], [UInt8](repeating: 0x5D, count: 32)] {
                await refusal(403, "statement.secret") {
                    _ = try await client.submit(
                        world.request(statement, sealedKey: sealed(wrong, for: statement)))
                }
            }
            let other = try world.founding("lab")
            await refusal(403) {
                _ = try await client.submit(world.request(statement, sealedKey: sealed(key, for: other)))
            }
            let request = try world.request(statement, sealedKey: sealed(key, for: statement))
            #expect(try await client.submit(request).status == "active")
            #expect(try await client.assets().assets.first { $0.name == "hospital-a/more" }?.hasKey == true)
        }
    }
}
