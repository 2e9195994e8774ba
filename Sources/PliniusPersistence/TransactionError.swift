/// Why a transaction left no trace.
public enum TransactionError<Failure: Error>: Error, CustomStringConvertible {
    /// The closure threw this; everything that it stored is taken back.
    case cancelled(Failure)
    /// The pool could not be made durable, or was not any more: whether the transaction survives is open until the pool is opened again.
    case failed(PersistenceError)
    /// A transaction inside this one threw, and the closure went on without it.
    case innerCancelled

    public var description: String {
        switch self {
        case .cancelled(let failure): "\(failure)"
        case .failed(let error): error.description
        case .innerCancelled:
            "A nested transaction was cancelled. Nested transactions are one with the outermost, so this cancels it too."
        }
    }
}

extension TransactionError: Equatable where Failure: Equatable {}
extension TransactionError: Sendable {}
