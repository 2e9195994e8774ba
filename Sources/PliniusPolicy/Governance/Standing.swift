public import PliniusVerifier

/// Whether a statement counts.
public enum Standing: Hashable, Sendable {
    /// It counts since then, whoever says what later.
    case active(since: Instant)
    /// Enough have agreed, and until then a veto is heard.
    case locked(until: Instant)
    /// Not enough have agreed; the text says who is missing.
    case pending(missing: String)
    /// It never counts.
    case vetoed(by: OwnerKey)
}

extension Board {
    /// Finds out whether a statement counts, by what arrived about it.
    ///
    /// Keys that the board does not name say nothing. The lock begins with the signature that was enough, by the manager's clock; a veto
    /// counts if it arrived before the statement did count.
    public func standing(of approvals: Approvals, at now: Instant) -> Standing {
        var agreed: Set<OwnerKey> = []
        var activation: Instant?
        var clock = Instant(seconds: .min)
        for event in approvals.events {
            // A clock that went back takes nothing back.
            clock = max(clock, event.received)
            if let activation, activation <= clock { return .active(since: activation) }
            if event.isVeto {
                if veto.contains(event.key) { return .vetoed(by: event.key) }
                continue
            }
            agreed.insert(event.key)
            if activation == nil, isSatisfied(by: agreed) {
                activation = Instant(seconds: clock.seconds + timeLock)
                if timeLock == 0 { return .active(since: clock) }
            }
        }
        guard let activation else { return .pending(missing: rule.missing(agreed)) }
        return activation <= max(now, clock) ? .active(since: activation) : .locked(until: activation)
    }
}

extension Board.Rule {
    /// Who has to agree as well, in words; empty if nobody has to.
    public func missing(_ keys: Set<OwnerKey>) -> String {
        guard !isSatisfied(by: keys) else { return "" }
        switch self {
        case .key(let key): return "\(key)"
        case .allOf(let rules):
            return rules.map { $0.missing(keys) }.filter { !$0.isEmpty }.joined(separator: " and ")
        case .atLeast(let count, let rules):
            let open = rules.filter { !$0.isSatisfied(by: keys) }
            let more = count - (rules.count - open.count)
            return "\(more) more of (\(open.map { $0.missing(keys) }.joined(separator: "; ")))"
        }
    }
}
