import Crypto
import PliniusPerunClient
import PliniusPolicy
import PliniusPolicyManager
import PliniusVerifier
import PliniusWire
import Testing

/// What an exchange may be about, and what it has to go on with.
@Suite("Rules of exchanges", .timeLimit(.minutes(30))) struct ExchangeRuleTests {
    let world = TestWorld()

    private func renewal(_ lease: String) -> ChallengeRequest {
        var request = world.challenge
        request.lease = lease
        return request
    }

    @Test func aModelIsTestedWithItsOwnKeyOnDataThatItWasNotMadeFrom() async throws {
        try await TestServer.run { server in
            let client = try server.client()
            try await world.establish(with: client)
            let trained = try await world.exchange(with: client)
            let keys = try trained.enclave.open(trained.answer.grant.bytes).keys
            let data = [UInt8](repeating: 0xD, count: 16)
            _ = try await client.submit(
                world.request(try world.asset("hospital-a/more", .dataset, hex(data), secret: .generated)))
            var test = world.challenge
            (test.purpose, test.datasets, test.model) = ("test", ["hospital-a/more"], "lab/model")
            let change: (inout RuntimeData) -> Void = { runtime in
                world.resumed(1)(&runtime)
                (runtime.purpose, runtime.datasetIDs) = (.test, [data])
            }
            await refusal(403, "use.purpose") { _ = try await world.exchange(with: client, test, change: change) }
            try await permit("test", with: client)
            let tested = try await world.exchange(with: client, test, change: change)
            let opened = try tested.enclave.open(tested.answer.grant.bytes)
            #expect(opened.terms.purposes == [.test])
            #expect(opened.terms.keys == [.init(), .init(dataset: data)])
            #expect(opened.keys.first == keys.first && !keys.contains(opened.keys[1]))
            // Nothing comes out of a test: whatever else is named would name another run.
            test.output = "hospital-a/more"
            await refusal(400, "request.roles") { _ = try await client.challenge(test) }
            (test.output, test.model) = ("lab/model", nil)
            await refusal(400, "request.roles") { _ = try await client.challenge(test) }
        }
    }

    /// Has all owners permit a purpose beside training.
    private func permit(_ purpose: String, with client: PerunClient) async throws {
        for namespace in ["hospital-a", "hospital-b", "lab"] {
            let first = try world.policy(namespace)
            let second = try world.policy(namespace, sequence: 2, predecessor: first.statement.hash) { yaml in
                let use = yaml.firstRange(of: "  - purpose: train").map { yaml[$0.lowerBound...] } ?? ""
                yaml += use.replacing("purpose: train", with: "purpose: \(purpose)")
            }
            _ = try await client.submit(world.request(second.statement, source: second.source))
        }
    }

    @Test func aPredictionIsByTheNewestModelAndForTheOwnerOfWhatComesOut() async throws {
        try await TestServer.run { server in
            let client = try server.client()
            try await world.establish(with: client)
            let trained = try await world.exchange(with: client)
            let keys = try trained.enclave.open(trained.answer.grant.bytes).keys
            try await permit("infer", with: client)
            let data = [UInt8](repeating: 0xD, count: 16)
            let sources = ["hospital-a/inputs", "lab/model"]
            for asset in [
                try world.asset("hospital-a/inputs", .input, hex(data), secret: .generated),
                try world.asset("lab/keyless", .output, "night", lineage: sources, secret: .none),
                try world.asset("lab/predictions", .output, "night", lineage: sources, secret: .generated),
            ] { _ = try await client.submit(world.request(asset)) }
            var infer = world.challenge
            (infer.purpose, infer.datasets, infer.model) = ("infer", ["hospital-a/inputs"], "lab/model")
            infer.output = "lab/predictions"
            func inferring(
                at counter: UInt64, lease: String? = nil, isNew: Bool = false
            ) -> (inout RuntimeData) -> Void {
                { runtime in
                    world.resumed(counter, lease: lease)(&runtime)
                    (runtime.purpose, runtime.datasetIDs) = (.infer, [data])
                    if isNew { (runtime.runID, runtime.state) = ([], nil) }
                }
            }
            let released = try await world.exchange(with: client, infer, change: inferring(at: 5))
            let opened = try released.enclave.open(released.answer.grant.bytes)
            #expect(opened.terms.purposes == [.infer])
            #expect(opened.terms.keys == [.init(), .predictions, .init(dataset: data)])
            #expect(opened.keys.first == keys.first && Set(keys).isDisjoint(with: opened.keys.dropFirst()))
            #expect(Set(opened.keys).count == 3)
            // The model's state is the training's: neither goes back behind the other.
            #expect(opened.terms.floor?.counter == 5)
            await refusal(403, "state.rollback") {
                _ = try await world.exchange(with: client, infer, change: inferring(at: 4))
            }
            await refusal(403, "state.rollback") {
                _ = try await world.exchange(with: client, change: world.resumed(4))
            }
            _ = try await world.exchange(with: client, change: world.resumed(6))
            // Refused where the evidence is judged, so that owners are told.
            var enclave = world.enclave()
            let begun = try await client.challenge(infer)
            let frame = try enclave.answer(begun.challenge.bytes, change: inferring(at: 5))
            await refusal(403, "state.rollback") {
                _ = try await client.attest(AttestationRequest(cookie: begun.cookie, presentation: Base64(frame)))
            }
            // It goes on under the same lease, and has to be about a model that was trained here.
            infer.lease = released.answer.lease.id
            _ = try await world.exchange(
                with: client, infer, change: inferring(at: 6, lease: released.answer.lease.id))
            infer.lease = nil
            await refusal(403, "request.run") {
                _ = try await world.exchange(with: client, infer, change: inferring(at: 6, isNew: true))
            }
            infer.output = "lab/keyless"
            await refusal(409, "asset.key") {
                _ = try await world.exchange(with: client, infer, change: inferring(at: 6))
            }
        }
    }

    @Test func anotherProgramDoesNotGoOnWithALease() async throws {
        var world = world
        var other = world
        other.program = [UInt8](repeating: 8, count: 32)
        // Owners permit both programs, but not a change while keys are out.
        world.environment = [
            "evidence: [simulated]",
            "anchors: { simulated: [\"\(hex(Array(world.platform.publicKey.rawRepresentation)))\"] }",
            "simulated: { measurement: [\"\(hex(world.program))\", \"\(hex(other.program))\"] }",
        ]
        try await TestServer.run { server in
            let client = try server.client()
            try await world.establish(with: client)
            let id = try await world.exchange(with: client).answer.lease.id
            var request = world.challenge
            request.lease = id
            await refusal(403, "lease.measurement") {
                _ = try await other.exchange(with: client, request, change: world.resumed(1, lease: id))
            }
            #expect(try await client.leases().leases.isEmpty)
            let ended = try await server.manager.leases(.revoked)
            #expect(ended.first?.reason?.contains(hex(other.program)) == true)
            // With a lease of its own it may.
            _ = try await other.exchange(with: client, change: world.resumed(1))
        }
    }

    @Test func requestsThatMakeNoSenseAreRefusedAtTheBeginning() async throws {
        try await TestServer.run { server in
            let client = try server.client()
            try await world.establish(with: client)
            for run in ["", String(repeating: "r", count: 65), "a\nb"] {
                var request = world.challenge
                request.run = run
                await refusal(400) { _ = try await client.challenge(request) }
            }
            var request = world.challenge
            request.datasets = [String](repeating: "hospital-a/scans", count: 17)
            await refusal(400) { _ = try await client.challenge(request) }
        }
    }

    @Test func theKeysOfATPMAreTakenWhereTheyWereAskedFor() async throws {
        try await TestServer.run { server in
            let client = try server.client()
            try await world.establish(with: client)
            let begun = try await client.challenge(world.challenge)
            let enrolment = try enrolment(after: begun.challenge.bytes)
            await refusal(400, "exchange.order") {
                _ = try await client.enrol(EnrolmentRequest(cookie: begun.cookie, enrolment: Base64(enrolment)))
            }
        }
    }

    private func enrolment(after challenge: [UInt8]) throws -> [UInt8] {
        var enclave = world.enclave()
        _ = try enclave.hear(challenge)
        return enclave.say(
            .enrolment(try Enrolment(endorsementCertificate: [1], endorsementKey: [2], attestationKey: [3])))
    }

    @Test func aRenewalIsOfTheLeaseThatItsChallengeWasFor() async throws {
        try await TestServer.run { server in
            let client = try server.client()
            try await world.establish(with: client)
            let id = try await world.exchange(with: client).answer.lease.id
            var enclave = world.enclave()
            let begun = try await client.challenge(renewal(id))
            let frame = try enclave.answer(begun.challenge.bytes, change: world.resumed(1, lease: id))
            let request = AttestationRequest(cookie: begun.cookie, presentation: Base64(frame))
            await refusal(400, "lease.id") {
                _ = try await client.renew(lease: String(repeating: "0", count: 32), request)
            }
            #expect(try await client.renew(lease: id, request).lease.id == id)
            // What was asked for stays the same.
            var wider = renewal(id)
            wider.datasets = ["hospital-a/scans"]
            await refusal(403, "lease.request") { _ = try await client.challenge(wider) }
            await refusal(404) { _ = try await client.challenge(renewal(String(repeating: "0", count: 32))) }
        }
    }

    @Test func resultsThatNobodyFetchesDoNotPileUp() async throws {
        var options = PolicyManager.Options()
        options.maximumResults = 1
        try await TestServer.run(options: options) { server in
            let client = try server.client()
            try await world.establish(with: client)
            func judge() async throws -> AttestationAnswer {
                var enclave = world.enclave()
                let begun = try await client.challenge(world.challenge)
                return try await client.attest(
                    AttestationRequest(
                        cookie: begun.cookie, presentation: Base64(try enclave.answer(begun.challenge.bytes))))
            }
            let first = try await judge()
            await refusal(429) { _ = try await judge() }
            server.clock.advance(121)
            await refusal(403) { _ = try await client.release(ReleaseRequest(result: first.result)) }
            let second = try await judge()
            #expect(first.result != second.result)
            _ = try await client.release(ReleaseRequest(result: second.result))
        }
    }
}
