import Crypto
import FoundationEssentials
import PliniusPerun
import PliniusPerunClient
import PliniusPolicy
import PliniusPolicyManager
import PliniusVerifier
import PliniusWire
import Synchronization
import Testing

/// What the manager does beside its exchanges with enclaves.
@Suite("The service", .timeLimit(.minutes(30))) struct ServiceTests {
    let world = TestWorld()

    // MARK: - States

    @Test func ofAHundredClientsOneMovesTheStateAtEachStep() async throws {
        var limits = TestServer.limits
        (limits.burst, limits.rate) = (100_000, 100_000)
        try await TestServer.run(limits: limits) { server in
            let client = try server.client()
            try await world.establish(with: client)
            let (answer, enclave) = try await world.exchange(with: client)
            let opened = try enclave.open(answer.grant.bytes)
            let clients = try (0..<100).map { _ in try server.client() }
            var present: RunState?
            for step in 1...3 as ClosedRange<UInt64> {
                let old = present
                let outcomes = await withTaskGroup(of: (UInt8, Int?).self) { group in
                    for (number, client) in clients.enumerated() {
                        group.addTask {
                            let tag = UInt8(number)
                            let new = RunState(counter: step, tag: [UInt8](repeating: tag, count: 32))
                            let message = PolicyManager.stateMessage(
                                lease: opened.terms.lease?.id ?? [], old: old, new: new)
                            let proof = HMAC<SHA256>.authenticationCode(
                                for: Data(message), using: SymmetricKey(data: opened.receiptKey))
                            let change = StateChange(
                                old: old.map { StateMessage(counter: $0.counter, tag: hex($0.tag)) },
                                new: StateMessage(counter: step, tag: hex(new.tag)), lease: answer.lease.id,
                                proof: Base64(Array(proof)))
                            do {
                                _ = try await client.move("lab/model", run: "night", change)
                                return (tag, nil)
                            } catch let error as PerunClientError {
                                return (tag, error.status ?? 0)
                            } catch { return (tag, 0) }
                        }
                    }
                    return await group.reduce(into: [(UInt8, Int?)]()) { $0.append($1) }
                }
                let winners = outcomes.filter { $0.1 == nil }.map(\.0)
                #expect(winners.count == 1)
                #expect(outcomes.count { $0.1 == 409 } == 99, "\(outcomes.compactMap(\.1).sorted())")
                let winner = try #require(winners.first)
                present = RunState(counter: step, tag: [UInt8](repeating: winner, count: 32))
                #expect(
                    try await client.state("lab/model", run: "night")
                        == StateMessage(counter: step, tag: hex([UInt8](repeating: winner, count: 32))))
            }
            for client in clients { await client.close() }
        }
    }

    // MARK: - Time

    @Test func theLogTellsThatALeaseEndsThoughNobodyAsks() async throws {
        var limits = TestServer.limits
        limits.housekeepingSeconds = 1
        try await TestServer.run(limits: limits) { server in
            let client = try server.client()
            try await world.establish(with: client)
            let (answer, _) = try await world.exchange(with: client)
            // A change of a policy waits for its time.
            let old = try world.policy("lab").statement
            let slow = try world.policy("lab", sequence: 2, predecessor: old.hash) {
                $0 = $0.replacing("\" }\nuses", with: "\", time-lock: 1h }\nuses")
            }
            #expect(try await client.submit(world.request(slow.statement, source: slow.source)).status == "active")
            let next = try world.policy("lab", sequence: 3, predecessor: slow.statement.hash)
            #expect(try await client.submit(world.request(next.statement, source: next.source)).status == "locked")
            func entries() throws -> [String] {
                try server.manager.auditEntries(from: 0, count: 1_000).map { "\($0.kind.rawValue) \($0.subject)" }
            }
            let due = ["expiry lab/model#night", "activation \(next.statement.hash)"]
            server.clock.advance(59)
            try await Task.sleep(for: .seconds(2))
            #expect(try Set(entries()).isDisjoint(with: due))
            server.clock.advance(3_601)
            while try !Set(entries()).isSuperset(of: due) { try await Task.sleep(for: .milliseconds(50)) }
            #expect(try entries().count { due.contains($0) } == 2)
            #expect(try await client.leases().leases.map(\.id).contains(answer.lease.id) == false)
        }
    }

    // MARK: - Connections

    @Test func whoComesWhenAllConnectionsAreTakenWaitsForOne() async throws {
        var limits = TestServer.limits
        limits.connections = 2
        try await TestServer.run(limits: limits) { server in
            let clients = try (0..<3).map { _ in try server.client(seconds: 600) }
            // Each keeps its connection open.
            for client in clients.prefix(2) { #expect(try await client.health().status == "ready") }
            let isAnswered = Mutex(false)
            let waiting = Task {
                let status = try await clients[2].health().status
                isAnswered.withLock { $0 = true }
                return status
            }
            try await Task.sleep(for: .seconds(1))
            #expect(try await clients[0].health().status == "ready")
            #expect(!isAnswered.withLock { $0 })
            await clients[1].close()
            #expect(try await waiting.value == "ready")
            await clients[0].close()
            await clients[2].close()
        }
    }

    // MARK: - Collateral

    @Test func bundlesOfCollateralAreTakenFromWhomTheManagerBelieves() async throws {
        let (known, other) = (Curve25519.Signing.PrivateKey(), Curve25519.Signing.PrivateKey())
        func bundle(_ serial: UInt64, by key: Curve25519.Signing.PrivateKey) throws -> CollateralRequest {
            var content = CollateralContent()
            content.endorsementAuthorities = [[UInt8(serial)]]
            let bundle = CollateralBundle(
                series: "amd", serial: serial, issued: Instant(seconds: 1_799_999_000 + Int64(serial)),
                expires: Instant(seconds: 1_900_000_000), content: content)
            return CollateralRequest(bundle: Base64(try bundle.signed(with: .ed25519(key))))
        }
        var options = PolicyManager.Options()
        options.collateralKeys = [.ed25519(Array(known.publicKey.rawRepresentation))]
        try await TestServer.run(options: options) { server in
            let client = try server.client()
            let document = try await OpenAPIDocument(server)
            let answer = try await client.importCollateral(bundle(5, by: known))
            #expect(answer.name == "amd" && answer.issued == 1_799_999_005)
            try document.check(answer, as: "CollateralAnswer")
            await refusal(403, "collateral.bundle.signer") {
                _ = try await client.importCollateral(bundle(6, by: other))
            }
            await refusal(403, "collateral.bundle.serial") {
                _ = try await client.importCollateral(bundle(4, by: known))
            }
            await refusal(403) { _ = try await client.importCollateral(CollateralRequest(bundle: Base64([1, 2, 3]))) }
            var altered = try bundle(7, by: known)
            altered.bundle.bytes[40] ^= 1
            await refusal(403) { _ = try await client.importCollateral(altered) }
            #expect(try await client.importCollateral(bundle(7, by: known)).issued == 1_799_999_007)
            let kinds = try server.manager.auditEntries(from: 0, count: 100).map(\.kind)
            #expect(kinds.count { $0 == .collateral } == 2)
            #expect(try server.manager.store.read { try $0.collateral() }.map(\.name) == ["amd"])
        }
    }
}
