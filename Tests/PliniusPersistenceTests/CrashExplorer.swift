import PliniusPersistence
import _PliniusTestSupport

/// A program whose state after any number of its transactions is known: transaction `number` depends on the pool alone.
protocol CrashWorkload: Sendable {
    /// The size of its heap, in bytes.
    var heapBytes: Int { get }
    /// The room for its extents, in bytes.
    var extentBytes: Int { get }

    /// Makes state 0 of a new pool.
    func setUp(_ pool: borrowing Pool) throws

    /// Makes state `number + 1` of state `number`, in one transaction that is committed, and any number that are not.
    ///
    /// - Parameter tick: To be called between stores: a crash may come there.
    func run(_ number: Int, on pool: borrowing Pool, _ tick: () -> Void) throws

    /// Which state it is.
    /// - Throws: If something that holds in every state does not.
    func state(of view: borrowing Snapshot) throws -> Int
}

extension CrashWorkload {
    var heapBytes: Int { 6 * 4096 }
    var extentBytes: Int { 4096 }
}

/// A medium, and how finely a loss of power tears it.
struct CrashDevice: CustomStringConvertible, Sendable {
    var tier: Tier
    var lineBytes: Int
    /// Whether the words of a line may become durable apart from each other.
    var tears: Bool { tier == .t0 }
    var description: String { "\(tier), lines of \(lineBytes) bytes" }

    static let memory = CrashDevice(tier: .t0, lineBytes: 64)
    static let all = [memory, CrashDevice(tier: .t3, lineBytes: 512), CrashDevice(tier: .t3, lineBytes: 4096)]
}

/// How many crashes are tried at a place.
struct CrashLimits: Sendable {
    /// Up to so many combinations, all are tried: those of 12 uncertain lines.
    var exhaustive: Int
    /// So many are drawn after a store if there are more.
    var perStore: Int
    /// So many are drawn before a wait if there are more.
    var perWait: Int
    /// One in so many crashed pools is used on, with further crashes.
    var descents: Int

    init(exhaustive: Int = 1 << 12, perStore: Int = 24, perWait: Int = 10_000, descents: Int = 1000) {
        (self.exhaustive, self.perStore, self.perWait, self.descents) = (exhaustive, perStore, perWait, descents)
    }
}

/// What a crash led to that it must not.
struct CrashFinding: Error, CustomStringConvertible {
    var place: String
    var what: String
    var description: String { "\(place): \(what)" }
}

/// How many crashes were tried, and what they led to.
struct CrashTally: CustomStringConvertible {
    var images = 0
    /// Images of these that are equal to an earlier one, of which it is known what recovery finds.
    var repeated = 0
    var before = 0
    var after = 0
    /// Crashed pools that were used on with recording, by how many crashes came before.
    var descents = [0, 0, 0, 0]

    var description: String {
        "\(images) states explored, \(images - repeated) of them different: \(before) before, \(after) after the transaction; "
            + "\(descents.dropFirst().map(String.init).joined(separator: " + ")) recoveries recorded"
    }
}

/// Runs a program and, at every step of it, takes every state that a crash may leave; the real recovery must find in each one the state before
/// the transaction or after it, bit for bit, and for certain the one after once the call has returned.
final class CrashExplorer {
    /// At most so many crashed pools are used on, by how many crashes came before.
    private static let mostDescents = [0, 20, 30, 40]

    private let kind: CommitKind
    private let device: CrashDevice
    private let workload: any CrashWorkload
    private let limits: CrashLimits
    /// After an earlier crash.
    private let nested: CrashLimits
    /// The words of the heap in each state.
    private let states: [[UInt64]]
    private let poolBytes: Int
    private let plain: PlainMedia
    private var random: SeededRandom
    private var failure: CrashFinding?
    /// Which state recovery finds in an image, by its fingerprint.
    private var verdicts: [UInt64: Int] = [:]
    private(set) var tally = CrashTally()

    init(
        _ workload: any CrashWorkload, _ kind: CommitKind, _ device: CrashDevice, limits: CrashLimits = CrashLimits(),
        states count: Int = 16, seed: UInt64 = 1
    ) throws {
        (self.workload, self.kind, self.device, self.limits) = (workload, kind, device, limits)
        nested = CrashLimits(perStore: 6, perWait: 24, descents: 20)
        random = SeededRandom(seed: seed)
        poolBytes = Pool.byteCount(heapBytes: workload.heapBytes, extentBytes: workload.extentBytes, commit: kind)
        plain = PlainMedia(byteCount: poolBytes)
        let pool = try Pool.create(on: plain, heapBytes: workload.heapBytes, commit: kind)
        try workload.setUp(pool)
        var states = [try pool.read { $0.words(workload.heapBytes) }]
        for number in 0..<count {
            try workload.run(number, on: pool) {}
            states.append(try pool.read { $0.words(workload.heapBytes) })
        }
        self.states = states
    }

