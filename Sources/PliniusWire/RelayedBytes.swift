/// A piece of the stream between owner and enclave, on its way through the host.
public struct RelayedBytes: Hashable, Sendable, WireField {
    /// The longest piece, in bytes.
    public static let maximumByteCount = 256 << 10

    var bytes: [UInt8] = []

    init() {}

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit.bytes(&bytes, atMost: Self.maximumByteCount)
    }
}
