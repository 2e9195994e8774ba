import FoundationEssentials

/// A value that the program prints as JSON; keys come out sorted.
public enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case unsigned(UInt64)
    case number(Double)
    case single(Float)
    case text(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// The value on one line.
    public var line: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf",
            negativeInfinity: "-inf",
            nan: "nan"
        )
        guard let data = try? encoder.encode(self) else { preconditionFailure("every value can be encoded") }
        return String(decoding: data, as: UTF8.self)
    }
}

extension JSONValue {
    public init(_ value: Bool) { self = .bool(value) }
    public init(_ value: Double?) { self = value.map { .number($0) } ?? .null }
    public init(_ value: String) { self = .text(value) }
    public init(_ value: UInt64?) { self = value.map { .unsigned($0) } ?? .null }
    public init(_ value: Float?) { self = value.map { .single($0) } ?? .null }
    public init(_ value: Int32) { self = .integer(Int64(value)) }
    init(_ value: TimingSummary?) {
        self = .object([
            "median": value.map { .number($0.median) } ?? .null, "p95": value.map { .number($0.p95) } ?? .null,
        ])
    }
}

extension JSONValue: Encodable {
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .unsigned(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .single(let value): try container.encode(value)
        case .text(let value): try container.encode(value)
        case .array(let values): try container.encode(values)
        case .object(let fields): try container.encode(fields)
        }
    }
}
