import PliniusPerunClient

/// The path and the query of a request, taken apart and decoded.
struct RequestTarget: Hashable {
    let segments: [String]
    let query: [String: String]

    /// Takes a target apart as it stands in the request line.
    /// - Throws: ``ProblemDetails`` with status 400 for what is no path, and for members of the query that are there twice.
    init(_ text: String) throws(ProblemDetails) {
        let whole = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let path = whole.first, path.hasPrefix("/") else { throw Self.problem("a path") }
        var segments: [String] = []
        for part in path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            segments.append(try Self.decode(part, plus: false))
        }
        // The root has no part, and a slash at the end is one that is empty.
        self.segments = segments == [""] ? [] : segments
        var query: [String: String] = [:]
        for pair in whole.count > 1 ? whole[1].split(separator: "&") : [] {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = try Self.decode(parts[0], plus: true)
            guard query[name] == nil else { throw Self.problem("each member of the query once") }
            query[name] = parts.count > 1 ? try Self.decode(parts[1], plus: true) : ""
        }
        self.query = query
    }

    private static func decode(_ text: Substring, plus: Bool) throws(ProblemDetails) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                guard rest.count >= 2, let high = Character(Unicode.Scalar(rest[rest.startIndex])).hexDigitValue,
                    let low = Character(Unicode.Scalar(rest[rest.startIndex + 1])).hexDigitValue
                else { throw problem("two hexadecimal digits behind each percent sign") }
                bytes.append(UInt8(high << 4 | low))
                rest = rest.dropFirst(2)
            case UInt8(ascii: "+") where plus: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        guard let decoded = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            throw problem("UTF-8 without zeros")
        }
        return decoded
    }

    private static func problem(_ expected: String) -> ProblemDetails {
        .malformed("request.target", expected: expected, found: "something else")
    }
}
