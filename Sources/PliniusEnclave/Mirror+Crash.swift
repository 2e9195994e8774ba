import Glibc
import PliniusMirror
import PliniusWire

extension Mirror {
    /// Has this process kill itself at a chosen moment of a commit, as the host could at any time.
    /// - Throws: `SessionError` if there is no such moment.
    func crash(at request: CrashRequest) throws(SessionError) {
        guard let point = CrashPoint(rawValue: request.point) else {
            let known = CrashPoint.allCases.map(\.rawValue).joined(separator: ", ")
            throw SessionError(.usage, "there is no crash point \"\(request.point)\"; there are: \(known)")
        }
        var countdown = request.countdown
        onCrashPoint = { reached in
            guard reached == point else { return }
            guard countdown > 0 else {
                kill(getpid(), SIGKILL)
                return
            }
            countdown -= 1
        }
    }
}
