internal import PliniusSealing
public import PliniusWire
internal import _PliniusSupport

/// An owner's key as it lies on the host's disk between two processes of a run, for a restart without the owner.
///
/// The platform has a secret that no other program, or no other state of the machine, is given; the key is sealed with AES-256-GCM under
/// a key derived from that secret and from random salt, bound to what it was granted for. The bytes, integers little-endian:
///
/// | bytes | field |
/// |---|---|
/// | 8 | `PLINSEAL` |
/// | 4 | version, 1 |
/// | 1 | platform, by its number in ``Evidence/Kind`` |
/// | 32 | salt of HKDF-SHA-256, whose input is the platform's secret and whose info is the context |
/// | 32 | the key, sealed; the nonce is zero, since each derived key seals once |
/// | 16 | tag, over all bytes before the sealed key, the rest and the context |
/// | rest | what the TPM keeps its secret in, for `tpm` |
///
/// Whoever keeps the blob can give an old one back, or none: a key that opens is still compared with the data set's key check.
public struct SealedKey: Hashable, Sendable {
    static let magic = Array("PLINSEAL".utf8)
    static let version: UInt32 = 1

    /// What sealed it.
    public let platform: Evidence.Kind
    let salt: [UInt8]
    let ciphertext: [UInt8]
    let tag: [UInt8]
    /// ``TPMSealedData``, encoded.
    let platformData: [UInt8]

    /// What a key is granted for; another's blob opens for nobody.
    public struct Context: Hashable, Sendable {
        /// SHA-256 of the network's canonical bytes.
        public var configDigest: [UInt8]
        public var datasetID: [UInt8]
        public var runName: String

        public init(configDigest: [UInt8], datasetID: [UInt8], runName: String) {
            self.configDigest = configDigest
            self.datasetID = datasetID
            self.runName = runName
        }

        var bytes: [UInt8] {
            [configDigest, datasetID, Array(runName.utf8)].flatMap { field in
                var writer = ByteWriter()
                writer.write(UInt32(field.count))
                writer.write(bytes: field)
                return writer.bytes
            }
        }
    }

    /// The bytes to keep.
    public var encoded: [UInt8] { Self.header(platform, salt) + ciphertext + tag + platformData }

    private static func header(_ platform: Evidence.Kind, _ salt: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(bytes: magic)
        writer.write(version)
        writer.write(platform.rawValue)
        writer.write(bytes: salt)
        return writer.bytes
    }

    /// Decodes what was kept, to its last byte.
    /// - Throws: `AttestationError` for what is no sealed key of this version.
    public init(decoding bytes: [UInt8]) throws(AttestationError) {
        // No TPM's sealed data is longer.
        guard bytes.count <= OwnerWait.maximumKeptByteCount else {
            throw AttestationError("\(bytes.count) bytes are more than any sealed key has")
        }
        // Magic, version and platform; salt; key; tag.
        guard bytes.count >= 13 + 32 + 32 + 16, let platform = Evidence.Kind(rawValue: bytes[12]),
            bytes.starts(with: Self.header(platform, []))
        else {
            throw AttestationError("these \(bytes.count) bytes are no sealed key of version \(Self.version)")
        }
        self.platform = platform
        salt = Array(bytes[13..<45])
        ciphertext = Array(bytes[45..<77])
        tag = Array(bytes[77..<93])
        platformData = Array(bytes[93...])
    }

    /// Seals a key of 32 bytes under a secret of the platform.
    init(
        _ key: SecretBytes, under secret: SecretBytes, of platform: Evidence.Kind, platformData: [UInt8],
        for context: Context
    ) throws(AttestationError) {
        guard key.count == 32 else { throw AttestationError("an owner's key has 32 bytes, not \(key.count)") }
        self.platform = platform
        self.platformData = platformData
        salt = randomBytes(32)
        let bound = Self.header(platform, salt) + platformData + context.bytes
        let sealingKey = Self.sealingKey(secret, salt)
        var sealed = [UInt8](repeating: 0, count: 32)
        tag = unsafe key.withBytes { key in
            unsafe sealed.withUnsafeMutableBytes { sealed in
                unsafe sealingKey.seal(key, into: sealed, nonce: Self.nonce, authenticating: bound).bytes
            }
        }
        ciphertext = sealed
    }

    /// Gives the key back.
    func open(with secret: SecretBytes, for context: Context) throws(AttestationError) -> SecretBytes {
        let bound = Self.header(platform, salt) + platformData + context.bytes
        let sealingKey = Self.sealingKey(secret, salt)
        guard let tag = Tag(tag) else { throw AttestationError("a tag has 16 bytes") }
        do throws(SealingError) {
            return unsafe try SecretBytes(count: 32) { key throws(SealingError) in
                unsafe key.copyBytes(from: ciphertext)
                unsafe try sealingKey.open(
                    UnsafeRawBufferPointer(key), into: key, nonce: Self.nonce, authenticating: bound, tag: tag)
            }
        } catch {
            throw AttestationError(
                "\(platform): the sealed key does not open: it was sealed by another program or machine, for another "
                    + "configuration, data set or run, or it was changed; have the owner provision the key again")
        }
    }

    private static let nonce = Nonce(stream: 0, counter: 0)

    private static func sealingKey(_ secret: SecretBytes, _ salt: [UInt8]) -> SealingKey {
        SealingKey(
            hkdfSHA256(secret, salt: salt, info: Array("plinius/1/sealed-key".utf8), count: 32), cipher: .aes256GCM)
    }
}
