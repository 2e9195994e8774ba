import PliniusPersistence
import PliniusRuns
public import PliniusWire

/// Reads what a pool shows to everybody.
public enum PoolInspection {
    /// Asks an enclave that has no key, so nothing of the answer is authenticated.
    ///
    /// A trainer may be at work on the pool meanwhile.
    /// - Parameter run: The name of a run; `nil` for all.
    /// - Throws: `HostError`.
    public static func status(of path: String, run: String?, signals: StopSignals) throws(HostError) -> PoolStatus {
        let pool = try PoolFile.forInspection(path)
        let all = try pool.runs
        let wanted = if let run { [try pool.run(run)] } else { Array(all.prefix(RunPlace.maximumListCount)) }
        let answer = try EnclaveSession(files: .init(pool: pool), signals: signals).run(
            .status(StatusRequest(runs: wanted))
        ) { _ in }
        guard case .status(let report) = answer else { preconditionFailure("a status is answered by its fields") }
        let summary = pool.summary
        return PoolStatus(
            tier: "\(summary.tier)", tierSurvives: summary.tier.survives, byteCount: UInt64(summary.byteCount),
            freeBytes: UInt64(summary.freeBytes), largestFreeBytes: UInt64(summary.largestFreeBytes),
            runCount: UInt64(all.count), runs: report.runs)
    }
}

/// What a pool shows without a key: nothing of it is authenticated.
public struct PoolStatus: Sendable {
    public let tier: String
    public let tierSurvives: String
    /// Size of the pool file.
    public let byteCount: UInt64
    /// Bytes that further runs may take, and the most of them in a row.
    public let freeBytes: UInt64
    public let largestFreeBytes: UInt64
    /// The runs that the pool holds; ``runs`` has those that were asked for, and a limited number of them.
    public let runCount: UInt64
    /// Sorted by name.
    public let runs: [RunStatus]
}
