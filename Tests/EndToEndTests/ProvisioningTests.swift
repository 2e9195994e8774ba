import Foundation
import PliniusSockets
import PliniusWire
import Synchronization
import Testing
import _PliniusTestSupport

/// An owner's key reaches an enclave that convinces it, over a host that relays bytes, and reaches nothing else.
@Suite(.serialized) struct ProvisioningTests {
    // MARK: Released

    @Test(.timeLimit(.minutes(30))) func aReleasedKeyTrainsToTheBitsOfALocalOne() throws {
        let setting = try ProvisioningScenario()
        let scenario = setting.scenario
        let local = scenario.folder("local.pool")
        #expect(try scenario.train(pool: local).succeeded)

        let host = try setting.host()
        let policy = try setting.policy(from: host)
        let owner = try setting.provision(host.address, policy: policy, "--json")
        #expect(owner.succeeded, "\(owner)")
        #expect(owner.errors.contains("ok       bundle.nonce"), "\(owner.errors)")
        #expect(try owner.json["released"] as? Bool == true)
        #expect(try owner.json["run"] as? String == "default")
        let outcome = try host.run.wait()
        #expect(outcome.succeeded, "\(outcome)")
        #expect(try outcome.json["complete"] as? Bool == true)
        #expect(try scenario.exportedWeights() == scenario.exportedWeights(pool: local))
        // The pool is complete: the model is tested with a key from the owner as well.
        let test = try WaitingHost(
            Program.plinius.start([
                "test", "--config", scenario.config, "--data", scenario.testData, "--pool", scenario.pool,
                "--wait-for-owner", "0", "--attestation-key", scenario.folder("attestation.key"), "--json",
            ]))
        #expect(try setting.provision(test.address, policy: policy).succeeded)
        #expect(try test.run.wait().json["accuracy"] is Double)
    }

    @Test(.timeLimit(.minutes(30))) func aKilledRunWaitsAgainAndEndsWithTheSameBits() throws {
        let setting = try ProvisioningScenario()
        let scenario = setting.scenario
        let local = scenario.folder("local.pool")
        #expect(try scenario.train(pool: local).succeeded)

        let first = try setting.host(address: "127.0.0.1:0", "--crash-at", "insideChunks:5")
        let policy = try setting.policy(from: first)
        #expect(try setting.provision(first.address, policy: policy).succeeded)
        #expect(try !first.run.wait().succeeded)

        let second = try setting.host()
        let released = try setting.provision(second.address, policy: policy, "--json")
        // This time the run is one that the owner can recognise.
        let runID = try #require(try released.json["runID"] as? String)
        #expect(try runID == scenario.status().runs["default"]?["runID"] as? String)
        #expect(try second.run.wait().succeeded)
        #expect(try scenario.exportedWeights() == scenario.exportedWeights(pool: local))
    }

