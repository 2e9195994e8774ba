internal import FoundationEssentials
internal import Glibc
public import PliniusAttester
public import PliniusSealing
internal import PliniusWire

/// Where the root key comes from when the manager starts: one file in the store's folder, which says how.
public struct RootFolder: Sendable {
    /// How a root key is kept.
    public enum Kind: String, Sendable, CaseIterable {
        /// Sealed by the platform that the manager runs on, for this program alone.
        case platform = "root.sealed"
        /// Not at all: owners have shares of it, and the file says by what to recognise them.
        case shares = "root.shares"
        /// As it is, for whoever can read the file: for level test alone.
        case insecure = "root.insecure"

        /// Whether anything but the file's mode keeps the root.
        public var protects: Bool { self != .insecure }
    }

    private let folder: String

    public init(_ folder: String) { self.folder = folder }

    /// Makes the folder, if it is not there.
    /// - Throws: ``ManagerError/Code/unavailable``.
    public func make() throws(ManagerError) {
        guard unsafe mkdir(folder, 0o700) == 0 || errno == EEXIST else {
            throw ManagerError(.unavailable, "the folder \(folder) cannot be made: \(errorText(errno))")
        }
    }

    /// Makes the folder, or finds that it is empty.
    /// - Returns: Whether it was made.
    /// - Throws: ``ManagerError/Code/conflict`` if something is in it.
    func makeEmpty() throws -> Bool {
        if unsafe mkdir(folder, 0o700) == 0 { return true }
        guard errno == EEXIST else {
            throw ManagerError(.unavailable, "the folder \(folder) cannot be made: \(errorText(errno))")
        }
        let names = try? FileManager.default.contentsOfDirectory(atPath: folder)
        guard names?.isEmpty == true else {
            throw ManagerError(.conflict, "\(folder) is no empty folder: a store is restored to a new one")
        }
        return false
    }

    /// Removes the folder, if it is empty.
    func remove() { unsafe rmdir(folder) }

    /// How the root is kept here; `nil` if there is none yet.
    /// - Throws: ``ManagerError/Code/conflict`` if there is more than one file.
    public func kind() throws(ManagerError) -> Kind? {
        let kinds = Kind.allCases.filter { file($0).exists }
        guard kinds.count <= 1 else {
            throw ManagerError(
                .conflict,
                "\(folder) has \(kinds.map(\.rawValue).joined(separator: " and ")): a root key is kept in one way; "
                    + "move the others away")
        }
        return kinds.first
    }

    // MARK: - Platform

    /// Seals a root to this program on this machine; durable when this returns.
    /// - Throws: ``ManagerError/Code/unavailable`` if the platform seals nothing.
    public func seal(
        _ root: SecretBytes, with attester: Attester, options: SealingOptions = SealingOptions()
    ) throws(ManagerError) {
        try requireNone()
        let sealed: SealedKey
        do throws(AttestationError) {
            sealed = try attester.sealer(options).seal(root, for: Self.context, options: options)
        } catch {
            throw ManagerError(.unavailable, "the root key cannot be sealed: \(error)")
        }
        try file(.platform).create(sealed.encoded)
    }

    /// Opens the root that was sealed here.
    /// - Throws: ``ManagerError``: another program, another machine or other registers do not get it.
    public func open(
        with attester: Attester, options: SealingOptions = SealingOptions()
    ) throws(ManagerError) -> SecretBytes {
        let bytes = try file(.platform).read(atMost: 1 << 16)
        do throws(AttestationError) {
            return try attester.open(try SealedKey(decoding: bytes), for: Self.context, options: options)
        } catch {
            throw ManagerError(.unavailable, "the root key does not open here: \(error)")
        }
    }

    /// What the platform's seal binds beside program and machine: that it is a manager's root, and no owner's key.
    private static let context = SealedKey.Context(
        configDigest: Array("perun/1/root\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".utf8),
        datasetID: [UInt8](repeating: 0, count: 16), runName: "perun")

    // MARK: - Shares

    /// Shares a root among owners; what is kept here does not help to find it.
    /// - Returns: The shares, which exist nowhere else: hand each to its owner, and forget it.
    /// - Throws: ``ManagerError``.
    public func share(_ root: SecretBytes, threshold: Int, count: Int) throws(ManagerError) -> [RootShare] {
        try requireNone()
        let (sharing, shares) = try RootSharing.sharing(root, threshold: threshold, count: count)
        try file(.shares).create(Array(sharing.text.utf8))
        return shares
    }

    /// How the root is shared: the manager is locked until enough shares are in.
    /// - Throws: ``ManagerError``.
    public func sharing() throws(ManagerError) -> RootSharing {
        try RootSharing(String(decoding: try file(.shares).read(atMost: 1 << 16), as: UTF8.self))
    }

    // MARK: - Insecure

    /// Writes a root as it is: at level test, and nowhere else.
    /// - Throws: ``ManagerError``.
    public func keepInsecurely(_ root: SecretBytes) throws(ManagerError) {
        try requireNone()
        let text = unsafe root.withBytes { unsafe Array($0) }.hexadecimal + "\n"
        try file(.insecure).create(Array(text.utf8))
    }

    /// Reads a root that lies there as it is.
    /// - Throws: ``ManagerError``.
    public func readInsecurely() throws(ManagerError) -> SecretBytes {
        let text = String(decoding: try file(.insecure).read(atMost: 1_024), as: UTF8.self)
        guard text.hasSuffix("\n"), let bytes = [UInt8](hexadecimal: String(text.dropLast())),
            bytes.count == Vault.rootByteCount
        else {
            throw ManagerError(
                .malformed,
                "\(file(.insecure).path) is no root key: it has \(2 * Vault.rootByteCount) hexadecimal digits")
        }
        return SecretBytes(bytes)
    }

    private func requireNone() throws(ManagerError) {
        guard try kind() == nil else {
            throw ManagerError(.conflict, "\(folder) has a root key already: it is never replaced")
        }
    }

    private func file(_ kind: Kind) -> PrivateFile { PrivateFile(path: "\(folder)/\(kind.rawValue)") }
}
