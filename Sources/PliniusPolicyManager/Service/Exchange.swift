internal import FoundationEssentials
public import PliniusPolicy
public import PliniusVerifier
public import PliniusWire

/// What keys are asked for.
public struct KeyRequest: Hashable, Sendable, Codable {
    public var purpose: RuntimeData.Purpose
    /// In the order in which the run reads them.
    public var datasets: [ScopedName]
    public var config: ScopedName
    public var model: ScopedName?
    /// What comes out, the model itself where nothing does; the run is called by it.
    public var output: ScopedName
    /// What the pool calls the run.
    public var run: String
    /// The lease to be renewed, 16 bytes; `nil` for a new one.
    public var lease: [UInt8]?

    public init(
        purpose: RuntimeData.Purpose, datasets: [ScopedName], config: ScopedName, model: ScopedName? = nil,
        output: ScopedName, run: String, lease: [UInt8]? = nil
    ) {
        self.purpose = purpose
        self.datasets = datasets
        self.config = config
        self.model = model
        self.output = output
        self.run = run
        self.lease = lease
    }

    private enum CodingKeys: String, CodingKey { case purpose, datasets, config, model, output, run, lease }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let number = try container.decode(UInt8.self, forKey: .purpose)
        guard let purpose = RuntimeData.Purpose(rawValue: number) else {
            throw DecodingError.dataCorruptedError(forKey: .purpose, in: container, debugDescription: "no purpose")
        }
        self.init(
            purpose: purpose, datasets: try container.decode([ScopedName].self, forKey: .datasets),
            config: try container.decode(ScopedName.self, forKey: .config),
            model: try container.decodeIfPresent(ScopedName.self, forKey: .model),
            output: try container.decode(ScopedName.self, forKey: .output),
            run: try container.decode(String.self, forKey: .run),
            lease: try container.decodeIfPresent([UInt8].self, forKey: .lease))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(purpose.rawValue, forKey: .purpose)
        try container.encode(datasets, forKey: .datasets)
        try container.encode(config, forKey: .config)
        try container.encodeIfPresent(model, forKey: .model)
        try container.encode(output, forKey: .output)
        try container.encode(run, forKey: .run)
        try container.encodeIfPresent(lease, forKey: .lease)
    }

    /// Whether the run is called by what comes out, or by the model where nothing does.
    var namesItsRun: Bool { purpose.makesAssets || output == model }

    /// What policies decide about.
    ///
    /// A model that is tested is not made from the data that it is tested on.
    func request(isNew: Bool) -> Request {
        Request(
            purpose: purpose, datasets: datasets, config: config, model: model,
            output: purpose.makesAssets ? output : nil, runName: run, isNew: isNew)
    }
}

extension RuntimeData.Purpose {
    /// Whether something comes out that has an owner.
    fileprivate var makesAssets: Bool { self == .train || self == .infer }
}

/// The beginning of an exchange with an enclave.
public struct BegunExchange: Sendable {
    /// A frame for the enclave.
    public let challenge: [UInt8]
    /// What the client brings back.
    public let cookie: [UInt8]
    public let expires: Instant
    public let wanted: [Evidence.Kind]
    /// The policies that will be gone by, and the hashes of their statements.
    public let policies: [ScopedName: [UInt8]]
}

/// Evidence that convinces all owners.
public struct JudgedExchange: Sendable {
    /// What fetches the keys.
    public let result: [UInt8]
    public let decision: Decision
    public let expires: Instant
}

/// Keys on their way.
public struct Release: Sendable {
    /// A frame for the enclave.
    public let grant: [UInt8]
    public let lease: LeaseRecord
    /// That the release is in the log.
    public let receipt: AuditReceipt
}

/// What a client carries from one request of an exchange to the next, for the service's eyes only.
struct ExchangeState: Codable {
    var request: KeyRequest
    /// The challenge's frame, encoded.
    var challenge: [UInt8]
    var issued: Int64
    var life: Int64
    /// ``Transcript/bytes`` so far.
    var transcript: [UInt8]
    /// Of a TPM that has yet to give a secret back.
    var pending: PendingActivation.Kept?

    static let use = "exchange"

    func sealed(by vault: Vault) throws -> [UInt8] {
        vault.sealCookie(Array(try JSONEncoder().encode(self)), for: Self.use)
    }

    /// Opens a cookie whose exchange is not over.
    /// - Throws: ``ManagerError`` or ``Refusal``.
    init(opening cookie: [UInt8], with vault: Vault, at now: Instant) throws {
        let bytes = try vault.openCookie(cookie, for: Self.use)
        guard let state = try? JSONDecoder().decode(Self.self, from: Data(bytes)) else {
            throw ManagerError(.forbidden, "the cookie is of another version of this service: begin again")
        }
        self = state
        let age = now.seconds - issued
        guard (0...life).contains(age) else {
            throw Refusal(
                .forbidden, "bundle.expiry", expected: "an answer within \(life) s", found: "one after \(age) s")
        }
    }

    init(request: KeyRequest, issued: IssuedChallenge, frame: Frame) {
        var transcript = Transcript()
        transcript.append(frame)
        self.request = request
        challenge = frame.encoded
        self.issued = issued.issued.seconds
        life = issued.life
        self.transcript = transcript.bytes
    }

    /// The challenge as it was made.
    func issuedChallenge() throws -> IssuedChallenge {
        guard
            case .challenge(let challenge) = try OwnerMessage(
                Self.frame(challenge, atMost: OwnerMessage.maximumFrameByteCount))
        else { throw ManagerError(.forbidden, "the cookie has no challenge: begin again") }
        return IssuedChallenge(challenge, issued: Instant(seconds: issued), life: life)
    }

    /// The one frame that bytes are.
    /// - Throws: ``Refusal`` with the check `exchange.frame`.
    static func frame(_ bytes: [UInt8], atMost limit: Int) throws -> Frame {
        var assembler = FrameAssembler(limit: limit)
        assembler.append(bytes)
        do throws(WireError) {
            if let frame = try assembler.next(), assembler.isBetweenFrames { return frame }
        } catch {
            throw Refusal(.malformed, "exchange.frame", expected: "a frame of an enclave", found: "\(error)")
        }
        throw Refusal(
            .malformed, "exchange.frame", expected: "one frame of an enclave",
            found: "\(bytes.count) bytes of something else")
    }

    /// What an enclave says in a frame.
    static func message(_ bytes: [UInt8]) throws -> (EnclaveMessage, Frame) {
        let frame = try frame(bytes, atMost: EnclaveMessage.maximumFrameByteCount)
        let message: EnclaveMessage
        do throws(WireError) { message = try EnclaveMessage(frame) } catch {
            throw Refusal(.malformed, "exchange.frame", expected: "a message of an enclave", found: "\(error)")
        }
        if case .refusal(let failure) = message {
            throw Refusal(
                .malformed, "exchange.frame", expected: "an answer to the challenge",
                found: "the enclave refuses: \(failure.message.prefix(512))")
        }
        return (message, frame)
    }
}
