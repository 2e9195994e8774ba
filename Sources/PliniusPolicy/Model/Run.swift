/// One training, test or use of a network, as leases and stops call it: what comes out of it, or what it uses where nothing does, and its
/// name in the pool.
public struct Run: Hashable, Sendable {
    public let asset: ScopedName
    public let name: String

    /// Takes both.
    /// - Returns: `nil` if the name can be none.
    public init?(asset: ScopedName, name: String) {
        guard Self.isName(name) else { return nil }
        self.asset = asset
        self.name = name
    }

    /// Reads `namespace/asset#run`.
    /// - Returns: `nil` if that is something else.
    public init?(_ text: String) {
        guard let mark = text.firstIndex(of: "#"), let asset = ScopedName(String(text[..<mark])) else { return nil }
        self.init(asset: asset, name: String(text[text.index(after: mark)...]))
    }

    /// Whether a text can be a run's name: 1 to 64 bytes, without control characters.
    public static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 64 && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }
}

extension Run: CustomStringConvertible {
    public var description: String { "\(asset)#\(name)" }
}

extension Run: Comparable {
    public static func < (first: Run, second: Run) -> Bool { first.description < second.description }
}
