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
                .oversized,
                "\(name) has \(text.utf8.count) bytes, a configuration at most \(Self.maximumByteCount)"
            )
        }
        self.text = text
        self.name = name
    }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit.text(&text, atMost: WireLimit.config)
        try visit(&self, \.name)
    }
}
