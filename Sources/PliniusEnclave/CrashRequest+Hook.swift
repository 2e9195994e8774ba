import Glibc
import PliniusMirror
import PliniusWire

extension CrashRequest {
    /// Has this process kill itself at a chosen moment of a commit, as the host could at any time.
    /// - Parameter isBest: Whether of the best model's mirror, whose moments begin with `best.`, or of the run's.
    /// - Returns: `nil` if the moment is the other mirror's.
    /// - Throws: `SessionError` if there is no such moment.
    func hook(ofBest isBest: Bool = false) throws(SessionError) -> ((CrashPoint) -> Void)? {
        let prefix = "best."
        guard point.hasPrefix(prefix) == isBest else { return nil }
        guard let wanted = CrashPoint(rawValue: String(point.dropFirst(isBest ? prefix.count : 0))) else {
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
