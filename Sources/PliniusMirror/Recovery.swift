/// What ``Mirror/mirrorIn(to:)`` found.
public struct Recovery: Hashable, Sendable {
    /// How the newest mirror was chosen.
    public enum Verdict: Hashable, Sendable {
        /// The last commit is here.
        case resumed
        /// The process was killed inside a commit; the one before it is here.
        case resumedAfterTornCommit
        /// The newest slot does not verify, and a crash of the system since may explain it; the commit before it is here.
        ///
        /// The explanation is the kernel's: tampering with the newest slot looks the same. At most one commit is lost.
        case resumedAfterSystemCrash(finding: String)
    }

    /// Where the run goes on.
    public let progress: Progress
    /// The slot that was read.
    public let slot: Slot
    /// This process's number among those that have mirrored the run, the first being 1.
    public let generation: UInt64
    /// How many commits the pool had seen before the one that was read.
    public let sequence: UInt64
    /// How the newest mirror was chosen.
    public let verdict: Verdict

    /// The verdict in a sentence for the operator.
    public var message: String {
        switch verdict {
        case .resumed:
            "Resumed at iteration \(progress.iteration) from \(slot)."
        case .resumedAfterTornCommit:
            "Resumed at iteration \(progress.iteration) from \(slot): the process was killed while it mirrored a later "
                + "one to \(slot.other)."
        case .resumedAfterSystemCrash(let finding):
            "WARNING: resumed at iteration \(progress.iteration) from \(slot), because \(finding). The system has been "
                + "restarted since, and a crash leaves such a slot; tampering with it cannot be told from that. At most "
                + "one commit is lost."
        }
    }
}
