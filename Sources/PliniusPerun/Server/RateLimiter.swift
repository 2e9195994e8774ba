import Synchronization

/// Counts the requests of each address: a bucket of tokens each, that fills steadily.
///
/// The table has a bound. What is forgotten first is the address that has been quiet for longest, whose bucket is the fullest.
final class RateLimiter: Sendable {
    private struct Bucket {
        var tokens: Double
        var filled: ContinuousClock.Instant
    }

    private let burst: Double
    private let rate: Double
    private let capacity: Int
    private let buckets = Mutex<[String: Bucket]>([:])

    /// - Parameters:
    ///   - burst: Tokens of a full bucket.
    ///   - rate: Tokens a second.
    ///   - capacity: Addresses that are remembered.
    init(burst: Int, rate: Double, capacity: Int) {
        self.burst = Double(burst)
        self.rate = rate
        self.capacity = max(1, capacity)
    }

    /// How many addresses are remembered.
    var count: Int { buckets.withLock { $0.count } }

    /// Takes a token of an address.
    /// - Returns: `nil` if there was one, otherwise the seconds until there is.
    func wait(for address: String, at now: ContinuousClock.Instant = .now) -> Int? {
        buckets.withLock { buckets in
            if buckets[address] == nil, buckets.count >= capacity { forget(&buckets, at: now) }
            var bucket = buckets[address] ?? Bucket(tokens: burst, filled: now)
            let seconds = bucket.filled.duration(to: now) / .seconds(1)
            bucket.tokens = min(burst, bucket.tokens + max(0, seconds) * rate)
            bucket.filled = max(now, bucket.filled)
            defer { buckets[address] = bucket }
            guard bucket.tokens < 1 else {
                bucket.tokens -= 1
                return nil
            }
            return Int(((1 - bucket.tokens) / rate).rounded(.up))
        }
    }

    /// Makes room: whoever is full again loses nothing; if nobody is, the eighth that has been quiet for longest is forgotten.
    private func forget(_ buckets: inout [String: Bucket], at now: ContinuousClock.Instant) {
        buckets = buckets.filter { $0.value.tokens + ($0.value.filled.duration(to: now) / .seconds(1)) * rate < burst }
        guard buckets.count >= capacity else { return }
        for (address, _) in buckets.sorted(by: { $0.value.filled < $1.value.filled }).prefix(capacity / 8 + 1) {
            buckets[address] = nil
        }
    }
}

/// Memory that is lent, up to a bound.
final class MemoryBudget: Sendable {
    private let free: Mutex<Int>

    init(_ bytes: Int) { free = Mutex(bytes) }

    /// - Returns: Whether there were so many bytes; ``giveBack(_:)`` returns them.
    func take(_ bytes: Int) -> Bool {
        free.withLock { free in
            guard free >= bytes else { return false }
            free -= bytes
            return true
        }
    }

    func giveBack(_ bytes: Int) { free.withLock { $0 += bytes } }
}
