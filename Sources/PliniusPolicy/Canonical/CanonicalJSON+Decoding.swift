extension CanonicalJSON {
    /// Reads an encoding, and nothing but the one that ``encoded`` would write.
    ///
    /// Blanks, other escapes, fractions, exponents, names out of order, names twice, names that Unicode takes for the same, and what follows
    /// the value are refused.
    /// - Parameter limit: The longest encoding that is looked at, in bytes.
    /// - Throws: `FormatError` with the check `json.length`, `json.depth` or `json.canonical`, which names the byte.
    ///
    /// O(length).
    public init(canonical bytes: some Sequence<UInt8>, atMost limit: Int = usualByteCount) throws(FormatError) {
        let bytes = Array(bytes)
        guard bytes.count <= limit else {
            throw FormatError("json.length", expected: "at most \(limit) bytes", found: "\(bytes.count)")
        }
        var reader = CanonicalReader(bytes)
        self = try reader.value(depth: 0)
        try reader.finish()
    }
}

/// Reads one value after the other.
private struct CanonicalReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func refusal(_ expected: String) -> FormatError {
        let found =
            switch next {
            case nil: "the end"
            case .some(let byte) where (0x21..<0x7F).contains(byte): "\(Character(Unicode.Scalar(byte)))"
            case .some(let byte): "the byte \(byte)"
            }
        return FormatError("json.canonical", expected: "\(expected) at byte \(position)", found: found)
    }

    /// Takes a character, if it is the next.
    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func demand(_ text: String) throws(FormatError) {
        for scalar in text.unicodeScalars {
            guard take(scalar) else { throw refusal("\(text)") }
        }
    }

    func finish() throws(FormatError) {
        guard next == nil else { throw refusal("the end") }
    }

    mutating func value(depth: Int) throws(FormatError) -> CanonicalJSON {
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"):
            try demand("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try demand("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try demand("null")
            return .null
        case let byte? where byte == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte):
            return .integer(try integer())
        default: throw refusal("a value")
        }
    }

    /// Whether another object or list may begin.
    private func checkDepth(_ depth: Int) throws(FormatError) {
        guard depth < CanonicalJSON.maximumDepth else {
            throw FormatError(
                "json.depth", expected: "at most \(CanonicalJSON.maximumDepth) objects and lists in each other",
                found: "one more at byte \(position)")
        }
    }

    private mutating func object(depth: Int) throws(FormatError) -> CanonicalJSON {
        try checkDepth(depth)
        try demand("{")
        var members: [String: CanonicalJSON] = [:]
        if take("}") { return .object(members) }
        var last: String?
        while true {
            let start = position
            let name = try string()
            // Names that ascend are in order, and none is there twice; what Unicode takes for the same would hide one behind the other.
            let isBehind = last.map { CanonicalJSON.precedes($0, name) } ?? true
            guard isBehind, members[name] == nil else {
                throw FormatError(
                    "json.canonical", expected: "names in order, each once, at byte \(start)",
                    found: "\"\(name.prefix(80))\"")
            }
            try demand(":")
            members[name] = try value(depth: depth + 1)
            last = name
            if take("}") { return .object(members) }
            try demand(",")
        }
    }

    private mutating func array(depth: Int) throws(FormatError) -> CanonicalJSON {
        try checkDepth(depth)
        try demand("[")
        var entries: [CanonicalJSON] = []
        if take("]") { return .array(entries) }
        while true {
            entries.append(try value(depth: depth + 1))
            if take("]") { return .array(entries) }
            try demand(",")
        }
    }

    private mutating func integer() throws(FormatError) -> Int64 {
        let start = position
        if next == UInt8(ascii: "-") { position += 1 }
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        // Leading zeros and minus zero are other ways of writing a number.
        guard let number = Int64(text), String(number) == text else {
            throw FormatError(
                "json.canonical", expected: "an integer of 64 bits in its one form at byte \(start)",
                found: "\(text.prefix(40))")
        }
        guard next != UInt8(ascii: "."), next != UInt8(ascii: "e"), next != UInt8(ascii: "E") else {
            throw refusal("no fraction and no exponent")
        }
        return number
    }

    private mutating func string() throws(FormatError) -> String {
        try demand("\"")
        let start = position
        var content: [UInt8] = []
        while let byte = next, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw refusal("an escape for a control character") }
            position += 1
            content.append(byte == UInt8(ascii: "\\") ? try escaped() : byte)
        }
        try demand("\"")
        guard let text = String(validating: content, as: UTF8.self) else {
            throw FormatError("json.canonical", expected: "UTF-8 in the string at byte \(start)", found: "other bytes")
        }
        return text
    }

    /// What stands behind a backslash: only what has to be written so.
    private mutating func escaped() throws(FormatError) -> UInt8 {
        for byte in [UInt8(ascii: "\""), UInt8(ascii: "\\")] where next == byte {
            position += 1
            return byte
        }
        for escape in CanonicalJSON.shortEscapes where next == escape.letter {
            position += 1
            return escape.byte
        }
        try demand("u00")
        for byte in 0..<0x20 as Range<UInt8> where !CanonicalJSON.shortEscapes.contains(where: { $0.byte == byte }) {
            let digits = CanonicalJSON.hexadecimalDigits(byte)
            if bytes[position...].starts(with: digits) {
                position += 2
                return byte
            }
        }
        throw refusal("a control character without a shorter escape")
    }
}
