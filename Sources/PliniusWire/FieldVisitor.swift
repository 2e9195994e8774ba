/// Passes over the fields of a message in their order on the wire.
///
/// Writing and reading are two visitors of one walk, so they cannot disagree about a field.
protocol FieldVisitor {
    associatedtype Failure: Error

    mutating func integer<I: FixedWidthInteger>(_ value: inout I) throws(Failure)

    /// Passes over one of the values that `Choice` has.
    mutating func choice<Choice: RawRepresentable<UInt8>>(_ value: inout Choice) throws(Failure)

    /// Passes over a length of at most `limit` and as many bytes of UTF-8.
    mutating func text(_ value: inout String, atMost limit: Int) throws(Failure)

    /// Passes over a length of at most `limit` and as many bytes.
    mutating func bytes(_ value: inout [UInt8], atMost limit: Int) throws(Failure)

    /// Passes over the number of elements of a list, at most `limit`.
    mutating func count(_ value: inout UInt32, atMost limit: Int) throws(Failure)
}

extension FieldVisitor {
    /// Passes over a field of any type that crosses the wire.
    mutating func callAsFunction(_ field: inout some WireField) throws(Failure) { try field.walk(&self) }

    /// Passes over several fields of a message.
    mutating func callAsFunction<Message, each Field: WireField>(
        _ message: inout Message, _ fields: repeat WritableKeyPath<Message, each Field>
    ) throws(Failure) {
        repeat try self(&message[keyPath: each fields])
    }

    /// Passes over a list of at most `limit` elements.
    mutating func list<Element: WireField>(_ list: inout [Element], atMost limit: Int) throws(Failure) {
        var total = UInt32(list.count)
        try count(&total, atMost: limit)
        // An element in place would be less work, and Swift 6.3's optimizer breaks on it where elements have bytes of their own.
        var elements: [Element] = []
        for index in 0..<Int(total) {
            var element = index < list.count ? list[index] : Element()
            try self(&element)
            elements.append(element)
        }
        list = elements
    }
}

/// A value that crosses the wire as a field or as a payload.
protocol WireField {
    /// How many of them a list holds at most.
    static var maximumListCount: Int { get }

    /// What reading starts from.
    init()

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure)
}

extension WireField {
    static var maximumListCount: Int { 16 }
}

extension WireField where Self: FixedWidthInteger {
    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit.integer(&self)
    }
}

extension UInt8: WireField {}
extension UInt32: WireField {}
extension UInt64: WireField {}

extension Float: WireField {
    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        var bits = bitPattern
        try visit(&bits)
        self = Float(bitPattern: bits)
    }
}

extension Bool: WireField {
    private enum Flag: UInt8 {
        case no, yes
    }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        var flag = self ? Flag.yes : .no
        try visit.choice(&flag)
        self = flag == .yes
    }
}

/// A name: of an executor, a cipher, a file, a tier; or a digest in hexadecimal.
extension String: WireField {
    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit.text(&self, atMost: WireLimit.name)
    }
}

extension Optional: WireField where Wrapped: WireField {
    init() { self = nil }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        var isPresent = self != nil
        try visit(&isPresent)
        guard isPresent else { return self = nil }
        var value = self ?? Wrapped()
        try visit(&value)
        self = value
    }
}

extension Array: WireField where Element: WireField {
    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit.list(&self, atMost: Element.maximumListCount)
    }
}

/// How long a field may be.
enum WireLimit {
    /// Bytes of a name.
    static let name = 1024
    /// Bytes of a text for people.
    static let message = 64 << 10
    /// Bytes of one part of evidence; logs of long-lived machines are the largest.
    static let evidencePart = 16 << 20
    /// Bytes of a network description: what a frame has room for beside the other fields.
    static let config = Frame.maximumByteCount - (64 << 10)
}
