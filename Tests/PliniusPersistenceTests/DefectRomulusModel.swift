import PliniusPersistence
import _PliniusTestSupport

/// A small model of SGX-Romulus, the library that published PLINIUS persists with.
///
/// As its source does it: `main` and `back`, three states, a volatile log of ranges. Each of its defects can be switched on alone; with none, it is Romulus as its paper has it.
final class RomulusModel {
    /// What the published code does wrong.
    enum Defect: CaseIterable, Sendable {
        /// Bulk data is stored by memcpy, which no log sees.
        case bulkStoreIsNotLogged
        /// The write-back of a range starts at its first byte and goes on in steps of a line: the last line may be missed.
        case writeBackIsNotAligned
        /// When the log passes a quarter of what is used, it is switched off: what is stored later is not written back before COPYING.
        case logOverflowSkipsWriteBack
        /// The root is published in a transaction of its own, before what it names is there.
        case rootBeforeContents
        /// A closure that throws leaves the transaction open, and the next one commits its stores.
        case throwLeavesTransactionOpen
        /// A state that recovery does not know is reported, and the pool used as it is.
        case unknownStateIsUsed
    }

    enum State { static let (idle, mutating, copying): (UInt64, UInt64, UInt64) = (0, 1, 2) }

    static let mainBytes = 4096
    static let byteCount = 3 * mainBytes
    private static let (stateAt, mainAt, backAt) = (0, 4096, 8192)

    let media: RecordingMedia
    private let defect: Defect?
    private var log: [Range<Int>] = []
    private var isLogging = true
    private var isOpen = false

    init(_ media: RecordingMedia, _ defect: Defect?) { (self.media, self.defect) = (media, defect) }

    func load(_ offset: Int) -> UInt64 { media.bytes.load(fromByteOffset: Self.mainAt + offset, as: UInt64.self) }

    // MARK: Transactions

    func begin() {
        if isOpen { return }
        isOpen = true
        setState(State.mutating)
        media.persist()
    }

    /// What `persist<T>` does for an assignment.
    func store(_ word: UInt64, at offset: Int) {
        media.bytes.storeBytes(of: word, toByteOffset: Self.mainAt + offset, as: UInt64.self)
        note(offset..<offset + 8)
        media.observe()
    }

    /// What `enc_memcpy` does for a buffer.
    func storeBulk(_ words: [UInt64], at offset: Int) {
        words.withUnsafeBytes {
            UnsafeMutableRawBufferPointer(rebasing: media.bytes[(Self.mainAt + offset)...]).copyMemory(from: $0)
        }
        if defect != .bulkStoreIsNotLogged { note(offset..<offset + 8 * words.count) }
        media.observe()
    }

    private func note(_ range: Range<Int>) {
        guard isLogging else { return }
        if defect == .logOverflowSkipsWriteBack, log.reduce(0, { $0 + $1.count }) + range.count > 256 {
            isLogging = false
            return
        }
        log.append(range)
    }

    func commit() {
        for range in log { writeBack(range, of: Self.mainAt) }
        media.persist()
        setState(State.copying)
        media.persist()
        if !isLogging { log = [0..<Self.mainBytes] }
        for range in log {
            let source = UnsafeRawBufferPointer(
                rebasing: media.bytes[Self.mainAt + range.lowerBound..<Self.mainAt + range.upperBound])
            UnsafeMutableRawBufferPointer(rebasing: media.bytes[(Self.backAt + range.lowerBound)...]).copyMemory(
                from: source)
            writeBack(range, of: Self.backAt)
        }
        (log, isLogging, isOpen) = ([], true, false)
        media.persist()
        setState(State.idle)
    }

    /// Takes the transaction back, as an exception should.
    func rollBack() {
        if defect == .throwLeavesTransactionOpen { return }
        copyImage(from: Self.backAt, to: Self.mainAt, in: media.bytes)
        media.writeBack(Self.mainAt..<Self.mainAt + Self.mainBytes)
        media.persist()
        (log, isLogging, isOpen) = ([], true, false)
        setState(State.idle)
    }

    private func setState(_ state: UInt64) { media.store(state, at: Self.stateAt) }

    private func writeBack(_ range: Range<Int>, of image: Int) {
        if defect == .writeBackIsNotAligned {
            for place in stride(from: range.lowerBound, to: range.upperBound, by: 64) {
                media.writeBack(image + place..<image + place + 1)
            }
        } else {
            media.writeBack(image + range.lowerBound..<image + range.upperBound)
        }
    }

    // MARK: Recovery

    struct UnknownState: Error {}

    /// What is in `main` after the recovery of an image.
    static func recover(_ image: [UInt8], _ defect: Defect?) throws -> [UInt64] {
        var image = image
        try image.withUnsafeMutableBytes { image in
            switch image.load(fromByteOffset: stateAt, as: UInt64.self) {
            case State.idle: break
            case State.mutating: copyImage(from: backAt, to: mainAt, in: image)
            case State.copying: copyImage(from: mainAt, to: backAt, in: image)
            default: if defect != .unknownStateIsUsed { throw UnknownState() }
            }
        }
        return image.withUnsafeBytes { image in
            (0..<mainBytes / 8).map { image.load(fromByteOffset: mainAt + 8 * $0, as: UInt64.self) }
        }
    }
}

private func copyImage(from source: Int, to destination: Int, in bytes: UnsafeMutableRawBufferPointer) {
    let source = UnsafeRawBufferPointer(rebasing: bytes[source..<source + RomulusModel.mainBytes])
    UnsafeMutableRawBufferPointer(rebasing: bytes[destination...]).copyMemory(from: source)
}
