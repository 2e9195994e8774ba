internal import GRDB
internal import PliniusPolicy
internal import PliniusVerifier

extension StoreView {
    /// Where a run's mirror is; `nil` before its first state.
    public func state(of run: String) throws -> RunState? {
        try row("SELECT counter, tag FROM run_states WHERE run = ?", [run]).map { row in
            RunState(
                counter: UInt64(try row.count("counter")), tag: try row.bytes("tag", count: RunState.tagByteCount))
        }
    }
}

extension StoreTransaction {
    /// Moves a run's state on, if it is where the caller believes it to be: of two that move it at once, one does.
    ///
    /// - Parameters:
    ///   - old: Where it is; `nil` before the first.
    ///   - new: Where it goes, with a greater counter.
    /// - Throws: ``ManagerError/Code/conflict`` if it is somewhere else; ``ManagerError/Code/malformed`` if it would not go forward.
    public func move(_ run: String, from old: RunState?, to new: RunState, actor: String) throws {
        let found = try state(of: run)
        guard found == old else {
            throw ManagerError(
                .conflict,
                "the state of \(run) is \(Self.text(found)), not \(Self.text(old)): another process of the run moved it on, "
                    + "or the mirror is an old one")
        }
        guard new.tag.count == RunState.tagByteCount, let counter = Int64(exactly: new.counter),
            old.map({ $0.counter < new.counter }) ?? true
        else {
            throw ManagerError(
                .malformed,
                "the state of \(run) goes from \(Self.text(old)) to \(Self.text(new)): counters grow and have 63 bits, "
                    + "tags have \(RunState.tagByteCount) bytes")
        }
        try change(
            """
            INSERT INTO run_states VALUES (?, ?, ?, ?) ON CONFLICT (run) DO UPDATE
            SET counter = excluded.counter, tag = excluded.tag, changed = excluded.changed
            """, [run, counter, blob(new.tag), now.seconds])
        try log(
            .state, subject: run, actor: actor,
            detail: ["counter": .integer(counter), "tag": .string(new.tag.hexadecimal)])
    }

    private static func text(_ state: RunState?) -> String {
        state.map { "\($0.counter) with tag \($0.tag.hexadecimal)" } ?? "none"
    }
}
