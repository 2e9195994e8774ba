import PliniusMedia
import PliniusSealing
import _PliniusSupport

/// The first 512 bytes of a slot: which mirror it holds, sealed with which key, and that it is whole.
///
/// ```
/// 0   magic "PLINSLOT"     80  iteration, u64      112 tags digest            472 MAC over all before it
/// 8   version, u32         88  loss, f32           144 boot id                504 state word, u64
/// 12  slot, u32            92  average loss, f32   160 nonce stream, u32
/// 16  run id               96  arena bytes, u64    164 index of the trusted counter, u32
/// 32  process salt         104 chunk bytes, u32    168 first nonce counter, u64
/// 64  generation, u64      108 chunk count, u32    176 value of the trusted counter, u64
/// 72  sequence, u64                                184 1 if there is a score, 2 if there is a best model; u32
///                                                  188 score, f32
///                                                  192 the best model's sequence, u64
///                                                  200 the MAC of its slot's header
///                                                  232 zeros
/// ```
///
/// Little-endian. Chunk *i* of the slot is sealed with nonce (stream, first counter + *i*) under the key of (run, process salt).
struct SlotHeader: Hashable {
    static let magic = UInt64(littleEndianBytes: "PLINSLOT")
    static let version: UInt32 = 1
    /// What is used of the header's page.
    static let byteCount = 512
    static let macOffset = 472
    static let stateOffset = 504
    private static let end = 232

    var slot: Slot
    var runID: [UInt8]
    /// Drawn at the start of the process that wrote the slot; 32 bytes.
    var salt: [UInt8]
    /// How many processes have mirrored this run, the writer included.
    var generation: UInt64
    /// How many commits the pool had seen before this one.
    var sequence: UInt64
    var progress: Progress
    var layout: MirrorLayout
    var tagsDigest: Digest
    var bootID: BootID
    var nonceStream: UInt32
    var nonceBase: UInt64
    /// What the writer counted its start up to.
    var count: TrustedCount
    /// The commit that the mirror of the run's best model had reached; `nil` if there is none.
    var best: CommitMark?

    /// The bytes in front of the state word.
    func encoded(_ keys: SlotKeys) -> [UInt8] {
        var writer = ByteWriter(capacity: Self.stateOffset)
        encode(into: &writer, keys)
        return writer.bytes
    }

    /// Writes them where there were others.
    func encode(into writer: inout ByteWriter, _ keys: SlotKeys) {
        writer.clear()
        writer.write(Self.magic)
        writer.write(Self.version)
        writer.write(UInt32(slot.rawValue))
        writer.write(bytes: runID)
        writer.write(bytes: salt)
        writer.write(generation)
        writer.write(sequence)
        writer.write(progress.iteration)
        writer.write(progress.loss)
        writer.write(progress.averageLoss)
        writer.write(UInt64(layout.arenaBytes))
        writer.write(UInt32(layout.chunkBytes))
        writer.write(UInt32(layout.chunkCount))
        writer.write(tagsDigest)
        writer.write(bytes: bootID.bytes)
        writer.write(nonceStream)
        writer.write(count.index)
        writer.write(nonceBase)
        writer.write(count.value)
        writer.write(UInt32((progress.score == nil ? 0 : 1) + (best == nil ? 0 : 2)))
        writer.write(progress.score ?? 0)
        if let best {
            writer.write(best.sequence)
            writer.write(bytes: best.tag)
        }
        writer.pad(to: Self.macOffset)
        writer.write(keys.headerMAC(over: writer.bytes))
    }
}

extension SlotHeader {
    /// Reads the fields without a key: what they say is a claim.
    ///
    /// - Parameter bytes: The 512 bytes, private.
    /// - Returns: `nil` if they are not the header of a slot of such a pool at all.
    init?(claimedBy bytes: [UInt8], layout: MirrorLayout) {
        var reader = ByteReader(bytes)
        do {
            guard try reader.read(UInt64.self) == Self.magic, try reader.read(UInt32.self) == Self.version,
                let slot = Slot(rawValue: UInt8(clamping: try reader.read(UInt32.self)))
            else { return nil }
            self.slot = slot
            runID = try reader.readBytes(16)
            salt = try reader.readBytes(32)
            generation = try reader.read()
            sequence = try reader.read()
            progress = Progress(
                iteration: try reader.read(), loss: try reader.readFloat(), averageLoss: try reader.readFloat())
            self.layout = layout
            guard try reader.read() == UInt64(layout.arenaBytes), try reader.read() == UInt32(layout.chunkBytes),
                try reader.read() == UInt32(layout.chunkCount)
            else { return nil }
            tagsDigest = Digest(try reader.readBytes(32))
            bootID = BootID(try reader.readBytes(16))
            nonceStream = try reader.read()
            let index: UInt32 = try reader.read()
            nonceBase = try reader.read()
            count = TrustedCount(index: index, value: try reader.read())
            let parts: UInt32 = try reader.read()
            let score = try reader.readFloat()
            let mark = CommitMark(sequence: try reader.read(), tag: try reader.readBytes(CommitMark.tagByteCount))
            progress.score = parts & 1 == 0 ? nil : score
            best = parts & 2 == 0 ? nil : mark
            // What is not there is zero: each header has one form.
            guard parts <= 3, progress.score != nil || score.bitPattern == 0, best != nil || mark.isZero,
                try reader.readBytes(Self.macOffset - Self.end).allSatisfy({ $0 == 0 })
            else { return nil }
        } catch {
            return nil
        }
    }

    /// Whether `bytes`, which claim to be this header, end in the MAC that the run's keys give it.
    func isAuthentic(_ bytes: [UInt8], _ keys: SlotKeys) -> Bool {
        constantTimeEqual(encoded(keys), Array(bytes[..<Self.stateOffset]))
    }
}
