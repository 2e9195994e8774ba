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
        let (offsets, byteCount) = place()
        let memory = PrivateMemory(byteCount: byteCount)
        for (region, offset) in zip(regions, offsets) {
            unsafe region.place(
                at: UnsafeMutableRawBufferPointer(rebasing: memory.bytes[offset..<offset + region.byteCount]))
        }
        self.memory = memory
    }

    /// Finds a place for every region: the largest first, each at the lowest where nobody else is during its life.
    /// - Complexity: O(n² log n) in the number of regions.
    private func place() -> (offsets: [Int], byteCount: Int) {
        // A page apart: neighbours share no cache line, and no two large tensors start at the same place of a cache set.
        let spans = regions.map { ($0.byteCount + 4096 + 2 * 64 - 1) / 64 * 64 }
        var offsets = [Int](repeating: 0, count: regions.count)
        var placed: [Int] = []
        for index in regions.indices.sorted(by: { (spans[$1], $0) < (spans[$0], $1) }) {
            let others = placed.filter { regions[$0].meets(regions[index]) }.sorted { offsets[$0] < offsets[$1] }
            for other in others where offsets[other] < offsets[index] + spans[index] {
                offsets[index] = max(offsets[index], offsets[other] + spans[other])
            }
            placed.append(index)
        }
        return (offsets, zip(offsets, spans).map(+).max() ?? 0)
    }

    /// Bytes in all.
    var byteCount: Int { memory?.byteCount ?? 0 }
}

/// A piece of a plan's memory; it has an address once the plan is allocated.
@safe
final class Region {
    private(set) var byteCount = 0
    private var memory: UnsafeMutableRawBufferPointer?
    /// The first and the last of a pass's steps between which it holds something; `nil` if it always does.
    var life: ClosedRange<Int>?
    /// Whether others may have its memory before forward is over.
    var endsInForward = false

    fileprivate init() {}

    /// Whether both hold something at once.
    fileprivate func meets(_ other: Region) -> Bool {
        guard let life, let others = other.life else { return true }
        return life.overlaps(others)
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
