import Foundation
import Glibc
import PliniusVerifier

/// The time to judge at: the system's, or one that was given and goes on from there.
struct JudgingClock {
    private let start: Instant
    private let begin = ContinuousClock.now

    /// - Parameter now: A time in the format of ISO 8601; `nil` for the system's.
    /// - Throws: `OwnerError` if it is none.
    init(now: String?) throws(OwnerError) {
        guard let now else {
            start = Instant(seconds: Int64(time(nil)))
            return
        }
        guard let date = try? Date(now, strategy: .iso8601) else {
            throw OwnerError(.usage, "--now is \"\(now)\": give a time such as 2025-07-01T00:00:00Z")
        }
        start = Instant(seconds: Int64(date.timeIntervalSince1970.rounded(.down)))
    }

    /// A challenge ages by this process's time, whatever instant it is judged at.
    var now: Instant {
        Instant(seconds: start.seconds + Int64(begin.duration(to: .now) / .seconds(1)))
    }
}
