/// Durations of one kind of work, kept whole so that the median is exact.
struct TimingSamples {
    private var milliseconds: [Double] = []

    mutating func add(nanoseconds: UInt64) {
        milliseconds.append(Double(nanoseconds) / 1e6)
    }

    /// Median and 95th percentile by nearest rank; `nil` without samples.
    /// - Complexity: O(n log n).
    var summary: TimingSummary? {
        guard !milliseconds.isEmpty else { return nil }
        let sorted = milliseconds.sorted()
        func percentile(_ share: Double) -> Double {
            sorted[min(sorted.count - 1, max(0, Int((share * Double(sorted.count)).rounded(.up)) - 1))]
        }
        return TimingSummary(median: percentile(0.5), p95: percentile(0.95))
    }
}

/// How long something took, in milliseconds.
public struct TimingSummary: Sendable {
    public let median: Double
    /// What 95 of 100 did not exceed.
    public let p95: Double
}
