/// The moments of a commit at which a test may end the process.
///
/// The host can do the same at any instant, so a hook here gives nothing away.
public enum CrashPoint: String, Sendable, CaseIterable {
    /// The slot says that a commit is in progress; nothing else has changed.
    case afterMarker
    /// About half of the chunks are sealed.
    case insideChunks
    /// All chunks are sealed, no tag is stored.
    case afterChunks
    /// The tags are stored, the header is the old one.
    case afterTags
    /// The header is stored, and the slot still says that a commit is in progress.
    case insideHeader
    /// The slot says that it is complete; nothing was waited for.
    case beforeFence
    /// The commit is durable.
    case afterFence
}

/// What a mirror has done since it was opened; counts only.
public struct MirrorStatistics: Hashable, Sendable {
    /// Finished commits.
    public internal(set) var commits = 0
    /// Chunks sealed.
    public internal(set) var chunksSealed = 0
    /// Bytes stored to the pool.
    public internal(set) var bytesWritten = 0
    /// Waits for the medium: fences, or calls of fdatasync.
    public internal(set) var fences = 0
}
