import Glibc
import PliniusMirror
import PliniusPersistence
import PliniusSealing
import Testing
import _PliniusTestSupport

/// Whoever has the pool and not the key can spoil it, and cannot get a changed byte believed.
@Suite struct TamperTests {
    private let fixture = MirrorFixture()

    /// Recovers from `image`; checks that nothing is stored if it is refused.
    private func recover(
        _ image: [UInt8], _ fixture: MirrorFixture? = nil, boot: UInt8 = 1, expecting: ExpectedRun? = nil
    ) throws -> Recovery {
        let media = RecordingMedia(image: image, tier: .t3, boot: boot)
        defer { #expect(media.imageAfterKill == image && Array(media.bytes) == image, "the pool was changed") }
        return try (fixture ?? self.fixture).recover(Region(on: media).whole, expecting: expecting).recovery
    }

    /// The error that recovery refuses `image` with; `nil` if it does not.
    private func refusal(_ image: [UInt8], _ fixture: MirrorFixture? = nil, boot: UInt8 = 1) throws -> MirrorError? {
        do {
            _ = try recover(image, fixture, boot: boot)
            return nil
        } catch let error as MirrorError {
            return error
        }
    }

    private func flipped(_ image: [UInt8], _ place: Int, _ mask: UInt8) -> [UInt8] {
        var image = image
        image[place] ^= mask
        return image
    }

    // MARK: One byte

    @Test func `No byte of the superblock can be changed`() throws {
        let image = try fixture.image(commits: 3)
        var random = SeededRandom(seed: 1)
        for place in 0..<8192 {
            let error = try refusal(flipped(image, place, UInt8.random(in: 1...255, using: &random)))
            #expect(error?.code == (place < 8 ? .notAMirror : .tampered), "byte \(place)")
            if place >= 8 { #expect(error?.message.contains("superblock") == true) }
        }
    }

    @Test func `No bit of the network's description can be changed`() throws {
        let image = try fixture.image(commits: 1)
        #expect(Array(image[8192..<8192 + fixture.description.count]) == fixture.description)
        for place in 8192..<8192 + fixture.description.count {
            for bit in 0..<8 {
                let error = try refusal(flipped(image, place, 1 << bit))
                #expect(error?.code == .tampered && error?.message.contains("network description") == true)
            }
        }
    }

    @Test func `No bit of a slot's header, tags or chunks can be changed`() throws {
        // Commits 2 and 3, then 3 and 4: each slot is the newest once.
        for commits in UInt64(3)...4 {
            let image = try fixture.image(commits: commits)
            let newest: Slot = commits % 2 == 0 ? .a : .b
            for bit in 0..<8 {
                for place in 0..<512 {
                    let error = try refusal(flipped(image, fixture.start(of: newest) + place, 1 << bit))
                    #expect(error?.code == .tampered, "byte \(place), bit \(bit)")
                    #expect(error?.message.contains("\(newest), \(place < 504 ? "header" : "state")") == true)
                }
                for place in fixture.tags(of: newest) {
                    let error = try refusal(flipped(image, place, 1 << bit))
                    #expect(error?.message.contains("\(newest), tags") == true)
                }
                for place in fixture.chunks(of: newest) {
                    let chunk = (place - fixture.chunks(of: newest).lowerBound) / fixture.chunkBytes + 1
                    let error = try refusal(flipped(image, place, 1 << bit))
                    #expect(error?.message.contains("\(newest), chunk \(chunk) of 3") == true)
                }
            }
            // The header of the older slot is a witness, and so it is checked; its chunks are nobody's state.
            for place in 0..<512 {
                let error = try refusal(flipped(image, fixture.start(of: newest.other) + place, 0x10))
                #expect(error?.message.contains("\(newest.other)") == true)
            }
            for place in fixture.chunks(of: newest.other) {
                #expect(try recover(flipped(image, place, 1)).progress.iteration == commits)
            }
        }
    }

    @Test func `After a restart of the system, a spoilt newest slot costs one commit, loudly`() throws {
        let image = try fixture.image(commits: 3)
        for place in [
            fixture.start(of: .b) + 70, fixture.tags(of: .b).lowerBound, fixture.chunks(of: .b).upperBound - 1,
        ] {
            #expect(try refusal(flipped(image, place, 1))?.code == .tampered)
            let recovery = try recover(flipped(image, place, 1), boot: 2)
            #expect(recovery.progress.iteration == 2)
            guard case .resumedAfterSystemCrash = recovery.verdict else {
                Issue.record("\(recovery.verdict)")
                continue
            }
            #expect(recovery.message.contains("WARNING") && recovery.message.contains("slot B"))
        }
    }

    @Test func `A restart of the system excuses nothing that was written since`() throws {
        // Commit 3 is made under the second start of the kernel, on top of commits 0 to 2 of the first.
        let media = RecordingMedia(image: try fixture.image(commits: 2), tier: .t3, boot: 2)
        let mirror = try fixture.recover(Region(on: media).whole).mirror
        try fixture.commit(3, to: mirror)
        let image = media.imageAfterKill
        for place in [fixture.tags(of: .b).lowerBound, fixture.chunks(of: .b).lowerBound, fixture.start(of: .b) + 505] {
            #expect(try refusal(flipped(image, place, 1), boot: 2)?.code == .tampered)
            #expect(try recover(flipped(image, place, 1), boot: 3).progress.iteration == 2)
        }
        // Once both slots are of this start, a header that does not verify has no excuse either.
        try fixture.commit(4, to: mirror)
        let later = flipped(media.imageAfterKill, fixture.start(of: .a) + 70, 1)
        #expect(try refusal(later, boot: 2)?.code == .tampered)
    }

    // MARK: Whole parts

    @Test func `Chunks cannot be swapped, with their tags or without`() throws {
        let image = try fixture.image(commits: 3)
        var swapped = image
        let (chunks, tags) = (fixture.chunks(of: .b).lowerBound, fixture.tags(of: .b).lowerBound)
        for offset in 0..<64 { swapped.swapAt(chunks + offset, chunks + 64 + offset) }
        #expect(try refusal(swapped)?.message.contains("slot B, chunk 1 of 3") == true)
        for offset in 0..<16 { swapped.swapAt(tags + offset, tags + 16 + offset) }
        #expect(try refusal(swapped)?.message.contains("slot B, tags") == true)
    }

    @Test func `A slot cannot be copied over the other`() throws {
        for commits in UInt64(3)...4 {
            let image = try fixture.image(commits: commits)
            for slot in Slot.allCases {
                var copied = image
                let (from, to) = (fixture.start(of: slot), fixture.start(of: slot.other))
                copied.replaceSubrange(to..<to + fixture.slotBytes, with: image[from..<from + fixture.slotBytes])
                for boot in UInt8(1)...2 {
                    #expect(
                        try refusal(copied, boot: boot)?.message.contains("a copy of the header of \(slot)") == true)
                }
            }
        }
    }

    /// What is copied says that it belongs where it now lies.
    ///
    /// The chunks' tags bind the slot as well, and two whole slots of one commit do not fit together; but it is the header that was
    /// changed, and it is called that.
    @Test func `A header that is made to fit the other slot is refused as a header`() throws {
        let image = try fixture.image(commits: 3)
        for slot in Slot.allCases {
            let (from, to) = (fixture.start(of: slot), fixture.start(of: slot.other))
            for byteCount in [512, fixture.slotBytes] {
                var copied = image
                copied.replaceSubrange(to..<to + byteCount, with: image[from..<from + byteCount])
                copied[to + 12] = slot.other.rawValue
                let expected = "\(slot.other), header: its MAC does not match"
                #expect(try refusal(copied)?.message.contains(expected) == true)
                // Nor where the slot that it was copied from is out of the way.
                let alone = withState("PLINTORN", of: [slot], copied)
                #expect(try refusal(alone)?.message.contains(expected) == true)
                // After a restart of the system the other slot is taken instead, and the same is said.
                #expect(try recover(copied, boot: 2).message.contains(expected))
            }
        }
    }

    @Test func `An older mirror cannot be put back into its slot`() throws {
        let old = try (0...2).map { try fixture.image(commits: $0) }
        // Commits 4 and 5 are there; the pool is the same, so the slots fit in everything but their age.
        let media = RecordingMedia(image: old[2], tier: .t0)
        let mirror = try fixture.recover(Region(on: media).whole).mirror
        for iteration in UInt64(3)...5 { try fixture.commit(iteration, to: mirror) }
        for (slot, from) in [(Slot.a, 2), (.b, 1), (.b, 2), (.b, 0)] {
            var replayed = media.imageAfterKill
            let start = fixture.start(of: slot)
            replayed.replaceSubrange(
                start..<start + fixture.slotBytes, with: old[from][start..<start + fixture.slotBytes])
            for boot in UInt8(1)...2 {
                let error = try refusal(replayed, boot: boot)
                #expect(error?.code == .tampered && error?.message.contains("slot") == true, "\(slot) of \(from)")
            }
        }
    }

    @Test func `The newest slot put back by its last commit costs that commit, and no more`() throws {
        // What cannot be seen without a trusted counter: the pool is exactly as it was one commit ago.
        let image = try fixture.image(commits: 2)
        let media = RecordingMedia(image: image, tier: .t0)
        let mirror = try fixture.recover(Region(on: media).whole).mirror
        try fixture.commit(3, to: mirror)
        try fixture.commit(4, to: mirror)
        var replayed = media.imageAfterKill
        let start = fixture.start(of: .a)
        replayed.replaceSubrange(start..<start + fixture.slotBytes, with: image[start..<start + fixture.slotBytes])
        #expect(try recover(replayed).progress.iteration == 3)
    }

    @Test func `A slot of another run is named as such`() throws {
        var other = fixture
        other.run = 9
        let (image, foreign) = (try fixture.image(commits: 3), try other.image(commits: 3))
        for slot in Slot.allCases {
            var mixed = image
            let start = fixture.start(of: slot)
            mixed.replaceSubrange(start..<start + fixture.slotBytes, with: foreign[start..<start + fixture.slotBytes])
            for boot in UInt8(1)...2 {
                let error = try refusal(mixed, boot: boot)
                #expect(error?.code == .tampered)
                #expect(error?.message.contains("\(slot), header: it belongs to another run (0909") == true)
            }
        }
    }

    // MARK: States that lie

    private func withState(_ letters: String, of slots: [Slot], _ image: [UInt8]) -> [UInt8] {
        var image = image
        for slot in slots {
            image.replaceSubrange(fixture.start(of: slot) + 504..<fixture.start(of: slot) + 512, with: letters.utf8)
        }
        return image
    }

    @Test func `A whole slot that is called unfinished costs its commit, and no more`() throws {
        let image = try fixture.image(commits: 3)
        let recovery = try recover(withState("PLINTORN", of: [.b], image))
        #expect(recovery.verdict == .resumedAfterTornCommit && recovery.progress.iteration == 2)
        #expect(try refusal(withState("PLINTORN", of: [.a, .b], image))?.code == .noUsableMirror)
    }

    @Test func `A slot is called empty only before its first commit`() throws {
        #expect(try recover(try fixture.image(commits: 0)).verdict == .resumed)
        let image = try fixture.image(commits: 3)
        for slots in [[Slot.a], [.b]] {
            #expect(try refusal(withState("PLINFREE", of: slots, image))?.code == .tampered)
        }
        #expect(try refusal(withState("PLINDONE", of: [.b], try fixture.image(commits: 0)))?.code == .tampered)
    }

    @Test func `An unfinished slot does not excuse a spoilt one`() throws {
        let image = withState("PLINTORN", of: [.a], try fixture.image(commits: 3))
        for boot in UInt8(1)...2 {
            #expect(try refusal(flipped(image, fixture.chunks(of: .b).lowerBound, 1), boot: boot)?.code == .tampered)
        }
    }

    // MARK: The superblock by somebody who knows the format

    @Test func `A superblock whose digest was made to fit is still refused`() throws {
        let image = try fixture.image(commits: 3)
        let fields: [(place: Int, code: MirrorError.Code)] = [
            (8, .unsupportedVersion), (12, .tampered), (16, .wrongKey), (32, .tampered), (64, .tampered),
            (96, .tampered),
            (112, .tampered), (120, .tampered), (121, .tampered), (122, .tampered), (123, .tampered), (124, .tampered),
            (128, .tampered), (136, .tampered), (140, .tampered), (144, .tampered), (152, .tampered), (160, .tampered),
            (168, .wrongKey), (184, .tampered), (188, .tampered), (219, .tampered), (220, .tampered), (221, .tampered),
            (260, .tampered), (261, .tampered), (8127, .tampered),
            (8128, .tampered), (8159, .tampered),
        ]
        for (place, code) in fields {
            var changed = flipped(image, place, 2)
            changed.replaceSubrange(8160..<8192, with: sha256(Array(changed[..<8160])))
            let error = try refusal(changed)
            #expect(error?.code == code, "byte \(place)")
            // Whatever a changed field would have led to later, it is the superblock that is refused.
            if code == .tampered { #expect(error?.message.contains("superblock: its") == true, "byte \(place)") }
        }
        // Sizes that would lead far outside.
        for (place, count) in [(128, 8), (136, 4), (140, 4), (144, 8), (152, 8), (160, 8), (184, 4), (220, 1)] {
            for fill in [UInt8(0), 0x7F, 0xFF] {
                var changed = image
                for offset in 0..<count { changed[place + offset] = fill }
                changed.replaceSubrange(8160..<8192, with: sha256(Array(changed[..<8160])))
                #expect(try refusal(changed) != nil)
            }
        }
    }

    @Test func `Another description of the network is refused, though the digest in the superblock is its own`() throws
    {
        let image = try fixture.image(commits: 3)
        #expect(Array(image[188..<220]) == sha256(fixture.description))
        var changed = image
        let other = Array("[net]\nbatch=9\n".utf8)
        changed.replaceSubrange(8192..<8192 + other.count, with: other)
        changed.replaceSubrange(188..<220, with: sha256(other))
        changed.replaceSubrange(8160..<8192, with: sha256(Array(changed[..<8160])))
        let error = try refusal(changed)
        #expect(error?.code == .tampered)
        #expect(error?.message.contains("superblock: its MAC does not match") == true)
    }

    // MARK: Key, run, size

    @Test func `Another owner's key is called that`() throws {
        var stranger = fixture
        stranger.owner = 8
        let image = try fixture.image(commits: 1)
        #expect(try refusal(image, stranger)?.code == .wrongKey)
    }

    @Test func `Another run is refused with every difference named`() throws {
        let image = try fixture.image(commits: 1)
        let other = try RunName("second")
        let changes: [(RunIdentity.Part, (inout ExpectedRun) -> Void)] = [
            (.name, { $0.name = other }),
            (.configuration, { $0.configDigest = [UInt8](repeating: 0, count: 32) }),
            (.networkLayout, { $0.layoutDigest = [UInt8](repeating: 0, count: 32) }),
            (.dataSet, { $0.datasetID = [UInt8](repeating: 0, count: 16) }), (.seed, { $0.seed = 6 }),
            (.initSeed, { $0.initSeed = 6 }), (.cipher, { $0.cipher = .aes128GCM }),
        ]
        #expect(changes.map(\.0) == RunIdentity.Part.allCases)
        var all = ExpectedRun(fixture.identity)
        for (part, change) in changes {
            var expected = ExpectedRun(fixture.identity)
            change(&expected)
            change(&all)
            let error = #expect(throws: MirrorError.self) { try recover(image, expecting: expected) }
            #expect(error?.code == .otherRun && error?.differences == [part])
            #expect(error?.message.contains("\(part)") == true)
        }
        #expect(throws: MirrorError.self) { try recover(image, expecting: all) }
        #expect(try recover(image, expecting: ExpectedRun()).progress.iteration == 1)
    }

    @Test func `An extent of another length is refused, in a file as in memory`() throws {
        let image = try fixture.image(commits: 3)
        for count in [4096, 8191, 8192, 12_288, image.count - 4096, image.count - 1] {
            let error = try refusal(Array(image[..<count]))
            #expect(error?.code == (count < 8192 ? .notAMirror : .tampered), "\(count) bytes")
            if count >= 8192 { #expect(error?.message.contains("the extent of \(count) bytes") == true) }
        }
        #expect(try refusal(image + [0])?.code == .tampered)
        #expect(try refusal([UInt8](repeating: 0, count: image.count))?.code == .notAMirror)

        let folder = try TemporaryDirectory()
        let descriptor = open(try folder.write(image, to: "pool"), O_RDWR)
        defer { close(descriptor) }
        #expect(try fixture.recover(try Region.open(descriptor: descriptor).whole).recovery.progress.iteration == 3)
        #expect(try folder.read("pool") == image)
        ftruncate(descriptor, off_t(image.count - 5000))
        let error = #expect(throws: MirrorError.self) {
            try fixture.recover(try Region.open(descriptor: descriptor).whole)
        }
        #expect(error?.code == .tampered)
        #expect(try folder.read("pool") == Array(image[..<(image.count - 5000)]))
    }
}
