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
