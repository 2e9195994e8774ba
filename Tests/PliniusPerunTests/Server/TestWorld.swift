import Crypto
import FoundationEssentials
import PliniusPerunClient
import PliniusPolicy
import PliniusPolicyManager
import PliniusVerifier
import PliniusWire
import Testing

/// Two hospitals and a lab, and an enclave that trains on the data of both.
struct TestWorld: Sendable {
    let hospitalA = OwnerSigningKey()
    let hospitalB = OwnerSigningKey.p256(P256.Signing.PrivateKey())
    let lab = OwnerSigningKey()
    /// What signs simulated evidence.
    let platform = Curve25519.Signing.PrivateKey()
    var program = [UInt8](repeating: 7, count: 32)
    let datasetA = [UInt8](repeating: 0xA, count: 16)
    let datasetB = [UInt8](repeating: 0xB, count: 16)
    let config = [UInt8](repeating: 3, count: 32)
    var issued: Int64 = 1_799_000_000
    /// What every owner asks of the machine.
    var level = "test"
    /// Lines below `environment`; simulated evidence of ``platform`` if there are none.
    var environment: [String] = []
    /// The files that they name.
    var files: [String: [UInt8]] = [:]

    var challenge: ChallengeRequest {
        ChallengeRequest(
            purpose: "train", datasets: ["hospital-a/scans", "hospital-b/scans"], config: "lab/net",
            output: "lab/model", run: "night")
    }

    // MARK: Statements

    func key(of namespace: String) -> OwnerSigningKey {
        ["hospital-a": hospitalA, "hospital-b": hospitalB][namespace] ?? lab
    }

