import PliniusMirror
import PliniusPersistence
import Testing
import _PliniusSupport
import _PliniusTestSupport

@Suite struct TrustedCountTests {
    private let fixture = MirrorFixture()

    private func create(_ media: RecordingMedia, count: TrustedCount) throws -> Mirror {
        try Mirror.create(
            on: Region(on: media).whole, identity: fixture.identity, keys: fixture.keys, arena: fixture.arena(0),
            progress: fixture.progress(0), description: fixture.description, chunkBytes: fixture.chunkBytes,
            count: count)
    }

    private func media() -> RecordingMedia {
        RecordingMedia(image: [UInt8](repeating: 0, count: fixture.extentBytes), tier: .t0)
    }

    /// A run that began when the counter stood at 7, and goes on after two kills: the number is what it is counted to.
    @Test func `What was written before the count and what was written after it go on, and nothing older`() throws {
        let media = media()
        let counter = TrustedCount(index: 3, value: 7)
        _ = try create(media, count: counter.next)
        // Killed before the count, then after it.
        for value: UInt64 in [7, 8] {
            let (mirror, _) = try fixture.recover(Region(on: media).whole)
            #expect(mirror.count == TrustedCount(index: 3, value: 8))
            try mirror.start(at: TrustedCount(index: 3, value: value))
            #expect(mirror.count == TrustedCount(index: 3, value: value + 1))
        }
        for (index, value) in [(3, 6), (3, 9), (3, 0), (3, .max), (2, 7), (2, 8)] as [(UInt32, UInt64)] {
            let (mirror, _) = try fixture.recover(Region(on: media).whole)
            expectRefusal { try mirror.start(at: TrustedCount(index: index, value: value)) }
        }
        let (mirror, _) = try fixture.recover(Region(on: media).whole)
        expectRefusal { try mirror.start(at: .none) }
        try mirror.start(at: TrustedCount(index: 3, value: 8))
        try fixture.commit(1, to: mirror)
        let (next, _) = try fixture.recover(Region(on: media).whole)
        #expect(next.count == TrustedCount(index: 3, value: 9))
        expectRefusal { try next.start(at: TrustedCount(index: 3, value: 7)) }
    }

    @Test func `A run that is not counted is never counted later`() throws {
        let media = media()
        _ = try create(media, count: .none)
        let (mirror, _) = try fixture.recover(Region(on: media).whole)
        #expect(mirror.count == .none && TrustedCount.none.next == .none)
        for value: UInt64 in [0, 1] { expectRefusal { try mirror.start(at: TrustedCount(index: 3, value: value)) } }
        try mirror.start(at: .none)
        #expect(mirror.count == .none)
    }

    /// The places of the format, written out.
    @Test func `The count lies in the slot's header, under its MAC`() throws {
        let media = media()
        _ = try create(media, count: TrustedCount(index: 0x0180_504C, value: 0x0102_0304_0506_0708))
        let image = media.imageAfterKill
        let start = fixture.start(of: .a)
        #expect(image[start + 164..<start + 168].elementsEqual([0x4C, 0x50, 0x80, 0x01]))
        #expect(image[start + 176..<start + 184].elementsEqual([8, 7, 6, 5, 4, 3, 2, 1]))
        for offset in [164, 176, 183] {
            var changed = image
            changed[start + offset] ^= 1
            let error = #expect(throws: MirrorError.self) {
                try fixture.recover(Region(on: RecordingMedia(image: changed, tier: .t0)).whole)
            }
            #expect(error?.code == .tampered)
        }
    }

    private func expectRefusal(
        sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
    ) {
        let error = #expect(throws: MirrorError.self, sourceLocation: sourceLocation) { try body() }
        #expect(error?.code == .rolledBack, sourceLocation: sourceLocation)
    }
}
