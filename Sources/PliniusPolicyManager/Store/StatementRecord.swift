public import PliniusVerifier

/// A statement as the store keeps it: what was said, and how far it counts.
public struct StatementRecord: Hashable, Sendable {
    /// How far a statement counts.
    public enum Status: String, Hashable, Sendable, CaseIterable {
        /// Approvals are missing.
        case pending
        /// Approved, and waiting for its time lock to end.
        case locked
        /// It counts.
        case active
        /// Another statement has taken its place.
        case replaced
        /// Turned down by a veto.
        case vetoed
        /// Another statement took the place that it wanted.
        case outrun
    }

    /// SHA-256 of ``content``, 32 bytes.
    public let hash: [UInt8]
    /// The canonical bytes that were signed.
    public let content: [UInt8]
    public let type: String
    public let namespace: String
    /// What it is about: a name in the namespace, or another statement's hash.
    public let subject: String
    public let sequence: Int64
    /// The hash of the statement that it replaces.
    public let predecessor: [UInt8]?
    public let issued: Instant
    public let received: Instant
    public var status: Status
    /// When it will count, of a locked one.
    public var lockedUntil: Instant?
    /// A policy as its author wrote it.
    public let source: String?

    public init(
        hash: [UInt8], content: [UInt8], type: String, namespace: String, subject: String, sequence: Int64,
        predecessor: [UInt8]?, issued: Instant, received: Instant, status: Status, lockedUntil: Instant? = nil,
        source: String? = nil
    ) {
        self.hash = hash
        self.content = content
        self.type = type
        self.namespace = namespace
        self.subject = subject
        self.sequence = sequence
        self.predecessor = predecessor
        self.issued = issued
        self.received = received
        self.status = status
        self.lockedUntil = lockedUntil
        self.source = source
    }
}

/// A signature under a statement, as it came in.
public struct SignatureRecord: Hashable, Sendable {
    /// The text form of the key.
    public let key: String
    public let signature: [UInt8]
    public let received: Instant

    public init(key: String, signature: [UInt8], received: Instant) {
        self.key = key
        self.signature = signature
        self.received = received
    }
}

/// What a name means now: the statement that counts.
public struct CurrentRecord: Hashable, Sendable {
    /// `namespace`, `policy`, `asset`, `platform` or `standby`.
    public let kind: String
    public let name: String
    /// The hash of the statement.
    public let statement: [UInt8]
    /// Counts the statements that the name has had.
    public let version: Int
    public let since: Instant
    /// The hash of the statement that withdrew it.
    public let withdrawn: [UInt8]?
}

/// A stop that was not lifted.
public struct StopRecord: Hashable, Sendable {
    public let scope: StopScope
    /// The namespace, the asset or the run.
    public let name: String
    /// The hash of the statement.
    public let statement: [UInt8]
    public let reason: String
    public let since: Instant
}

/// What a stop stops.
public enum StopScope: String, Hashable, Sendable, CaseIterable {
    case namespace, asset, run
}
