import Glibc

/// A line on standard error that shows how far a long piece of work is; nothing where there is no terminal.
struct ProgressBar {
    private let label: String
    private let total: Int
    private let isShown: Bool
    private var shownPercent = -1

    /// Starts at zero.
    init(_ label: String, total: Int) {
        self.label = label
        self.total = total
        isShown = isatty(STDERR_FILENO) == 1
    }

    /// Shows that so many pieces are done.
    mutating func advance(to done: Int) {
        guard isShown, total > 0 else { return }
        let percent = done * 100 / total
        guard percent != shownPercent else { return }
        shownPercent = percent
        let filled = percent * 30 / 100
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: 30 - filled)
        writeError("\r\(label) [\(bar)] \(done) of \(total)")
    }

    /// Leaves the line.
    func finish() { if isShown { writeError("\n") } }
}
