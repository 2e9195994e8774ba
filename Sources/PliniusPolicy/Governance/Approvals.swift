public import PliniusVerifier

/// Who agreed to one statement, and who refused it, in the order in which that arrived.
///
/// Only signatures over this statement's hash, or over an approval or a veto that names it, get in.
public struct Approvals: Hashable, Sendable {
    /// The statement that it is about.
    public let subject: StatementHash
    /// In the order of arrival.
    public private(set) var events: [Event] = []

    public struct Event: Hashable, Sendable {
        public let key: OwnerKey
        public let isVeto: Bool
        /// When it arrived, by the manager's clock.
        public let received: Instant
    }

    public init(of subject: StatementHash) { self.subject = subject }

    /// Takes a signature that came with the statement.
    /// - Returns: Whether it says something new: it verifies, and its key has not said so before.
    @discardableResult
    public mutating func add(_ signature: Signature, received: Instant) -> Bool {
        signature.isValid(for: subject) && note(signature.key, isVeto: false, received: received)
    }

    /// Takes an approval or a veto with what stands under it.
    /// - Returns: How many keys said something new; 0 if it is about another statement.
    @discardableResult
    public mutating func add(_ statement: Statement, signatures: [Signature], received: Instant) -> Int {
        let isVeto: Bool
        switch statement.content {
        case .approval(subject): isVeto = false
        case .veto(subject): isVeto = true
        default: return 0
        }
        let hash = statement.hash
        return signatures.count { signature in
            signature.isValid(for: hash) && note(signature.key, isVeto: isVeto, received: received)
        }
    }

    /// Takes what a store has verified before.
    /// - Returns: Whether it is new.
    @discardableResult
    public mutating func note(_ key: OwnerKey, isVeto: Bool, received: Instant) -> Bool {
        guard !events.contains(where: { $0.key == key && $0.isVeto == isVeto }) else { return false }
        events.append(Event(key: key, isVeto: isVeto, received: received))
        return true
    }
}