    func name(_ text: String) throws -> ScopedName { try #require(ScopedName(text)) }

    func statement(
        _ namespace: String, _ content: Statement.Content, sequence: Int64 = 1, predecessor: StatementHash? = nil
    ) -> Statement {
        Statement(
            namespace: namespace, issued: Instant(seconds: issued), sequence: sequence, predecessor: predecessor,
            content)
    }

    func request(
        _ statement: Statement, by keys: [OwnerSigningKey]? = nil, source: String? = nil, sealedKey: SealedSecret? = nil
    ) throws -> StatementRequest {
        let keys = keys ?? [key(of: statement.namespace)]
        return StatementRequest(
            statement: Base64(statement.encoded),
            signatures: try keys.map { key in
                let signature = try key.sign(statement.hash)
                return SignatureMessage(key: signature.key.description, signature: Base64(signature.bytes))
            }, source: source, sealedKey: sealedKey)
    }

    func founding(_ namespace: String, timeLock: Int64 = 0) throws -> Statement {
        let key = key(of: namespace).publicKey
        return statement(
            namespace, .namespace(.init(board: try Board(.key(key), timeLock: timeLock), keys: [key])))
    }

    private var environmentLines: [String] {
        guard environment.isEmpty else { return environment }
        return [
            "evidence: [simulated]",
            "anchors: { simulated: [\"\(hex(Array(platform.publicKey.rawRepresentation)))\"] }",
            "simulated: { measurement: [\"\(hex(program))\"] }",
        ]
    }

    func yaml(_ namespace: String, change: (inout String) -> Void = { _ in }) -> String {
        var yaml = """
            version: 1
            policy: \(namespace)/training
            change: { key: "\(key(of: namespace).publicKey)" }
            uses:
              - purpose: train
                level: \(level)
                partners: [ "*/*" ]
                outcome: lab
                runs: 2
                window: always
                regions: any
                lease: { seconds: 60, iterations: 1000 }
                environment:
            \(environmentLines.map { "      \($0)" }.joined(separator: "\n"))

            """
        change(&yaml)
        return yaml
    }

    func policy(
        _ namespace: String, sequence: Int64 = 1, predecessor: StatementHash? = nil,
        change: (inout String) -> Void = { _ in }
    ) throws -> (statement: Statement, source: String) {
        let source = yaml(namespace, change: change)
        let policy = try OwnerPolicy(yaml: source, file: "policy.yaml") { name in try #require(files[name]) }
        return (
            statement(
                namespace, .policy(name: "training", document: policy.document), sequence: sequence,
                predecessor: predecessor), source
        )
    }

    func asset(
        _ name: String, _ kind: Asset.Kind, _ identity: String, lineage: [String] = [], secret: Asset.Secret
    ) throws -> Statement {
        let name = try self.name(name)
        let asset = Asset(
            name: name, kind: kind, identity: identity,
            policy: ScopedName(namespace: name.namespace, name: "training"),
            lineage: try lineage.map { try self.name($0) }, secret: secret)
        return statement(name.namespace, .asset(asset))
    }

    /// Everything that the request of ``challenge`` rests on.
    func establish(with client: PerunClient) async throws {
        for namespace in ["hospital-a", "hospital-b", "lab"] {
            _ = try await client.submit(request(founding(namespace)))
            let policy = try policy(namespace)
            _ = try await client.submit(request(policy.statement, source: policy.source))
        }
        let assets = [
            try asset("hospital-a/scans", .dataset, hex(datasetA), secret: .generated),
            try asset("hospital-b/scans", .dataset, hex(datasetB), secret: .generated),
            try asset("lab/net", .config, hex(config), secret: .none),
            try asset(
                "lab/model", .model, "night", lineage: ["hospital-a/scans", "hospital-b/scans"], secret: .generated),
        ]
        for asset in assets { #expect(try await client.submit(request(asset)).status == "active") }
    }

    // MARK: The exchange

    func enclave() -> SimulatedEnclave { SimulatedEnclave(world: self) }

    /// A whole exchange.
    func exchange(
        with client: PerunClient, _ request: ChallengeRequest? = nil,
        change: (inout RuntimeData) -> Void = { _ in }
    ) async throws -> (answer: ReleaseAnswer, enclave: SimulatedEnclave) {
        var enclave = enclave()
        let begun = try await client.challenge(request ?? challenge)
        let presentation = try enclave.answer(begun.challenge.bytes, change: change)
        let judged = try await client.attest(
            AttestationRequest(cookie: begun.cookie, presentation: Base64(presentation)))
        let answer = try await client.release(ReleaseRequest(result: judged.result))
        return (answer, enclave)
    }

    /// What makes runtime data those of a run that goes on.
    func resumed(_ counter: UInt64, tag: UInt8 = 1, lease: String? = nil) -> (inout RuntimeData) -> Void {
        { data in
            data.runID = [UInt8](repeating: 9, count: 16)
            data.state = MirrorState(counter: counter, tag: [UInt8](repeating: tag, count: 32))
            data.leaseID =
                lease.map { text in
                    stride(from: 0, to: text.utf8.count, by: 2).map { place in
                        let start = text.index(text.startIndex, offsetBy: place)
                        return UInt8(text[start..<text.index(start, offsetBy: 2)], radix: 16) ?? 0
                    }
                } ?? []
        }
    }
}

func hex(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

/// An enclave as the simulation makes one, with its own key and its own view of what was said.
struct SimulatedEnclave: Sendable {
    let world: TestWorld
    let key = Curve25519.KeyAgreement.PrivateKey()
    private(set) var transcript = Transcript()

    init(world: TestWorld) { self.world = world }

    /// The one frame that bytes are.
    static func frame(_ bytes: [UInt8]) throws -> Frame {
        var assembler = FrameAssembler(limit: 64 << 20)
        assembler.append(bytes)
        return try #require(try assembler.next())
    }

    /// Takes what the owner's side says.
    mutating func hear(_ bytes: [UInt8]) throws -> OwnerMessage {
        let frame = try Self.frame(bytes)
        transcript.append(frame)
        return try OwnerMessage(frame)
    }

    /// Says something.
    /// - Returns: The frame.
    mutating func say(_ message: EnclaveMessage) -> [UInt8] {
        transcript.append(message.frame)
        return message.frame.encoded
    }

    /// What the evidence binds.
    func runtimeData(_ challenge: Challenge, change: (inout RuntimeData) -> Void) -> RuntimeData {
        var data = RuntimeData()
        data.nonce = challenge.nonce
        data.publicKey = Array(key.publicKey.rawRepresentation)
        data.configDigest = world.config
        data.datasetIDs = [world.datasetA, world.datasetB]
        data.runName = "night"
        change(&data)
        return data
    }

    mutating func answer(
        _ challenge: [UInt8], change: (inout RuntimeData) -> Void = { _ in },
        evidence: (inout [Evidence]) -> Void = { _ in }
    ) throws -> [UInt8] {
        guard case .challenge(let message) = try hear(challenge) else { throw CancellationError() }
        let data = runtimeData(message, change: change)
        let report = Array("PLINSIM1".utf8) + [1, 0, 0, 0] + Array(SHA512.hash(data: data.encoded)) + world.program
        var all = [
            Evidence(
                .simulated,
                [
                    "report": report, "signature": Array(try world.platform.signature(for: report)),
                    "key": Array(world.platform.publicKey.rawRepresentation),
                ])
        ]
        evidence(&all)
        return say(
            .presentation(try Presentation(bundle: EvidenceBundle(runtimeData: data.encoded, evidence: all))))
    }

    struct Opened {
        let terms: GrantTerms
        let keys: [[UInt8]]
        let receiptKey: [UInt8]
        let receipt: [UInt8]
    }

    /// Opens a grant by RFC 9180's own words.
    func open(_ bytes: [UInt8], info: String = "plinius/2/grant") throws -> Opened {
        let frame = try Self.frame(bytes)
        guard case .grant(let grant) = try OwnerMessage(frame) else { throw CancellationError() }
        let digest = Array(SHA256.hash(data: transcript.bytes))
        guard grant.transcript == digest else { throw CancellationError() }
        var recipient = try HPKE.Recipient(
            privateKey: key, ciphersuite: .init(kem: .Curve25519_HKDF_SHA256, kdf: .HKDF_SHA256, aead: .AES_GCM_256),
            info: Data(info.utf8), encapsulatedKey: Data(grant.encapsulatedKey))
        let content = Array(try recipient.open(Data(grant.ciphertext), authenticating: Data(digest)))
        let length = Int(content[0]) | Int(content[1]) << 8
        let terms = try GrantTerms(decoding: Array(content[4..<4 + length]))
        #expect(content.count == 4 + length + 32 * (terms.keys.count + 1))
        let keys = stride(from: 4 + length, to: content.count, by: 32).map { Array(content[$0..<$0 + 32]) }
        var after = transcript
        after.append(frame)
        let receiptKey = keys[keys.count - 1]
        let proof = HMAC<SHA256>.authenticationCode(
            for: Data(SHA256.hash(data: after.bytes)), using: SymmetricKey(data: receiptKey))
        return Opened(
            terms: terms, keys: keys.dropLast(), receiptKey: receiptKey,
            receipt: EnclaveMessage.receipt(Receipt(proof: Array(proof))).frame.encoded)
    }
}
