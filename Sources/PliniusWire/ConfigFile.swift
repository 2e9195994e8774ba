/// A network description as the host read it; only the enclave parses it.
public struct ConfigFile: Hashable, Sendable, WireField {
    /// The longest description that crosses the wire, in bytes.
    public static let maximumByteCount = WireLimit.config

    public private(set) var text = ""
    /// The name that messages about it show.
    public private(set) var name = ""

    init() {}

    /// Takes a description over.
    /// - Throws: `WireError.Code.oversized` if it is longer than ``maximumByteCount``.
    public init(text: String, name: String) throws(WireError) {
        guard text.utf8.count <= Self.maximumByteCount else {
            throw WireError(
                .oversized, "\(name) has \(text.utf8.count) bytes, a configuration at most \(Self.maximumByteCount)")
        }
        self.text = text
        self.name = name
    }

    /// A description with one more entry in its first section, on the line of the header, so that all lines keep their numbers.
    public static func adding(_ entry: String, to text: String) -> String {
        var bytes = Array(text.utf8)
        var isComment = false
        for (index, byte) in bytes.enumerated() {
            switch Unicode.Scalar(byte) {
            case "\n": isComment = false
            case "#", ";": isComment = true
            case "]" where !isComment:
                bytes.insert(contentsOf: " \(entry)".utf8, at: index + 1)
                return String(decoding: bytes, as: UTF8.self)
            default: break
            }
        }
        return text
    }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit.text(&text, atMost: WireLimit.config)
        try visit(&self, \.name)
    }
}
