import FoundationEssentials
import PliniusAttester
import PliniusPerunClient
import PliniusPolicy
import PliniusPolicyManager
import PliniusVerifier
import PliniusWire
import Testing
import _PliniusTestSupport

/// Leases of machines whose TPM tells of every program that they run, over HTTPS.
@Suite(
    "Leases of measured hosts", .enabled(if: SoftwareTPM.isAvailable, "\(SoftwareTPM.missing)"),
    .timeLimit(.minutes(30)))
struct MeasuredHostTests {
    static let listed = ["/usr/bin/plinius-enclave", "/usr/lib/libc.so.6", "/usr/bin/late", "/usr/bin/later"]

    /// Owners who believe a host that runs nothing but what is listed, and the manager that they believe it through.
    private func run(
        _ host: MeasuredHost, _ body: (TestWorld, TestServer, PerunClient) async throws -> Void
    ) async throws {
        var world = TestWorld()
        world.level = "tpm-ima-gpu"
        world.environment = MeasuredHost.environment
        world.files = try host.files(Self.listed)
        try host.measure(Self.listed[0])
        try host.measure(Self.listed[1])
        // The TPM's certificates are as old as this test.
        let clock = TestClock(seconds: max(1_800_000_000, Int64(Date.now.timeIntervalSince1970) + 60))
        try await TestServer.run(clock: clock) { server in
            let client = try server.client()
            try await world.establish(with: client)
            try await body(world, server, client)
        }
    }

    private func renewal(_ lease: String, in world: TestWorld) -> ChallengeRequest {
        var request = world.challenge
        request.lease = lease
        return request
    }

    @Test func anUnlistedProgramEndsTheLeaseAndIsNamed() async throws {
        let host = try MeasuredHost()
        try await run(host) { world, server, client in
            let first = try await host.exchange(in: world, with: client)
            #expect(first.round.challenge.enrols && first.round.challenge.imaStart == 0)
            #expect(try first.round.enclave.open(first.answer.grant.bytes).keys.count == 3)
            let id = first.answer.lease.id
            let release = try #require(try entries(server).last { $0.kind == .release })
            // The log knows the machine by its TPM's key, and the level.
            #expect(release.actor.hasPrefix("000b") && release.actor.count == 68)
            #expect(String(decoding: release.canonical, as: UTF8.self).contains(#""level":"tpm-ima-gpu""#))

            // One more file that is listed: only its line is asked for and sent, and nobody enrols twice.
            try host.measure("/usr/bin/late")
            server.clock.advance(50)
            let renewed = try await host.exchange(
                in: world, with: client, renewal(id, in: world), change: world.resumed(1, lease: id))
            #expect(renewed.answer.lease.id == id)
            #expect(renewed.answer.lease.expires == server.clock.now.seconds + 60)
            #expect(renewed.round.challenge.imaStart == 3 && !renewed.round.challenge.enrols)
            let log = try #require(renewed.round.evidence[0]["ima-log"])
            #expect(log.contains(Array("/usr/bin/late\0".utf8)))
            #expect(!log.contains(Array(Self.listed[0].utf8)))

            try host.measure("/tmp/miner")
            try host.measure("/usr/bin/later")
            let problem = await problem {
                _ = try await host.exchange(
                    in: world, with: client, renewal(id, in: world), change: world.resumed(2, lease: id))
            }
            #expect(problem?.status == 403 && problem?.check == "ima.entry.file", "\(String(describing: problem))")
            #expect(problem?.found?.contains("/tmp/miner") == true, "\(String(describing: problem))")
            #expect(problem?.policyLine?.contains("ima.generations (line") == true, "\(String(describing: problem))")
            #expect(try await client.leases().leases.isEmpty)
            let ended = try #require(try await server.manager.leases(.revoked).first)
            #expect(hex(ended.id) == id)
            #expect(ended.reason?.contains("ima.entry.file") == true)
            #expect(ended.reason?.contains("/tmp/miner") == true, "\(ended.reason ?? "")")
            let last = try entries(server).suffix(2)
            #expect(last.map(\.kind) == [.refusal, .revocation])
            for entry in last { #expect(String(decoding: entry.canonical, as: UTF8.self).contains("/tmp/miner")) }

            // It stays refused, and whoever begins anew is refused by the same file.
            let again = await self.problem {
                _ = try await host.exchange(
                    in: world, with: client, renewal(id, in: world), change: world.resumed(3, lease: id))
            }
            #expect(again?.check == "lease.live" && again?.found?.contains("/tmp/miner") == true, "\(again as Any)")
            await refusal(403, "ima.entry.file") {
                _ = try await host.exchange(in: world, with: client, change: world.resumed(3))
            }
            // The receipt of the newest grant comes too late.
            let receipt = try renewed.round.enclave.open(renewed.answer.grant.bytes).receipt
            await refusal(403) {
                _ = try await client.confirm(ReceiptRequest(lease: id, receipt: Base64(receipt)))
            }
        }
    }

    @Test func aBootEndsTheLeaseAndTheMachineBeginsAnew() async throws {
        let host = try MeasuredHost()
        try await run(host) { world, server, client in
            let first = try await host.exchange(in: world, with: client)
            let id = first.answer.lease.id
            try host.boot()
            // The log is shorter than the manager knows it: an honest attester says so, and there is nothing to be judged.
            await #expect(throws: AttestationError.self) {
                try await host.exchange(
                    in: world, with: client, renewal(id, in: world), change: world.resumed(1, lease: id))
            }
            #expect(try await client.leases().leases.count == 1)
            // As long as before and longer, with the very same files.
            for path in Self.listed { try host.measure(path) }
            let problem = await problem {
                _ = try await host.exchange(
                    in: world, with: client, renewal(id, in: world), change: world.resumed(1, lease: id))
            }
            #expect(problem?.check == "tpm.clock.reset-count", "\(String(describing: problem))")
            #expect(try await client.leases().leases.isEmpty)
            let ended = try #require(try await server.manager.leases(.revoked).first)
            #expect(ended.reason?.contains("tpm.clock.reset-count") == true, "\(ended.reason ?? "")")
            #expect(try entries(server).last?.kind == .revocation)
            // Nothing is wrong with the machine: another lease begins with the whole log.
            let second = try await host.exchange(in: world, with: client, change: world.resumed(1))
            #expect(second.answer.lease.id != id && second.round.challenge.imaStart == 0)
        }
    }

