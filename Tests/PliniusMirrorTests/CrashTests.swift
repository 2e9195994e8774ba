import PliniusMirror
import PliniusPersistence
import Testing
import _PliniusTestSupport

/// Every state that a crash inside a commit may leave, judged by the real recovery.
///
/// The oracle: what is found is the mirror that was being made or the one before, bit for bit; the new one for certain once the commit has
/// returned.
@Suite struct CrashTests {
    /// A medium, and how finely a loss of power tears it.
    struct Device: CustomStringConvertible, Sendable {
        var tier: Tier
        var lineBytes: Int
        var description: String { "\(tier), lines of \(lineBytes) bytes" }

        static let all = [
            Device(tier: .t0, lineBytes: 64), Device(tier: .t3, lineBytes: 512), Device(tier: .t3, lineBytes: 4096),
        ]
    }

    /// How many crashes were tried, and what they led to.
    struct Tally {
        var crashes = 0
        var verdicts: [String: Int] = [:]

        mutating func count(_ verdict: Recovery.Verdict) {
            crashes += 1
            let name =
                switch verdict {
                case .resumed: "resumed"
                case .resumedAfterTornCommit: "torn"
                case .resumedAfterSystemCrash: "system crash"
                }
            verdicts[name, default: 0] += 1
        }
    }

    /// Recovers from `image` and checks the oracle.
    func check(
        _ image: [UInt8], _ fixture: MirrorFixture, _ device: Device, boot: UInt8, allowed: ClosedRange<UInt64>,
        _ tally: inout Tally
    ) throws {
        let media = RecordingMedia(image: image, tier: device.tier, lineBytes: device.lineBytes, boot: boot)
        let (_, recovery) = try fixture.recover(Region(on: media).whole)
        guard allowed.contains(recovery.progress.iteration) else {
            throw Mixture(iteration: recovery.progress.iteration)
        }
        guard media.imageAfterKill == image else { throw Mixture(iteration: .max) }
        tally.count(recovery.verdict)
    }

    /// Runs commit `next` on `mirror`, and crashes at every step of it in every way.
    func explore(
        _ next: UInt64, after previous: UInt64, _ mirror: Mirror, _ media: RecordingMedia, _ fixture: MirrorFixture,
        _ device: Device, limit: Int = 4096, killed: Bool = true
    ) throws -> Tally {
        var tally = Tally()
        var failure: (any Error)?
        var hasReturned = false
        let boot = media.bootID.bytes[0]
        func crash() {
            // A write-back that nobody has waited for changes nothing that a crash could leave.
            guard failure == nil, media.lastStep != .writeBack else { return }
            do {
                let allowed = hasReturned ? next...next : previous...next
                if killed {
                    try check(media.imageAfterKill, fixture, device, boot: boot, allowed: allowed, &tally)
                }
                for image in media.imagesAfterPowerLoss(limit: limit, seed: next) {
                    try check(image, fixture, device, boot: boot + 1, allowed: allowed, &tally)
                }
            } catch {
                failure = error
            }
        }
        media.onStep = crash
        try fixture.commit(next, to: mirror)
        media.onStep = nil
        hasReturned = true
        crash()
        if let failure { throw failure }
        return tally
    }

    private func world(_ fixture: MirrorFixture, _ device: Device) throws -> (RecordingMedia, Mirror) {
        let image = [UInt8](repeating: 0, count: fixture.extentBytes)
        let media = RecordingMedia(image: image, tier: device.tier, lineBytes: device.lineBytes)
        return (media, try fixture.create(on: Region(on: media).whole))
    }

