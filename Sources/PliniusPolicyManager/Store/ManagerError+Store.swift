internal import GRDB

extension ManagerError {
    /// What an error of the database means for whoever asked; other errors stay what they are.
    static func translated(_ error: any Error) -> any Error {
        guard let error = error as? DatabaseError else { return error }
        let text = "\(error.message ?? "no message") (SQLite \(error.extendedResultCode.rawValue))"
        switch error.resultCode {
        case .SQLITE_FULL:
            return ManagerError(
                .unavailable, "the disk of the store is full; nothing was changed: make room and try again")
        case .SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_NOMEM:
            return ManagerError(
                .unavailable, "the store's files cannot be read or written; nothing was changed: \(text)")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return ManagerError(.unavailable, "the store is held by something else; nothing was changed: \(text)")
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_MISMATCH, .SQLITE_SCHEMA:
            return ManagerError(.integrity, "the store's file is damaged; restore it from a backup: \(text)")
        case .SQLITE_CONSTRAINT:
            return ManagerError(.conflict, "the store has other rows than the change rests on: \(text)")
        default:
            return ManagerError(.unavailable, "the store failed; nothing was changed: \(text)")
        }
    }
}

/// Does something with the database, and says what its errors mean.
func translating<R>(_ body: () throws -> R) throws -> R {
    do { return try body() } catch { throw ManagerError.translated(error) }
}
