internal import Crypto
internal import GRDB
public import PliniusPolicy
internal import PliniusVerifier

extension PolicyManager {
    /// Where a run's mirror is.
    /// - Throws: ``ManagerError/Code/notFound`` before the first state.
    public func state(of run: Run) throws -> RunState {
        guard let state = try store.read({ try $0.state(of: run.description) }) else {
            throw ManagerError(.notFound, "there is no state of \(run)")
        }
        return state
    }

    /// Moves a run's mirror on, as the enclave of its live lease says.
    /// - Parameter proof: HMAC-SHA-256 with the key of the newest grant's receipt over ``stateMessage(lease:old:new:)``.
    /// - Throws: ``ManagerError``: `conflict` if the mirror is somewhere else; ``Refusal`` with the check `state.proof`.
    public func move(
        _ run: Run, from old: RunState?, to new: RunState, lease id: [UInt8], proof: [UInt8]
    ) throws -> RunState {
        let (_, key) = try leaseSecrets(id)
        let message = Self.stateMessage(lease: id, old: old, new: new)
        guard HMAC<SHA256>.isValidAuthenticationCode(proof, authenticating: message, using: SymmetricKey(data: key))
        else {
            throw Refusal(
                .forbidden, "state.proof", expected: "a proof with the key of the lease's newest grant",
                found: "another")
        }
        try store.write(at: now) { transaction in
            guard try transaction.live(id).run == run.description else {
                throw ManagerError(.forbidden, "the lease \(id.hexadecimal) is of another run than \(run)")
            }
            try transaction.move(run.description, from: old, to: new, actor: "enclave")
        }
        return new
    }

    /// What an enclave proves when a mirror moves on: a label, the lease, and both states: the counter as 8 bytes, little-endian, then the
    /// tag; zeros for none.
    public static func stateMessage(lease: [UInt8], old: RunState?, new: RunState) -> [UInt8] {
        func bytes(_ state: RunState?) -> [UInt8] {
            guard let state else { return [UInt8](repeating: 0, count: 8 + RunState.tagByteCount) }
            return (0..<8).map { UInt8(truncatingIfNeeded: state.counter >> ($0 * 8)) } + state.tag
        }
        return Array("plinius/1/state".utf8) + lease + bytes(old) + bytes(new)
    }
}

extension StoreTransaction {
    /// Says how long a live lease lasts from its next renewal on.
    func setTerms(of id: [UInt8], seconds: UInt32, iterations: UInt64) throws {
        try change(
            "UPDATE leases SET seconds = ?, iterations = ? WHERE id = ? AND state = 'live'",
            [Int64(seconds), Int64(bitPattern: iterations), blob(id)])
    }
}
