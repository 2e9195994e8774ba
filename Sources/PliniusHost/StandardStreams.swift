import Glibc

/// Where people read progress, notes and errors; results go to standard output.
public enum StandardError {
    /// Whether a person watches.
    public static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// The columns of the terminal.
    static var columns: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Prints a line.
    public static func print(_ line: String) {
        write(line + "\n")
    }

    /// Prints without a line end; what cannot be printed is lost.
    static func write(_ text: String) {
        OutputFile.write(Array(text.utf8), to: STDERR_FILENO)
    }
}

/// Where results go, and nothing else.
public enum StandardOutput {
    /// Prints a line at once, so that it keeps its place among the lines of standard error.
    public static func print(_ line: String) {
        OutputFile.write(Array((line + "\n").utf8), to: STDOUT_FILENO)
    }
}

/// Unbuffered output.
enum OutputFile {
    /// Writes everything.
    /// - Returns: whether it was possible.
    @discardableResult
    static func write(_ bytes: [UInt8], to descriptor: CInt) -> Bool {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                written += count
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }
}
