public import PliniusVerifier

/// Something that an owner says; it counts once enough of the owner's board have signed it.
///
/// What is said is an object in canonical JSON, and signatures stand beside it, so that they can come one after the other, from whoever
/// has the bytes.
public struct Statement: Hashable, Sendable {
    /// The owner who says it.
    public var namespace: String
    /// When it was written, by the clock of whoever did; nothing is decided by it.
    public var issued: Instant
    /// 1 for the first statement about its subject, one more for each that replaces another; any number from 1 where nothing is replaced.
    public var sequence: Int64
    /// The statement that it replaces, so that history has one line; `nil` for the first, and where nothing is replaced.
    public var predecessor: StatementHash?
    public var content: Content

    /// What is said.
    public enum Content: Hashable, Sendable {
        /// Who may speak for the owner from now on.
        case namespace(Namespace)
        /// Under which conditions assets are used: the canonical document of an ``OwnerPolicy``.
        case policy(name: String, document: CanonicalJSON)
        case asset(Asset)
        /// No longer to be used by anybody.
        case withdraw(asset: String)
        /// The signers agree to another statement.
        case approval(subject: StatementHash)
        /// The signers refuse another statement.
        case veto(subject: StatementHash)
        /// Nothing more is released; counts at once, with one signature.
        case stop(Stop)
        /// Lifts a stop.
        case resume(stop: StatementHash)
        /// The owner vouches for where a machine stands.
        case platform(Platform)
        /// The owner names a manager that may take over.
        case standby(Standby)
    }

    /// How long a statement may be, in bytes; policies have lists of files in them.
    public static let maximumByteCount = 24 << 20

    public init(
        namespace: String, issued: Instant, sequence: Int64 = 1, predecessor: StatementHash? = nil, _ content: Content
    ) {
        self.namespace = namespace
        self.issued = issued
        self.sequence = sequence
        self.predecessor = predecessor
        self.content = content
    }

    /// Names the statement; computed anew from the canonical bytes.
    public var hash: StatementHash { StatementHash(of: encoded) }
}

// MARK: - What the statements say

extension Statement {
    /// Who may speak for an owner.
    public struct Namespace: Hashable, Sendable {
        public var board: Board
        /// Every key of the owner; each alone may stop what the owner's assets take part in.
        public var keys: Set<OwnerKey>

        public static let maximumKeys = Board.maximumKeys

        public init(board: Board, keys: Set<OwnerKey>) {
            self.board = board
            self.keys = keys
        }
    }

    /// What is to stand still.
    public struct Stop: Hashable, Sendable {
        public enum Scope: Hashable, Sendable {
            /// Everything that the owner's assets take part in.
            case namespace
            /// What one of the owner's assets takes part in, by its name.
            case asset(String)
            /// One run, as far as the owner's assets take part in it.
            case run(Run)
        }

        public var scope: Scope
        /// For people.
        public var reason: String

        public init(_ scope: Scope, reason: String) {
            self.scope = scope
            self.reason = reason
        }
    }

    /// Where a machine stands, as the owner of this namespace vouches.
    public struct Platform: Hashable, Sendable {
        /// What evidence proves of the machine: the name of its TPM's attestation key, an AMD chip's identifier, or an Intel platform's (PPID).
        public var id: [UInt8]
        /// A name of the owner's: policies ask for `namespace/region`.
        public var region: String
        /// For people.
        public var host: String

        /// The lengths of names of TPM keys, of chips' identifiers, and of platforms'.
        public static let idByteCounts: Set<Int> = [34, 50, 66, 64, 16]

        public init(id: [UInt8], region: String, host: String) {
            self.id = id
            self.region = region
            self.host = host
        }
    }

    /// A manager that may take over with a copy of the store.
    public struct Standby: Hashable, Sendable {
        public var name: String
        /// What the root key may be sealed to: X25519, 32 bytes.
        public var sealingKey: [UInt8]

        public init(name: String, sealingKey: [UInt8]) {
            self.name = name
            self.sealingKey = sealingKey
        }
    }

    /// What a statement is about: each has one line of statements, in which each replaces the one before.
    public enum Subject: Hashable, Sendable {
        case namespace
        case policy(String)
        case asset(String)
        case platform([UInt8])
        case standby(String)
    }

    /// What it is about; `nil` for statements that replace nothing: approvals, vetoes, stops and their ends.
    public var subject: Subject? {
        switch content {
        case .namespace: .namespace
        case .policy(let name, _): .policy(name)
        case .asset(let asset): .asset(asset.name.name)
        case .withdraw(let asset): .asset(asset)
        case .platform(let platform): .platform(platform.id)
        case .standby(let standby): .standby(standby.name)
        case .approval, .veto, .stop, .resume: nil
        }
    }
}

extension Statement.Subject: CustomStringConvertible {
    /// For stores and lists: `policy/training`.
    public var description: String {
        switch self {
        case .namespace: "namespace"
        case .policy(let name): "policy/\(name)"
        case .asset(let name): "asset/\(name)"
        case .platform(let id): "platform/\(hexadecimal(id))"
        case .standby(let name): "standby/\(name)"
        }
    }
}
