/// What stands before the elements of an array in NumPy's format: the extents of an array of unsigned bytes in C order.
///
/// The header is a Python literal; this reads the few that NumPy writes, and evaluates nothing. Pickled objects, other types and
/// Fortran's order are refused by name. Source: NumPy Enhancement Proposal 1, versions 1.0, 2.0 and 3.0.
public struct NPYHeader: Hashable, Sendable {
    /// The extents, the slowest first; none for a single number.
    public let shape: [Int]
    /// Bytes of the header itself, which the elements follow.
    public let byteCount: Int

    /// Bytes of elements; every product of extents fits.
    public var elementCount: Int { shape.reduce(1, *) }

    /// Bytes that say how long the header is.
    static let prefixByteCount = 12
    private static let maximumByteCount = 1 << 16
    private static let maximumElements = 1 << 48

    /// Reads the header that `bytes` begin with.
    /// - Parameter file: The name that errors give.
    /// - Throws: ``SourceError``
    public init(_ bytes: [UInt8], file: String) throws(SourceError) {
        byteCount = try Self.length(bytes, file: file)
        guard bytes.count >= byteCount else {
            throw SourceError(
                .truncated, file, at: bytes.count,
                "the header of the array is \(byteCount) bytes long, and the data end in it")
        }
        let start = bytes[6] == 1 ? 10 : 12
        var literal = PythonLiteral(Array(bytes[start..<byteCount]), file: file, offset: start)
        shape = try literal.header()
        var count = 1
        for extent in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            guard !overflow, product <= Self.maximumElements else {
                throw SourceError(.oversized, file, at: start, "an array of extents \(shape) is beyond all limits")
            }
            count = product
        }
    }

    /// How long the header is that begins with at least 12 bytes `start`.
    static func length(_ start: [UInt8], file: String) throws(SourceError) -> Int {
        guard start.count >= prefixByteCount, start.starts(with: [0x93] + "NUMPY".utf8) else {
            throw SourceError(
                .wrongFormat, file, at: 0, "no array in NumPy's format: it does not begin with \\x93NUMPY")
        }
        guard 1...3 ~= start[6], start[7] == 0 else {
            throw SourceError(
                .unsupported, file, at: 6, "version \(start[6]).\(start[7]) of the format; 1.0, 2.0 and 3.0 are known")
        }
        let length = start[6] == 1 ? 10 + start.number16(at: 8) : 12 + start.number32(at: 8)
        guard prefixByteCount...maximumByteCount ~= length else {
            throw SourceError(
                .oversized, file, at: 8,
                "the header says that it is \(length) bytes long, \(maximumByteCount) are the limit")
        }
        return length
    }
}

/// The one kind of Python literal that arrays begin with: a dictionary of a string, a truth value and a tuple of numbers.
private struct PythonLiteral {
    private let text: [UInt8]
    private let file: String
    private let offset: Int
    private var place = 0

    init(_ text: [UInt8], file: String, offset: Int) {
        self.text = text
        self.file = file
        self.offset = offset
    }

    /// The shape, if the rest is as it has to be.
    mutating func header() throws(SourceError) -> [Int] {
        var type: String?
        var isFortran: Bool?
        var shape: [Int]?
        try expect("{")
        while !next("}") {
            let key = try string()
            try expect(":")
            switch key {
            case "descr" where type == nil: type = try elementType()
            case "fortran_order" where isFortran == nil: isFortran = try truth()
            case "shape" where shape == nil: shape = try tuple()
            default: throw refusal("the key \(quoted(key)) is unknown or comes twice")
            }
            guard next(",") else {
                try expect("}")
                break
            }
        }
        skipBlanks()
        guard place == text.count else { throw refusal("something follows the dictionary") }
        guard let type, let isFortran, let shape else {
            throw refusal("descr, fortran_order and shape are needed, and one is missing")
        }
        guard ["|u1", "u1", "<u1", ">u1", "B"].contains(type) else {
            let pickled =
                type.contains("O") ? "pickled Python objects, which are programs and never loaded" : "no bytes"
            throw SourceError(
                .unsupported, file, at: offset,
                "the elements are of type \(quoted(type)): \(pickled). Write the array as unsigned bytes (|u1).")
        }
        guard !isFortran else {
            throw SourceError(
                .unsupported, file, at: offset,
                "the array is in Fortran's order. Write it in C's (numpy.ascontiguousarray).")
        }
        return shape
    }

    // MARK: Values

    private mutating func elementType() throws(SourceError) -> String {
        skipBlanks()
        guard place < text.count, text[place] != UInt8(ascii: "[") else {
            throw SourceError(
                .unsupported, file, at: offset + place,
                "the elements are records of several fields. Write the array as unsigned bytes (|u1).")
        }
        return try string()
    }

    private mutating func string() throws(SourceError) -> String {
        skipBlanks()
        guard place < text.count, text[place] == UInt8(ascii: "'") || text[place] == UInt8(ascii: "\"") else {
            throw refusal("a string should stand here")
        }
        let quote = text[place]
        guard let end = text[(place + 1)...].firstIndex(of: quote) else { throw refusal("a string does not end") }
        defer { place = end + 1 }
        return String(decoding: text[place + 1..<end], as: UTF8.self)
    }

    private mutating func truth() throws(SourceError) -> Bool {
        skipBlanks()
        for (word, value) in [("True", true), ("False", false)] where text[place...].starts(with: word.utf8) {
            place += word.utf8.count
            return value
        }
        throw refusal("True or False should stand here")
    }

    private mutating func tuple() throws(SourceError) -> [Int] {
        var numbers: [Int] = []
        try expect("(")
        while !next(")") {
            guard numbers.count < 8 else { throw refusal("there are more than 8 extents") }
            numbers.append(try number())
            guard next(",") else {
                // One number in parentheses is no tuple.
                guard numbers.count > 1 else { throw refusal("a comma should stand here") }
                try expect(")")
                break
            }
        }
        return numbers
    }

    private mutating func number() throws(SourceError) -> Int {
        skipBlanks()
        let digits = text[place...].prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        guard !digits.isEmpty, digits.count <= 15 else { throw refusal("a number of 1 to 15 digits should stand here") }
        place = digits.endIndex
        return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    // MARK: Signs

    private mutating func skipBlanks() {
        while place < text.count, [32, 9, 10, 13].contains(text[place]) { place += 1 }
    }

    private mutating func next(_ sign: Unicode.Scalar) -> Bool {
        skipBlanks()
        guard place < text.count, text[place] == UInt8(ascii: sign) else { return false }
        place += 1
        return true
    }

    private mutating func expect(_ sign: Unicode.Scalar) throws(SourceError) {
        guard next(sign) else { throw refusal("\"\(sign)\" should stand here") }
    }

    private func refusal(_ what: String) -> SourceError {
        SourceError(.wrongFormat, file, at: offset + place, "the header of the array cannot be read: \(what)")
    }
}
