import Synchronization
import _PliniusSupport

/// A lock that many readers share and one writer excludes, in which neither waits for ever.
///
/// It is phase-fair: readers and writers take turns. A writer waits for the readers that are inside when it comes, and for no
/// later one; a reader that finds a writer waits for that one, and for no later one. After Brandenburg and Anderson,
/// "Spin-Based Reader-Writer Synchronization for Multiprocessor Real-Time Systems" (2010); here whoever waits sleeps.
///
/// Writers come one at a time: ``WriterQueue`` has put them in order. Without a writer, a reader pays one atomic operation on
/// entering and one on leaving. The lock is not recursive: whoever holds it and asks again, even for the shared side, waits for
/// itself as soon as a writer stands between.
@safe
package final class FairLock: Sendable {
    /// What ``state`` says besides the number of readers, those inside and those waiting.
    private static let writer = 1
    /// Toggles after every writer: which of the two gates the readers of the next one wait at.
    private static let phase = 2
    private static let reader = 4

    private let state = Atomic(0)
    /// Readers that the writer still waits for; below zero while it has not yet said how many there were.
    private let remaining = Atomic(0)
    private let lastReaderLeft = Semaphore()
    /// Two, because a gate opens for an exact number of readers: the next writer's must not slip through it in their place.
    private let gates = (Semaphore(), Semaphore())

    package init() {}

    /// Readers that are inside or wait, at this instant.
    package var readers: Int { state.load(ordering: .relaxed) / Self.reader }
    /// Whether a writer is inside or waits, at this instant.
    package var hasWriter: Bool { state.load(ordering: .relaxed) & Self.writer != 0 }

    /// Enters beside other readers, waiting for one writer at most.
    package func lockShared() {
        let before = state.add(Self.reader, ordering: .acquiringAndReleasing).oldValue
        if before & Self.writer != 0 { gate(of: before).wait() }
    }

    /// Leaves; whoever gets the exclusive side then sees what this reader saw.
    package func unlockShared() {
        let before = state.subtract(Self.reader, ordering: .acquiringAndReleasing).oldValue
        assert(before >= Self.reader, "a shared lock is given back that nobody holds")
        if before & Self.writer != 0, remaining.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
            lastReaderLeft.signal()
        }
    }

    /// Enters alone, waiting for the readers inside.
    @inline(__always) package func lockExclusive() {
        let before = state.wrappingAdd(Self.writer, ordering: .acquiringAndReleasing).oldValue
        precondition(before & Self.writer == 0, "two writers at once: they come through the writer queue")
        if before >= Self.reader { waitForReaders(before / Self.reader) }
    }

    @inline(never)
    private func waitForReaders(_ inside: Int) {
        if remaining.add(inside, ordering: .acquiringAndReleasing).newValue > 0 { lastReaderLeft.wait() }
    }

    /// Leaves; the readers that came meanwhile enter before the next writer does.
    @inline(__always) package func unlockExclusive() {
        let toggle =
            state.load(ordering: .relaxed) & Self.phase == 0 ? Self.phase - Self.writer : -Self.phase - Self.writer
        let before = state.wrappingAdd(toggle, ordering: .acquiringAndReleasing).oldValue
        precondition(before & Self.writer != 0, "an exclusive lock is given back that nobody holds")
        if before >= Self.reader { openGate(before) }
    }

    @inline(never)
    private func openGate(_ before: Int) {
        for _ in 0..<before / Self.reader { gate(of: before).signal() }
    }

    private func gate(of state: Int) -> Semaphore {
        state & Self.phase == 0 ? gates.0 : gates.1
    }
}
