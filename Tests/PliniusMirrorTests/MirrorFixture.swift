import PliniusMirror
import PliniusPersistence
import PliniusSealing
import _PliniusSupport
import _PliniusTestSupport

/// A small run whose arena is known at every iteration.
struct MirrorFixture {
    var arenaBytes = 160
    var chunkBytes = 64
    var cipher = Cipher.aes256GCM
    /// Several only on media that take stores from several threads.
    var workers = 1
    var owner: UInt8 = 7
    var run: UInt8 = 1
    var name = "first"
    var description = Array("[net]\nbatch=1\n".utf8)

    var keys: KeyHierarchy { KeyHierarchy(ownerKey: SecretBytes([UInt8](repeating: owner, count: 32))) }

    var runName: RunName {
        do { return try RunName(name) } catch { fatalError("\(error)") }
    }

    var identity: RunIdentity {
        RunIdentity(
            name: runName, runID: [UInt8](repeating: run, count: 16), configDigest: [UInt8](repeating: 2, count: 32),
            layoutDigest: [UInt8](repeating: 3, count: 32), datasetID: [UInt8](repeating: 4, count: 16), seed: 5,
            cipher: cipher, sampling: 0, executor: 1, threads: 2)
    }

    var extentBytes: Int {
        Mirror.byteCount(arenaBytes: arenaBytes, descriptionBytes: description.count, chunkBytes: chunkBytes)
    }
    /// The sizes of the format, written out: an oracle apart from the code.
    var slotBytes: Int { 4096 + pages(chunkCount * 16) + pages(arenaBytes) }
    var chunkCount: Int { (arenaBytes + chunkBytes - 1) / chunkBytes }
    func start(of slot: Slot) -> Int { 8192 + pages(description.count) + (slot == .a ? 0 : slotBytes) }
    func tags(of slot: Slot) -> Range<Int> { start(of: slot) + 4096..<start(of: slot) + 4096 + 16 * chunkCount }
    func chunks(of slot: Slot) -> Range<Int> {
        let start = start(of: slot) + 4096 + pages(chunkCount * 16)
        return start..<start + arenaBytes
    }
    private func pages(_ count: Int) -> Int { (count + 4095) / 4096 * 4096 }

    /// The arena after `iteration` iterations.
    func golden(_ iteration: UInt64) -> [UInt8] {
        var random = SeededRandom(seed: iteration &* 1_000_003 &+ UInt64(run))
        return (0..<arenaBytes).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    func progress(_ iteration: UInt64) -> Progress {
        Progress(iteration: iteration, loss: Float(iteration) + 0.25, averageLoss: Float(iteration) + 0.5)
    }

    func arena(_ iteration: UInt64? = nil) -> PrivateMemory {
        let arena = PrivateMemory(byteCount: arenaBytes)
        if let iteration { arena.bytes.copyBytes(from: golden(iteration)) }
        return arena
    }

    // MARK: Steps of a run

    func create(on extent: Extent) throws -> Mirror {
        try Mirror.create(
            on: extent, identity: identity, keys: keys, arena: arena(0), progress: progress(0),
            description: description, chunkBytes: chunkBytes, workers: workers)
    }

    func commit(_ iteration: UInt64, to mirror: Mirror) throws {
        try mirror.mirrorOut(arena(iteration), progress: progress(iteration))
    }

    /// Opens and mirrors in; checks that what is found is, to the bit, the state that its iteration number names.
    func recover(_ extent: Extent, expecting: ExpectedRun? = nil) throws -> (mirror: Mirror, recovery: Recovery) {
        let mirror = try Mirror.open(
            on: extent, expecting: expecting ?? ExpectedRun(identity), keys: keys, workers: workers)
        let arena = arena()
        let recovery = try mirror.mirrorIn(to: arena)
        guard Array(arena.bytes) == golden(recovery.progress.iteration),
            recovery.progress == progress(recovery.progress.iteration)
        else { throw Mixture(iteration: recovery.progress.iteration) }
        return (mirror, recovery)
    }

    /// The bytes of an extent after commits 0 to `commits`; the odd ones are in slot B.
    func image(commits: UInt64, tier: Tier = .t0) throws -> [UInt8] {
        let media = RecordingMedia(image: [UInt8](repeating: 0, count: extentBytes), tier: tier)
        let mirror = try create(on: Region(on: media).whole)
        for iteration in 0..<commits { try commit(iteration + 1, to: mirror) }
        return media.imageAfterKill
    }
}

extension ExpectedRun {
    /// Exactly this run, whatever its id.
    init(_ identity: RunIdentity) {
        self.init()
        name = identity.name
        configDigest = identity.configDigest
        layoutDigest = identity.layoutDigest
        datasetID = identity.datasetID
        seed = identity.seed
        cipher = identity.cipher
    }
}

/// Recovery returned something that was never a state of the run.
struct Mixture: Error {
    var iteration: UInt64
}
