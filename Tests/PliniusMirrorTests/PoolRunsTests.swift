import PliniusMirror
import PliniusPersistence
import PliniusRuns
import PliniusSealing
import Testing
import _PliniusTestSupport

/// Several runs in one pool: found by name, begun all or nothing, and never taken for each other.
@Suite struct PoolRunsTests {
    private static let heapBytes = 32_768
    private let first = MirrorFixture(run: 1, name: "first")
    private let second = MirrorFixture(arenaBytes: 300, run: 2, name: "second")

    private func media(room: Int, tier: Tier = .t0) -> RecordingMedia {
        let byteCount = Pool.byteCount(heapBytes: Self.heapBytes, extentBytes: room)
        return RecordingMedia(image: [UInt8](repeating: 0, count: byteCount), tier: tier)
    }

    private func pool(on media: RecordingMedia) throws -> Pool {
        try Pool.create(on: media, heapBytes: Self.heapBytes)
    }

    private func begin(
        _ fixture: MirrorFixture, in pool: borrowing Pool, onCrashPoint: ((CrashPoint) -> Void)? = nil
    ) throws -> Mirror {
        let name = fixture.runName.description
        let place = try pool.placeForRun(name, byteCount: fixture.extentBytes)
        let mirror = try Mirror.create(
            on: place, identity: fixture.identity, keys: fixture.keys, arena: fixture.arena(0),
            progress: fixture.progress(0), description: fixture.description, chunkBytes: fixture.chunkBytes,
            onCrashPoint: onCrashPoint)
        try pool.publishRun(name, in: place)
        return mirror
    }

    private func recover(_ fixture: MirrorFixture, in pool: borrowing Pool) throws -> (
        mirror: Mirror, recovery: Recovery
    ) {
        try fixture.recover(try pool.run(fixture.runName.description).extent)
    }

    private var roomForBoth: Int { first.extentBytes + second.extentBytes }

    private func both(on media: RecordingMedia) throws -> Pool {
        let pool = try pool(on: media)
        for fixture in [second, first] { _ = try begin(fixture, in: pool) }
        return pool
    }

    // MARK: Names

    @Test func `A name is short, plain, and no option on a command line`() throws {
        let longest = String(repeating: "x", count: 40)
        for text in ["a", "default", "Run-7_b.2", "_", "0", "a.", "a-", longest] {
            #expect(try RunName(text).description == text)
        }
        for text in [
            "", ".", "..", ".a", "-a", "--run", "a b", "a/b", "../a", "ä", "a\u{301}", "-\u{301}a", "a\n", "a\0",
            longest + "x",
        ] {
            let error = #expect(throws: MirrorError.self, "\(text)") { try RunName(text) }
            #expect(error?.code == .invalidName && error?.message.contains("1 to 40") == true)
        }
    }

    // MARK: Finding

    @Test func `Runs are listed by name, and what else the pool names is none of them`() throws {
        let media = media(room: roomForBoth + 3 * 4096)
        let pool = try pool(on: media)
        #expect(try pool.runs.isEmpty)
        for fixture in [second, first] { _ = try begin(fixture, in: pool) }
        try pool.transaction { tx throws(PersistenceError) in
            try tx.setRoot("run/value", try tx.allocate(7))
            for name in ["model/a", "first"] {
                try tx.setRoot(name, try tx.allocateExtent(byteCount: 1))
            }
        }
        #expect(try pool.runs.map(\.name) == ["first", "second"])
        #expect(try pool.runs.map(\.extent.byteCount) == [first.extentBytes, second.extentBytes])
        #expect(try Pool.open(on: media).runs.map(\.name) == ["first", "second"])
    }

    @Test func `Runs that take turns do not touch each other`() throws {
        let media = media(room: roomForBoth)
        let pool = try both(on: media)
        var mirrors = try [first, second].map { try recover($0, in: pool).mirror }
        for iteration in UInt64(1)...6 {
            for (index, fixture) in [first, second].enumerated() {
                try fixture.commit(iteration * UInt64(index + 1), to: mirrors[index])
            }
            guard iteration % 2 == 0 else { continue }
            // Another process, on a copy that has the stores only.
            let next = try Pool.open(on: RecordingMedia(image: media.imageAfterKill, tier: .t0))
            for (index, fixture) in [first, second].enumerated() {
                let recovery = try recover(fixture, in: next).recovery
                #expect(recovery.progress.iteration == iteration * UInt64(index + 1) && recovery.verdict == .resumed)
            }
            mirrors = try [first, second].map { try recover($0, in: pool).mirror }
        }
        #expect(pool.check().isSound)
    }

    @Test func `Without a name the only run is meant, and a name that is not there tells those that are`() throws {
        let pool = try pool(on: media(room: roomForBoth))
        func refusal(_ name: String?) throws -> String {
            let error = #expect(throws: PersistenceError.self) { try pool.run(name) }
            #expect(error?.code == .noSuchRoot)
            return error?.message ?? ""
        }
        #expect(try refusal(nil).contains("holds no run"))
        _ = try begin(first, in: pool)
        #expect(try pool.run(nil).name == "first")
        #expect(try refusal("second").contains("no run second. It holds: first."))
        _ = try begin(second, in: pool)
        #expect(try refusal(nil).contains("first, second"))
        #expect(try pool.run("second").name == "second")
    }

    @Test func `Without a name a run is meant and not its best model, unless that stands alone`() throws {
        #expect(Pool.bestRun(of: "first") == "first.best")
        let best = MirrorFixture(run: 3, name: "first.best")
        let pool = try pool(on: media(room: roomForBoth + best.extentBytes))
        _ = try begin(best, in: pool)
        #expect(try pool.run(nil).name == "first.best")
        _ = try begin(first, in: pool)
        #expect(try pool.run(nil).name == "first" && pool.run("first.best").name == "first.best")
        #expect(try pool.runs.map(\.name) == ["first", "first.best"])
        _ = try begin(second, in: pool)
        let error = #expect(throws: PersistenceError.self) { try pool.run(nil) }
        #expect(error?.code == .noSuchRoot && error?.message.contains("first, first.best, second") == true)
    }

    // MARK: Room

    @Test func `A run that does not fit leaves the pool as it was, and says what is missing`() throws {
        let pool = try pool(on: media(room: roomForBoth - 4096))
        let mirror = try begin(first, in: pool)
        let before = pool.check()
        let error = #expect(throws: PersistenceError.self) { try begin(second, in: pool) }
        #expect(error?.code == .noSpace)
        for words in [
            "no run second", "It holds: first.", "\(second.extentBytes) bytes", "\(second.extentBytes - 4096) are free",
            "plinius pool grow",
        ] { #expect(error?.message.contains(words) == true, "\(error?.message ?? "")") }
        #expect(pool.check() == before && before.isSound)
        try first.commit(1, to: mirror)
        #expect(try recover(first, in: pool).recovery.progress.iteration == 1)
    }

    @Test func `Runs that begin together find room together or not at all`() throws {
        let both = [(name: "first", byteCount: first.extentBytes), (name: "second", byteCount: second.extentBytes)]
        let small = try pool(on: media(room: roomForBoth - 4096))
        let before = small.check()
        let error = #expect(throws: PersistenceError.self) { try small.placesForRuns(both) }
        #expect(error?.code == .noSpace && error?.message.contains("no run first and no run second") == true)
        #expect(small.check() == before)
        let pool = try pool(on: media(room: roomForBoth))
        let places = try pool.placesForRuns(both)
        #expect(places.map(\.byteCount) == both.map(\.byteCount) && !places[0].range.overlaps(places[1].range))
        #expect(try pool.runs.isEmpty)
        // In another order they are other places.
        let turned = #expect(throws: PersistenceError.self) {
            try pool.publishRuns([("second", places[1]), ("first", places[0])])
        }
        #expect(try turned?.code == .noSpace && pool.runs.isEmpty)
        try pool.publishRuns([("first", places[0]), ("second", places[1])])
        #expect(try pool.runs.map(\.extent.range) == places.map(\.range))
    }

    // MARK: Names that are not the run's own

    /// Makes one name stand for what another stands for, as whoever stores to the file can.
    private func rename(_ changes: [String: String], in pool: borrowing Pool) throws {
        try pool.transaction { tx throws(PersistenceError) in
            var found: [String: Extent] = [:]
            for (_, old) in changes { found[old] = try tx.extentRoot(old) }
            for (new, old) in changes { if let extent = found[old] { try tx.setRoot(new, extent) } }
        }
    }

    @Test(arguments: [["run/first": "run/second", "run/second": "run/first"], ["run/first": "run/second"]])
    func `A run under another's name is refused, and both are named`(changes: [String: String]) throws {
        let pool = try both(on: media(room: roomForBoth))
        try rename(changes, in: pool)
        var expected = ExpectedRun()
        expected.name = first.runName
        let extent = try pool.run("first").extent
        for refused in [
            #expect(throws: MirrorError.self) { try Mirror.open(on: extent, expecting: expected, keys: first.keys) },
            #expect(throws: MirrorError.self) { try RunStatus(of: extent, named: first.runName) },
        ] {
            #expect(refused?.code == .otherRun && refused?.differences == [.name])
            #expect(refused?.message.contains("Under the name first the pool holds the run second") == true)
        }
    }

    @Test func `What a name stands for may be anything, and is examined before it is used`() throws {
        let pool = try pool(on: media(room: 4096))
        try pool.transaction { tx throws(PersistenceError) in
            try tx.setRoot("run/first", try tx.allocateExtent(byteCount: 4096))
        }
        let error = #expect(throws: MirrorError.self) { try recover(first, in: pool) }
        #expect(error?.code == .notAMirror)
    }

    // MARK: Crashes

    /// Crashes at every step of a beginning.
    ///
    /// The run is there whole or not at all, the other one is untouched, and nothing leaks.
    @Test(arguments: [Tier.t0, .t3])
    func `A crash while a second run begins leaves the first as it is and leaks nothing`(tier: Tier) throws {
        let media = media(room: roomForBoth, tier: tier)
        let pool = try pool(on: media)
        try first.commit(1, to: try begin(first, in: pool))
        let before = pool.check()
        let after = try both(on: self.media(room: roomForBoth)).check()
        var (without, with) = (0, 0)
        func check(_ image: [UInt8]) throws {
            let pool = try Pool.open(on: RecordingMedia(image: image, tier: tier))
            #expect(try recover(first, in: pool).recovery.progress.iteration == 1)
            if try pool.runs.count == 1 {
                without += 1
                #expect(pool.check() == before)
                // There is room for just one more: a leak of a page would refuse it.
                if without % 16 == 0 { _ = try begin(second, in: pool) }
            } else {
                with += 1
                #expect(pool.check() == after)
                #expect(try recover(second, in: pool).recovery.progress.iteration == 0)
            }
        }
        var failure: (any Error)?
        media.onStep = {
            guard failure == nil, media.lastStep != .writeBack else { return }
            do {
                try check(media.imageAfterKill)
                for image in media.imagesAfterPowerLoss(limit: 8, seed: UInt64(with + without)) { try check(image) }
            } catch { failure = error }
        }
        _ = try begin(second, in: pool)
        media.onStep = nil
        if let failure { throw failure }
        try check(media.imageAfterKill)
        #expect(without > 100 && with > 0, "\(without), \(with)")
    }

    @Test(arguments: [Tier.t0, .t3])
    func `A crash while two runs get their names leaves both or none`(tier: Tier) throws {
        let media = media(room: roomForBoth, tier: tier)
        let pool = try pool(on: media)
        let places = try pool.placesForRuns([("first", first.extentBytes), ("second", second.extentBytes)])
        for (fixture, place) in zip([first, second], places) { _ = try fixture.create(on: place) }
        var seen: Set<Int> = []
        var failure: (any Error)?
        media.onStep = {
            guard failure == nil else { return }
            do {
                for image in [media.imageAfterKill] + media.imagesAfterPowerLoss(limit: 8, seed: 1) {
                    let pool = try Pool.open(on: RecordingMedia(image: image, tier: tier))
                    for name in try pool.runs.map(\.name) {
                        _ = try recover(name == "first" ? first : second, in: pool)
                    }
                    seen.insert(try pool.runs.count)
                }
            } catch { failure = error }
        }
        try pool.publishRuns([("first", places[0]), ("second", places[1])])
        media.onStep = nil
        if let failure { throw failure }
        seen.insert(try Pool.open(on: RecordingMedia(image: media.imageAfterKill, tier: tier)).runs.count)
        #expect(seen == [0, 2])
    }

    @Test func `A run that is begun where another was passes its crash points, and forgets what was there`() throws {
        let media = media(room: first.extentBytes)
        let pool = try pool(on: media)
        let old = try begin(first, in: pool)
        for iteration in UInt64(1)...3 { try first.commit(iteration, to: old) }
        try pool.transaction { tx throws(PersistenceError) in
            guard let extent = try tx.extentRoot("run/first") else { return }
            tx.removeRoot("run/first")
            tx.free(extent)
        }
        let heir = MirrorFixture(run: 3, name: "heir")
        var points: [CrashPoint] = []
        let mirror = try begin(heir, in: pool) { points.append($0) }
        #expect(points == CrashPoint.allCases)
        #expect(try recover(heir, in: pool).recovery.verdict == .resumed)
        try heir.commit(1, to: mirror)
        #expect(try recover(heir, in: Pool.open(on: media)).recovery.progress.iteration == 1)
        #expect(try pool.runs.map(\.name) == ["heir"])
    }
}
