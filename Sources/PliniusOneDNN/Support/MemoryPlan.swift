internal import Glibc
internal import _PliniusSupport

/// All memory that a plan's passes need: asked for while the plan is made, allocated once.
final class MemoryPlan {
    private var regions: [Region] = []
    private var memory: PrivateMemory?

    /// Asks for a region of its own.
    func reserve(bytes count: Int) -> Region {
        let region = Region()
        region.grow(toBytes: count)
        regions.append(region)
        return region
    }

    /// Asks for a region of its own.
    func reserve(floats count: Int) -> Region { reserve(bytes: count * MemoryLayout<Float>.stride) }

    /// Allocates everything: from now on the regions have memory, all zeros.
    func allocate() {
        precondition(memory == nil, "a plan's memory is allocated once")
        // A page apart: neighbours share no cache line, and no two large tensors start at the same place of a cache set.
        let pitch = 4096 + 64
        let hosts = regions.filter { $0.host == nil }
        let memory = PrivateMemory(byteCount: hosts.reduce(0) { $0 + ($1.byteCount + 2 * pitch) })
        // Tiles lie far apart in tensors of many pages: with large ones, fewer addresses have to be translated anew. A kernel that has
        // none goes on without.
        _ = unsafe madvise(memory.bytes.baseAddress, memory.byteCount, MADV_HUGEPAGE)
        var offset = 0
        for region in hosts {
            unsafe region.place(
                at: UnsafeMutableRawBufferPointer(rebasing: memory.bytes[offset..<offset + region.byteCount]))
            offset += (region.byteCount + pitch - 1) / 64 * 64
        }
        for region in regions {
            guard let host = region.host else { continue }
            unsafe region.place(at: UnsafeMutableRawBufferPointer(start: host.address, count: region.byteCount))
        }
        self.memory = memory
    }

    /// Bytes in all.
    var byteCount: Int { memory?.byteCount ?? 0 }
}

/// A piece of a plan's memory; it has an address once the plan is allocated.
@safe
final class Region {
    private(set) var byteCount = 0
    private var memory: UnsafeMutableRawBufferPointer?
    /// Whose memory it takes turns in.
    fileprivate private(set) var host: Region?
    /// Whether others have the same memory at other times.
    private(set) var takesTurns = false

    fileprivate init() {}

    /// Lets it have the memory of another region, which has one of its own, when that one is not needed.
    func share(_ host: Region) {
        precondition(host.host == nil && host !== self, "a region shares memory that is another's own")
        host.grow(toBytes: byteCount)
        self.host = host
        takesTurns = true
        host.takesTurns = true
    }

    /// Makes room for at least so many floats; for regions that several layers use in turn.
    func grow(toFloats count: Int) { grow(toBytes: count * MemoryLayout<Float>.stride) }

    func grow(toBytes count: Int) {
        precondition(unsafe memory == nil, "a region that has memory cannot grow")
        byteCount = max(byteCount, count)
    }

    @unsafe fileprivate func place(at memory: UnsafeMutableRawBufferPointer) {
        unsafe self.memory = unsafe memory
    }

    /// The address; good while the plan lives.
    @unsafe var address: UnsafeMutableRawPointer {
        guard let address = unsafe memory?.baseAddress else { preconditionFailure("the plan has no memory yet") }
        return unsafe address
    }

    /// The region as floats.
    @unsafe var floats: UnsafeMutablePointer<Float> { unsafe address.assumingMemoryBound(to: Float.self) }

    /// The region as numbers of double precision.
    @unsafe var doubles: UnsafeMutablePointer<Double> { unsafe address.assumingMemoryBound(to: Double.self) }

    /// The first `count` floats, with checked access.
    func values(_ count: Int) -> Floats {
        precondition(count * MemoryLayout<Float>.stride <= byteCount, "the region is shorter than \(count) numbers")
        return unsafe Floats(UnsafeMutableBufferPointer(start: floats, count: count))
    }
}

/// Floats of a plan or of the arena, with checked access.
@safe
struct Floats {
    private let buffer: UnsafeMutableBufferPointer<Float>

    @unsafe init(_ buffer: UnsafeMutableBufferPointer<Float>) {
        unsafe self.buffer = unsafe buffer
    }

    var count: Int { unsafe buffer.count }

    subscript(_ index: Int) -> Float {
        get {
            precondition(index >= 0 && index < count, "\(index) is outside of \(count) numbers")
            return unsafe buffer[index]
        }
        nonmutating set {
            precondition(index >= 0 && index < count, "\(index) is outside of \(count) numbers")
            unsafe buffer[index] = newValue
        }
    }

    /// The address of the first; good while their owner lives.
    @unsafe var pointer: UnsafeMutablePointer<Float> {
        guard let pointer = unsafe buffer.baseAddress else { preconditionFailure("no numbers") }
        return unsafe pointer
    }

    /// Copies all of a span in.
    func copy(from source: Span<Float>) {
        precondition(source.count == count, "\(count) numbers are wanted, not \(source.count)")
        unsafe source.withUnsafeBufferPointer { source in _ = unsafe buffer.update(fromContentsOf: source) }
    }
}
