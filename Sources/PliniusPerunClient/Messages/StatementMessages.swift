/// An owner's signature under a statement.
public struct SignatureMessage: Hashable, Sendable, Codable {
    /// `ed25519:` or `p256:`, and the public key in hexadecimal.
    public var key: String
    public var signature: Base64

    public init(key: String, signature: Base64) {
        self.key = key
        self.signature = signature
    }
}

/// A secret on its way to the manager alone (RFC 9180).
public struct SealedSecret: Hashable, Sendable, Codable {
    public var encapsulatedKey: Base64
    public var ciphertext: Base64

    public init(encapsulatedKey: Base64, ciphertext: Base64) {
        self.encapsulatedKey = encapsulatedKey
        self.ciphertext = ciphertext
    }
}

/// What an owner says, or signatures under what was said: `POST /v1/statements`.
public struct StatementRequest: Hashable, Sendable, Codable {
    /// Canonical JSON.
    public var statement: Base64
    public var signatures: [SignatureMessage]
    /// A policy as it was written, for showing.
    public var source: String?
    /// An asset's key: HPKE to the manager's key, with `perun/1/upload` as info and the statement's hash as authenticated data.
    public var sealedKey: SealedSecret?

    public init(
        statement: Base64, signatures: [SignatureMessage], source: String? = nil,
        sealedKey: SealedSecret? = nil
    ) {
        self.statement = statement
        self.signatures = signatures
        self.source = source
        self.sealedKey = sealedKey
    }
}

/// How far a statement counts.
public struct StatementStanding: Hashable, Sendable, Codable {
    /// 64 hexadecimal digits.
    public var hash: String
    public var type: String
    public var namespace: String
    /// What it is about: `policy/training`.
    public var subject: String
    /// `pending`, `locked`, `active`, `replaced`, `vetoed` or `outrun`.
    public var status: String
    /// What is missing, in words.
    public var needs: [String]
    /// When it will count, in seconds since 1970.
    public var lockedUntil: Int64?
    /// The keys that signed it or approve of it.
    public var signers: [String]

    public init(
        hash: String, type: String, namespace: String, subject: String, status: String, needs: [String],
        lockedUntil: Int64?, signers: [String]
    ) {
        self.hash = hash
        self.type = type
        self.namespace = namespace
        self.subject = subject
        self.status = status
        self.needs = needs
        self.lockedUntil = lockedUntil
        self.signers = signers
    }
}

/// A statement with all that stands beside it: `GET /v1/statements/{hash}`.
public struct StatementAnswer: Hashable, Sendable, Codable {
    public var standing: StatementStanding
    /// Canonical JSON.
    public var statement: Base64
    public var signatures: [SignatureMessage]
    public var source: String?
    /// In seconds since 1970.
    public var received: Int64

    public init(
        standing: StatementStanding, statement: Base64, signatures: [SignatureMessage], source: String?, received: Int64
    ) {
        self.standing = standing
        self.statement = statement
        self.signatures = signatures
        self.source = source
        self.received = received
    }
}

public struct StandingList: Hashable, Sendable, Codable {
    public var statements: [StatementStanding]

    public init(statements: [StatementStanding]) { self.statements = statements }
}