    @Test func anotherMachineDoesNotEndTheLease() async throws {
        let (host, other) = (try MeasuredHost(), try MeasuredHost())
        try other.measure("/tmp/miner")
        try await run(host) { world, server, client in
            let first = try await host.exchange(in: world, with: client)
            let id = first.answer.lease.id
            for _ in 0..<3 { try other.measure("/usr/bin/late") }
            await refusal(403, "tpm.ak.name") {
                _ = try await other.exchange(
                    in: world, with: client, renewal(id, in: world), change: world.resumed(1, lease: id))
            }
            // Nor does what anybody could send: a log that was changed, or an old quote.
            let old = first.round.evidence
            let spoofs: [(String, (inout [Evidence]) throws -> Void)] = [
                ("tpm.binding.report-data", { $0 = old }),
                ("tpm.quote.signature", { try $0.change("signature") { $0[$0.count - 1] ^= 1 } }),
            ]
            for (check, spoof) in spoofs {
                await refusal(403, check) {
                    _ = try await host.exchange(
                        in: world, with: client, renewal(id, in: world), change: world.resumed(1, lease: id),
                        spoof: spoof)
                }
            }
            #expect(try await client.leases().leases.map(\.id) == [id])
            _ = try await host.exchange(
                in: world, with: client, renewal(id, in: world), change: world.resumed(1, lease: id))
        }
    }

    @Test func aLogThatHidesAnEntryIsNotBelieved() async throws {
        let host = try MeasuredHost()
        try await run(host) { world, _, client in
            try host.measure("/tmp/miner")
            await refusal(403, "ima.replay.register") {
                _ = try await host.exchange(
                    in: world, with: client,
                    spoof: { evidence in
                        try evidence.change("ima-log") { log in
                            let entry = try #require(log.firstRange(of: Array("/tmp/miner\0".utf8)))
                            // The last entry: its register, two digests, two lengths, the template, two fields.
                            log.removeSubrange((entry.lowerBound - 4 - 44 - 4 - 10 - 24)...)
                        }
                    })
            }
            await refusal(403, "tpm.ima-log.present") {
                _ = try await host.exchange(
                    in: world, with: client,
                    spoof: { evidence in
                        evidence[0].parts.removeAll { $0.name == "ima-log" }
                    })
            }
            await refusal(403, "ima.entry.file") { _ = try await host.exchange(in: world, with: client) }
        }
    }

    @Test func aKeyHasToBeShownToBeInTheTPM() async throws {
        let (host, other) = (try MeasuredHost(), try MeasuredHost())
        try await run(host) { world, _, client in
            await refusal(403, "tpm.activation.proof") {
                _ = try await host.exchange(in: world, with: client, enrols: false)
            }
            // Another TPM quotes in the place of the one that enrolled.
            var enclave = world.enclave()
            let begun = try await client.challenge(world.challenge)
            let (enrolment, key) = try enrolment(of: other, after: begun.challenge.bytes, &enclave)
            let answer = try await client.enrol(EnrolmentRequest(cookie: begun.cookie, enrolment: Base64(enrolment)))
            expectNoSecret(of: answer.credential.bytes, with: key, in: host, enclave)
            // A cookie carries one enrolment.
            await refusal(400, "exchange.order") {
                _ = try await client.enrol(EnrolmentRequest(cookie: answer.cookie, enrolment: Base64(enrolment)))
            }
        }
    }

    private func enrolment(
        of host: MeasuredHost, after challenge: [UInt8], _ enclave: inout SimulatedEnclave
    ) throws -> (frame: [UInt8], key: TPMKeyAlgorithm) {
        for path in Self.listed.prefix(2) { try host.measure(path) }
        _ = try enclave.hear(challenge)
        return try host.enrolment(&enclave)
    }

    private func expectNoSecret(
        of credential: [UInt8], with key: TPMKeyAlgorithm, in host: MeasuredHost, _ enclave: SimulatedEnclave
    ) {
        var enclave = enclave
        #expect(throws: AttestationError.self) { try host.activate(credential, with: key, &enclave) }
    }

    private func entries(_ server: TestServer) throws -> [AuditEntry] {
        try server.manager.auditEntries(from: 0, count: 1_000)
    }

    /// What something is refused with.
    private func problem(_ body: () async throws -> Void) async -> ProblemDetails? {
        do { try await body() } catch { return (error as? PerunClientError)?.problem }
        return nil
    }
}

extension [Evidence] {
    /// Changes a part of the first.
    fileprivate mutating func change(_ part: String, _ change: (inout [UInt8]) throws -> Void) throws {
        let index = try #require(self[0].parts.firstIndex { $0.name == part })
        try change(&self[0].parts[index].bytes)
    }
}
