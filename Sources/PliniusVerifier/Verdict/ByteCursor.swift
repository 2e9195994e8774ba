/// Reads fields from bytes that nobody vouches for, and never past their end.
///
/// Foreign formats mix byte orders, so each read says its own.
struct ByteCursor {
    /// The bytes, from the first that was not read yet.
    private(set) var rest: ArraySlice<UInt8>
    private let format: String
    private let start: Int

    /// Starts at the first byte; `format` is the check that fails when they run out, such as `tpm.attest.format`.
    init(_ bytes: some Sequence<UInt8>, format: String) {
        rest = ArraySlice(bytes)
        start = rest.startIndex
        self.format = format
    }

    var remaining: Int { rest.count }
    /// How many bytes were read.
    var offset: Int { rest.startIndex - start }

    /// - Throws: the format's error, if fewer than `count` bytes are left.
    mutating func bytes(_ count: Int) throws(EvidenceError) -> [UInt8] {
        guard count >= 0, count <= rest.count else {
            throw EvidenceError(
                format, expected: "\(count) bytes from byte \(offset) on", found: "\(rest.count) bytes")
        }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    /// A little-endian integer.
    mutating func little<I: FixedWidthInteger>(_: I.Type = I.self) throws(EvidenceError) -> I {
        try bytes(I.bitWidth / 8).reversed().reduce(0) { $0 << 8 | I(truncatingIfNeeded: $1) }
    }

    /// A big-endian integer.
    mutating func big<I: FixedWidthInteger>(_: I.Type = I.self) throws(EvidenceError) -> I {
        try bytes(I.bitWidth / 8).reduce(0) { $0 << 8 | I(truncatingIfNeeded: $1) }
    }

    /// Bytes behind their number, as TPM structures have them: 16 bits, big-endian.
    mutating func sized(atMost limit: Int) throws(EvidenceError) -> [UInt8] {
        let count = Int(try big(UInt16.self))
        guard count <= limit else {
            throw EvidenceError(format, expected: "a field of at most \(limit) bytes", found: "\(count) bytes")
        }
        return try bytes(count)
    }

    /// Ends the reading.
    /// - Throws: the format's error, if bytes are left over.
    func finish() throws(EvidenceError) {
        guard rest.isEmpty else {
            throw EvidenceError(format, expected: "nothing after byte \(offset)", found: "\(rest.count) more bytes")
        }
    }
}

/// Lower-case hexadecimal digits, for findings.
package func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    bytes.reduce(into: "") { text, byte in
        text += byte < 16 ? "0" : ""
        text += String(byte, radix: 16)
    }
}
