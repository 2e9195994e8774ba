/// Why a configuration was refused; nothing was built from it.
public struct ConfigError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file as it was named by whoever read it.
    public let file: String
    /// The line, from 1; 0 if the fault has no line of its own.
    public let line: Int
    /// The key, if one is at fault.
    public let key: String?
    /// What was expected and found, and what to do.
    public let message: String

    public var description: String {
        "\(file)\(line > 0 ? ":\(line)" : ""): \(key.map { "\($0): " } ?? "")\(message)"
    }
}

/// Something in a configuration that was passed over.
public struct ConfigWarning: Hashable, Sendable, CustomStringConvertible {
    /// The file as it was named by whoever read it.
    public let file: String
    /// The line, from 1.
    public let line: Int
    public let message: String

    public var description: String { "\(file):\(line): \(message)" }
}

extension String {
    /// Part of a configuration for a message: short and without control characters, since anybody may have written it.
    var quoted: String {
        var part = String.UnicodeScalarView()
        part.append(contentsOf: unicodeScalars.prefix(60))
        return String(part).debugDescription + (unicodeScalars.dropFirst(60).isEmpty ? "" : "…")
    }
}
