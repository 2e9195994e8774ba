/// Mapped bytes that outlive the process, and how they are made to.
///
/// Everything above speaks to this protocol and never to an instruction, so that a test can stand in between, record the stores, and
/// show every state that a crash may leave. Two rules hold between calls:
///
/// - Stores of the program reach the bytes in the order of the program for whoever maps them next, even if this process is killed.
/// - Only ``persist()`` orders anything against a loss of power: whatever was stored since the last one may be there or not, line by
///   line (tier T0) or sector by sector (T2, T3), in any combination.
///
/// Offsets are bytes from the start of the medium. They are the caller's to check: ``Region`` does.
@safe
public protocol PersistentMedia: AnyObject, Sendable {
    /// What the medium promises.
    var tier: Tier { get }

    /// Whether the bytes may be stored to.
    var isWritable: Bool { get }

    /// Under which start of the kernel the medium is mapped.
    var bootID: BootID { get }

    /// The mapped bytes: good while this object lives, shared with whoever else maps them.
    @unsafe var bytes: UnsafeMutableRawBufferPointer { get }

    /// Stores `source` at `offset` past the caches where possible, and starts its write-back.
    @unsafe func copy(_ source: UnsafeRawBufferPointer, to offset: Int)

    /// Stores one word, after all earlier stores and never in part, and starts its write-back; `offset` is a multiple of 8.
    func store(_ word: UInt64, at offset: Int)

    /// Starts the write-back of bytes that were stored through ``bytes``.
    func writeBack(_ range: Range<Int>)

    /// Lets the next ``persist()`` of another thread wait for what this one has written back, too: a fence is of one thread alone.
    func settle()

    /// Waits until everything written back is durable as the tier promises: one fence, or one fdatasync.
    ///
    /// - Throws: `.notDurable` or `.system` if the device refused. What was written since the last success may be lost, and a second
    ///   call cannot tell: the kernel reports a failed write once and then forgets the pages.
    func persist() throws(PersistenceError)

    /// Whether ``persist()`` is a fence of the processor and nothing else, so that the caller may issue it in place.
    var persistsByFence: Bool { get }
}

extension PersistentMedia {
    /// Nothing: the medium's waits are for every thread.
    public func settle() {}
    /// No: the medium wants to be asked.
    public var persistsByFence: Bool { false }
}
