import _PliniusSupport

/// Where everything lies in a pool, and from where recovery starts.
///
/// ```
/// 0      header, copy A      512 bytes
/// 4096   header, copy B      512 bytes
/// 8192   state               one word; flip and twin-copies only
/// 16384  redo log            redo-log only
/// …      images of the heap  one (redo-log) or two
/// …      extents             to the end
/// ```
///
/// The copies take turns and the one with the higher epoch counts, so that a torn header never hides the one before.
package struct PoolHeader: Equatable {
    package static let copyBytes = 512
    package static let stateOffset = 8192
    package static let areaBytes = 16384
    package static let version: UInt32 = 1
    /// Records name words by 32 bits.
    static let largestHeapBytes = 1 << 34
    private static let magic: UInt64 = 0x4C4F_4F50_4E49_4C50  // "PLINPOOL"

    /// How transactions become durable here.
    package let kind: CommitKind
    /// The size of the pool.
    package var byteCount: Int
    package let heapBytes: Int
    /// Goes up with every header that is written; the records of the log carry it.
    package var epoch: UInt64 = 1
    /// The number of the first record that the log may hold.
    package var sequence: UInt64 = 1

    /// The geometry of a new pool.
    /// - Throws: `.tooSmall`, `.tooLarge`.
    init(kind: CommitKind, byteCount: Int, heapBytes: Int) throws(PersistenceError) {
        self.kind = kind
        self.byteCount = byteCount
        self.heapBytes = heapBytes
        guard heapBytes <= Self.largestHeapBytes else {
            throw PersistenceError(
                .tooLarge,
                "A heap has at most \(Self.largestHeapBytes) bytes, and \(heapBytes) were asked for. Keep bulk data in extents."
            )
        }
        guard extents.lowerBound <= byteCount else {
            throw PersistenceError(
                .tooSmall,
                "A pool with a heap of \(heapBytes) bytes takes at least \(extents.lowerBound) bytes with the protocol "
                    + "\(kind), and \(byteCount) were asked for. Make the pool larger, or its heap smaller.")
        }
    }

    /// The bytes of a pool before its extents.
    static func fixedBytes(kind: CommitKind, heapBytes: Int) -> Int {
        areaBytes + kind.logBytes(heapBytes: heapBytes) + kind.imageCount * heapBytes
    }

    package var log: Range<Int> { Self.areaBytes..<Self.areaBytes + kind.logBytes(heapBytes: heapBytes) }
    package func image(_ index: Int) -> Range<Int> {
        let start = log.upperBound + index * heapBytes
        return start..<start + heapBytes
    }
    package var extents: Range<Int> {
        let start = Self.fixedBytes(kind: kind, heapBytes: heapBytes)
        return start..<max(start, byteCount)
    }

    /// Where this epoch's copy belongs.
    package var copyOffset: Int { Int(epoch % 2) * Heap.pageBytes }

    package func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.write(Self.magic)
        writer.write(Self.version)
        writer.write(UInt32(kind.rawValue))
        writer.write(UInt64(byteCount))
        writer.write(UInt64(heapBytes))
        writer.write(epoch)
        writer.write(sequence)
        writer.pad(to: Self.copyBytes - 8)
        writer.write(checksum(of: writer.bytes))
        return writer.bytes
    }

    // MARK: Reading

    /// What is found where a header belongs.
    package enum Finding: Equatable {
        case sound(PoolHeader)
        /// No header begins here.
        case absent
        case unsupportedVersion(UInt32)
        case damaged(String)
    }

    /// Judges 512 bytes that nobody vouches for.
    static func examine(_ bytes: [UInt8]) -> Finding {
        var reader = ByteReader(bytes)
        do {
            guard try reader.read(UInt64.self) == magic else { return .absent }
            let version = try reader.read(UInt32.self)
            guard version == Self.version else { return .unsupportedVersion(version) }
            let kind = CommitKind(rawValue: UInt8(clamping: try reader.read(UInt32.self)))
            let sizes = [try reader.read(UInt64.self), try reader.read(UInt64.self)]
            let (epoch, sequence) = (try reader.read(UInt64.self), try reader.read(UInt64.self))
            _ = try reader.readBytes(copyBytes - 8 - 48)
            guard try reader.read(UInt64.self) == checksum(of: Array(bytes[..<(copyBytes - 8)])) else {
                return .damaged("its checksum does not match its bytes")
            }
            // 2^48 bytes are more than any address space holds; below it, no sum of sizes overflows.
            guard let kind, sizes.allSatisfy({ $0 > 0 && $0 < 1 << 48 && $0 % UInt64(Heap.pageBytes) == 0 }),
                var header = try? PoolHeader(kind: kind, byteCount: Int(sizes[0]), heapBytes: Int(sizes[1])),
                epoch < UInt64.max >> 1, sequence < UInt64.max >> 1
            else { return .damaged("its fields contradict each other") }
            header.epoch = epoch
            header.sequence = sequence
            return .sound(header)
        } catch { return .damaged("it ends early") }
    }
}

/// The checksum of whole words: told from what a crash leaves of an earlier content, never proof against an adversary.
///
/// Two lanes of folded 128-bit products, after the idea of wyhash (public domain).
func checksum(of bytes: [UInt8], seed: UInt64 = 0) -> UInt64 {
    unsafe bytes.withUnsafeBytes { unsafe checksum(of: $0, seed: seed) }
}

/// The same for memory; the number of bytes is a multiple of 8.
@unsafe func checksum(of bytes: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
    func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }
    // Odd constants with as many ones as zeros: digits of pi.
    let (first, second): (UInt64, UInt64) = (0x243F_6A88_85A3_08D3, 0x1319_8A2E_0370_7345)
    var (left, right) = (seed ^ first, UInt64(bytes.count) ^ second)
    var offset = 0
    while offset + 16 <= bytes.count {
        let (even, odd) = unsafe (
            bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self),
            bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
        )
        left = fold(left ^ even, first) &+ odd
        right = fold(right ^ odd, second) &+ even
        offset += 16
    }
    if offset < bytes.count { left ^= unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
    return fold(left ^ second, right ^ first)
}
