import PliniusMirror
import PliniusPersistence
import PliniusSealing
import Testing
import _PliniusTestSupport

@Suite struct RunStatusTests {
    private let fixture = MirrorFixture()

    private func status(_ image: [UInt8]) throws -> PliniusMirror.RunStatus {
        let media = RecordingMedia(image: image, tier: .t1)
        defer { #expect(Array(media.bytes) == image && media.fences == 0) }
        return try RunStatus(of: Region(on: media).whole, named: fixture.runName)
    }

    @Test func `Without a key, a run tells what it is, its slots and its size`() throws {
        let status = try status(try fixture.image(commits: 3))
        #expect(status.identity == fixture.identity)
        #expect(status.arenaBytes == fixture.arenaBytes && status.byteCount == fixture.extentBytes)
        #expect(status.slots.map(\.slot) == [.a, .b] && status.slots.map(\.state) == [.complete, .complete])
        #expect(status.slots.map(\.progress) == [fixture.progress(2), fixture.progress(3)])
        #expect(status.newest?.slot == .b && status.newest?.sequence == 3 && status.newest?.generation == 1)
    }

    @Test func `A new run has an empty slot`() throws {
        let status = try status(try fixture.image(commits: 0))
        #expect(status.slots.map(\.state) == [.complete, .empty])
        #expect(status.newest?.progress == fixture.progress(0))
    }

    @Test func `States are told as they are, believed or not`() throws {
        var image = try fixture.image(commits: 3)
        image.replaceSubrange(fixture.start(of: .b) + 504..<fixture.start(of: .b) + 512, with: "PLINTORN".utf8)
        #expect(try status(image).slots.map(\.state) == [.complete, .inProgress])
        #expect(try status(image).newest?.slot == .a)
        image.replaceSubrange(
            fixture.start(of: .b) + 504..<fixture.start(of: .b) + 512, with: [1, 0, 0, 0, 0, 0, 0, 0])
        #expect(try status(image).slots.map(\.state) == [.complete, .damaged(1)])
        // A header that is no header has no progress to tell.
        image[fixture.start(of: .a)] ^= 1
        #expect(try status(image).newest == nil)
    }

    @Test func `A superblock that somebody made up is refused or told, and never followed`() throws {
        // Whoever can store to the file can make its digest fit: without a key, every field may be anything.
        let image = try fixture.image(commits: 2)
        var random = SeededRandom(seed: 3)
        var told = 0
        for _ in 0..<3000 {
            var changed = image
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let field =
                    [12, 16, 112, 120, 121, 124, 128, 136, 140, 144, 152, 160, 168, 184, 188, 220, 221, 240]
                    .randomElement(
                        using: &random) ?? 0
                let fill =
                    [0, 1, 0x40, 0x7F, 0xFF, UInt8.random(in: 0...255, using: &random)].randomElement(using: &random)
                    ?? 0
                for place in field..<field + Int.random(in: 1...8, using: &random) { changed[place] = fill }
            }
            changed.replaceSubrange(8160..<8192, with: sha256(Array(changed[..<8160])))
            do {
                _ = try status(changed)
                told += 1
            } catch {
                #expect(error is MirrorError)
            }
        }
        #expect(told > 100 && told < 2900)
    }

    @Test func `What is no mirror, and what is half of one, is refused`() throws {
        let image = try fixture.image(commits: 3)
        let cases: [([UInt8], MirrorError.Code)] = [
            ([UInt8](repeating: 0, count: 8192), .notAMirror), (Array(image[..<4096]), .notAMirror),
            (Array(image[..<12_288]), .tampered), (image + image, .tampered),
        ]
        for (image, code) in cases {
            let error = #expect(throws: MirrorError.self) { try status(image) }
            #expect(error?.code == code)
        }
    }
}
