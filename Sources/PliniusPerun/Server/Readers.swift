import HTTPTypes
import HummingbirdCore
import PliniusPolicyManager

/// Whoever may read what a manager lists: everybody, or those who show the token for reading, or began a session with it.
struct Readers: Sendable {
    let manager: PolicyManager
    /// `nil` where everybody may read.
    let sessions: ReadSessions?

    /// Whether whoever sent a request may read.
    func admit(_ request: Request) -> Bool {
        guard let sessions else { return true }
        let scheme = "Bearer "
        if let given = request.headers[.authorization], given.hasPrefix(scheme) {
            return sessions.isToken(String(given.dropFirst(scheme.count)))
        }
        return request.headers[.cookie].map { sessions.goesOn($0, at: manager.instant) } ?? false
    }
}
