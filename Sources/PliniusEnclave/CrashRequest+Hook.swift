import Glibc
import PliniusMirror
import PliniusWire

extension CrashRequest {
    /// Has this process kill itself at a chosen moment of a commit, as the host could at any time.
    /// - Throws: `SessionError` if there is no such moment.
    func hook() throws(SessionError) -> (CrashPoint) -> Void {
        guard let wanted = CrashPoint(rawValue: point) else {
            let known = CrashPoint.allCases.map(\.rawValue).joined(separator: ", ")
            throw SessionError(.usage, "there is no crash point \"\(point)\"; there are: \(known)")
        }
        var countdown = countdown
        return { reached in
            guard reached == wanted else { return }
            guard countdown > 0 else {
                kill(getpid(), SIGKILL)
                return
            }
            countdown -= 1
        }
    }
}