    /// Explores the first `count` transactions of a new pool.
    func explore(transactions count: Int, bug: RecordingMedia.Bug? = nil) throws {
        let zeros = [UInt8](repeating: 0, count: poolBytes)
        let media = RecordingMedia(image: zeros, tier: device.tier, lineBytes: device.lineBytes)
        let pool = try Pool.create(on: media, heapBytes: workload.heapBytes, commit: kind)
        try workload.setUp(pool)
        media.bug = bug
        for number in 0..<count { try run(number, on: pool, media, limits, depth: 0) }
    }

    // MARK: Transactions

    /// Runs one transaction, and crashes at every step of it in every way.
    private func run(
        _ number: Int, on pool: borrowing Pool, _ media: RecordingMedia, _ limits: CrashLimits, depth: Int
    ) throws {
        watch(media, number...number + 1, limits, depth: depth)
        try workload.run(number, on: pool) { media.observe() }
        ignore(media)
        try failIfFound()
        crash(media, number + 1...number + 1, limits, limits.perStore, "after transaction \(number)", depth: depth)
        try failIfFound()
    }

    private func watch(_ media: RecordingMedia, _ allowed: ClosedRange<Int>, _ limits: CrashLimits, depth: Int) {
        var steps = 0
        media.onStep = { [unowned self, unowned media] in
            steps += 1
            // A write-back that nobody has waited for changes nothing that a crash could leave.
            guard media.lastStep == .store else { return }
            // After an earlier crash, some of the steps are enough, and few of many.
            if depth > 0, random.next() % (media.uncertainLines > 16 ? 64 : 2) != 0 { return }
            if depth == 0, media.uncertainLines < 16 || steps % 32 == 0 {
                kill(media, allowed, "step \(steps) of transaction \(allowed.lowerBound)")
            }
            crash(
                media, allowed, limits, limits.perStore, "step \(steps) of transaction \(allowed.lowerBound)",
                changing: media.lastLine, depth: depth)
        }
        media.onWait = { [unowned self, unowned media] in
            crash(
                media, allowed, limits, limits.perWait,
                "before the wait after step \(steps) of transaction \(allowed.lowerBound)",
                depth: depth)
        }
    }

    private func ignore(_ media: RecordingMedia) { (media.onStep, media.onWait) = (nil, nil) }

    private func failIfFound() throws {
        if let failure { throw failure }
    }

    // MARK: Crashes

    /// Takes the states that a crash may leave now, and judges them.
    private func crash(
        _ media: RecordingMedia, _ allowed: ClosedRange<Int>, _ limits: CrashLimits, _ samples: Int, _ place: String,
        changing line: Int? = nil, depth: Int
    ) {
        if failure != nil { return }
        do {
            let place = "\(kind) on \(device), depth \(depth), \(place)"
            var problem: (any Error)?
            var next: [([UInt8], Int)] = []
            var fingerprint: UInt64 = 0
            media.forEachImageAfterPowerLoss(
                limit: limits.exhaustive, samples: samples, seed: random.next(), changing: line, tears: device.tears,
                unless: { print in
                    fingerprint = print
                    guard problem == nil else { return true }
                    guard let found = verdicts[print] else { return false }
                    tally.repeated += 1
                    do { try count(found, allowed, place) } catch { problem = error }
                    return true
                }
            ) { image in
                do {
                    let found = try judge(image, allowed, place)
                    verdicts[fingerprint] = found
                    if mayDescend(from: depth, 1, limits, chosen: next.count) { next.append((image, found)) }
                } catch { problem = error }
            }
            if let problem { throw problem }
            // A killed process: the next one finds all that was stored, none of it more certain than it was.
            if mayDescend(from: depth, samples, limits, chosen: next.count) {
                try descend(RecordingMedia(continuing: media), allowed, depth: depth + 1, place)
            }
            for (image, found) in next {
                let media = RecordingMedia(
                    image: image, tier: device.tier, lineBytes: device.lineBytes, boot: media.bootID.bytes[0] &+ 1)
                try descend(media, found...found, depth: depth + 1, place)
            }
        } catch let finding as CrashFinding {
            failure = finding
        } catch {
            failure = CrashFinding(place: place, what: "\(error)")
        }
    }

