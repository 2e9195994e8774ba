import Crypto
import PliniusVerifier

/// Something of an owner's that takes part in runs, or comes out of one.
public struct Asset: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        case dataset, config, code, model, input, output
    }

    /// Where the asset's secret key comes from.
    public enum Secret: Hashable, Sendable {
        /// There is none.
        case none
        /// The manager makes it; no owner sees it.
        case generated
        /// An owner uploads the key of which this is the commitment, 32 bytes.
        case uploaded([UInt8])

        /// What a statement says of a key that is uploaded beside it, so that nobody can put another in its place.
        /// - Parameter key: 32 random bytes; of a guessable key the commitment would tell.
        public static func commitment(to key: [UInt8]) -> [UInt8] {
            Array(SHA256.hash(data: Array("perun/1/key\0".utf8) + key))
        }
    }

    public var name: ScopedName
    public var kind: Kind
    /// What it is called in evidence and in the pool: 32 hexadecimal digits for a data set or an input, 64 for a config, a measurement's for
    /// code, the name of a run for a model or an output.
    public var identity: String
    /// The one policy of the same namespace that says who may use it; nobody may without.
    public var policy: ScopedName?
    /// What it was, or will be, made from.
    public var lineage: [ScopedName]
    public var secret: Secret

    /// How many assets one may be made from at once.
    public static let maximumLineage = 256

    public init(
        name: ScopedName, kind: Kind, identity: String, policy: ScopedName? = nil, lineage: [ScopedName] = [],
        secret: Secret = .none
    ) {
        self.name = name
        self.kind = kind
        self.identity = identity
        self.policy = policy
        self.lineage = lineage
        self.secret = secret
    }

    /// The identity in bytes, of kinds whose identity is bytes.
    public var identityBytes: [UInt8]? {
        kind.identityByteCounts.isEmpty ? nil : bytes(hexadecimal: identity.utf8)
    }
}

extension Asset.Kind {
    /// The lengths that an identity may have; none for kinds whose identity is a text.
    package var identityByteCounts: Set<Int> {
        switch self {
        case .dataset, .input: [16]
        case .config: [32]
        case .code: [32, 48]
        case .model, .output: []
        }
    }

    /// Whether a text can be the identity of such an asset.
    public func isIdentity(_ text: String) -> Bool {
        guard !identityByteCounts.isEmpty else { return Run.isName(text) }
        return identityByteCounts.contains { lowerCaseBytes(text, count: $0) != nil }
    }

    public var identityDescription: String {
        guard !identityByteCounts.isEmpty else { return "a run's name of at most 64 bytes" }
        return
            "\(identityByteCounts.sorted().map(String.init).joined(separator: " or ")) bytes in lower-case hexadecimal"
    }
}
