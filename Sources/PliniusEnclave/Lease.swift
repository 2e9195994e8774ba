import Glibc
import PliniusWire

/// How long and how far granted keys may be used, by this process's own count.
struct Lease {
    private let terms: GrantTerms.Lease
    /// Nanoseconds since the machine was started.
    private let expiry: UInt64

    /// Counts from the challenge on, which the owner made before the grant: it runs out here no later than there.
    init(_ terms: GrantTerms.Lease, since challenge: UInt64) {
        self.terms = terms
        expiry = challenge + UInt64(terms.seconds) * 1_000_000_000
    }

    /// The time since the machine was started, in nanoseconds; it goes on while the machine sleeps.
    static var now: UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_BOOTTIME, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Why the keys may not be used any more; `nil` if they may.
    func end(afterUpdates updates: UInt64) -> String? {
        if updates >= terms.iterations { return "the owner's lease was for \(terms.iterations) iterations and is over" }
        if Self.now >= expiry { return "the owner's lease was for \(terms.seconds) seconds and is over" }
        return nil
    }
}
