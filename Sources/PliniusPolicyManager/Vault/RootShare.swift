internal import Crypto
public import PliniusSealing

/// One owner's part of a root key, as it is kept and handed in.
public struct RootShare: Sendable {
    /// The name of the sharing that it belongs to, 16 random bytes.
    public let set: [UInt8]
    /// Which share it is, from 1.
    public let index: Int
    let bytes: SecretBytes

    init(set: [UInt8], index: Int, bytes: SecretBytes) {
        self.set = set
        self.index = index
        self.bytes = bytes
    }

    /// What the share is recognised by: 16 bytes of SHA-256 over the sharing's name, the index and the share.
    ///
    /// A share has 256 bits that nobody can try out, and so do the shares that one lacks: its digest helps to find neither it nor the root.
    var check: [UInt8] {
        var state = SHA256()
        state.update(data: Array("perun/1/share".utf8) + set + [UInt8(truncatingIfNeeded: index)])
        unsafe bytes.withBytes { unsafe state.update(bufferPointer: $0) }
        return Array(state.finalize().prefix(16))
    }

    // MARK: - Text

    private static let label = "perun-share-1"

    /// The share as a line of text: `perun-share-1:SET:INDEX:SHARE:CHECK`, in hexadecimal but for the index.
    ///
    /// Whoever reads it has the share.
    public var text: String {
        let share = unsafe bytes.withBytes { unsafe Array($0) }
        return "\(Self.label):\(set.hexadecimal):\(index):\(share.hexadecimal):\(check.hexadecimal)"
    }

    /// Reads a share; blanks and line ends around it do not matter.
    /// - Throws: ``ManagerError/Code/malformed`` for what is none, and for one that was not copied to the letter.
    public init(_ text: String) throws(ManagerError) {
        let isBlank: (Character) -> Bool = { $0.isWhitespace }
        let trimmed = text.drop(while: isBlank).reversed().drop(while: isBlank).reversed()
        let fields = String(trimmed).split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard text.utf8.count <= 1_024, fields.count == 5, fields[0] == Self.label,
            let set = [UInt8](hexadecimal: fields[1]), set.count == 16,
            let index = Int(fields[2]), (1...SecretSharing.maximumCount).contains(index),
            let share = [UInt8](hexadecimal: fields[3]), share.count == Vault.rootByteCount,
            let check = [UInt8](hexadecimal: fields[4])
        else {
            throw ManagerError(
                .malformed, "this is no share of a root key: one is a line that begins with \(Self.label):")
        }
        self.init(set: set, index: index, bytes: SecretBytes(share))
        guard check == self.check else {
            throw ManagerError(
                .malformed, "share \(index) does not fit its own check value: copy it again to the letter")
        }
    }

    // MARK: - Sealed

    private static let info = Array("perun/1/root-share".utf8)

    /// Seals the share to its owner's key.
    /// - Throws: ``ManagerError/Code/malformed`` if nothing can be sealed to it.
    public func sealed(to publicKey: [UInt8]) throws(ManagerError) -> HPKEMessage {
        try HPKEMessage(
            sealing: SecretBytes(Array(text.utf8)), to: publicKey, info: Self.info, authenticating: set)
    }

    /// Opens a share that was sealed to an owner, or to the service that it is handed in to.
    /// - Parameter set: The name of the sharing.
    /// - Throws: ``ManagerError``.
    public init(opening message: HPKEMessage, of set: [UInt8], with keyPair: VaultKeyPair) throws(ManagerError) {
        let text = try keyPair.open(message, info: Self.info, authenticating: set)
        try self.init(unsafe text.withBytes { unsafe String(decoding: $0, as: UTF8.self) })
    }
}

/// What everybody may know of how a root key was shared; the manager starts with it.
public struct RootSharing: Hashable, Sendable {
    /// The sharing's name, 16 random bytes.
    public let set: [UInt8]
    /// How many shares give the root.
    public let threshold: Int
    /// What each share is recognised by, 16 bytes, from index 1 on.
    public let checks: [[UInt8]]

    /// Shares a root.
    /// - Throws: ``ManagerError/Code/malformed`` for numbers that make no sense.
    public static func sharing(
        _ root: SecretBytes, threshold: Int, count: Int
    ) throws(ManagerError) -> (sharing: RootSharing, shares: [RootShare]) {
        let set = randomBytes(16)
        let shares = try SecretSharing.split(root, threshold: threshold, count: count).enumerated().map {
            RootShare(set: set, index: $0.offset + 1, bytes: $0.element)
        }
        return (RootSharing(set: set, threshold: threshold, checks: shares.map { $0.check }), shares)
    }

    private init(set: [UInt8], threshold: Int, checks: [[UInt8]]) {
        self.set = set
        self.threshold = threshold
        self.checks = checks
    }

    private static let label = "perun-sharing-1"

    /// A line `perun-sharing-1 SET THRESHOLD`, then a line for each check.
    public var text: String {
        ([("\(Self.label) \(set.hexadecimal) \(threshold)")] + checks.map { $0.hexadecimal }).joined(separator: "\n")
            + "\n"
    }

    /// Reads what ``text`` writes.
    /// - Throws: ``ManagerError/Code/integrity`` for anything else.
    public init(_ text: String) throws(ManagerError) {
        let lines = text.split(separator: "\n").map(String.init)
        let fields = lines.first?.split(separator: " ").map(String.init) ?? []
        let checks = lines.dropFirst().map { [UInt8](hexadecimal: $0) ?? [] }
        guard fields.count == 3, fields[0] == Self.label, let set = [UInt8](hexadecimal: fields[1]), set.count == 16,
            (1...SecretSharing.maximumCount).contains(checks.count), checks.allSatisfy({ $0.count == 16 }),
            let threshold = Int(fields[2]), (1...checks.count).contains(threshold)
        else {
            throw ManagerError(.integrity, "the file that says how the root key is shared is damaged: restore it")
        }
        self.init(set: set, threshold: threshold, checks: checks)
    }
}

/// Shares as owners hand them in, until they give the root.
public struct RootUnlocking: Sendable {
    public let sharing: RootSharing
    private var shares: [Int: RootShare] = [:]

    public init(_ sharing: RootSharing) { self.sharing = sharing }

    /// The shares that are in, by index.
    public var indices: [Int] { shares.keys.sorted() }

    /// How many more there have to be.
    public var missing: Int { max(0, sharing.threshold - shares.count) }

    /// Takes a share; one that is in already changes nothing.
    /// - Returns: The root as soon as there are enough.
    /// - Throws: ``ManagerError/Code/forbidden`` for a share of another sharing, and for a wrong one; the others stay.
    public mutating func add(_ share: RootShare) throws(ManagerError) -> SecretBytes? {
        guard share.set == sharing.set else {
            throw ManagerError(
                .forbidden,
                "share \(share.index) is of sharing \(share.set.hexadecimal), this root is shared as "
                    + "\(sharing.set.hexadecimal): hand in the share of this one")
        }
        guard sharing.checks.indices.contains(share.index - 1), sharing.checks[share.index - 1] == share.check else {
            throw ManagerError(.forbidden, "share \(share.index) is not the one that was made: hand in the right one")
        }
        shares[share.index] = share
        guard missing == 0 else { return nil }
        return try SecretSharing.join(shares.values.map { (index: $0.index, bytes: $0.bytes) })
    }
}
