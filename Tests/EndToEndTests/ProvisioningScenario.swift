import Crypto
import Foundation
import PliniusSealing
import PliniusSockets
import PliniusWire
import Synchronization
import Testing
import _PliniusTestSupport

/// A scenario in which the key comes from its owner: a test key for simulated evidence, and policies.
struct ProvisioningScenario {
    let scenario: Scenario
    private let attestationKey: String

    init(config: String = Scenario.smallNetwork) throws {
        scenario = try Scenario(config: config)
        attestationKey = scenario.folder("attestation.key")
        try scenario.owner("keygen", "--out", attestationKey)
    }

    var folder: TemporaryDirectory { scenario.folder }

    /// Starts a training that waits for its owner.
    func host(
        pool: String? = nil, address: String = "127.0.0.1:0", platform: String = "simulated", _ more: String...
    ) throws -> WaitingHost {
        try WaitingHost(Program.plinius.start(arguments(pool: pool, address: address, platform: platform, more)))
    }

    /// What starts a training that waits for its owner, or goes on without one.
    func arguments(
        pool: String? = nil, address: String = "127.0.0.1:0", platform: String = "simulated", _ more: [String] = []
    ) -> [String] {
        [
            "train", "--config", scenario.config, "--data", scenario.data, "--pool", pool ?? scenario.pool,
            "--wait-for-owner", address, "--attestation-key", attestationKey, "--threads",
            "1", "--seed", "7", "--json", "--attestation", platform,
        ] + more
    }

    /// Runs the owner's program against whoever listens there.
    func provision(
        _ address: String, key: String? = nil, policy: String, _ more: String...
    ) throws -> ProgramOutcome {
        try provision(address, key: key, policy: policy, more)
    }

    /// The same with a list of arguments.
    func provision(
        _ address: String, key: String? = nil, policy: String, _ more: [String]
    ) throws -> ProgramOutcome {
        try Program.owner.run(
            ["provision", "--key", key ?? scenario.key, "--policy", policy, "--enclave", address] + more)
    }

    /// A policy that the enclaves of this build fulfil, but for what is given.
    ///
    /// What it names is learned from evidence that is refused.
    func policy(
        from host: WaitingHost, level: String = "test", purposes: String = "train, test", configs: String = "any",
        datasets: String = "any", measurement: String? = nil, tpm: (anchors: String, section: String)? = nil,
        sections: String? = nil, restart: String = ""
    ) throws -> String {
        func text(measurement: String, key: String) -> String {
            """
            version: 1
            name: provisioning
            level: \(level)
            purposes: [\(purposes)]
            configs: ["\(configs)"]
            datasets: ["\(datasets)"]

            """
                + (sections ?? """
                    evidence: [simulated\(tpm == nil ? "" : ", tpm")]
                    anchors:
                      simulated: ["\(key)"]
                    \(tpm.map { "  endorsement: \($0.anchors)\ntpm:\n" + $0.section } ?? "")
                    simulated:
                      measurement: ["\(measurement)"]

                    """) + restart
        }
        let name = UUID().uuidString
        let zeros = String(repeating: "00", count: 32)
        let nothing = try folder.write(text(measurement: zeros, key: zeros), to: "\(name).nothing")
        let outcome = try provision(host.address, policy: nothing, "--keep-evidence", folder("\(name).evidence"))
        try #require(outcome.status == .exited(3), "\(outcome)")
        try host.waitsAgain()
        let evidence = try EvidenceBundle(decoding: folder.read("\(name).evidence")).evidence
        let simulated = evidence.first { $0.kind == .simulated }
        let report = try #require(simulated?["report"])
        let key = try #require(simulated?["key"])
        return try folder.write(
            text(measurement: measurement ?? hexadecimal(report[76...]), key: hexadecimal(key)), to: "\(name).yaml")
    }
}

extension Transcript {
    /// The digest of an exchange with these frames.
    static func digest(of frames: [Frame]) -> [UInt8] {
        var transcript = Transcript()
        for frame in frames { transcript.append(frame, hashedBy: sha256) }
        return sha256(transcript.bytes)
    }
}

func hexadecimal(_ bytes: some Sequence<UInt8>) -> String { bytes.map { String(format: "%02x", $0) }.joined() }

/// A training that waits for its owner.
final class WaitingHost {
    let run: RunningProgram
    /// Where it waits.
    let address: String
    private var count = 0

    /// Waits until it waits.
    init(_ run: RunningProgram) throws {
        self.run = run
        var found: String?
        _ = try run.wait { run in
            found = Self.addresses(run).first
            return found != nil
        }
        address = try #require(found, "\(run.errorsSoFar)")
        count = 1
    }

    /// Waits until it waits for the next owner, after one who got nothing.
    func waitsAgain(sourceLocation: SourceLocation = #_sourceLocation) throws {
        count += 1
        let wanted = count
        #expect(
            try run.wait { Self.addresses($0).count >= wanted }, "\(run.errorsSoFar)", sourceLocation: sourceLocation)
        #expect(Self.addresses(run).count == wanted, "\(run.errorsSoFar)", sourceLocation: sourceLocation)
    }

    /// What it says of the owners that got nothing.
    var refusals: [String] {
        run.errorsSoFar.split(separator: "\n").filter { $0.contains("no key was granted") }.map(String.init)
    }

    private static func addresses(_ run: RunningProgram) -> [String] {
        run.errorsSoFar.split(separator: "\n", omittingEmptySubsequences: false).dropLast().compactMap { line in
            line.range(of: "waiting for an owner at ").map { String(line[$0.upperBound...]) }
        }
    }
}

