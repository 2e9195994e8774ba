import Foundation
import PliniusPerunClient
import PliniusVerifier

/// Results go to standard output, everything else to standard error.
enum Output {
    static func print(_ line: String) { write(line + "\n", to: .standardOutput) }

    /// One object in one line.
    static func print(_ object: some Encodable) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Texts, numbers and lists of them: there is nothing in it that cannot be written.
        let bytes = (try? encoder.encode(object)) ?? Data("{}".utf8)
        print(String(decoding: bytes, as: UTF8.self))
    }

    static func note(_ line: String) { write(line + "\n", to: .standardError) }

    /// What statements, policies and evidence say comes from others: nothing in it may steer a terminal.
    private static func write(_ text: String, to handle: FileHandle) {
        var shown = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isHarmless =
                scalar == "\n" || scalar == "\t" || ![.control, .format].contains(scalar.properties.generalCategory)
            shown.append(isHarmless ? scalar : "\u{FFFD}")
        }
        try? handle.write(contentsOf: Data(String(shown).utf8))
    }
}

extension FindingMessage {
    /// A check a line, its parts indented below.
    func lines(indentedBy indentation: String = "") -> [String] {
        let marks = ["passed": "ok      ", "tolerated": "ACCEPTED"]
        var line = "\(indentation)\(marks[outcome] ?? "FAILED  ") \(check)"
        if parts.isEmpty { line += outcome == "passed" ? ": \(found)" : ": expected \(expected), found \(found)" }
        if let policyLine { line += " [\(policyLine)]" }
        return [line] + parts.flatMap { $0.lines(indentedBy: indentation + "    ") }
    }
}

extension StatementStanding {
    /// For people: what it is, how far it counts, and what is missing.
    var lines: [String] {
        var lines = ["\(namespace) \(subject.isEmpty ? type : subject): \(status)", "  hash \(hash)"]
        lines += needs.map { "  needs \($0)" }
        if let lockedUntil {
            lines.append("  counts from \(Instant(seconds: lockedUntil)) on, unless somebody objects")
        }
        lines += signers.map { "  signed by \($0)" }
        return lines
    }
}
