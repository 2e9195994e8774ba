/// All keys that follow from an owner's key.
///
/// Every key is derived by HKDF-SHA-256 for one purpose, one object and, where it seals, one cipher; no two uses meet.
public struct KeyHierarchy: Sendable {
    /// The length of an owner's key.
    public static let ownerKeyByteCount = 32
    /// The length of the names of data sets and runs.
    public static let idByteCount = 16
    /// The length of what ``keyCheck(for:)`` returns.
    public static let keyCheckByteCount = 16

    private let ownerKey: SecretBytes

    /// Stands on an owner's key of 32 bytes.
    public init(ownerKey: SecretBytes) {
        precondition(ownerKey.count == Self.ownerKeyByteCount, "an owner's key has 32 bytes, not \(ownerKey.count)")
        self.ownerKey = ownerKey
    }

    /// The key of one data set's records.
    public func datasetKey(id: [UInt8], cipher: Cipher, provider: SealingProvider = .preferred) -> SealingKey {
        SealingKey(derive(.records, id: id, cipher: cipher), cipher: cipher, provider: provider)
    }

    /// The MAC of one data set's header, 32 bytes.
    public func datasetHeaderMAC(id: [UInt8], over header: [UInt8]) -> [UInt8] {
        hmacSHA256(header, key: derive(.datasetHeader, id: id))
    }

    /// The key of the results of one prediction.
    public func predictionsKey(id: [UInt8], cipher: Cipher, provider: SealingProvider = .preferred) -> SealingKey {
        SealingKey(derive(.predictions, id: id, cipher: cipher), cipher: cipher, provider: provider)
    }

    /// The MAC of the header of one prediction's results, 32 bytes.
    public func predictionsHeaderMAC(id: [UInt8], over header: [UInt8]) -> [UInt8] {
        hmacSHA256(header, key: derive(.predictionsHeader, id: id))
    }

    /// The keys of one training run.
    public func runKeys(runID: [UInt8]) -> RunKeys {
        RunKeys(key: derive(.run, id: runID))
    }

    /// Sixteen public bytes by which a file that is named `id` recognises its owner's key; they say nothing about the key.
    public func keyCheck(for id: [UInt8]) -> [UInt8] {
        unsafe derive(.keyCheck, id: id, count: Self.keyCheckByteCount).withBytes { unsafe Array($0) }
    }

    private func derive(_ purpose: KeyPurpose, id: [UInt8], count: Int = 32) -> SecretBytes {
        precondition(id.count == Self.idByteCount, "an id has 16 bytes, not \(id.count)")
        return hkdfSHA256(ownerKey, salt: id, info: purpose.info(), count: count)
    }

    private func derive(_ purpose: KeyPurpose, id: [UInt8], cipher: Cipher) -> SecretBytes {
        precondition(id.count == Self.idByteCount, "an id has 16 bytes, not \(id.count)")
        return hkdfSHA256(ownerKey, salt: id, info: purpose.info(cipher), count: cipher.keyByteCount)
    }
}

/// What a derived key is for; the label that HKDF binds.
enum KeyPurpose: String {
    case records = "plinius/1/dataset/records"
    case datasetHeader = "plinius/1/dataset/header"
    case predictions = "plinius/1/predictions/records"
    case predictionsHeader = "plinius/1/predictions/header"
    case run = "plinius/1/run"
    case superblock = "plinius/1/run/superblock"
    case mirrorChunks = "plinius/1/mirror/chunks"
    case mirrorHeader = "plinius/1/mirror/header"
    case keyCheck = "plinius/1/key-check"

    /// The label, and the cipher if there is one: without it a short key would be the beginning of the long one.
    func info(_ cipher: Cipher? = nil) -> [UInt8] {
        Array(rawValue.utf8) + (cipher.map { Array("/\($0)".utf8) } ?? [])
    }
}