/// Stands between owner and enclave, as the host and everybody on the way can, and does to each frame what a test wants.
final class ManInTheMiddle: Sendable {
    /// What happens to a frame; `nil` ends both connections.
    typealias Tampering = @Sendable (Frame) -> [UInt8]?

    /// What becomes of the owner's frames, and of the enclave's.
    struct Plan: Sendable {
        var owner: Tampering = { $0.encoded }
        var enclave: Tampering = { $0.encoded }
        /// Whether everything ends after the enclave's first frame.
        var endsAfterAnswer = false
    }

    private let listener: ListeningSocket
    var address: String { listener.address.description }

    init(before target: String, _ plan: Plan) throws {
        listener = try ListeningSocket(SocketAddress("127.0.0.1:0"))
        let listener = listener
        Thread.detachNewThread {
            var owner: StreamSocket?
            for _ in 0..<2000 where owner == nil {
                owner = listener.accept()
                if owner == nil { usleep(5_000) }
            }
            guard let owner, let enclave = try? StreamSocket.connect(to: SocketAddress(target)) else { return }
            var fromOwner = FrameAssembler(limit: 64 << 20)
            var fromEnclave = FrameAssembler(limit: 64 << 20)
            let answered = Shared(Atomic(false))
            let answer: Tampering = { frame in
                if plan.endsAfterAnswer, answered.value.exchange(true, ordering: .relaxed) { return nil }
                return plan.enclave(frame)
            }
            while pass(from: owner, &fromOwner, to: enclave, plan.owner),
                pass(from: enclave, &fromEnclave, to: owner, answer),
                !answered.value.load(ordering: .relaxed)
            {}
        }
    }
}

/// Passes what has arrived; tells whether there is more to come.
private func pass(
    from source: StreamSocket, _ assembler: inout FrameAssembler, to target: StreamSocket,
    _ tampering: ManInTheMiddle.Tampering
) -> Bool {
    do {
        guard let bytes = try source.receive(atMost: 1 << 20, milliseconds: 5) else { return true }
        if bytes.isEmpty { return false }
        assembler.append(bytes)
        while let frame = try assembler.next() {
            guard let changed = tampering(frame) else { return false }
            try target.send(changed)
        }
        return true
    } catch { return false }
}

/// One connection to an enclave that waits, for owners who do not keep to the rules.
struct RawOwner {
    let socket: StreamSocket
    private var assembler = FrameAssembler(limit: EnclaveMessage.maximumFrameByteCount)

    init(_ address: String) throws { socket = try StreamSocket.connect(to: SocketAddress(address)) }

    func say(_ message: OwnerMessage) throws { try socket.send(message.frame.encoded) }

    /// Waits for the enclave's next message; `nil` if the connection is closed.
    mutating func hear() throws -> Frame? {
        while true {
            if let frame = try assembler.next() { return frame }
            guard let bytes = try socket.receive(atMost: 1 << 20, milliseconds: 30_000), !bytes.isEmpty else {
                return nil
            }
            assembler.append(bytes)
        }
    }

    /// Waits for the enclave's refusal and gives its sentence.
    mutating func hearRefusal() throws -> String? {
        while let frame = try hear() {
            if case .refusal(let failure) = try EnclaveMessage(frame) { return failure.message }
        }
        return nil
    }
}

extension RawOwner {
    /// Grants keys as whoever holds them all would, without judging.
    static func grant(
        _ terms: GrantTerms, _ keys: [[UInt8]], at address: String
    ) throws -> (data: RuntimeData, refusal: String?) {
        try grant(keys, at: address) { _ in terms }
    }

    /// The same, with terms that follow what the enclave says of itself; `pause` lies between challenge and grant.
    static func grant(
        _ keys: [[UInt8]], at address: String, pause: Double = 0, on terms: (RuntimeData) -> GrantTerms
    ) throws -> (data: RuntimeData, refusal: String?) {
        var owner = try RawOwner(address)
        let challenge = OwnerMessage.challenge(Challenge(nonce: (0..<32).map { _ in UInt8.random(in: 0...255) }))
        try owner.say(challenge)
        let answer = try #require(try owner.hear())
        guard case .presentation(let presentation) = try EnclaveMessage(answer) else {
            throw CocoaError(.featureUnsupported)
        }
        let data = try RuntimeData(decoding: presentation.bundle.runtimeData)
        let transcript = Transcript.digest(of: [challenge.frame, answer])
        let encodedTerms = terms(data).encoded
        Thread.sleep(forTimeInterval: pause)
        let length = (0..<4).map { UInt8(truncatingIfNeeded: encodedTerms.count >> (8 * $0)) }
        var sender = try HPKE.Sender(
            recipientKey: Curve25519.KeyAgreement.PublicKey(rawRepresentation: data.publicKey),
            ciphersuite: .init(kem: .Curve25519_HKDF_SHA256, kdf: .HKDF_SHA256, aead: .AES_GCM_256),
            info: Data(KeyGrant.info))
        let content = length + encodedTerms + keys.joined() + [UInt8](repeating: 7, count: 32)
        try owner.say(
            .grant(
                KeyGrant(
                    transcript: transcript, encapsulatedKey: Array(sender.encapsulatedKey),
                    ciphertext: Array(sender.seal(content, authenticating: transcript)))))
        let end = try EnclaveMessage(try #require(try owner.hear()))
        if case .refusal(let failure) = end { return (data, failure.message) }
        guard case .receipt = end else { throw CocoaError(.featureUnsupported) }
        return (data, nil)
    }
}

/// Lets closures on several threads share what cannot be copied.
final class Shared<Value: ~Copyable & Sendable>: Sendable {
    let value: Value

    init(_ value: consuming Value) { self.value = value }
}
