/// The keys of one training run.
public struct RunKeys: Sendable {
    /// The length of the salt of a process's keys.
    public static let processSaltByteCount = 32

    private let key: SecretBytes

    init(key: SecretBytes) { self.key = key }

    /// The MAC of the pool's superblock, 32 bytes.
    public func superblockMAC(over superblock: [UInt8]) -> [UInt8] {
        hmacSHA256(superblock, key: hkdfSHA256(key, salt: [], info: KeyPurpose.superblock.info(), count: 32))
    }

    /// The keys of the slots that one process wrote, or is to write.
    ///
    /// A process draws a fresh salt when it starts and counts its nonces from zero in memory: no storage that somebody could roll
    /// back takes part in their uniqueness.
    public func slotKeys(processSalt: [UInt8], cipher: Cipher, provider: SealingProvider = .preferred) -> SlotKeys {
        precondition(processSalt.count == Self.processSaltByteCount, "a salt has 32 bytes, not \(processSalt.count)")
        let chunks = hkdfSHA256(
            key, salt: processSalt, info: KeyPurpose.mirrorChunks.info(cipher), count: cipher.keyByteCount)
        return SlotKeys(
            chunks: SealingKey(chunks, cipher: cipher, provider: provider),
            header: hkdfSHA256(key, salt: processSalt, info: KeyPurpose.mirrorHeader.info(), count: 32))
    }
}

/// The keys of one process's mirror slots.
public struct SlotKeys: Sendable {
    /// Seals the chunks of the arena.
    public let chunks: SealingKey
    private let header: SecretBytes

    init(chunks: SealingKey, header: SecretBytes) {
        self.chunks = chunks
        self.header = header
    }

    /// The digest of the tags of a slot's chunks: who seals them computes it.
    @unsafe public func digest(of tags: UnsafeRawBufferPointer) -> Digest { unsafe chunks.provider.sha256(tags) }

    /// The MAC of a slot's header, which has at most 512 bytes.
    public func headerMAC(over bytes: [UInt8]) -> Digest { chunks.provider.hmacSHA256(bytes, key: header) }
}
