/// A namespace or a policy, and the statement that counts for it.
public struct NamedStatement: Hashable, Sendable, Codable {
    public var name: String
    /// The statement's hash.
    public var statement: String
    /// Counts the statements that the name has had.
    public var version: Int
    /// Since when it counts, in seconds since 1970.
    public var since: Int64

    public init(name: String, statement: String, version: Int, since: Int64) {
        self.name = name
        self.statement = statement
        self.version = version
        self.since = since
    }
}

public struct NamespaceList: Hashable, Sendable, Codable {
    public var namespaces: [NamedStatement]

    public init(namespaces: [NamedStatement]) { self.namespaces = namespaces }
}

public struct PolicyList: Hashable, Sendable, Codable {
    public var policies: [NamedStatement]

    public init(policies: [NamedStatement]) { self.policies = policies }
}

/// A policy in words: `GET /v1/policies/{namespace}/{name}/explain`.
public struct PolicyExplanation: Hashable, Sendable, Codable {
    public var policy: String
    public var text: String
    /// What its author may not have meant.
    public var warnings: [String]

    public init(policy: String, text: String, warnings: [String]) {
        self.policy = policy
        self.text = text
        self.warnings = warnings
    }
}

public struct AssetMessage: Hashable, Sendable, Codable {
    public var name: String
    public var kind: String
    public var identity: String
    /// The policy that says who may use it.
    public var policy: String?
    public var lineage: [String]
    /// Whether the manager has its secret key.
    public var hasKey: Bool
    public var isWithdrawn: Bool
    public var statement: String
    public var version: Int

    public init(
        name: String, kind: String, identity: String, policy: String?, lineage: [String], hasKey: Bool,
        isWithdrawn: Bool, statement: String, version: Int
    ) {
        self.name = name
        self.kind = kind
        self.identity = identity
        self.policy = policy
        self.lineage = lineage
        self.hasKey = hasKey
        self.isWithdrawn = isWithdrawn
        self.statement = statement
        self.version = version
    }
}

public struct AssetList: Hashable, Sendable, Codable {
    public var assets: [AssetMessage]

    public init(assets: [AssetMessage]) { self.assets = assets }
}

/// A manager that an owner lets take over.
public struct StandbyMessage: Hashable, Sendable, Codable {
    /// `namespace/name`.
    public var name: String
    /// Its X25519 key, in hexadecimal.
    public var sealingKey: String
    /// Whether every owner names it whose keys the manager has: the root key is sealed for it then, and goes into backups.
    public var isSealed: Bool
    public var statement: String
    public var version: Int

    public init(name: String, sealingKey: String, isSealed: Bool, statement: String, version: Int) {
        self.name = name
        self.sealingKey = sealingKey
        self.isSealed = isSealed
        self.statement = statement
        self.version = version
    }
}

public struct StandbyList: Hashable, Sendable, Codable {
    public var standbys: [StandbyMessage]

    public init(standbys: [StandbyMessage]) { self.standbys = standbys }
}

public struct LeaseMessage: Hashable, Sendable, Codable {
    public var id: String
    /// `namespace/output#run`.
    public var run: String
    public var purpose: String
    /// `live`, `superseded`, `revoked` or `expired`.
    public var state: String
    public var seconds: UInt32
    public var iterations: UInt64
    public var assets: [String]
    public var begun: Int64
    public var renewed: Int64
    public var expires: Int64
    public var renewals: Int
    /// Why it is not live any more.
    public var reason: String?

    public init(
        id: String, run: String, purpose: String, state: String, seconds: UInt32, iterations: UInt64, assets: [String],
        begun: Int64, renewed: Int64, expires: Int64, renewals: Int, reason: String?
    ) {
        self.id = id
        self.run = run
        self.purpose = purpose
        self.state = state
        self.seconds = seconds
        self.iterations = iterations
        self.assets = assets
        self.begun = begun
        self.renewed = renewed
        self.expires = expires
        self.renewals = renewals
        self.reason = reason
    }
}

public struct LeaseList: Hashable, Sendable, Codable {
    public var leases: [LeaseMessage]

    public init(leases: [LeaseMessage]) { self.leases = leases }
}

/// Statements of others that the verifier goes by: `POST /v1/collateral`.
public struct CollateralRequest: Hashable, Sendable, Codable {
    /// The bundle's bytes.
    public var bundle: Base64

    public init(bundle: Base64) { self.bundle = bundle }
}

public struct CollateralAnswer: Hashable, Sendable, Codable {
    /// What the bundle calls itself.
    public var name: String
    public var issued: Int64
    public var expires: Int64

    public init(name: String, issued: Int64, expires: Int64) {
        self.name = name
        self.issued = issued
        self.expires = expires
    }
}

/// What the manager says of itself: `GET /v1/attestation`.
public struct SelfAttestation: Hashable, Sendable, Codable {
    /// An encoded bundle of evidence that binds all below, and the nonce; absent where the manager runs unprotected.
    public var evidence: Base64?
    /// SHA-256 of the TLS certificate's DER, in hexadecimal.
    public var certificate: String
    /// The X25519 key that secrets are sealed to, in hexadecimal.
    public var sealingKey: String
    /// The Ed25519 key that signs the audit log's heads, in hexadecimal.
    public var auditKey: String
    /// Whether anything but the mode of a file keeps the manager's root key.
    public var isProtected: Bool

    public init(evidence: Base64?, certificate: String, sealingKey: String, auditKey: String, isProtected: Bool) {
        self.evidence = evidence
        self.certificate = certificate
        self.sealingKey = sealingKey
        self.auditKey = auditKey
        self.isProtected = isProtected
    }
}

/// `GET /v1/health`.
public struct Health: Hashable, Sendable, Codable {
    /// `ready`, or `locked` until owners have handed in their shares of the root key.
    public var status: String
    public var version: String

    public init(status: String, version: String) {
        self.status = status
        self.version = version
    }
}

/// How many shares of its root key a locked manager has, and lacks.
public struct UnlockStanding: Hashable, Sendable, Codable {
    /// The name of the sharing, in hexadecimal.
    public var set: String
    /// How many it takes.
    public var threshold: Int
    /// The numbers of those that are in.
    public var shares: [Int]
    /// How many more it takes; 0 for a manager that begins its work.
    public var missing: Int

    public init(set: String, threshold: Int, shares: [Int], missing: Int) {
        self.set = set
        self.threshold = threshold
        self.shares = shares
        self.missing = missing
    }
}

/// What a locked manager says of itself: `GET /v1/unlock`.
public struct LockedAttestation: Hashable, Sendable, Codable {
    /// An encoded bundle of evidence that binds certificate, key, sharing and nonce; absent where the manager runs unprotected.
    public var evidence: Base64?
    /// SHA-256 of the TLS certificate's DER, in hexadecimal: drawn at this start, if the service keeps its own in the store.
    public var certificate: String
    /// The X25519 key that shares are sealed to, in hexadecimal: drawn at this start.
    public var sealingKey: String
    public var standing: UnlockStanding

    public init(evidence: Base64?, certificate: String, sealingKey: String, standing: UnlockStanding) {
        self.evidence = evidence
        self.certificate = certificate
        self.sealingKey = sealingKey
        self.standing = standing
    }
}

/// An owner hands in a share: `POST /v1/unlock`.
public struct UnlockRequest: Hashable, Sendable, Codable {
    /// Sealed to the locked manager's key.
    public var share: SealedSecret

    public init(share: SealedSecret) { self.share = share }
}
