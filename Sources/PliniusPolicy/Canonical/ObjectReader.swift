import FoundationEssentials
import PliniusVerifier

/// Takes the members of an object one by one: each has to be there, of its type, and what nobody asked for is refused.
package struct ObjectReader {
    private let check: String
    private var members: [String: CanonicalJSON]

    /// Starts with an object.
    /// - Parameter check: The check that fails, with the member's name behind it: `statement`.
    /// - Throws: `FormatError` if it is something else.
    package init(_ json: CanonicalJSON, check: String) throws(FormatError) {
        guard let members = json.members else {
            throw FormatError("\(check).object", expected: "an object", found: json.kind)
        }
        self.check = check
        self.members = members
    }

    package func refusal(_ name: String, expected: String, found: String) -> FormatError {
        FormatError("\(check).\(name)", expected: expected, found: found)
    }

    /// Whether a member is there and was not taken yet.
    package func has(_ name: String) -> Bool { members[name] != nil }

    /// A member, by what its value means.
    package mutating func take<Value>(
        _ name: String, _ expected: String, _ read: (CanonicalJSON) -> Value?
    ) throws(FormatError) -> Value {
        guard let json = members.removeValue(forKey: name) else {
            throw refusal(name, expected: expected, found: "no such member")
        }
        guard let value = read(json) else { throw refusal(name, expected: expected, found: json.kind) }
        return value
    }

    package mutating func any(_ name: String) throws(FormatError) -> CanonicalJSON { try take(name, "a value") { $0 } }

    /// A text of a length that can be shown.
    package mutating func text(_ name: String, atMost limit: Int = 1024) throws(FormatError) -> String {
        try take(name, "a text of at most \(limit) bytes") { json in
            json.text.flatMap { $0.utf8.count <= limit ? $0 : nil }
        }
    }

    package mutating func integer(_ name: String, _ range: ClosedRange<Int64>) throws(FormatError) -> Int64 {
        try take(name, "an integer from \(range.lowerBound) to \(range.upperBound)") { json in
            json.number.flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// Bytes in lower-case hexadecimal.
    package mutating func bytes(_ name: String, count: Int) throws(FormatError) -> [UInt8] {
        try take(name, "\(count) bytes in lower-case hexadecimal") { json in
            json.text.flatMap { lowerCaseBytes($0, count: count) }
        }
    }

    /// A list, each entry by what it means.
    package mutating func list<Value>(
        _ name: String, atMost limit: Int, _ expected: String, _ read: (CanonicalJSON) -> Value?
    ) throws(FormatError) -> [Value] {
        try take(name, "a list of at most \(limit): \(expected)") { json in
            guard let entries = json.entries, entries.count <= limit else { return nil }
            let values = entries.compactMap(read)
            return values.count == entries.count ? values : nil
        }
    }

    /// Ends the reading.
    /// - Throws: `FormatError` for a member that nobody asked for.
    package func finish() throws(FormatError) {
        if let unknown = members.keys.min() {
            throw FormatError("\(check).members", expected: "no other members", found: "\"\(unknown.prefix(80))\"")
        }
    }
}

/// Bytes from digits in their one form, with lower-case letters.
package func lowerCaseBytes(_ text: String, count: Int) -> [UInt8]? {
    guard let bytes = bytes(hexadecimal: text.utf8), bytes.count == count, hexadecimal(bytes) == text else {
        return nil
    }
    return bytes
}

/// Bytes from base64 in its one form: the standard alphabet, padded, nothing left over.
package func bytes(base64 text: String) -> [UInt8]? {
    guard let data = Data(base64Encoded: text), data.base64EncodedString() == text else { return nil }
    return Array(data)
}

/// Base64 in the standard alphabet, padded.
package func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }
