import PliniusMirror
import PliniusPersistence
import PliniusSealing
import Testing
import _PliniusTestSupport

/// What mirrors say of scores, best models and initial seeds, by the places of the format, written out.
@Suite struct BestModelTests {
    private let fixture = MirrorFixture()
    private let mark = CommitMark(sequence: 0x0102_0304_0506_0708, tag: (1...32).map { UInt8($0) })

    private func media(_ image: [UInt8]? = nil) -> RecordingMedia {
        RecordingMedia(image: image ?? [UInt8](repeating: 0, count: fixture.extentBytes), tier: .t0)
    }

    private func mirror(_ identity: RunIdentity, on media: RecordingMedia) throws -> Mirror {
        try Mirror.create(
            on: Region(on: media).whole, identity: identity, keys: fixture.keys, arena: fixture.arena(0),
            progress: fixture.progress(0), description: fixture.description, chunkBytes: fixture.chunkBytes)
    }

    private func open(_ image: [UInt8]) throws -> (mirror: Mirror, progress: Progress) {
        let mirror = try Mirror.open(on: Region(on: media(image)).whole, keys: fixture.keys)
        return (mirror, try mirror.mirrorIn(to: fixture.arena()).progress)
    }

    /// The header of slot B after a commit with these parts.
    private func image(score: Float?, best: CommitMark?) throws -> [UInt8] {
        let media = media()
        let mirror = try mirror(fixture.identity, on: media)
        mirror.best = best
        var progress = fixture.progress(1)
        progress.score = score
        try mirror.mirrorOut(fixture.arena(1), progress: progress)
        return media.imageAfterKill
    }

    @Test(arguments: [nil, 0, -2.5, 0.75, -Float.infinity] as [Float?], [true, false])
    func `Score and best model lie in the slot's header, under its MAC`(score: Float?, hasBest: Bool) throws {
        let best = hasBest ? mark : nil
        let image = try image(score: score, best: best)
        let start = fixture.start(of: .b)
        func word(_ offset: Int) -> UInt32 {
            image[start + offset..<start + offset + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
        }
        #expect(word(184) == (score == nil ? 0 : 1) + (hasBest ? 2 : 0))
        #expect(word(188) == score?.bitPattern ?? 0)
        let expected = hasBest ? [8, 7, 6, 5, 4, 3, 2, 1] + mark.tag : [UInt8](repeating: 0, count: 40)
        #expect(image[start + 192..<start + 232].elementsEqual(expected))
        #expect(image[start + 232..<start + 472].allSatisfy { $0 == 0 })
        let (mirror, progress) = try open(image)
        #expect(mirror.best == best && progress.score == score && progress.iteration == 1)
        let status = try RunStatus(of: Region(on: media(image)).whole, named: fixture.runName)
        #expect(status.newest?.progress?.score == score)
        for offset in [184, 185, 188, 191, 192, 199, 200, 231, 232] {
            var changed = image
            changed[start + offset] ^= 1
            let error = #expect(throws: MirrorError.self, "\(offset)") { try open(changed) }
            #expect(error?.code == .tampered)
        }
    }

    @Test func `What a best model had reached is said by each commit from then on`() throws {
        let media = media(try image(score: nil, best: mark))
        let (mirror, _) = try fixture.recover(Region(on: media).whole)
        try fixture.commit(2, to: mirror)
        #expect(try fixture.recover(Region(on: media).whole).mirror.best == mark)
    }

    @Test(arguments: [nil, 0, 1, .max] as [UInt64?], [true, false])
    func `A best model and an initial seed lie in the superblock`(initSeed: UInt64?, isBest: Bool) throws {
        var identity = fixture.identity
        (identity.initSeed, identity.isBest) = (initSeed, isBest)
        let media = media()
        _ = try mirror(identity, on: media)
        let image = media.imageAfterKill
        #expect(image[261] == (isBest ? 1 : 0) && image[262] == (initSeed == nil ? 0 : 1))
        #expect(image[263..<271].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) } == initSeed ?? 0)
        #expect(image[271..<8128].allSatisfy { $0 == 0 })
        #expect(try open(image).mirror.identity == identity)
        for offset in [261, 262, 263, 270, 271] {
            var changed = image
            changed[offset] ^= 1
            let error = #expect(throws: MirrorError.self, "\(offset)") { try open(changed) }
            #expect(error?.code == .tampered)
            // Whoever repairs the digest, which needs no key, meets the MAC.
            changed.replaceSubrange(8160..<8192, with: sha256(Array(changed[..<8160])))
            let forged = #expect(throws: MirrorError.self, "\(offset)") { try open(changed) }
            #expect(forged?.code == .tampered)
        }
    }

    @Test func `A run is begun by one initial seed, which is the seed where none is said`() throws {
        for (initSeed, fits, others) in [(nil, 5, [0, 6]), (6, 6, [5, 0])] as [(UInt64?, UInt64, [UInt64])] {
            var identity = fixture.identity
            identity.initSeed = initSeed
            var expected = ExpectedRun()
            #expect(expected.differences(from: identity) == [])
            expected.initSeed = fits
            #expect(expected.differences(from: identity) == [])
            for other in others {
                expected.initSeed = other
                #expect(expected.differences(from: identity) == [.initSeed])
            }
        }
    }

    @Test func `The id of a best model is that of its run, its validation set and its name`() throws {
        let validation = [UInt8](repeating: 9, count: 16)
        let best = fixture.identity.best(named: try RunName("first.best"), by: validation)
        let bytes = Array("plinius best model".utf8) + fixture.identity.runID + validation + Array("first.best".utf8)
        #expect(best.runID == Array(sha256(bytes).prefix(16)))
        var expected = fixture.identity
        (expected.name, expected.runID, expected.isBest) = (try RunName("first.best"), best.runID, true)
        #expect(best == expected)
        let others = [
            MirrorFixture(run: 2).identity.best(named: best.name, by: validation),
            fixture.identity.best(named: best.name, by: [UInt8](repeating: 8, count: 16)),
            fixture.identity.best(named: try RunName("second.best"), by: validation),
        ]
        #expect(Set(others.map(\.runID) + [best.runID, fixture.identity.runID]).count == 5)
    }
}
