import Glibc

/// Seconds since some instant, never set back.
public func secondsNow() -> Double {
    var now = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + 1e-9 * Double(now.tv_nsec)
}
