import PliniusMedia
public import _PliniusSupport

extension Mirror {
    /// Reads the newest mirror into the arena, after every byte of it has been authenticated.
    ///
    /// Ciphertext is copied to private memory, the arena itself, before it is opened. The pool's bytes are not changed. On a pool that may be written, what
    /// was read is durable when this returns: the process that wrote it may have been killed before it waited for that, and the next
    /// commit overwrites the mirror before.
    ///
    /// - Parameter arena: As long as the run's arena; wiped if this throws.
    /// - Throws: `.tampered` with the place, `.noUsableMirror`, `.media`.
    /// - Complexity: O(arena).
    public func mirrorIn(to arena: PrivateMemory) throws(MirrorError) -> Recovery {
        precondition(arena.byteCount == layout.arenaBytes, "the arena is as long as the pool's")
        do {
            let (header, verdict) = try choose(arena)
            if extent.isWritable {
                extent.writeBack(layout.range(of: header.slot))
                try persist()
            }
            newest = header
            generation = header.generation + 1
            count = header.count
            best = header.best
            return Recovery(
                progress: header.progress, slot: header.slot, generation: generation, sequence: header.sequence,
                verdict: verdict)
        } catch {
            unsafe wipe(arena.bytes)
            throw error
        }
    }

    /// Goes on only if the mirror that was read is of the last start that a trusted counter knows of.
    ///
    /// The next commits say what the counter is to be counted up to, after the first of them: whenever the process is killed, the mirror has
    /// the counter's number or the next. It is ``TrustedCount/none`` for a run that is not counted, and has to have been from the beginning.
    ///
    /// - Throws: `.rolledBack` if the mirror is older, or if its run began with another counter.
    public func start(at counter: TrustedCount) throws(MirrorError) {
        guard [counter, counter.next].contains(count) else { throw .rolledBack(count, counter) }
        count = counter.next
    }

    /// Finds the newest mirror that the rules allow, and opens it into the arena.
    ///
    /// A killed process leaves its stores in order, so a slot that it did not finish says so. A slot that says that it is whole and is
    /// not was changed without the key, unless the system itself has gone down since it was written.
    private func choose(_ arena: PrivateMemory) throws(MirrorError) -> (SlotHeader, Recovery.Verdict) {
        let found = Slot.allCases.map(examine)
        let whole = found.compactMap(\.header).sorted { $0.sequence > $1.sequence }
        guard let newest = whole.first else {
            for case .broken(let finding) in found { throw refusal(finding) }
            throw .noUsableMirror
        }
        switch found[Int(newest.slot.other.rawValue)] {
        case .complete(let older):
            try requireConsecutive(older, newest)
            guard let finding = openChunks(of: newest, into: arena) else { return (newest, .resumed) }
            return try fallBack(to: older, because: finding, arena)
        case .broken(let finding):
            return try fallBack(to: newest, because: finding, arena)
        case .inProgress:
            try open(newest, into: arena)
            return (newest, .resumedAfterTornCommit)
        case .empty:
            guard newest.sequence == 0 else {
                throw .tampered(
                    "\(newest.slot.other), state",
                    "it says that it was never written, after \(newest.sequence + 1) commits")
            }
            try open(newest, into: arena)
            return (newest, .resumed)
        }
    }

    /// Commits take turns, so two whole slots hold two consecutive ones; anything else means that a slot was put back.
    private func requireConsecutive(_ older: SlotHeader, _ newer: SlotHeader) throws(MirrorError) {
        guard newer.sequence == older.sequence + 1, newer.generation >= older.generation,
            newer.progress.iteration >= older.progress.iteration
        else {
            throw .tampered(
                "slots A and B",
                "they hold commits \(older.sequence) and \(newer.sequence), and two that follow each other are expected: "
                    + "a slot was put back to what it held before")
        }
    }

    /// Takes the mirror before the newest, if a crash of the system can be why the newest does not verify.
    private func fallBack(to header: SlotHeader, because finding: Finding, _ arena: PrivateMemory) throws(MirrorError)
        -> (SlotHeader, Recovery.Verdict)
    {
        // Both witnesses are under a MAC: the mirror that we fall back to, and the broken one's own header where it is authentic.
        let witnesses = [header.bootID] + (finding.bootID.map { [$0] } ?? [])
        guard finding.canBeTorn, extent.bootID.isKnown, witnesses.allSatisfy({ $0.isKnown && $0 != extent.bootID })
        else {
            throw refusal(finding)
        }
        try open(header, into: arena)
        return (header, .resumedAfterSystemCrash(finding: finding.sentence))
    }

    private func open(_ header: SlotHeader, into arena: PrivateMemory) throws(MirrorError) {
        if let finding = openChunks(of: header, into: arena) { throw refusal(finding) }
    }

    private func refusal(_ finding: Finding) -> MirrorError {
        .tampered(finding.place, finding.what)
    }
}
