import Glibc

/// The cache lines that the running transaction stored to, in the order of their first store, and what they held before.
///
/// This is the volatile log of Romulus (SPAA'18), by lines: a line is noted once, however often it is stored to, and never in part.
@safe
struct ChangeLog {
    /// One bit for each line of the heap.
    let noted: UnsafeMutablePointer<UInt64>
    private let wordCount: Int
    /// The noted lines.
    private(set) var lines: UnsafeMutablePointer<UInt32>
    /// 64 bytes for each of them.
    private(set) var before: UnsafeMutableRawPointer
    private(set) var count = 0
    private var capacity = 256

    init(lineCount: Int) {
        precondition(lineCount < Int(UInt32.max), "a heap has fewer than 2^32 lines")
        wordCount = (lineCount + 63) / 64
        unsafe noted = .allocate(capacity: wordCount)
        unsafe noted.initialize(repeating: 0, count: wordCount)
        unsafe lines = .allocate(capacity: capacity)
        unsafe before = .allocate(byteCount: capacity * Heap.lineBytes, alignment: Heap.lineBytes)
    }

    func deallocate() {
        unsafe noted.deallocate()
        unsafe lines.deallocate()
        unsafe before.deallocate()
    }

    /// Notes the lines of some bytes that are about to be stored to.
    @inline(__always)
    mutating func note(_ offset: Int, _ byteCount: Int, in base: UnsafeMutableRawPointer) {
        let last = (offset + byteCount - 1) >> 6
        var line = offset >> 6
        while line <= last {
            if unsafe noted[line >> 6] & 1 << UInt64(truncatingIfNeeded: line & 63) == 0 {
                unsafe add(line, in: base)
            }
            line += 1
        }
    }

    /// Notes a line that is not noted yet.
    mutating func add(_ line: Int, in base: UnsafeMutableRawPointer) {
        if count == capacity { grow() }
        unsafe noted[line >> 6] |= 1 << UInt64(truncatingIfNeeded: line & 63)
        unsafe lines[count] = UInt32(truncatingIfNeeded: line)
        unsafe (before + count * Heap.lineBytes).copyMemory(from: base + line << 6, byteCount: Heap.lineBytes)
        count += 1
    }

    private mutating func grow() {
        let (oldLines, oldBefore) = unsafe (lines, before)
        unsafe lines = .allocate(capacity: 2 * capacity)
        unsafe before = .allocate(byteCount: 2 * capacity * Heap.lineBytes, alignment: Heap.lineBytes)
        unsafe lines.update(from: oldLines, count: count)
        unsafe before.copyMemory(from: oldBefore, byteCount: count * Heap.lineBytes)
        unsafe oldLines.deallocate()
        unsafe oldBefore.deallocate()
        capacity *= 2
    }

    /// The noted lines, good until the next change.
    var notedLines: UnsafeBufferPointer<UInt32> { unsafe UnsafeBufferPointer(start: lines, count: count) }

    /// Puts back what every noted line held.
    func undo(in base: UnsafeMutableRawPointer) {
        for index in 0..<count {
            unsafe (base + Int(lines[index]) << 6)
                .copyMemory(from: before + index * Heap.lineBytes, byteCount: Heap.lineBytes)
        }
    }

    /// Begins with nothing noted.
    mutating func forget() {
        for index in 0..<count { unsafe noted[Int(lines[index]) >> 6] = 0 }
        count = 0
    }
}
