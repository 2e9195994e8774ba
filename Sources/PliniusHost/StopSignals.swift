import Glibc

/// The signals that ask a program to stop, kept waiting until somebody looks.
///
/// They stay blocked in the calling thread, and whoever loops over events asks for them: no handler runs at a bad moment, and none needs
/// a global variable.
public struct StopSignals {
    private var watched = sigset_t()

    /// Begins to hold back SIGINT, SIGTERM and SIGHUP, except those that the parent had this process ignore (`nohup`).
    ///
    /// Call it on the main thread, before other threads exist.
    public init() {
        sigemptyset(&watched)
        for signal in [SIGINT, SIGTERM, SIGHUP] where !Self.isIgnored(signal) {
            sigaddset(&watched, signal)
        }
        pthread_sigmask(SIG_BLOCK, &watched, nil)
    }

    /// Takes the next signal that has arrived.
    public func next() -> CInt? {
        var watched = watched
        var now = timespec()
        let signal = sigtimedwait(&watched, nil, &now)
        return signal > 0 ? signal : nil
    }

    private static func isIgnored(_ signal: CInt) -> Bool {
        var action = sigaction()
        guard sigaction(signal, nil, &action) == 0 else { return false }
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
            == unsafeBitCast(SIG_IGN, to: Int.self)
    }
}
