import PliniusMirror
import PliniusWire
import Synchronization
import _PliniusSupport

/// How long and how far granted keys may be used, by this process's own count.
///
/// The training loop asks before each iteration; ``Renewal`` moves the lease on from a thread of its own.
final class Lease: Sendable {
    private struct State {
        var terms: GrantTerms.Lease
        /// The time when the seconds are over, and the updates at which the iterations began to count.
        var (expiry, first): (UInt64, UInt64)
        /// The updates since the run went on in this process.
        var updates: UInt64 = 0
        /// When a renewal is asked for; `nil` while one is under way.
        var due: (time: UInt64, updates: UInt64)?
        /// Whether the loop is to tell which commit the mirror holds, and what it told, at which update.
        var wantsMark = false
        var mark: (state: MirrorState?, updates: UInt64) = (nil, 0)
        /// Why the owner does not renew.
        var refusal: String?

        /// Asks when this part of what is left of either term is over.
        mutating func ask(from now: UInt64, after part: UInt64) {
            let end = first + min(terms.iterations, .max - first)
            due = (now + (max(expiry, now) - now) / part, updates + (max(end, updates) - updates) / part)
        }
    }

    private let state: Mutex<State>
    private let asked = Semaphore()
    private let told = Semaphore()

    /// Counts from the challenge on, which the owner made before the grant: it runs out here no later than there.
    init(_ terms: GrantTerms.Lease, since challenge: UInt64) {
        var state = State(terms: terms, expiry: challenge + UInt64(terms.seconds) * 1_000_000_000, first: 0)
        state.ask(from: challenge, after: 2)
        self.state = Mutex(state)
    }

    /// Why the keys may not be used any more, the number of updates apart; `nil` if they may.
    func end() -> String? {
        let now = monotonicNanoseconds()
        return state.withLock { state in
            if let refusal = state.refusal { return refusal }
            return now < state.expiry ? nil : "the owner's lease was for \(state.terms.seconds) seconds and is over"
        }
    }

    /// Why the run may not go on after so many updates; `nil` if it may.
    ///
    /// Allocates nothing but where a renewal begins.
    func end(afterUpdates updates: UInt64, of mirror: Mirror) -> String? {
        if let end = end() { return end }
        let now = monotonicNanoseconds()
        return state.withLock { state in
            state.updates = updates
            if updates - state.first >= state.terms.iterations {
                return "the owner's lease was for \(state.terms.iterations) iterations and is over"
            }
            if state.wantsMark {
                state.mark = (mirror.mark.map { MirrorState(counter: $0.sequence, tag: $0.tag) }, updates)
                state.wantsMark = false
                told.signal()
            }
            if let due = state.due, now >= due.time || updates >= due.updates {
                state.due = nil
                asked.signal()
            }
            return nil
        }
    }

    // MARK: Its renewal

    /// Which lease it is.
    var id: [UInt8] { state.withLock { $0.terms.id } }

    /// Waits until it is time to ask for more.
    func waitUntilDue() { asked.wait() }

    /// Waits until the loop has told which commit the mirror holds.
    func waitForMark() -> MirrorState? {
        state.withLock { $0.wantsMark = true }
        told.wait()
        return state.withLock { $0.mark.state }
    }

    /// Goes on under new terms, which count from the challenge, and from where the run was when the loop told.
    func move(to terms: GrantTerms.Lease, since challenge: UInt64) {
        state.withLock { state in
            (state.terms, state.first) = (terms, state.mark.updates)
            state.expiry = challenge + UInt64(terms.seconds) * 1_000_000_000
            state.ask(from: challenge, after: 2)
        }
    }

    /// Asks again soon, if there is time.
    func askAgain() { state.withLock { $0.ask(from: monotonicNanoseconds(), after: 8) } }

    /// Ends before its time.
    func end(because reason: String) { state.withLock { $0.refusal = reason } }
}
