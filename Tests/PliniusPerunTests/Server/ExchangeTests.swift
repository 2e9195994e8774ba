import Crypto
import FoundationEssentials
import PliniusPerunClient
import PliniusPolicy
import PliniusPolicyManager
import PliniusVerifier
import PliniusWire
import Testing

/// Keys of several owners on their way to one enclave, over HTTPS.
@Suite("Releases", .timeLimit(.minutes(30))) struct ExchangeTests {
    let world = TestWorld()

    @Test func theKeysOfAllOwnersReachTheEnclave() async throws {
        try await TestServer.run { server in
            let client = try server.client()
            try await world.establish(with: client)
            let (answer, enclave) = try await world.exchange(with: client)
            let opened = try enclave.open(answer.grant.bytes)
            #expect(opened.terms.purposes == [.train])
            #expect(
                opened.terms.keys
                    == [.init(), .init(dataset: world.datasetA), .init(dataset: world.datasetB)])
            #expect(Set(opened.keys).count == 3)
            #expect(opened.terms.lease?.seconds == 60 && opened.terms.lease?.iterations == 1_000)
            #expect(hex(opened.terms.lease?.id ?? []) == answer.lease.id)
            #expect(opened.terms.floor == nil)
            #expect(answer.lease.expires == server.clock.now.seconds + 60)

            // The release is in the log, under the key that the manager says is its own.
            let about = try await client.attestation(nonce: String(repeating: "0", count: 64))
            let receipt = try AuditReceipt(CanonicalJSON(canonical: answer.receipt.bytes))
            try receipt.verify(service: try #require(bytes(about.auditKey)))
            #expect(receipt.entry.kind == .release && receipt.entry.subject == "lab/model#night")
            #expect(about.certificate == hex(server.identity.digest))

            #expect(
                try await client.confirm(ReceiptRequest(lease: answer.lease.id, receipt: Base64(opened.receipt))).done)
            let leases = try await client.leases().leases
            #expect(leases.map(\.id) == [answer.lease.id])
            #expect(leases[0].assets == ["hospital-a/scans", "hospital-b/scans", "lab/model", "lab/net"])
        }
    }

    @Test func aRunGoesOnFromTheStateThatIsKnown() async throws {
        try await TestServer.run { server in
            let client = try server.client()
            try await world.establish(with: client)
            let first = try await world.exchange(with: client)
            let keys = try first.enclave.open(first.answer.grant.bytes).keys
            // Another process of the run takes over: the same keys, a new lease, and the state is noted.
            let second = try await world.exchange(with: client, change: world.resumed(5))
            let opened = try second.enclave.open(second.answer.grant.bytes)
            #expect(opened.keys == keys)
            #expect(opened.terms.floor == MirrorState(counter: 5, tag: [UInt8](repeating: 1, count: 32)))
            #expect(second.answer.lease.id != first.answer.lease.id)
            #expect(try await client.state("lab/model", run: "night").counter == 5)
            // The first one's lease ended there.
            await refusal(403, "lease.live") {
                _ = try await world.exchange(
                    with: client, renewal(first.answer.lease.id), change: world.resumed(6, lease: first.answer.lease.id)
                )
            }
            for (counter, tag, check) in [(UInt64(4), UInt8(1), "state.rollback"), (5, 2, "state.fork")] {
                await refusal(403, check) {
                    _ = try await world.exchange(with: client, change: world.resumed(counter, tag: tag))
                }
            }
            await refusal(403, "request.run") { _ = try await world.exchange(with: client) }
        }
    }

    private func renewal(_ lease: String) -> ChallengeRequest {
        var request = world.challenge
        request.lease = lease
        return request
    }

    @Test func leasesAreRenewedUntilSomethingChanges() async throws {
        try await TestServer.run { server in
            let client = try server.client()
            try await world.establish(with: client)
            let first = try await world.exchange(with: client)
            let id = first.answer.lease.id
            server.clock.advance(50)
            var enclave = world.enclave()
            let begun = try await client.challenge(renewal(id))
            let frame = try enclave.answer(begun.challenge.bytes, change: world.resumed(3, lease: id))
            let renewed = try await client.renew(
                lease: id, AttestationRequest(cookie: begun.cookie, presentation: Base64(frame)))
            #expect(renewed.lease.id == id && renewed.lease.expires == server.clock.now.seconds + 60)
            #expect(try enclave.open(renewed.grant.bytes).terms.lease?.id.count == 16)
            // The receipt of the first grant proves nothing any more.
            let old = try first.enclave.open(first.answer.grant.bytes).receipt
            await refusal(403, "receipt.proof") {
                _ = try await client.confirm(ReceiptRequest(lease: id, receipt: Base64(old)))
            }
            // Another lease's id in the runtime data is not this one's.
            await refusal(403, "lease.id") {
                _ = try await world.exchange(
                    with: client, renewal(id), change: world.resumed(4, lease: String(repeating: "00", count: 16)))
            }
            // Whoever cannot sign for the platform ends no lease of others.
            let stranger = TestWorld()
            await refusal(403) {
                var enclave = stranger.enclave()
                let begun = try await client.challenge(renewal(id))
                let frame = try enclave.answer(begun.challenge.bytes, change: world.resumed(4, lease: id))
                _ = try await client.attest(
                    AttestationRequest(cookie: begun.cookie, presentation: Base64(frame)))
            }
            #expect(try await client.leases().leases.map(\.id) == [id])
            server.clock.advance(61)
            await refusal(403, "lease.live") { _ = try await client.challenge(renewal(id)) }
            #expect(try await client.leases().leases.isEmpty)
        }
    }

    @Test func aStopRevokesAtOnceAndHoldsUntilItIsLifted() async throws {
        try await TestServer.run { server in
            let client = try server.client()
            try await world.establish(with: client)
            let first = try await world.exchange(with: client)
            // Judged before the stop, released after it: nothing.
            var enclave = world.enclave()
            let begun = try await client.challenge(world.challenge)
            let frame = try enclave.answer(begun.challenge.bytes, change: world.resumed(1))
            let judged = try await client.attest(
                AttestationRequest(cookie: begun.cookie, presentation: Base64(frame)))
            let stop = world.statement("hospital-b", .stop(.init(.asset("scans"), reason: "consent withdrawn")))
            #expect(try await client.submit(world.request(stop)).status == "active")
            #expect(try await client.leases().leases.isEmpty)
            await refusal(403, "lease.live") { _ = try await client.challenge(renewal(first.answer.lease.id)) }
            await refusal(403, "asset.stopped") { _ = try await client.release(ReleaseRequest(result: judged.result)) }
            await refusal(403, "asset.stopped") {
                _ = try await world.exchange(with: client, change: world.resumed(1))
            }
            let resume = world.statement("hospital-b", .resume(stop: stop.hash))
            #expect(try await client.submit(world.request(resume)).status == "active")
            _ = try await world.exchange(with: client, change: world.resumed(1))
        }
    }

    @Test func withdrawnAssetsAndUsedUpRunsAreRefused() async throws {
        try await TestServer.run { server in
            let client = try server.client()
            try await world.establish(with: client)
            for run in ["night", "day"] {
                var request = world.challenge
                request.run = run
                _ = try await world.exchange(with: client, request, change: { $0.runName = run })
            }
            await refusal(403, "use.runs") {
                var request = world.challenge
                request.run = "third"
                _ = try await world.exchange(with: client, request, change: { $0.runName = "third" })
            }
            let scans = try world.asset("hospital-a/scans", .dataset, hex(world.datasetA), secret: .generated)
            let withdrawal = world.statement(
                "hospital-a", .withdraw(asset: "scans"), sequence: 2, predecessor: scans.hash)
            #expect(try await client.submit(world.request(withdrawal)).status == "active")
            #expect(try await client.leases().leases.isEmpty)
            await refusal(404, "asset.exists") { _ = try await client.challenge(world.challenge) }
            #expect(try await client.assets().assets.first { $0.name == "hospital-a/scans" }?.isWithdrawn == true)
        }
    }

    // MARK: - Replays and forgeries

    @Test func theSameResultBringsTheSameKeysOnce() async throws {
        try await TestServer.run { server in
            let client = try server.client()
            try await world.establish(with: client)
            var enclave = world.enclave()
            let begun = try await client.challenge(world.challenge)
            let frame = Base64(try enclave.answer(begun.challenge.bytes))
            let request = AttestationRequest(cookie: begun.cookie, presentation: frame)
            let judged = try await client.attest(request)
            #expect(try await client.attest(request).result == judged.result)
            let first = try await client.release(ReleaseRequest(result: judged.result))
            let size = try server.manager.auditHead().head.size
            let again = try await client.release(ReleaseRequest(result: judged.result))
            #expect(again.grant == first.grant && again.lease == first.lease)
            #expect(try server.manager.auditHead().head.size == size)
            #expect(try await client.leases().leases.count == 1)
            // The run has begun with it, so that the same evidence begins none again.
            await refusal(403, "request.run") { _ = try await client.attest(request) }
            server.clock.advance(121)
            await refusal(403) { _ = try await client.release(ReleaseRequest(result: judged.result)) }
            await refusal(403, "bundle.expiry") { _ = try await client.attest(request) }
        }
    }

    @Test func cookiesAndResultsCannotBeMade() async throws {
        try await TestServer.run { server in
            let client = try server.client()
            try await world.establish(with: client)
            var enclave = world.enclave()
            let begun = try await client.challenge(world.challenge)
            let frame = Base64(try enclave.answer(begun.challenge.bytes))
            for index in [0, 20, begun.cookie.bytes.count / 2, begun.cookie.bytes.count - 1] {
                var cookie = begun.cookie
                cookie.bytes[index] ^= 1
                await refusal(403) {
                    _ = try await client.attest(AttestationRequest(cookie: cookie, presentation: frame))
                }
            }
            await refusal(403) {
                _ = try await client.attest(AttestationRequest(cookie: Base64([]), presentation: frame))
            }
            // A cookie of another exchange has another nonce.
            let other = try await client.challenge(world.challenge)
            await refusal(403) {
                _ = try await client.attest(AttestationRequest(cookie: other.cookie, presentation: frame))
            }
            await refusal(403) { _ = try await client.release(ReleaseRequest(result: Base64(Array(0..<32)))) }
            await refusal(403) { _ = try await client.release(ReleaseRequest(result: begun.cookie)) }
        }
    }

    @Test func evidenceIsRefusedByTheCheckThatItFails() async throws {
        try await TestServer.run { server in
            let client = try server.client()
            try await world.establish(with: client)
            let changes: [(String, (inout RuntimeData) -> Void)] = [
                ("request.config", { $0.configDigest[0] ^= 1 }), ("request.datasets", { $0.datasetIDs.reverse() }),
                ("request.run", { $0.runName = "other" }), ("request.purpose", { $0.purpose = .export }),
                ("lease.id", { $0.leaseID = [UInt8](repeating: 1, count: 16) }),
                ("bundle.nonce", { $0.nonce[0] ^= 1 }),
            ]
            for (check, change) in changes {
                await refusal(403, check) { _ = try await world.exchange(with: client, change: change) }
            }
            let frames: [(String, (inout [Evidence]) -> Void)] = [
                ("simulated.report.signature", { $0[0].parts[2].bytes[0] ^= 1 }), ("bundle.kinds", { $0 = [] }),
            ]
            for (check, change) in frames {
                await refusal(403, check) {
                    var enclave = world.enclave()
                    let begun = try await client.challenge(world.challenge)
                    let frame = try enclave.answer(begun.challenge.bytes, evidence: change)
                    _ = try await client.attest(
                        AttestationRequest(cookie: begun.cookie, presentation: Base64(frame)))
                }
            }
            // The whole tree comes with the refusal, down to the check.
            do {
                _ = try await world.exchange(with: client, change: { $0.nonce[0] ^= 1 })
            } catch let error as PerunClientError {
                let findings = error.problem?.findings ?? []
                #expect(findings.contains { $0.check == "policy[hospital-a/training]" && $0.outcome == "failed" })
            }
            // What went wrong is in the log.
            let entries = try server.manager.auditEntries(from: 0, count: 1_000)
            #expect(entries.filter { $0.kind == .refusal }.count == changes.count + frames.count + 1)
        }
    }

    @Test func framesThatAreNoneAreRefused() async throws {
        try await TestServer.run { server in
            let client = try server.client()
            try await world.establish(with: client)
            let begun = try await client.challenge(world.challenge)
            let refused = EnclaveMessage.refusal(Failure(category: .failed, message: "no device")).frame.encoded
            var enclave = world.enclave()
            let good = try enclave.answer(begun.challenge.bytes)
            for bytes in [
                [], [0, 0, 0, 0], [255, 255, 255, 255, 1], begun.challenge.bytes, refused, good + [0],
            ] {
                await refusal(400) {
                    _ = try await client.attest(
                        AttestationRequest(cookie: begun.cookie, presentation: Base64(bytes)))
                }
                await refusal(400) {
                    _ = try await client.enrol(EnrolmentRequest(cookie: begun.cookie, enrolment: Base64(bytes)))
                }
            }
        }
    }

    @Test func aGrantOpensForNoOtherUse() async throws {
        try await TestServer.run { server in
            let client = try server.client()
            try await world.establish(with: client)
            let (answer, enclave) = try await world.exchange(with: client)
            #expect(throws: (any Error).self) { try enclave.open(answer.grant.bytes, info: "plinius/1/grant") }
            #expect(throws: (any Error).self) { try world.enclave().open(answer.grant.bytes) }
        }
    }

    // MARK: - States

    @Test func statesMoveByCompareAndSwap() async throws {
        try await TestServer.run { server in
            let client = try server.client()
            try await world.establish(with: client)
            let (answer, enclave) = try await world.exchange(with: client)
            let opened = try enclave.open(answer.grant.bytes)
            func state(_ counter: UInt64, _ tag: UInt8) -> RunState {
                RunState(counter: counter, tag: [UInt8](repeating: tag, count: 32))
            }
            func change(_ old: RunState?, _ new: RunState, key: [UInt8]) -> StateChange {
                let message = PolicyManager.stateMessage(lease: opened.terms.lease?.id ?? [], old: old, new: new)
                let proof = HMAC<SHA256>.authenticationCode(for: Data(message), using: SymmetricKey(data: key))
                return StateChange(
                    old: old.map { StateMessage(counter: $0.counter, tag: hex($0.tag)) },
                    new: StateMessage(counter: new.counter, tag: hex(new.tag)), lease: answer.lease.id,
                    proof: Base64(Array(proof)))
            }
            let (one, two, other) = (state(1, 1), state(2, 2), state(2, 3))
            await refusal(404) { _ = try await client.state("lab/model", run: "night") }
            await refusal(403, "state.proof") {
                _ = try await client.move(
                    "lab/model", run: "night", change(nil, one, key: [UInt8](repeating: 0, count: 32)))
            }
            let key = opened.receiptKey
            #expect(try await client.move("lab/model", run: "night", change(nil, one, key: key)).counter == 1)
            #expect(try await client.move("lab/model", run: "night", change(one, two, key: key)).counter == 2)
            await refusal(409) { _ = try await client.move("lab/model", run: "night", change(one, other, key: key)) }
            await refusal(403) {
                _ = try await client.move("lab/model", run: "day", change(two, state(3, 3), key: key))
            }
            await refusal(400) { _ = try await client.move("lab/model", run: "night", change(two, one, key: key)) }
            #expect(try await client.state("lab/model", run: "night").tag == hex(two.tag))
        }
    }

    private func bytes(_ text: String) -> [UInt8]? {
        guard let key = OwnerKey("ed25519:\(text)") else { return nil }
        return key.bytes
    }
}

/// Checks that something is refused with a status, by a check.
func refusal(
    _ status: Int, _ check: String? = nil, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> Void
) async {
    do {
        try await body()
        Issue.record("nothing was refused", sourceLocation: sourceLocation)
    } catch let error as PerunClientError {
        #expect(error.status == status, "\(error)", sourceLocation: sourceLocation)
        #expect(error.problem?.status == status, sourceLocation: sourceLocation)
        if let check { #expect(error.problem?.check == check, "\(error)", sourceLocation: sourceLocation) }
    } catch {
        Issue.record("\(error)", sourceLocation: sourceLocation)
    }
}
