import Glibc
import Measuring
import PliniusPersistence

let blockBytes = 4096
let blockCount = 4096

/// A way to read and write blocks of 4 KiB, each write durable when it returns.
///
/// Blocks of several threads are never the same.
protocol Medium: Sendable {
    func read(_ block: Int, into bytes: UnsafeMutableRawBufferPointer)
    func write(_ block: Int, _ bytes: UnsafeRawBufferPointer)
}

enum Way: String, CaseIterable {
    /// `pwrite` and `fdatasync`, `pread`.
    case file
    /// An extent of a pool: a copy and one `persist` a block, outside transactions: the block may be torn by a crash.
    case extent
    /// A transaction a block.
    case transaction

    /// Makes or opens the medium in a file.
    func medium(_ path: String, isNew: Bool) throws -> any Medium {
        let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC | (isNew ? O_CREAT | O_EXCL : 0), 0o600)
        guard descriptor >= 0 else { stop("\(path): \(unsafe String(cString: strerror(errno)))") }
        let byteCount = blockBytes * blockCount
        switch self {
        case .file:
            if isNew {
                // Written once, so that no write of the run has to find a block on the disk.
                let zeros = [UInt8](repeating: 0, count: byteCount)
                guard
                    unsafe zeros.withUnsafeBytes({ unsafe write(descriptor, $0.baseAddress, byteCount) }) == byteCount,
                    fsync(descriptor) == 0
                else { stop("\(path): \(unsafe String(cString: strerror(errno)))") }
            }
            return File(descriptor: descriptor)
        case .extent:
            defer { close(descriptor) }
            guard isNew else {
                let pool = try Pool.open(descriptor: descriptor)
                let extent = try pool.read { view throws(PersistenceError) in try view.extentRoot("blocks") }
                guard let extent else { stop("the extent is gone") }
                return extent
            }
            let pool = try Pool.create(descriptor: descriptor, byteCount: Pool.byteCount(extentBytes: byteCount))
            return try pool.transaction { tx throws(PersistenceError) in
                let extent = try tx.allocateExtent(byteCount: byteCount)
                let zeros = [UInt8](repeating: 0, count: byteCount)
                unsafe zeros.withUnsafeBytes { unsafe extent.copy($0, to: 0) }
                try extent.persist()
                try tx.setRoot("blocks", extent)
                return extent
            }
        case .transaction:
            defer { close(descriptor) }
            guard isNew else { return try Blocks(Pool.open(descriptor: descriptor)) }
            let heapBytes = byteCount + (1 << 20)
            return try Blocks(
                Pool.create(
                    descriptor: descriptor, byteCount: Pool.byteCount(heapBytes: heapBytes, extentBytes: 0),
                    heapBytes: heapBytes))
        }
    }

    /// What makes the writes of a pool durable; nothing for a file, where fdatasync does.
    func tier(_ path: String) throws -> Tier? {
        if self == .file { return nil }
        let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { stop("\(path): \(unsafe String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        return try Pool.open(descriptor: descriptor).tier
    }
}

struct File: Medium {
    let descriptor: CInt

    func read(_ block: Int, into bytes: UnsafeMutableRawBufferPointer) {
        let count = unsafe pread(descriptor, bytes.baseAddress, bytes.count, off_t(block * blockBytes))
        guard count == bytes.count else { stop("a block cannot be read") }
    }

    func write(_ block: Int, _ bytes: UnsafeRawBufferPointer) {
        let count = unsafe pwrite(descriptor, bytes.baseAddress, bytes.count, off_t(block * blockBytes))
        guard count == bytes.count, fdatasync(descriptor) == 0 else { stop("a block cannot be written") }
    }
}

extension Extent: Medium {
    func read(_ block: Int, into bytes: UnsafeMutableRawBufferPointer) {
        unsafe read(block * blockBytes..<(block + 1) * blockBytes, into: bytes)
    }

    func write(_ block: Int, _ bytes: UnsafeRawBufferPointer) {
        unsafe copy(bytes, to: block * blockBytes)
        do { try persist() } catch { stop("\(error)") }
    }
}

/// One buffer in the heap of a pool.
final class Blocks: Medium {
    private let pool: Pool
    private let buffer: PersistentBuffer

    init(_ pool: consuming Pool) throws {
        buffer = try pool.transaction { tx throws(PersistenceError) in
            if let found = try tx.root("blocks", as: PersistentBuffer.self) { return tx[found] }
            let buffer = try tx.allocateBuffer(byteCount: blockBytes * blockCount)
            try tx.setRoot("blocks", try tx.allocate(buffer))
            return buffer
        }
        self.pool = pool
    }

    func read(_ block: Int, into bytes: UnsafeMutableRawBufferPointer) {
        do {
            try pool.read { view throws(Never) in unsafe view.read(buffer, at: block * blockBytes, into: bytes) }
        } catch { stop("\(error)") }
    }

    func write(_ block: Int, _ bytes: UnsafeRawBufferPointer) {
        do {
            try pool.transaction { tx throws(Never) in unsafe tx.write(bytes, to: buffer, at: block * blockBytes) }
        } catch { stop("\(error)") }
    }
}
