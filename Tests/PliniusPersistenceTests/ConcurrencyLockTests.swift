import Glibc
import PliniusPersistence
import Synchronization
import Testing

@Suite struct ConcurrencyLockTests {
    @Test func `Two readers are inside at once`() {
        let lock = FairLock()
        let inside = Atomic(0)
        let met = Atomic(0)
        let crew = Crew()
        for _ in 0..<2 {
            crew.start {
                lock.lockShared()
                inside.add(1, ordering: .relaxed)
                if Crew.comes({ inside.load(ordering: .relaxed) == 2 }) { met.add(1, ordering: .relaxed) }
                lock.unlockShared()
            }
        }
        #expect(crew.ends())
        #expect(met.load(ordering: .relaxed) == 2)
        #expect(lock.readers == 0)
    }

    @Test func `A writer is alone, and what it wrote is seen`() {
        let lock = FairLock()
        let pair = Guarded((0, 0))
        let done = Atomic(false)
        let torn = Atomic(0)
        let writer = Crew()
        let readers = Crew()
        for _ in 0..<3 {
            readers.start {
                var last = 0
                while !done.load(ordering: .relaxed) {
                    lock.lockShared()
                    let (a, b) = pair.value
                    lock.unlockShared()
                    if a != b || a < last { torn.add(1, ordering: .relaxed) }
                    last = a
                }
            }
        }
        writer.start {
            for round in 0..<2000 {
                lock.lockExclusive()
                pair.value.0 += 1
                sched_yield()
                pair.value.1 += 1
                lock.unlockExclusive()
                // Sometimes readers find no writer.
                if round % 8 == 0 { usleep(50) }
            }
        }
        // Three threads read without end: that the writer comes to its end says that they do not starve it.
        #expect(writer.ends())
        done.store(true, ordering: .relaxed)
        #expect(readers.ends())
        #expect(torn.load(ordering: .relaxed) == 0)
        #expect(pair.value == (2000, 2000))
        #expect(lock.readers == 0 && !lock.hasWriter)
    }

    @Test func `A reader that comes after a writer waits for it, whoever is inside`() {
        let lock = FairLock()
        let crew = Crew()
        let entries = Guarded("")
        lock.lockShared()
        crew.start {
            lock.lockExclusive()
            entries.value += "w"
            lock.unlockExclusive()
        }
        #expect(Crew.comes { lock.hasWriter })
        crew.start {
            lock.lockShared()
            entries.value += "r"
            lock.unlockShared()
        }
        #expect(Crew.comes { lock.readers == 2 })
        lock.unlockShared()
        #expect(crew.ends())
        #expect(entries.value == "wr")
    }

    @Test func `Readers that waited for a writer enter before the next one, and no others do`() {
        let lock = FairLock()
        let early = Atomic(0)
        let late = Atomic(0)
        let opened = Atomic(0)
        let left = Atomic(0)
        let ended = Atomic(0)
        let rounds = 100
        let waiting = 16
        let crew = Crew()
        // These come while the first writer is inside.
        for _ in 0..<waiting {
            crew.start {
                for round in 1...rounds {
                    guard Crew.comes({ opened.load(ordering: .acquiring) == round }) else { return }
                    lock.lockShared()
                    early.add(1, ordering: .relaxed)
                    lock.unlockShared()
                }
            }
        }
        // This one comes when the second writer waits for them, in a hurry to take the place of one that still sleeps.
        crew.start {
            for round in 1...rounds {
                while left.load(ordering: .acquiring) < round
                    || !lock.hasWriter && ended.load(ordering: .acquiring) < round
                { usleep(1) }
                lock.lockShared()
                late.add(1, ordering: .relaxed)
                lock.unlockShared()
            }
        }
        var overtaken = 0
        var intruders = 0
        for round in 1...rounds {
            lock.lockExclusive()
            opened.store(round, ordering: .releasing)
            guard Crew.comes({ lock.readers == waiting }) else { break }
            lock.unlockExclusive()
            left.store(round, ordering: .releasing)
            lock.lockExclusive()
            if early.load(ordering: .relaxed) < waiting * round { overtaken += 1 }
            if late.load(ordering: .relaxed) >= round { intruders += 1 }
            lock.unlockExclusive()
            ended.store(round, ordering: .releasing)
            guard Crew.comes({ late.load(ordering: .relaxed) == round && lock.readers == 0 }) else { break }
        }
        left.store(.max, ordering: .releasing)
        ended.store(.max, ordering: .releasing)
        #expect(crew.ends())
        #expect(overtaken == 0 && intruders == 0)
        #expect(early.load(ordering: .relaxed) == waiting * rounds && late.load(ordering: .relaxed) == rounds)
    }
}
