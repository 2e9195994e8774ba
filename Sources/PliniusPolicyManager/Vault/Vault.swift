internal import Crypto
public import PliniusSealing

/// The manager's keys, all of which follow from one root of 32 bytes.
///
/// Each is derived by HKDF-SHA-256 for one purpose. Whoever has the root is the service: it opens every wrapped key, and signs the log.
public struct Vault: Sendable {
    /// The length of the root.
    public static let rootByteCount = 32

    private let root: SecretBytes
    /// What signs the audit log's heads; its public key is the service's name.
    public let signer: AuditSigner
    /// What owners, and other managers, seal secrets to.
    public let keyPair: VaultKeyPair

    /// Stands on a root of 32 bytes.
    /// - Throws: ``ManagerError/Code/malformed`` for another length.
    public init(root: SecretBytes) throws(ManagerError) {
        guard root.count == Self.rootByteCount else {
            throw ManagerError(.malformed, "a root key has \(Self.rootByteCount) bytes, not \(root.count)")
        }
        self.root = root
        signer = AuditSigner(seed: Self.derive(from: root, .audit, salt: []))
        keyPair = VaultKeyPair(seed: Self.derive(from: root, .exchange, salt: []))
    }

    /// What a derived key is for; the label that HKDF binds.
    private enum Purpose: String {
        case wrapping = "perun/1/wrapping"
        case cookies = "perun/1/cookies"
        case audit = "perun/1/audit"
        case exchange = "perun/1/exchange"
    }

    private static func derive(from root: SecretBytes, _ purpose: Purpose, salt: [UInt8]) -> SecretBytes {
        let input = unsafe root.withBytes { unsafe SymmetricKey(data: $0) }
        let derived = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: input, salt: salt, info: Array(purpose.rawValue.utf8), outputByteCount: 32)
        return unsafe SecretBytes(count: 32) { destination in
            unsafe derived.withUnsafeBytes { unsafe destination.copyMemory(from: $0) }
        }
    }

    /// Wraps a key for one row of the store.
    ///
    /// - Parameters:
    ///   - row: Where the wrapped key lies; in another place it does not open.
    ///   - generation: The wrapping key, of those that the store has had.
    public func wrap(_ key: SecretBytes, for row: WrappedRow, under generation: WrappingGeneration) -> WrappedKey {
        WrappedKey(
            generation: generation.number,
            box: unsafe key.withBytes { unsafe seal($0, .wrapping, salt: generation.salt, binding: row.bytes) })
    }

    /// Gives a wrapped key back.
    /// - Throws: ``ManagerError/Code/integrity`` if it was wrapped for another row, in another generation, under another root, or altered.
    public func unwrap(
        _ key: WrappedKey, for row: WrappedRow, under generation: WrappingGeneration
    ) throws(ManagerError) -> SecretBytes {
        guard key.generation == generation.number else {
            throw ManagerError(
                .integrity,
                "the key of \(row) is wrapped in generation \(key.generation), the store is in \(generation.number): "
                    + "the row is not the one that was written; restore the store")
        }
        guard let opened = open(key.box, .wrapping, salt: generation.salt, binding: row.bytes) else {
            throw ManagerError(
                .integrity,
                "the key of \(row) does not open: it was moved from another row, altered, or wrapped under another "
                    + "root key; restore the store, or start with the root that it was made with")
        }
        return opened
    }

    /// Seals what a client brings back: nobody but this service can read or alter it, and nothing is stored.
    /// - Parameter use: What the cookie is for; one for another use does not open.
    public func sealCookie(_ content: [UInt8], for use: String) -> [UInt8] {
        unsafe content.withUnsafeBytes { unsafe seal($0, .cookies, salt: [], binding: Array(use.utf8)) }
    }

    /// Opens what ``sealCookie(_:for:)`` sealed, before this start of the service or in it.
    /// - Throws: ``ManagerError/Code/forbidden`` for anything else.
    public func openCookie(_ cookie: [UInt8], for use: String) throws(ManagerError) -> [UInt8] {
        guard let content = open(cookie, .cookies, salt: [], binding: Array(use.utf8)) else {
            throw ManagerError(.forbidden, "the cookie was not made here, or not for this request: begin again")
        }
        return unsafe content.withBytes { unsafe Array($0) }
    }

    /// Seals the root for a standby, which then is this service too.
    /// - Parameter publicKey: Its ``VaultKeyPair/publicKey``.
    /// - Throws: ``ManagerError/Code/malformed`` if that is none.
    public func sealRoot(forStandby publicKey: [UInt8]) throws(ManagerError) -> HPKEMessage {
        try HPKEMessage(
            sealing: root, to: publicKey, info: Self.standbyInfo, authenticating: signer.publicKey)
    }

    /// Opens a root that was sealed for a standby.
    /// - Parameter service: The public key of the service that it is the root of.
    /// - Throws: ``ManagerError/Code/forbidden`` for anything else.
    static func openRoot(
        _ message: HPKEMessage, as keyPair: VaultKeyPair, service: [UInt8]
    ) throws(ManagerError) -> SecretBytes {
        try keyPair.open(message, info: standbyInfo, authenticating: service)
    }

    private static let standbyInfo = Array("perun/1/standby".utf8)

    // MARK: - Boxes

    // A key seals one box: it is derived with 16 random bytes, and the nonce is 12 more. Were a store restored and written again, or were
    // 2⁴⁸ boxes sealed, no pair of key and nonce would come twice.
    private static let saltByteCount = 16
    private static let nonceByteCount = 12

    @unsafe private func seal(
        _ content: UnsafeRawBufferPointer, _ purpose: Purpose, salt: [UInt8], binding context: [UInt8]
    ) -> [UInt8] {
        let random = randomBytes(Self.saltByteCount + Self.nonceByteCount)
        let key = boxKey(purpose, salt: salt + random.prefix(Self.saltByteCount))
        var sealed = [UInt8](repeating: 0, count: content.count)
        let tag = unsafe sealed.withUnsafeMutableBytes {
            unsafe key.seal(
                content, into: $0, nonce: Self.nonce(random.suffix(Self.nonceByteCount)), authenticating: context)
        }
        return random + sealed + tag.bytes
    }

    private func open(
        _ box: [UInt8], _ purpose: Purpose, salt: [UInt8], binding context: [UInt8]
    ) -> SecretBytes? {
        let header = Self.saltByteCount + Self.nonceByteCount
        guard box.count >= header + Cipher.tagByteCount, let tag = Tag(Array(box.suffix(Cipher.tagByteCount))) else {
            return nil
        }
        let key = boxKey(purpose, salt: salt + box.prefix(Self.saltByteCount))
        let nonce = Self.nonce(box[Self.saltByteCount..<header])
        let sealed = box[header..<box.count - Cipher.tagByteCount]
        return try? unsafe SecretBytes(count: sealed.count) { content throws(SealingError) in
            unsafe content.copyBytes(from: sealed)
            unsafe try key.open(
                UnsafeRawBufferPointer(content), into: content, nonce: nonce, authenticating: context, tag: tag)
        }
    }

    private func boxKey(_ purpose: Purpose, salt: [UInt8]) -> SealingKey {
        SealingKey(Self.derive(from: root, purpose, salt: salt), cipher: .aes256GCM)
    }

    private static func nonce(_ bytes: ArraySlice<UInt8>) -> Nonce {
        func word(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
        return Nonce(stream: UInt32(word(bytes.prefix(4))), counter: word(bytes.dropFirst(4)))
    }
}