    @Test(arguments: Device.all)
    func `Whatever a crash leaves of a commit, the mirror before it or after it is found`(device: Device) throws {
        // Six chunks of a line, two lines of tags, four of the header that change: twelve uncertain lines at the end of a commit.
        let fixture = MirrorFixture(arenaBytes: 384)
        let (media, mirror) = try world(fixture, device)
        for iteration in UInt64(1)...2 {
            let tally = try explore(iteration, after: iteration - 1, mirror, media, fixture, device, limit: 1 << 14)
            // The exploration reached every kind of end, or it explored nothing.
            #expect(tally.crashes > (device.tier == .t0 ? 1 << 13 : 40), "\(tally)")
            #expect(tally.verdicts["resumed", default: 0] > 0 && tally.verdicts["torn", default: 0] > 0, "\(tally)")
            if iteration > 1 { #expect(tally.verdicts["system crash", default: 0] > 0, "\(tally)") }
        }
    }

    @Test(arguments: Device.all)
    func `What a freed run left in the extent is never taken for the new run's`(device: Device) throws {
        var old = MirrorFixture(arenaBytes: 384)
        old.run = 9
        let media = RecordingMedia(
            image: try old.image(commits: 3), tier: device.tier, lineBytes: device.lineBytes)
        let fixture = MirrorFixture(arenaBytes: 384)
        let mirror = try fixture.create(on: Region(on: media).whole)
        for iteration in UInt64(1)...2 {
            let tally = try explore(iteration, after: iteration - 1, mirror, media, fixture, device, limit: 1 << 14)
            #expect(tally.crashes > (device.tier == .t0 ? 1 << 13 : 40), "\(tally)")
        }
    }

    @Test(arguments: Device.all)
    func `A larger mirror survives thousands of random losses of power`(device: Device) throws {
        let fixture = MirrorFixture(arenaBytes: 5000, chunkBytes: 1024)
        let (media, mirror) = try world(fixture, device)
        try fixture.commit(1, to: mirror)
        let tally = try explore(2, after: 1, mirror, media, fixture, device, limit: device.tier == .t0 ? 60 : 200)
        #expect(tally.crashes > (device.tier == .t0 ? 5000 : 200), "\(tally)")
    }

    @Test(arguments: Device.all)
    func `After a kill at any step, the next process's first commit is as safe`(device: Device) throws {
        let fixture = MirrorFixture()
        // How many steps a commit has is found out by counting.
        var steps = 0
        do {
            let (media, mirror) = try world(fixture, device)
            try fixture.commit(1, to: mirror)
            media.onStep = { steps += 1 }
            try fixture.commit(2, to: mirror)
        }
        #expect(steps > 6)
        for kill in 1...steps {
            let (media, mirror) = try world(fixture, device)
            try fixture.commit(1, to: mirror)
            // The killed process: its later stores never happen. A medium takes over with what it had, caches included.
            var step = 0
            var next: (media: RecordingMedia, found: UInt64)?
            media.onStep = {
                step += 1
                if step == kill { next = (media.afterKill(), 0) }
            }
            try fixture.commit(2, to: mirror)
            let survivor = try #require(next).media
            let (heir, recovery) = try fixture.recover(Region(on: survivor).whole)
            #expect((1...2).contains(recovery.progress.iteration))
            let found = recovery.progress.iteration
            _ = try explore(found + 1, after: found, heir, survivor, fixture, device, limit: 64)
        }
    }

    @Test(arguments: Device.all)
    func `Crash after crash, at random, never loses more than the commit under way`(device: Device) throws {
        var random = SeededRandom(seed: 42)
        let fixture = MirrorFixture()
        for walk in 0..<40 {
            var (media, mirror) = try world(fixture, device)
            var certain: UInt64 = 0
            for depth in 0..<6 {
                let goal = certain + 1
                var steps = Int.random(in: 0..<30, using: &random)
                var found: RecordingMedia?
                let seed = random.next()
                let losesPower = Bool.random(using: &random)
                media.onStep = { [media] in
                    steps -= 1
                    guard steps == 0 else { return }
                    found = losesPower ? media.afterPowerLoss(seed: seed) : media.afterKill()
                }
                try fixture.commit(goal, to: mirror)
                media.onStep = nil
                let hasReturned = found == nil
                media = found ?? (losesPower ? media.afterPowerLoss(seed: seed) : media.afterKill())
                let recovery: Recovery
                (mirror, recovery) = try fixture.recover(Region(on: media).whole)
                let allowed = hasReturned ? goal...goal : certain...goal
                #expect(allowed.contains(recovery.progress.iteration), "walk \(walk), depth \(depth)")
                certain = recovery.progress.iteration
            }
        }
    }

    @Test(arguments: Device.all)
    func `A pool whose creation was cut off is refused or holds iteration 0`(device: Device) throws {
        let fixture = MirrorFixture()
        let image = [UInt8](repeating: 0, count: fixture.extentBytes)
        let media = RecordingMedia(image: image, tier: device.tier, lineBytes: device.lineBytes)
        var (refused, found) = (0, 0)
        media.onStep = {
            for image in [media.imageAfterKill] + media.imagesAfterPowerLoss(limit: 40, seed: 1) {
                do {
                    let media = RecordingMedia(image: image, tier: device.tier, lineBytes: device.lineBytes)
                    #expect(try fixture.recover(Region(on: media).whole).recovery.progress.iteration == 0)
                    found += 1
                } catch let error as MirrorError {
                    #expect(error.code != .media)
                    refused += 1
                } catch {
                    Issue.record(error)
                }
            }
        }
        _ = try fixture.create(on: Region(on: media).whole)
        #expect(refused > 0 && found > 0)
    }

    @Test(arguments: RecordingMedia.Bug.allCases)
    func `A planted bug is found`(bug: RecordingMedia.Bug) throws {
        let fixture = MirrorFixture()
        let device = Device.all[0]
        let (media, mirror) = try world(fixture, device)
        try fixture.commit(1, to: mirror)
        try fixture.commit(2, to: mirror)
        media.bug = bug
        #expect(throws: (any Error).self) {
            _ = try explore(3, after: 2, mirror, media, fixture, device)
        }
    }
}

extension RecordingMedia {
    /// The medium as the next process maps it after a kill: everything stored, nothing more certain than it was.
    func afterKill() -> RecordingMedia { RecordingMedia(continuing: self) }

    /// The medium after a loss of power and a restart.
    func afterPowerLoss(seed: UInt64) -> RecordingMedia {
        let images = imagesAfterPowerLoss(limit: 64, seed: seed)
        return RecordingMedia(
            image: images[Int(seed % UInt64(images.count))], tier: tier, lineBytes: lineBytes,
            boot: bootID.bytes[0] &+ 1)
    }
}
