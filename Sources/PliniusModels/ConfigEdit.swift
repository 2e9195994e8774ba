public import PliniusNN

/// Changes of a configuration's text that leave everything else as it stands, comments and line ends included.
public enum ConfigEdit {
    /// Takes `batch_normalize` out of every section whose normalisation can be folded into weights and biases.
    ///
    /// The line goes; a comment behind the value stays on a line of its own.
    /// - Parameters:
    ///   - text: A configuration.
    ///   - network: What it describes.
    /// - Returns: The changed text; nil if no section has the key, so that there is nothing to fold.
    public static func denormalized(_ text: String, of network: NetworkDescription) -> String? {
        let normalized = Set(network.layers.filter(\.hasFoldableNormalization).map(\.line))
        guard !normalized.isEmpty else { return nil }
        var isInside = false
        var kept: [UInt8] = []
        var isFirst = true
        for (index, line) in lines(of: text).enumerated() {
            if isHeader(line) { isInside = normalized.contains(index + 1) }
            var rest = line[...]
            if isInside, key(of: line) == "batch_normalize" {
                guard let comment = line.firstIndex(where: isComment) else { continue }
                rest = line[comment...]
            }
            if !isFirst { kept.append(UInt8(ascii: "\n")) }
            isFirst = false
            kept += rest
        }
        return String(decoding: kept, as: UTF8.self)
    }

    /// Takes the first layers; what stands before the next section's header stays, blank lines at the end do not.
    /// - Parameters:
    ///   - text: A configuration.
    ///   - network: What it describes.
    ///   - layers: How many, 1 to all of them.
    public static func partial(_ text: String, of network: NetworkDescription, layers: Int) -> String {
        precondition(1...network.layers.count ~= layers, "the network has \(network.layers.count) layers")
        guard layers < network.layers.count else { return text }
        var kept = lines(of: text).prefix(network.layers[layers].line - 1)
        while let last = kept.last, last.allSatisfy({ $0 == UInt8(ascii: " ") || 9...13 ~= $0 }) { kept.removeLast() }
        return String(decoding: Array(kept.joined(separator: [UInt8(ascii: "\n")])), as: UTF8.self) + "\n"
    }

    // By bytes, because a carriage return and a line feed are one character to Swift.
    private static func lines(of text: String) -> [[UInt8]] {
        text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
    }

    private static func isComment(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "#") || byte == UInt8(ascii: ";") }

    /// A line without its comment and the blanks and marks at its ends, as who parses it sees it.
    private static func code(of line: [UInt8]) -> String {
        let text = String(decoding: line.prefix { !isComment($0) }, as: UTF8.self)
        return trimmed(text[...])
    }

    private static func trimmed(_ text: Substring) -> String {
        func isBlank(_ character: Character) -> Bool { character.isWhitespace || character == "\u{FEFF}" }
        var part = text.drop(while: isBlank)
        while let last = part.last, isBlank(last) { part.removeLast() }
        return String(part)
    }

    private static func isHeader(_ line: [UInt8]) -> Bool { code(of: line).hasPrefix("[") }

    private static func key(of line: [UInt8]) -> String? {
        let code = code(of: line)
        return code.firstIndex(of: "=").map { trimmed(code[..<$0]) }
    }
}
