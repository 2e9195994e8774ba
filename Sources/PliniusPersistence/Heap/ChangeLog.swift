import Glibc

/// The words that the running transaction stored to, in the order of its stores, each with what it held before.
///
/// This is the volatile log of Romulus (SPAA'18), by words of 8 bytes. A store appends to it and looks nowhere: that one word is named twice
/// costs less than to find out. Playing it backwards takes the transaction back.
@safe @usableFromInline
struct ChangeLog {
    /// One store.
    @usableFromInline
    struct Entry {
        /// Where the word lies in the heap, in bytes.
        @usableFromInline let offset: Int
        /// What it held before the store.
        @usableFromInline var word: UInt64
        @inlinable init(offset: Int, word: UInt64) { self.offset = offset; self.word = word }
    }

    @usableFromInline @unsafe var entries: UnsafeMutablePointer<Entry>
    /// Where the next entry goes, and from where on there is no room for two.
    @usableFromInline @unsafe var next: UnsafeMutablePointer<Entry>
    @usableFromInline @unsafe var end: UnsafeMutablePointer<Entry>
    @usableFromInline var count: Int {
        get { unsafe next - entries }
        set { unsafe next = entries + newValue }
    }
    /// One bit for each word of the heap, all clear between uses.
    @unsafe private let seen: UnsafeMutablePointer<UInt64>
    private let wordCount: Int

    init(heapBytes: Int) {
        wordCount = heapBytes / 8
        unsafe entries = .allocate(capacity: 1024 + 1)
        unsafe next = entries
        unsafe end = entries + 1024
        unsafe seen = .allocate(capacity: wordCount / 64 + 1)
        unsafe seen.initialize(repeating: 0, count: wordCount / 64 + 1)
    }

    func deallocate() {
        unsafe entries.deallocate()
        unsafe seen.deallocate()
    }

    /// Keeps what the words hold that overlap some bytes, which are about to be stored to; at least one byte.
    @unsafe @inlinable @inline(__always)
    mutating func note(_ offset: Int, _ byteCount: Int, in base: UnsafeMutableRawPointer) {
        // One word is the rule.
        if offset & 7 &+ byteCount <= 8 { return unsafe noteWord(offset & ~7, in: base) }
        unsafe noteRest(offset & ~7, offset &+ byteCount, in: base)
    }

    @unsafe @inlinable @inline(__always)
    mutating func noteWord(_ word: Int, in base: UnsafeMutableRawPointer) {
        if unsafe next >= end { makeRoom() }
        unsafe append(word, base.load(fromByteOffset: word, as: UInt64.self), at: 0)
        unsafe next += 1
    }

    /// Keeps what two words hold that are about to be exchanged: less work than twice one word.
    @unsafe @inlinable @inline(__always)
    mutating func noteWords(_ first: Int, _ firstWord: UInt64, _ second: Int, _ secondWord: UInt64) {
        if unsafe next >= end { makeRoom() }
        unsafe append(first, firstWord, at: 0)
        unsafe append(second, secondWord, at: 1)
        unsafe next += 2
    }

    @unsafe @inlinable @inline(__always)
    func append(_ offset: Int, _ word: UInt64, at index: Int) {
        unsafe next[index] = Entry(offset: offset, word: word)
    }

    @unsafe @usableFromInline @inline(never)
    mutating func noteRest(_ first: Int, _ end: Int, in base: UnsafeMutableRawPointer) {
        for word in stride(from: first, to: end, by: 8) { unsafe noteWord(word, in: base) }
    }

    /// Drops what is named twice, and grows unless that was half of it: at most four entries for each word of the heap.
    @usableFromInline @inline(never)
    mutating func makeRoom() {
        let capacity = unsafe end - entries
        if capacity > 2 * wordCount { dropRepetitions() }
        let (old, count) = unsafe (entries, count)
        guard count > capacity / 2 else { return }
        unsafe entries = .allocate(capacity: 2 * capacity + 1)
        unsafe end = entries + 2 * capacity
        unsafe entries.moveInitialize(from: old, count: count)
        unsafe next = entries + count
        unsafe old.deallocate()
    }

    /// Keeps the first entry of each word: what it held before the transaction.
    private mutating func dropRepetitions() {
        var kept = 0
        for index in 0..<count {
            let entry = unsafe entries[index]
            let word = entry.offset >> 3
            if unsafe seen[word >> 6] & 1 << (word & 63) != 0 { continue }
            unsafe seen[word >> 6] |= 1 << (word & 63)
            unsafe entries[kept] = entry
            kept += 1
        }
        count = kept
        for index in 0..<count { unsafe seen[entries[index].offset >> 9] = 0 }
    }

    /// Names each word once, in the order of their places: then the record of all of the heap is hardly larger than the heap.
    mutating func sort() {
        dropRepetitions()
        var sorted = unsafe UnsafeMutableBufferPointer(start: entries, count: count)
        unsafe sorted.sort { $0.offset < $1.offset }
    }

    /// Appends the cache lines that the noted words lie in, each once.
    mutating func appendLines(to lines: inout [UInt32]) {
        for index in 0..<count {
            let line = unsafe entries[index].offset >> 6
            if unsafe seen[line >> 6] & 1 << (line & 63) != 0 { continue }
            unsafe seen[line >> 6] |= 1 << (line & 63)
            lines.append(UInt32(truncatingIfNeeded: line))
        }
        for index in 0..<count { unsafe seen[entries[index].offset >> 12] = 0 }
    }

    /// Takes the transaction out of memory; ``redo(in:)`` brings it back.
    @unsafe func undo(in base: UnsafeMutableRawPointer) {
        for index in (0..<count).reversed() { unsafe exchange(index, in: base) }
    }

    /// Brings back what ``undo(in:)`` took out.
    @unsafe func redo(in base: UnsafeMutableRawPointer) {
        for index in 0..<count { unsafe exchange(index, in: base) }
    }

    @unsafe @inline(__always)
    private func exchange(_ index: Int, in base: UnsafeMutableRawPointer) {
        let place = unsafe (base + entries[index].offset).assumingMemoryBound(to: UInt64.self)
        let word = unsafe place.pointee
        unsafe place.pointee = entries[index].word
        unsafe entries[index].word = word
    }
}
