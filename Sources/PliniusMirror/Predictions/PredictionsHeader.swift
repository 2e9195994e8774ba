public import PliniusSealing
import _PliniusSupport

/// What a file of sealed results says of itself: its first 256 bytes.
///
/// Little-endian:
///
/// | Offset | Bytes | Field |
/// |---|---|---|
/// | 0 | 8 | `PLINPRED` |
/// | 8 | 4, 4 | version, 1, or 2 of characters; length of the header |
/// | 16 | 16 | id, drawn at random |
/// | 32 | 8 | number of records |
/// | 40 | 4 | outputs, or characters, in each |
/// | 44 | 1, 1, 2 | cipher; in version 2 what the records hold: 1, characters; zeros |
/// | 48 | 16 | id of the run that made the model |
/// | 64 | 8 | updates that the model has seen |
/// | 72 | 8, 32 | number and tag of the commit that the model was read from |
/// | 112 | 32 | digest of the configuration |
/// | 144 | 16 | id of what was predicted: a data set's, or a union's |
/// | 160 | 16 | key check |
/// | 176 | 48 | zeros |
/// | 224 | 32 | HMAC-SHA-256 over all before |
///
/// The records follow without a gap, in the order of the data set, and nothing follows them. A record is the network's outputs as Float32,
/// or characters of a byte each, sealed, and its tag; ``PredictionContext`` has what the tag binds. The header is written last: a file
/// without its end is none.
public struct PredictionsHeader: Hashable, Sendable {
    /// The length of the header in the file.
    public static let byteCount = 256
    /// The newest format that this program knows; it knows all from 1 on.
    public static let newestVersion: UInt32 = 2
    /// What every such file begins with.
    public static let magic = Array("PLINPRED".utf8)
    /// Bytes of the code at the end of the header.
    public static let macByteCount = 32

    /// What records hold.
    public enum Content: UInt8, Sendable {
        /// What the network put out, as Float32.
        case outputs
        /// Characters that the network drew, a byte each, of a text that goes on.
        case characters
    }

    /// The name that the file was given at random; 16 bytes.
    public var id: [UInt8]
    /// The number of records.
    public var count: Int
    /// Numbers, or characters, in each record.
    public var outputs: Int
    /// What the records hold.
    public var content: Content
    /// What the records are sealed with.
    public var cipher: Cipher
    /// The run that made the model; 16 bytes.
    public var runID: [UInt8]
    /// Updates that the model has seen.
    public var iteration: UInt64
    /// The commit that the model was read from.
    public var commit: CommitMark
    /// The digest of the network's configuration; 32 bytes.
    public var configDigest: [UInt8]
    /// What was predicted; 16 bytes.
    public var datasetID: [UInt8]
    /// Recognises the key; 16 bytes.
    public var keyCheck: [UInt8]

    /// Takes the parts as they are named.
    public init(
        id: [UInt8], count: Int, outputs: Int, content: Content = .outputs, cipher: Cipher, runID: [UInt8],
        iteration: UInt64, commit: CommitMark, configDigest: [UInt8], datasetID: [UInt8], keyCheck: [UInt8]
    ) {
        (self.id, self.count, self.outputs, self.content, self.cipher) = (id, count, outputs, content, cipher)
        (self.runID, self.iteration, self.commit) = (runID, iteration, commit)
        (self.configDigest, self.datasetID, self.keyCheck) = (configDigest, datasetID, keyCheck)
    }

    /// Bytes of one record before it is sealed.
    public var plaintextByteCount: Int { outputs * (content == .outputs ? MemoryLayout<Float>.size : 1) }
    /// Bytes of one record in the file: sealed bytes, then the tag.
    public var recordByteCount: Int { plaintextByteCount + Cipher.tagByteCount }
    /// Bytes of the whole file.
    public var fileByteCount: Int { offset(of: count) }

    /// Where a record begins in the file.
    public func offset(of record: Int) -> Int { Self.byteCount + record * recordByteCount }

    /// The bytes for the file.
    /// - Parameter keys: Those that ``keyCheck`` recognises.
    public func encoded(_ keys: KeyHierarchy) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(bytes: Self.magic)
        // What holds outputs is written so that every version reads it.
        writer.write(UInt32(content == .outputs ? 1 : 2))
        writer.write(UInt32(Self.byteCount))
        writer.write(bytes: id)
        writer.write(UInt64(count))
        writer.write(UInt32(outputs))
        writer.write(UInt32(cipher.rawValue) | UInt32(content.rawValue) << 8)
        writer.write(bytes: runID)
        writer.write(iteration)
        writer.write(commit.sequence)
        writer.write(bytes: commit.tag + configDigest + datasetID + keyCheck)
        writer.pad(to: Self.byteCount - Self.macByteCount)
        writer.write(bytes: keys.predictionsHeaderMAC(id: id, over: writer.bytes))
        return writer.bytes
    }
}
