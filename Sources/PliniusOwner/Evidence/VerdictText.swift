import Glibc
import PliniusVerifier

/// A verdict for people: a check a line, what it consists of indented below.
struct VerdictText {
    let isColoured: Bool

    /// Whether standard output is a terminal, and nobody asked for plain text (no-color.org).
    static var terminalTakesColour: Bool {
        guard isatty(STDOUT_FILENO) == 1 else { return false }
        guard let value = unsafe getenv("NO_COLOR") else { return true }
        return unsafe value.pointee == 0
    }

    func lines(of verdict: Verdict) -> [String] { verdict.findings.flatMap { lines(of: $0, "") } }

    private func lines(of finding: Finding, _ indentation: String) -> [String] {
        var line = finding.check
        if finding.parts.isEmpty { line += ": found \(finding.found); expected \(finding.expected)" }
        if let policyLine = finding.policyLine { line += " [\(policyLine)]" }
        return ["\(indentation)\(mark(finding.outcome)) \(Self.printable(line))"]
            + finding.parts.flatMap { lines(of: $0, indentation + "    ") }
    }

    private func mark(_ outcome: Finding.Outcome) -> String {
        let (text, colour) =
            switch outcome {
            case .passed: ("ok      ", 32)
            case .tolerated: ("ACCEPTED", 33)
            case .failed: ("FAILED  ", 31)
            }
        return isColoured ? "\u{1B}[\(colour)m\(text)\u{1B}[0m" : text
    }

    /// What was found comes from whoever made the evidence, and may hold what moves a terminal's cursor.
    private static func printable(_ line: String) -> String {
        String(
            String.UnicodeScalarView(
                line.unicodeScalars.map { scalar in
                    scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) ? "\u{FFFD}" : scalar
                }))
    }
}
