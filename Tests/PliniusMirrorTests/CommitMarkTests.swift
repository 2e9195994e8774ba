import PliniusMirror
import PliniusPersistence
import Testing
import _PliniusTestSupport

@Suite struct CommitMarkTests {
    private let fixture = MirrorFixture()

    private func mirror(_ image: [UInt8]) throws -> Mirror {
        try fixture.recover(Region(on: RecordingMedia(image: image, tier: .t0)).whole).mirror
    }

    /// The MAC by the places of the format, written out.
    private func mark(_ sequence: UInt64, in image: [UInt8]) -> CommitMark {
        let start = fixture.start(of: sequence % 2 == 0 ? .a : .b)
        return CommitMark(sequence: sequence, tag: Array(image[start + 472..<start + 504]))
    }

    @Test func `A commit is known by its number and the MAC of its header, with the key and without`() throws {
        for commits: UInt64 in [0, 1, 2, 5] {
            let image = try fixture.image(commits: commits)
            let expected = mark(commits, in: image)
            #expect(expected.tag.contains { $0 != 0 })
            #expect(try mirror(image).mark == expected)
            let status = try RunStatus(
                of: Region(on: RecordingMedia(image: image, tier: .t1)).whole, named: fixture.runName)
            #expect(status.newest?.mark == expected)
        }
    }

    @Test func `What was just committed is known, and nothing before anything was mirrored in`() throws {
        let media = RecordingMedia(image: try fixture.image(commits: 3), tier: .t0)
        let unread = try Mirror.open(on: Region(on: media).whole, expecting: ExpectedRun(), keys: fixture.keys)
        #expect(unread.mark == nil)
        let (mirror, _) = try fixture.recover(Region(on: media).whole)
        try fixture.commit(4, to: mirror)
        #expect(mirror.mark == mark(4, in: media.imageAfterKill))
    }

    @Test func `An older mirror is rolled back, another of the same number is a fork, a later one goes on`() throws {
        let old = try fixture.image(commits: 3)
        let new = try fixture.image(commits: 4)
        let floor = mark(3, in: old)
        for image in [old, new] { try mirror(image).require(atLeast: floor) }
        try mirror(old).require(atLeast: CommitMark(sequence: 2, tag: floor.tag))
        for sequence in [4, 5, .max] as [UInt64] {
            refuses(.rolledBack) { try mirror(old).require(atLeast: CommitMark(sequence: sequence, tag: floor.tag)) }
        }
        // The same updates by another process: another salt, another MAC.
        let fork = try fixture.image(commits: 3)
        refuses(.forked) { try mirror(fork).require(atLeast: floor) }
        for place in [0, 31] {
            var tag = floor.tag
            tag[place] ^= 1
            refuses(.forked) { try mirror(old).require(atLeast: CommitMark(sequence: 3, tag: tag)) }
        }
        refuses(.forked) { try mirror(old).require(atLeast: CommitMark(sequence: 3, tag: [])) }
    }

    /// A host that calls the newest commit unfinished takes one back, which nothing in the pool itself shows.
    @Test func `A commit that is called unfinished is missed`() throws {
        var image = try fixture.image(commits: 3)
        let floor = mark(3, in: image)
        let state = fixture.start(of: .b) + 504
        image.replaceSubrange(state..<state + 8, with: "PLINTORN".utf8)
        refuses(.rolledBack) { try mirror(image).require(atLeast: floor) }
    }

    private func refuses(
        _ code: MirrorError.Code, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
    ) {
        let error = #expect(throws: MirrorError.self, sourceLocation: sourceLocation) { try body() }
        #expect(error?.code == code, sourceLocation: sourceLocation)
    }
}
