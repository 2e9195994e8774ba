/// What an enclave is to be granted: `POST /v1/challenges`.
public struct ChallengeRequest: Hashable, Sendable, Codable {
    /// `train`, `test`, `infer` or `export`.
    public var purpose: String
    /// `namespace/name` of each, in their order.
    public var datasets: [String]
    public var config: String
    public var model: String?
    /// What comes out; the run belongs to it.
    public var output: String
    /// What the pool calls the run.
    public var run: String
    /// The lease that is to be renewed, in hexadecimal.
    public var lease: String?

    public init(
        purpose: String, datasets: [String], config: String, model: String? = nil, output: String, run: String,
        lease: String? = nil
    ) {
        self.purpose = purpose
        self.datasets = datasets
        self.config = config
        self.model = model
        self.output = output
        self.run = run
        self.lease = lease
    }
}

/// The first frame of an exchange with an enclave.
public struct ChallengeAnswer: Hashable, Sendable, Codable {
    /// A frame for the enclave.
    public var challenge: Base64
    /// What the next request brings back; nobody but the manager can read it.
    public var cookie: Base64
    /// When the exchange has to be over, in seconds since 1970.
    public var expires: Int64
    /// The kinds of evidence that are asked for; none leaves the choice to the enclave.
    public var wanted: [String]
    /// The hashes of the policies that will be gone by, by name.
    public var policies: [String: String]

    public init(
        challenge: Base64, cookie: Base64, expires: Int64, wanted: [String], policies: [String: String]
    ) {
        self.challenge = challenge
        self.cookie = cookie
        self.expires = expires
        self.wanted = wanted
        self.policies = policies
    }
}

/// A TPM says which keys it has: `POST /v1/enrolments`.
public struct EnrolmentRequest: Hashable, Sendable, Codable {
    public var cookie: Base64
    /// A frame of the enclave.
    public var enrolment: Base64

    public init(cookie: Base64, enrolment: Base64) {
        self.cookie = cookie
        self.enrolment = enrolment
    }
}

public struct EnrolmentAnswer: Hashable, Sendable, Codable {
    /// A frame for the enclave.
    public var credential: Base64
    public var cookie: Base64

    public init(credential: Base64, cookie: Base64) {
        self.credential = credential
        self.cookie = cookie
    }
}

/// An enclave's evidence: `POST /v1/attestations`, and `POST /v1/leases/{id}/renewals`.
public struct AttestationRequest: Hashable, Sendable, Codable {
    public var cookie: Base64
    /// A frame of the enclave.
    public var presentation: Base64

    public init(cookie: Base64, presentation: Base64) {
        self.cookie = cookie
        self.presentation = presentation
    }
}

public struct AttestationAnswer: Hashable, Sendable, Codable {
    /// What the request for the keys brings back.
    public var result: Base64
    public var passed: Bool
    public var decision: [FindingMessage]
    /// Until when the result counts, in seconds since 1970.
    public var expires: Int64

    public init(result: Base64, passed: Bool, decision: [FindingMessage], expires: Int64) {
        self.result = result
        self.passed = passed
        self.decision = decision
        self.expires = expires
    }
}

/// `POST /v1/releases`.
public struct ReleaseRequest: Hashable, Sendable, Codable {
    public var result: Base64

    public init(result: Base64) { self.result = result }
}

/// The leave to use the keys for a while.
public struct GrantedLease: Hashable, Sendable, Codable {
    /// 16 bytes in hexadecimal.
    public var id: String
    /// How long it lasts from now.
    public var seconds: UInt32
    /// Updates until it has to be renewed.
    public var iterations: UInt64
    /// In seconds since 1970.
    public var expires: Int64

    public init(id: String, seconds: UInt32, iterations: UInt64, expires: Int64) {
        self.id = id
        self.seconds = seconds
        self.iterations = iterations
        self.expires = expires
    }
}

/// Keys on their way to the enclave, and nobody else.
public struct ReleaseAnswer: Hashable, Sendable, Codable {
    /// A frame for the enclave.
    public var grant: Base64
    public var lease: GrantedLease
    /// Canonical JSON: the entry of the audit log, the proof that it is there, and the signed head.
    public var receipt: Base64

    public init(grant: Base64, lease: GrantedLease, receipt: Base64) {
        self.grant = grant
        self.lease = lease
        self.receipt = receipt
    }
}

/// The enclave confirms that it opened a grant: `POST /v1/receipts`.
public struct ReceiptRequest: Hashable, Sendable, Codable {
    /// In hexadecimal.
    public var lease: String
    /// A frame of the enclave.
    public var receipt: Base64

    public init(lease: String, receipt: Base64) {
        self.lease = lease
        self.receipt = receipt
    }
}

/// Where a run's mirror is.
public struct StateMessage: Hashable, Sendable, Codable {
    public var counter: UInt64
    /// 32 bytes in hexadecimal.
    public var tag: String

    public init(counter: UInt64, tag: String) {
        self.counter = counter
        self.tag = tag
    }
}

/// A run's mirror has moved on: `PUT /v1/states/{namespace}/{output}/{run}`.
public struct StateChange: Hashable, Sendable, Codable {
    /// Where it was; absent before the first state.
    public var old: StateMessage?
    public var new: StateMessage
    /// The lease under which the enclave works, in hexadecimal.
    public var lease: String
    /// HMAC-SHA-256 with the key of the newest grant's receipt over `plinius/1/state`, the lease, and both states (`u64`, little-endian, then
    /// the tag; zeros for none), 32 bytes.
    public var proof: Base64

    public init(old: StateMessage?, new: StateMessage, lease: String, proof: Base64) {
        self.old = old
        self.new = new
        self.lease = lease
        self.proof = proof
    }
}

/// That something was done, where there is nothing to tell.
public struct Acknowledgement: Hashable, Sendable, Codable {
    public var done: Bool

    public init(done: Bool = true) { self.done = done }
}
