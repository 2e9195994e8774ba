/// A tree that has one encoding only: everything that is hashed or signed.
///
/// The encoding is that of the JSON Canonicalization Scheme (RFC 8785), with integers as the only numbers: no blanks, the members of an
/// object in the order of their names' UTF-16 code units, and in strings no escape but those that JSON demands. Integers have 64 bits, so
/// that counters keep every digit.
public enum CanonicalJSON: Sendable {
    indirect case object([String: CanonicalJSON])
    indirect case array([CanonicalJSON])
    case string(String)
    case integer(Int64)
    case bool(Bool)
    case null

    /// How deep arrays and objects may stand in each other.
    public static let maximumDepth = 32
    /// How long an encoding may be if its reader says nothing else, in bytes.
    public static let usualByteCount = 1 << 20
}

extension CanonicalJSON: Hashable {
    // Swift takes texts for equal that Unicode does, whatever their bytes; what is signed differs there.
    public static func == (first: CanonicalJSON, second: CanonicalJSON) -> Bool { first.encoded == second.encoded }

    public func hash(into hasher: inout Hasher) { hasher.combine(encoded) }
}

extension CanonicalJSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral text: String) { self = .string(text) }
    public init(integerLiteral number: Int64) { self = .integer(number) }
    public init(booleanLiteral truth: Bool) { self = .bool(truth) }
    public init(arrayLiteral entries: CanonicalJSON...) { self = .array(entries) }

    /// The last of several members of one name counts.
    public init(dictionaryLiteral members: (String, CanonicalJSON)...) {
        self = .object(Dictionary(members) { _, last in last })
    }
}

// MARK: - Parts

extension CanonicalJSON {
    /// The member of an object; `nil` if there is none.
    public subscript(name: String) -> CanonicalJSON? { members?[name] }

    /// What an object has, by name.
    public var members: [String: CanonicalJSON]? {
        guard case .object(let members) = self else { return nil }
        return members
    }

    public var entries: [CanonicalJSON]? {
        guard case .array(let entries) = self else { return nil }
        return entries
    }

    public var text: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    public var number: Int64? {
        guard case .integer(let number) = self else { return nil }
        return number
    }

    public var truth: Bool? {
        guard case .bool(let truth) = self else { return nil }
        return truth
    }

    /// What it is, for errors.
    package var kind: String {
        switch self {
        case .object: "an object"
        case .array(let entries): "a list of \(entries.count)"
        case .string(let text): "\"\(text.prefix(80))\""
        case .integer(let number): "\(number)"
        case .bool(let truth): "\(truth)"
        case .null: "null"
        }
    }
}