    /// The process that gets the key is confined before an owner comes; the other one, which gets evidence, gets nothing else.
    @Test(.timeLimit(.minutes(30))) func theEnclaveIsConfinedAndTheHostKnowsNothingWhenTheKeyIsThere() throws {
        let config = Scenario.smallNetwork.replacingOccurrences(of: "max_batches=40", with: "max_batches=100000")
        let setting = try ProvisioningScenario(config: config)
        let events = setting.folder("events.jsonl")
        let host = try setting.host(address: "unix:" + setting.folder("owner.socket"), "--events", events)
        #expect(host.address == "unix:" + setting.folder("owner.socket"))
        let policy = try setting.policy(from: host)
        let enclave = try #require(host.run.children.first)
        let prover = try #require(RunningProgram.children(of: enclave).first)
        #expect(try status(of: enclave).contains("Seccomp:\t2"))
        #expect(try status(of: prover).contains("Seccomp:\t0"))
        #expect(try setting.provision(host.address, policy: policy).succeeded)
        #expect(
            try host.run.wait { _ in
                (try? String(contentsOfFile: events, encoding: .utf8))?.contains("\"iteration\"") == true
            })
        #expect(try status(of: host.run.children.first).contains("Seccomp:\t2"))
        // Neither key nor pool nor records.
        let held = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(prover)/fd").compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(prover)/fd/\($0)")
        }
        #expect(held.contains { $0.hasSuffix("attestation.key") } && !held.contains { $0.hasSuffix("run.pool") })
        #expect(!held.contains { $0.hasSuffix(".sealed") } && held.count { $0.hasPrefix("socket:") } == 1, "\(held)")
        let keys = ["key": try setting.folder.read("owner.key")]
        #expect(try RunningProgram.searchMemory(of: prover, for: keys).found.isEmpty)
        RunningProgram.holdStill(host.run.pid)
        let secrets = [
            "key": try setting.folder.read("owner.key"), "something that is there": Array("wait-for-owner".utf8),
        ]
        let found = try host.run.searchMemory(for: secrets).found
        host.run.signal(SIGCONT)
        host.run.signal(SIGTERM)
        #expect(try host.run.wait().succeeded)
        MortalRun.waitUntilGone(prover)
        #expect(Set(found.keys) == ["something that is there"], "\(found)")
        #expect(!FileManager.default.fileExists(atPath: setting.folder("owner.socket")), "the socket is left behind")
    }

    // MARK: Refused by the owner

    @Test(.timeLimit(.minutes(30))) func whatThePolicyDoesNotGrantIsRefusedAndTheHostWaitsOn() throws {
        let setting = try ProvisioningScenario()
        let host = try setting.host()
        let good = try setting.policy(from: host)
        let other = String(repeating: "0f", count: 32)
        let sgx = "evidence: [sgx]\nsgx:\n  mrenclave: [\"\(other)\"]\n"
        let refused: [(String, String)] = [
            ("bundle.kinds", try setting.policy(from: host, level: "tee", sections: sgx)),
            ("simulated.report.measurement", try setting.policy(from: host, measurement: other)),
            ("bundle.purpose", try setting.policy(from: host, purposes: "test")),
            ("bundle.config", try setting.policy(from: host, configs: other)),
            ("bundle.data-set", try setting.policy(from: host, datasets: String(other.prefix(32)))),
        ]
        for (check, policy) in refused {
            let outcome = try setting.provision(host.address, policy: policy, "--json")
            expectRefusal(outcome, by: check)
            #expect(try outcome.json["released"] as? Bool == false)
            try host.waitsAgain()
            #expect(host.refusals.last?.contains(check) == true, "\(host.refusals)")
        }
        // A key that is not the data's is the enclave's to refuse; the owner hears of it.
        let wrongKey = setting.folder("other.key")
        try setting.scenario.owner("keygen", "--out", wrongKey)
        let outcome = try setting.provision(host.address, key: wrongKey, policy: good)
        #expect(outcome.status == .exited(3))
        #expect(outcome.errors.contains("not sealed with the key"), "\(outcome.errors)")
        try host.waitsAgain()

        #expect(try setting.provision(host.address, policy: good).succeeded)
        #expect(try host.run.wait().succeeded)
    }

    @Test(.timeLimit(.minutes(30))) func recordedEvidenceAnswersNoOtherChallenge() throws {
        let setting = try ProvisioningScenario()
        let host = try setting.host()
        let policy = try setting.policy(from: host)
        let recorder = Shared(Mutex<[UInt8]?>(nil))
        let first = try ManInTheMiddle(
            before: host.address,
            .init(enclave: { frame in
                if case .presentation = try? EnclaveMessage(frame) {
                    recorder.value.withLock { $0 = frame.encoded }
                    return nil
                }
                return frame.encoded
            }))
        _ = try setting.provision(first.address, policy: policy)
        try host.waitsAgain()
        let old = try #require(recorder.value.withLock { $0 })
        let second = try ManInTheMiddle(before: host.address, .init(enclave: { _ in old }))
        expectRefusal(try setting.provision(second.address, policy: policy), by: "bundle.nonce")
        try host.waitsAgain()
        #expect(try setting.provision(host.address, policy: policy).succeeded)
        #expect(try host.run.wait().succeeded)
    }

    @Test(.timeLimit(.minutes(30))) func evidenceThatComesTooLateIsRefused() throws {
        let setting = try ProvisioningScenario()
        let host = try setting.host()
        let policy = try setting.policy(from: host)
        let slow = try ManInTheMiddle(
            before: host.address,
            .init(enclave: { frame in
                sleep(3)
                return frame.encoded
            }))
        expectRefusal(
            try setting.provision(slow.address, policy: policy, "--challenge-life", "1"), by: "bundle.expiry")
        try host.waitsAgain()
    }

    /// Whatever is changed of an answer, a check says so: first of all the key that secrets would be sealed to.
    @Test(.timeLimit(.minutes(30))) func aManInTheMiddleGetsNothingByChangingTheEvidence() throws {
        let setting = try ProvisioningScenario()
        let host = try setting.host()
        let policy = try setting.policy(from: host)
        typealias Change = @Sendable (inout RuntimeData, inout [Evidence]) -> Void
        let changes: [(String, Change)] = [
            ("simulated.binding.report-data", { data, _ in data.publicKey = Array(1...32) }),
            ("simulated.binding.report-data", { data, _ in data.purpose = .test }),
            ("simulated.binding.report-data", { data, _ in data.runName = "default2" }),
            ("simulated.binding.report-data", { data, _ in data.configDigest[0] ^= 1 }),
            ("bundle.nonce", { data, _ in data.nonce[31] ^= 1 }),
            ("bundle.format", { data, _ in data.version = 1 }),
            ("bundle.kinds", { _, evidence in evidence = [] }),
            ("bundle.kinds", { _, evidence in evidence += evidence }),
            ("bundle.kinds", { _, evidence in evidence.append(Evidence(.tpm, ["attest": [1]])) }),
            ("simulated.report.format", { _, evidence in evidence[0].parts.removeLast() }),
            (
                "simulated.report.signature",
                { data, evidence in
                    guard let index = evidence[0].parts.firstIndex(where: { $0.name == "report" }) else { return }
                    evidence[0].parts[index].bytes[107] ^= 1
                }
            ),
        ]
        for (check, change) in changes {
            let middle = try ManInTheMiddle(
                before: host.address,
                .init(enclave: { frame in
                    guard case .presentation(let presentation) = try? EnclaveMessage(frame),
                        var data = try? RuntimeData(decoding: presentation.bundle.runtimeData)
                    else { return frame.encoded }
                    var evidence = presentation.bundle.evidence
                    change(&data, &evidence)
                    let bundle = EvidenceBundle(runtimeData: data.encoded, evidence: evidence)
                    return (try? EnclaveMessage.presentation(Presentation(bundle: bundle)).frame.encoded) ?? nil
                }))
            expectRefusal(try setting.provision(middle.address, policy: policy), by: check)
            try host.waitsAgain()
        }
        #expect(try setting.provision(host.address, policy: policy).succeeded)
        #expect(try host.run.wait().succeeded)
    }

    @Test(.timeLimit(.minutes(30))) func answersThatAreCutOffOrNoneAreRefused() throws {
        let setting = try ProvisioningScenario()
        let host = try setting.host()
        let policy = try setting.policy(from: host)
        let answers: [(String, @Sendable (Frame) -> [UInt8])] = [
            ("in the middle of a message", { $0.encoded.dropLast(1) + [] }),
            ("in the middle of a message", { Array($0.encoded.prefix(3)) }),
            ("cannot be read", { Frame(type: $0.type, payload: $0.payload + [0]).encoded }),
            ("cannot be read", { Frame(type: $0.type, payload: $0.payload.dropLast() + []).encoded }),
            ("cannot be read", { Frame(type: 0x42, payload: $0.payload).encoded }),
            ("cannot be read", { _ in [1, 0, 0, 2] }),
            ("something else than evidence", { _ in EnclaveMessage.receipt(Receipt(proof: [])).frame.encoded }),
        ]
        for (words, answer) in answers {
            let middle = try ManInTheMiddle(
                before: host.address, .init(enclave: { answer($0) }, endsAfterAnswer: true))
            let outcome = try setting.provision(middle.address, policy: policy)
            #expect(outcome.status == .exited(3), "\(outcome)")
            #expect(outcome.errors.contains(words), "\(outcome.errors)")
            try host.waitsAgain()
        }
    }

    // MARK: Refused by the enclave

    @Test(.timeLimit(.minutes(30))) func aManInTheMiddleGetsNothingByChangingTheGrant() throws {
        let setting = try ProvisioningScenario()
        let host = try setting.host()
        let policy = try setting.policy(from: host)
        let changes: [(String, @Sendable (inout KeyGrant) -> Void)] = [
            ("belongs to another exchange", { $0.transcript[0] ^= 1 }),
            ("cannot be opened", { $0.encapsulatedKey[0] ^= 1 }),
            ("cannot be opened", { $0.encapsulatedKey = [] }),
            ("cannot be opened", { $0.ciphertext[40] ^= 1 }),
            ("cannot be opened", { $0.ciphertext = [] }),
        ]
        for (words, change) in changes {
            let middle = try ManInTheMiddle(
                before: host.address,
                .init(owner: { frame in
                    guard case .grant(var grant) = try? OwnerMessage(frame) else { return frame.encoded }
                    change(&grant)
                    return OwnerMessage.grant(grant).frame.encoded
                }))
            let outcome = try setting.provision(middle.address, policy: policy)
            #expect(outcome.status == .exited(3), "\(outcome)")
            #expect(outcome.errors.contains("the enclave refuses") && outcome.errors.contains(words), "\(outcome)")
            try host.waitsAgain()
        }
        // Another challenge than the owner's is answered, and the answer is of no use.
        let other = try ManInTheMiddle(
            before: host.address,
            .init(owner: { frame in
                guard case .challenge(var challenge) = try? OwnerMessage(frame) else { return frame.encoded }
                challenge.nonce[0] ^= 1
                return OwnerMessage.challenge(challenge).frame.encoded
            }))
        expectRefusal(try setting.provision(other.address, policy: policy), by: "bundle.nonce")
        try host.waitsAgain()
    }

    /// The grant opens, so the enclave trains; but an owner whose receipt is not the enclave's does not rely on it.
    @Test(.timeLimit(.minutes(30))) func aReceiptThatSomebodyElseMadeIsRefused() throws {
        let setting = try ProvisioningScenario()
        let host = try setting.host()
        let policy = try setting.policy(from: host)
        let middle = try ManInTheMiddle(
            before: host.address,
            .init(enclave: { frame in
                guard case .receipt(var receipt) = try? EnclaveMessage(frame) else { return frame.encoded }
                receipt.proof[0] ^= 1
                return EnclaveMessage.receipt(receipt).frame.encoded
            }))
        let outcome = try setting.provision(middle.address, policy: policy)
        #expect(outcome.status == .exited(3), "\(outcome)")
        #expect(outcome.errors.contains("the receipt does not verify"), "\(outcome)")
        #expect(try host.run.wait().succeeded)
    }

    /// Evidence of one machine, a key for another: the grant is sealed to the first and bound to what the first said.
    @Test(.timeLimit(.minutes(30))) func aGrantForOneEnclaveIsOfNoUseToAnother() throws {
        let setting = try ProvisioningScenario()
        let good = try setting.host()
        let other = try setting.host(pool: setting.folder("other.pool"))
        let policy = try setting.policy(from: good)
        for withItsTranscript in [false, true] {
            // The other enclave has the same challenge.
            let relayed = Shared(Mutex<(challenge: Frame?, grant: KeyGrant?)>((nil, nil)))
            let middle = try ManInTheMiddle(
                before: good.address,
                .init(owner: { frame in
                    switch try? OwnerMessage(frame) {
                    case .challenge:
                        relayed.value.withLock { $0.challenge = frame }
                        return frame.encoded
                    case .grant(let grant):
                        relayed.value.withLock { $0.grant = grant }
                        return nil
                    default: return frame.encoded
                    }
                }))
            let outcome = try setting.provision(middle.address, policy: policy)
            #expect(outcome.status == .exited(1), "nobody confirmed anything: \(outcome)")
            try good.waitsAgain()
            let (challenge, grant) = relayed.value.withLock { $0 }

            var raw = try RawOwner(other.address)
            try raw.socket.send(#require(challenge).encoded)
            let presentation = try #require(try raw.hear())
            var stolen = try #require(grant)
            if withItsTranscript {
                stolen.transcript = Transcript.digest(of: [try #require(challenge), presentation])
            }
            try raw.say(.grant(stolen))
            let refusal = try raw.hearRefusal()
            #expect(
                refusal?.contains(withItsTranscript ? "cannot be opened" : "belongs to another exchange") == true,
                "\(refusal ?? "nothing")")
            try other.waitsAgain()
        }
        // Evidence of one with the runtime data of the other is no evidence at all.
        let otherAddress = other.address
        let spliced = Shared(Mutex<EvidenceBundle?>(nil))
        let splice = try ManInTheMiddle(
            before: good.address,
            .init(
                owner: { frame in
                    guard var raw = try? RawOwner(otherAddress), (try? raw.socket.send(frame.encoded)) != nil,
                        let answer = try? raw.hear(), case .presentation(let its)? = try? EnclaveMessage(answer)
                    else { return frame.encoded }
                    spliced.value.withLock { $0 = its.bundle }
                    return frame.encoded
                },
                enclave: { frame in
                    guard case .presentation(let its) = try? EnclaveMessage(frame),
                        let data = spliced.value.withLock({ $0?.runtimeData })
                    else { return frame.encoded }
                    let bundle = EvidenceBundle(runtimeData: data, evidence: its.bundle.evidence)
                    return (try? EnclaveMessage.presentation(Presentation(bundle: bundle)).frame.encoded) ?? nil
                }))
        expectRefusal(try setting.provision(splice.address, policy: policy), by: "simulated.binding.report-data")
    }

    @Test(.timeLimit(.minutes(30))) func ownersWhoDoNotKeepToTheRulesAreRefusedAndTheHostWaitsOn() throws {
        let setting = try ProvisioningScenario()
        let host = try setting.host()
        var challenge = Challenge(nonce: [UInt8](repeating: 9, count: 32))
        let good = OwnerMessage.challenge(challenge).frame.encoded
        challenge.version = 2
        let future = OwnerMessage.challenge(challenge).frame.encoded
        let openings: [(String, [UInt8])] = [
            ("version 2", future),
            ("the owner's nonce has 31 bytes", OwnerMessage.challenge(Challenge(nonce: Array(1...31))).frame.encoded),
            (
                "did not begin with a challenge",
                OwnerMessage.grant(KeyGrant(transcript: [], encapsulatedKey: [], ciphertext: [])).frame.encoded
            ),
            ("type 3 is no message", Frame(type: 3, payload: []).encoded),
            ("a message is too short", Frame(type: good[4], payload: good[5...].dropLast() + []).encoded),
            ("follow the last field", Frame(type: good[4], payload: good[5...] + [0]).encoded),
            ("a frame says that it has", [0, 0, 0, 0]), ("a frame says that it has", [0xFF, 0xFF, 0xFF, 0x7F]),
            (
                "the owner refuses: never mind",
                OwnerMessage.refusal(Failure(category: .integrity, message: "never mind")).frame.encoded
            ),
            // A nonce is answered once, and so is any other.
            ("an enclave answers one challenge", good + good),
        ]
        for (words, bytes) in openings {
            var raw = try RawOwner(host.address)
            try raw.socket.send(bytes)
            let refusal = try raw.hearRefusal()
            #expect(refusal?.contains(words) == true, "\(words): \(refusal ?? "nothing")")
            #expect(try raw.hear() == nil, "the connection stays open")
            try host.waitsAgain()
            #expect(host.refusals.last?.contains(words) == true, "\(host.refusals)")
        }
        // Those who hang up: before anything, in the middle of a challenge, after it.
        for count in [0, 1, 20, good.count] {
            do { try RawOwner(host.address).socket.send(Array(good.prefix(count))) }
            try host.waitsAgain()
            #expect(host.refusals.last?.contains("the owner went away") == true, "\(host.refusals)")
        }
        let policy = try setting.policy(from: host)
        #expect(try setting.provision(host.address, policy: policy).succeeded)
        #expect(try host.run.wait().succeeded)
    }

    // MARK: A TPM beside

    @Test(.enabled(if: SoftwareTPM.isAvailable, Comment(rawValue: SoftwareTPM.missing)), .timeLimit(.minutes(30)))
    func aTPMShowsWhoseItsQuoteIs() throws {
        let setting = try ProvisioningScenario()
        let (tpm, otherTPM) = (try SoftwareTPM(certified: true), try SoftwareTPM(certified: true))
        try setting.folder.write(tpm.authority(), to: "maker.pem")
        try setting.folder.write(otherTPM.authority(), to: "other.pem")
        let host = try setting.host(platform: "simulated+tpm", "--tpm", tpm.configuration)
        let policy = try setting.policy(from: host, tpm: ("[maker.pem]", "  endorsement: true"))

        // Another maker's, another key's, a register with another value.
        let zeros = String(repeating: "00", count: 32)
        let refused: [(String, String, String)] = [
            ("tpm.ek.", "[other.pem]", "  endorsement: true"),
            ("tpm.ak.name", "[maker.pem]", "  akNames: [\"000b\(zeros)\"]"),
            ("tpm.pcr.sha256.16", "[maker.pem]", "  endorsement: true\n  registers: {sha256: {16: [\"\(zeros)\"]}}"),
        ]
        for (check, anchors, section) in refused {
            let wrong = try setting.policy(from: host, tpm: (anchors, section))
            expectRefusal(try setting.provision(host.address, policy: wrong), by: check)
            try host.waitsAgain()
        }

        // A key of another TPM, certified by a maker of the owner's trust, and its quote in the place of this one's.
        let other = try setting.host(
            pool: setting.folder("other.pool"), platform: "simulated+tpm", "--tpm", otherTPM.configuration)
        let otherAddress = other.address
        let spliced = Shared(Mutex<Evidence?>(nil))
        let both = try setting.policy(from: host, tpm: ("[maker.pem, other.pem]", "  endorsement: true"))
        let splice = try ManInTheMiddle(
            before: host.address,
            .init(
                owner: { frame in
                    guard case .challenge(var challenge) = try? OwnerMessage(frame) else { return frame.encoded }
                    challenge.enrols = false
                    guard var raw = try? RawOwner(otherAddress), (try? raw.say(.challenge(challenge))) != nil,
                        let answer = try? raw.hear(), case .presentation(let its)? = try? EnclaveMessage(answer)
                    else { return nil }
                    spliced.value.withLock { $0 = its.bundle.evidence.first { $0.kind == .tpm } }
                    return frame.encoded
                },
                enclave: { frame in
                    guard case .presentation(var its) = try? EnclaveMessage(frame),
                        let foreign = spliced.value.withLock({ $0 })
                    else { return frame.encoded }
                    its.bundle.evidence = its.bundle.evidence.filter { $0.kind != .tpm } + [foreign]
                    return EnclaveMessage.presentation(its).frame.encoded
                }))
        expectRefusal(try setting.provision(splice.address, policy: both), by: "tpm.binding.report-data")
        try host.waitsAgain()

        // Without its proof, or with another's, a TPM's certificate says nothing of the key that quotes.
        for proof in [[], [UInt8](repeating: 1, count: 32)] {
            let middle = try ManInTheMiddle(
                before: host.address,
                .init(enclave: { frame in
                    guard case .presentation(var its) = try? EnclaveMessage(frame) else { return frame.encoded }
                    its.activation = proof
                    return EnclaveMessage.presentation(its).frame.encoded
                }))
            expectRefusal(try setting.provision(middle.address, policy: policy), by: "tpm.activation.proof")
            try host.waitsAgain()
        }

        let outcome = try setting.provision(host.address, policy: policy)
        #expect(outcome.succeeded, "\(outcome)")
        #expect(outcome.errors.contains("ok       tpm.activation.key"), "\(outcome.errors)")
        #expect(try host.run.wait().succeeded)
    }

    // MARK: Kills and signals

    @Test(.timeLimit(.minutes(30))) func killsWhileItWaitsLoseNothing() throws {
        let setting = try ProvisioningScenario()
        let first = try setting.host()
        let policy = try setting.policy(from: first)

        // The owner, in the middle of its exchange.
        let reached = Shared(Atomic(false))
        let middle = try ManInTheMiddle(
            before: first.address,
            .init(enclave: { frame in
                reached.value.store(true, ordering: .relaxed)
                sleep(2)
                return frame.encoded
            }))
        let owner = try Program.owner.start([
            "provision", "--key", setting.scenario.key, "--policy", policy, "--enclave", middle.address,
        ])
        #expect(try first.run.wait { _ in reached.value.load(ordering: .relaxed) })
        owner.signal(SIGKILL)
        try first.waitsAgain()
        #expect(first.refusals.last?.contains("the owner went away") == true, "\(first.refusals)")

        // The enclave, while it waits.
        kill(try #require(first.run.children.first), SIGKILL)
        let outcome = try first.run.wait()
        #expect(outcome.status == .exited(1))
        #expect(outcome.errors.contains("SIGKILL") && outcome.errors.contains("the same command"), "\(outcome.errors)")
        #expect(!FileManager.default.fileExists(atPath: setting.scenario.pool))
        let gone = try setting.provision(first.address, policy: policy)
        #expect(gone.status == .exited(1) && gone.errors.contains("cannot be reached"), "\(gone)")

        // The host, and with it everything.
        let second = try setting.host()
        let enclave = try #require(second.run.children.first)
        second.run.signal(SIGKILL)
        _ = try second.run.wait()
        for _ in 0..<500 where kill(enclave, 0) == 0 { usleep(10_000) }
        #expect(kill(enclave, 0) != 0, "the enclave survived its host")

        // A signal asks it to end, which it does in good order.
        let third = try setting.host()
        third.run.signal(SIGTERM)
        let stopped = try third.run.wait()
        #expect(stopped.succeeded)
        #expect(stopped.errors.contains("stopped while waiting for the owner"), "\(stopped.errors)")

        let last = try setting.host()
        #expect(try setting.provision(last.address, policy: policy).succeeded)
        #expect(try last.run.wait().succeeded)
    }

    @Test(.timeLimit(.minutes(30))) func whatCannotBeMeantIsSaidBeforeAnybodyWaits() throws {
        let setting = try ProvisioningScenario()
        let scenario = setting.scenario
        let files = ["--config", scenario.config, "--data", scenario.data, "--pool", scenario.pool]
        let cases: [([String], CInt, String)] = [
            (["--wait-for-owner", "nonsense"], 2, "is no address"),
            (["--wait-for-owner", "127.0.0.1:70000"], 2, "is no address"),
            (["--wait-for-owner", "unix:" + String(repeating: "a", count: 200)], 2, "between 1 and 107"),
            (["--wait-for-owner", "192.0.2.1:0"], 2, "cannot be listened at"),
            (["--wait-for-owner", "0", "--insecure-local-key", scenario.key], 2, "exclude each other"),
            (["--insecure-local-key", scenario.key, "--attestation", "sgx"], 2, "go with --wait-for-owner"),
            (["--wait-for-owner", "0", "--attestation", "sxg"], 2, "sxg"),
            (["--wait-for-owner", "0", "--attestation-key", "/nowhere"], 2, "the attestation key"),
            ([], 2, "--wait-for-owner"),
        ]
        for (arguments, code, words) in cases {
            let outcome = try Program.plinius.run(["train"] + files + arguments)
            #expect(outcome.status == .exited(code), "\(arguments): \(outcome)")
            #expect(outcome.errors.contains(words), "\(outcome.errors)")
        }
        let policy = try scenario.folder.write(
            """
            version: 1
            name: nobody
            level: tee
            purposes: [train]
            configs: [any]
            datasets: [any]
            evidence: [sgx]
            sgx:
              mrenclave: ["\(String(repeating: "00", count: 32))"]

            """, to: "policy.yaml")
        let typo = try scenario.folder.write("levels: test\n", to: "typo.yaml")
        let owners: [([String], CInt, String)] = [
            (["--key", scenario.key, "--policy", policy, "--enclave", "127.0.0.1:1"], 1, "cannot be reached"),
            (["--key", scenario.key, "--policy", policy, "--enclave", "nonsense"], 2, "is no address"),
            (["--key", scenario.key, "--policy", typo, "--enclave", "127.0.0.1:1"], 2, "levels"),
            (["--key", scenario.data, "--policy", policy, "--enclave", "127.0.0.1:1"], 2, "train.sealed"),
            (["--key", scenario.key, "--policy", policy, "--enclave", "127.0.0.1:1", "--now", "noon"], 2, "--now"),
        ]
        for (arguments, code, words) in owners {
            let outcome = try Program.owner.run(["provision"] + arguments)
            #expect(outcome.status == .exited(code), "\(arguments): \(outcome)")
            #expect(outcome.errors.contains(words), "\(outcome.errors)")
        }
    }

    // MARK: Tools

    private func expectRefusal(
        _ outcome: ProgramOutcome, by check: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(outcome.status == .exited(3), "\(outcome)", sourceLocation: sourceLocation)
        #expect(
            outcome.errors.contains("the key is not released: the check \(check)"), "\(outcome.errors)",
            sourceLocation: sourceLocation)
    }

    private func status(of process: CInt?) throws -> String {
        try String(contentsOfFile: "/proc/\(#require(process))/status", encoding: .utf8)
    }
}
