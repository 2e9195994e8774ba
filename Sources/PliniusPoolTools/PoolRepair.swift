import Glibc
public import PliniusPersistence

/// Something that can be put right without guessing.
public enum PoolRepair: Hashable, Sendable, CustomStringConvertible {
    /// A copy of the header is torn or damaged: a sound one takes its place. 0 is copy A.
    case rewriteHeader(copy: Int)
    /// A commit that was made durable is finished, or one that was not is taken back, as opening does.
    case finishCommit(String)
    /// A growth that was cut off left bytes behind the end of the pool, which never belonged to it.
    case cutFile(from: Int, to: Int)

    public var description: String {
        switch self {
        case .rewriteHeader(let copy): "rewrite copy \(copy == 0 ? "A" : "B") of the header"
        case .finishCommit(let what): what
        case .cutFile(let from, let to): "cut the file from \(from) to \(to) bytes, the size of its pool"
        }
    }

    /// Puts right what is wrong with a pool, durably.
    ///
    /// - Parameter isDryRun: Whether only to say what would be done.
    /// - Returns: What was done, and the pool afterwards (before, for a dry run).
    /// - Throws: `.damaged`, with all findings, if something is wrong that has no certain remedy: the file is then unchanged. `.inUse`, and
    ///   what opening and storing to the file throws.
    public static func repair(path: String, isDryRun: Bool) throws(PersistenceError) -> (
        done: [PoolRepair], report: PoolReport
    ) {
        let descriptor = try Pool.openFile(path, for: isDryRun ? .readOnly : .readWrite, lock: true)
        defer { close(descriptor) }
        let report = try PoolReport(descriptor: descriptor)
        guard report.isSound else {
            throw PersistenceError(
                .damaged,
                "Nothing was changed: what is wrong has no certain remedy. \(report.findings.joined(separator: "; ")). "
                    + "Restore the pool from a copy.")
        }
        guard !isDryRun, !report.repairs.isEmpty else { return (report.repairs, report) }
        for case .cutFile(_, let byteCount) in report.repairs {
            guard ftruncate(descriptor, off_t(byteCount)) == 0, fsync(descriptor) == 0 else {
                throw PersistenceError("The file cannot be cut", errno: errno)
            }
        }
        do {
            let pool = try Pool.open(descriptor: descriptor)
            try pool.settle()
            // Two headers more: each copy is written once.
            if report.repairs.contains(where: \.isOfHeader) { try pool.renewHeaders() }
        }
        return (report.repairs, try PoolReport(descriptor: descriptor))
    }

    private var isOfHeader: Bool { if case .rewriteHeader = self { true } else { false } }
}
