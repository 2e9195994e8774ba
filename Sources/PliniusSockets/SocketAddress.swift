/// Where a stream socket is reached: `host:port`, `[v6]:port`, `port` for this machine alone, or `unix:path`.
public enum SocketAddress: Hashable, Sendable {
    /// A name or an address of a machine, without brackets.
    case network(host: String, port: UInt16)
    /// A socket in the file system.
    case local(path: String)

    /// The longest path that the kernel takes, in bytes.
    static let maximumPathByteCount = 107

    /// Reads an address.
    /// - Throws: ``SocketError`` that says what an address looks like.
    public init(_ text: String) throws(SocketError) {
        let malformed = SocketError(
            "\"\(text)\" is no address: give host:port, [v6 address]:port, a port of this machine, or unix:path")
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst("unix:".count))
            guard !path.isEmpty, !path.utf8.contains(0), path.utf8.count <= Self.maximumPathByteCount else {
                throw SocketError(
                    "\"\(text)\" is no address: the path of a socket has between 1 and \(Self.maximumPathByteCount) bytes"
                )
            }
            self = .local(path: path)
            return
        }
        let colon = text.lastIndex(of: ":")
        let host = colon.map { text[..<$0] } ?? ""
        let digits = colon.map { text[text.index(after: $0)...] } ?? text[...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(digits) else {
            throw malformed
        }
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]") && host.count > 2
        let name = isBracketed ? host.dropFirst().dropLast() : host
        guard isBracketed || !name.contains(where: { ":[]".contains($0) }), !name.utf8.contains(0) else {
            throw malformed
        }
        self = .network(host: name.isEmpty ? "127.0.0.1" : String(name), port: port)
    }
}

extension SocketAddress: CustomStringConvertible {
    public var description: String {
        switch self {
        case .network(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .local(let path): "unix:\(path)"
        }
    }
}

/// Why there is no connection, in a sentence.
public struct SocketError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}
