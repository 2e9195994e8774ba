internal import PliniusVerifier

/// What an owner finds out about an exported log, without asking the service.
public enum AuditVerification: Hashable, Sendable {
    /// Every entry up to the head is as it was written.
    case verified(AuditHead)
    /// An entry, its place, or a signature is not what was written.
    case broken(FormatError)
    /// Entries that a head tells of are missing, or there is no head that would tell.
    case truncated(FormatError)
    /// The log is older than a head that was kept, or it is not that head's log any more.
    case rolledBack(FormatError)
    /// The log is of another service.
    case anotherService(FormatError)
    /// What was given to verify with is unusable.
    case unusable(FormatError)

    /// For a program's end: 0 verified, 2 unusable, 20 broken, 21 truncated, 22 rolled back or forked, 23 another service.
    public var exitCode: Int32 {
        switch self {
        case .verified: 0
        case .unusable: 2
        case .broken: 20
        case .truncated: 21
        case .rolledBack: 22
        case .anotherService: 23
        }
    }

    /// What does not fit; `nil` if everything does.
    public var failure: FormatError? {
        switch self {
        case .verified: nil
        case .broken(let error), .truncated(let error), .rolledBack(let error), .anotherService(let error),
            .unusable(let error):
            error
        }
    }

    /// Judges an exported log.
    ///
    /// O(entries), with memory for one hash of each head's size.
    /// - Parameters:
    ///   - export: The file, from the first entry on.
    ///   - kept: A head that the service signed earlier, if the owner has one: without it, nobody can tell an older log from the newest.
    ///   - service: The service's Ed25519 key, 32 bytes.
    public static func judge(_ export: [UInt8], kept: SignedAuditHead? = nil, service: [UInt8]) -> AuditVerification {
        do throws(FormatError) {
            return judge(try AuditExport(decoding: export), kept: kept, service: service)
        } catch {
            return .broken(error)
        }
    }

    /// Judges an exported log.
    public static func judge(
        _ export: AuditExport, kept: SignedAuditHead? = nil, service: [UInt8]
    ) -> AuditVerification {
        guard service.count == 32 else {
            return .unusable(
                FormatError("audit.service", expected: "an Ed25519 key of 32 bytes", found: "\(service.count) bytes"))
        }
        if let kept {
            if let failure = anotherService(kept, service) { return .anotherService(failure) }
            guard kept.isValid else {
                return .unusable(
                    FormatError("audit.kept", expected: "a head that the service signed", found: "another signature"))
            }
        }
        for head in export.heads {
            if let failure = anotherService(head, service) { return .anotherService(failure) }
            guard head.isValid else {
                return .broken(
                    FormatError(
                        "audit.head.signature", expected: "the service's signature under the head of \(head.head.size)",
                        found: "another"))
            }
        }
        guard let newest = export.heads.max(by: { $0.head.size < $1.head.size })?.head else {
            return .truncated(FormatError("audit.head", expected: "a signed head", found: "none"))
        }
        let (states, failure) = walk(
            export.entries, sizes: Set((export.heads + [kept].compactMap(\.self)).map(\.head.size)))
        if let failure { return .broken(failure) }
        // A log that is older than what was kept is told as such before anything that is missing from it.
        if let kept = kept?.head, kept.size > newest.size {
            return .rolledBack(
                FormatError(
                    "audit.kept.size", expected: "at least \(kept.size) entries",
                    found: "\(newest.size) in the newest head: the store was set back"))
        }
        guard newest.size <= export.entries.count else {
            return .truncated(
                FormatError("audit.size", expected: "\(newest.size) entries", found: "\(export.entries.count)"))
        }
        for head in export.heads.map(\.head) where states[head.size] != State(head) {
            if export.heads.contains(where: { $0.head.size == head.size && State($0.head) != State(head) }) {
                return .rolledBack(
                    FormatError(
                        "audit.head.root", expected: "one log of \(head.size) entries",
                        found: "two heads that differ: the log forked"))
            }
            return .broken(
                FormatError(
                    "audit.head.root", expected: "\(hexadecimal(head.root)) after \(head.size) entries",
                    found: states[head.size].map { hexadecimal($0.root) } ?? "no such place"))
        }
        guard newest.size == export.entries.count else {
            return .broken(
                FormatError(
                    "audit.size", expected: "a head for all \(export.entries.count) entries",
                    found: "the newest is of \(newest.size)"))
        }
        if let kept = kept?.head, let state = states[kept.size], state != State(kept) {
            return .rolledBack(
                FormatError(
                    "audit.kept.root", expected: "\(hexadecimal(kept.root)) after \(kept.size) entries",
                    found: "\(hexadecimal(state.root)): the log forked"))
        }
        return .verified(newest)
    }

    /// What a head says of the entries alone.
    private struct State: Hashable {
        var root: [UInt8]
        var last: [UInt8]

        init(root: [UInt8], last: [UInt8]) { (self.root, self.last) = (root, last) }
        init(_ head: AuditHead) { self.init(root: head.root, last: head.last) }
    }

    /// Follows the chain, and notes what the log was at some sizes.
    private static func walk(
        _ entries: [AuditEntry], sizes: Set<Int>
    ) -> (states: [Int: State], failure: FormatError?) {
        var frontier = MerkleFrontier()
        var last = AuditEntry.origin
        var time = Instant(seconds: 0)
        var states = sizes.contains(0) ? [0: State(root: frontier.root, last: last)] : [:]
        for (index, entry) in entries.enumerated() {
            guard entry.index == index else {
                return (states, FormatError("audit.entry.index", expected: "\(index)", found: "\(entry.index)"))
            }
            guard entry.previous == last else {
                return (
                    states,
                    FormatError(
                        "audit.entry.previous", expected: "\(hexadecimal(last)) in entry \(index)",
                        found: hexadecimal(entry.previous))
                )
            }
            guard entry.time >= time else {
                return (
                    states,
                    FormatError(
                        "audit.entry.time", expected: "\(time) or later in entry \(index)", found: "\(entry.time)")
                )
            }
            let canonical = entry.canonical
            frontier.append(MerkleTree.leaf(canonical))
            (last, time) = (AuditEntry.hash(of: canonical), entry.time)
            if sizes.contains(index + 1) { states[index + 1] = State(root: frontier.root, last: last) }
        }
        return (states, nil)
    }

    private static func anotherService(_ head: SignedAuditHead, _ service: [UInt8]) -> FormatError? {
        head.head.service == service
            ? nil
            : FormatError("audit.service", expected: hexadecimal(service), found: hexadecimal(head.head.service))
    }
}