    /// Ends the process, not the power: what the next process finds, it may rely on.
    private func kill(_ media: RecordingMedia, _ allowed: ClosedRange<Int>, _ place: String) {
        if failure != nil { return }
        do {
            let place = "\(kind) on \(device), killed at \(place)"
            let heir = RecordingMedia(continuing: media)
            let found = try identify(Pool.open(on: heir), allowed, place)
            crash(heir, found...found, nested, 4, "what the heir of a process killed at \(place) found", depth: 3)
        } catch {
            failure = error as? CrashFinding ?? CrashFinding(place: place, what: "\(error)")
        }
    }

    private func mayDescend(from depth: Int, _ chances: Int, _ limits: CrashLimits, chosen: Int) -> Bool {
        depth < 3 && tally.descents[depth + 1] + chosen < Self.mostDescents[depth + 1]
            && random.next() % UInt64(limits.descents) < UInt64(chances)
    }

    /// Recovers from an image, and finds out which state it is.
    private func judge(_ image: [UInt8], _ allowed: ClosedRange<Int>, _ place: String) throws -> Int {
        plain.reset(to: image)
        let pool: Pool
        do {
            pool = try Pool.open(on: plain)
        } catch {
            throw CrashFinding(place: place, what: "the pool does not open: \(error)")
        }
        let found = try identify(pool, allowed, place)
        try count(found, allowed, place)
        return found
    }

    private func count(_ found: Int, _ allowed: ClosedRange<Int>, _ place: String) throws {
        guard allowed.contains(found) else {
            throw CrashFinding(place: place, what: "state \(found) was found where \(allowed) belongs")
        }
        tally.images += 1
        if found == allowed.lowerBound, allowed.count > 1 { tally.before += 1 } else { tally.after += 1 }
    }

    private func identify(_ pool: borrowing Pool, _ allowed: ClosedRange<Int>, _ place: String) throws -> Int {
        let bytes = workload.heapBytes
        guard let found = try allowed.first(where: { number in try pool.read { $0.holds(states[number], bytes) } })
        else {
            let what = (try? pool.read { try workload.state(of: $0) }).map { "state \($0)" } ?? "a mixture"
            throw CrashFinding(place: place, what: "\(what) was found where \(allowed) belongs")
        }
        let claimed = try pool.read { try workload.state(of: $0) }
        guard claimed == found else {
            throw CrashFinding(place: place, what: "the heap of state \(found) says that it is state \(claimed)")
        }
        return found
    }

    /// Opens what a crash left, recording; crashes during recovery and during the next two transactions; then closes and opens once more.
    private func descend(
        _ media: RecordingMedia, _ allowed: ClosedRange<Int>, depth: Int, _ place: String
    ) throws {
        tally.descents[depth] += 1
        let place = "\(place) → recovery \(depth)"
        watch(media, allowed, nested, depth: depth)
        let pool: Pool
        do {
            pool = try Pool.open(on: media)
        } catch {
            throw failure ?? CrashFinding(place: place, what: "the pool does not open: \(error)")
        }
        ignore(media)
        try failIfFound()
        let found = try identify(pool, allowed, place)
        // What the heir has seen may not be lost any more.
        crash(media, found...found, nested, 24, "after recovery", depth: depth)
        try failIfFound()
        for number in found..<min(found + 2, states.count - 1) {
            try run(number, on: pool, media, nested, depth: depth)
        }
        let end = min(found + 2, states.count - 1)
        _ = try judge(media.imageAfterKill, end...end, "\(place), two transactions later")
    }
}

extension Snapshot {
    /// All words of the heap.
    fileprivate borrowing func words(_ heapBytes: Int) -> [UInt64] {
        let all = PersistentArray<UInt64>(offset: 0, count: heapBytes / 8)
        return (0..<all.count).map { self[all, $0] }
    }

    /// Whether these are all words of the heap.
    fileprivate borrowing func holds(_ words: [UInt64], _ heapBytes: Int) -> Bool {
        let all = PersistentArray<UInt64>(offset: 0, count: heapBytes / 8)
        for index in 0..<all.count where self[all, index] != words[index] { return false }
        return true
    }
}
