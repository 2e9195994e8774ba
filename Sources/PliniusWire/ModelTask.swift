/// What a model is for: it follows from its network and its data, and says which figures an ``Evaluation`` has.
public enum ModelTask: UInt8, Hashable, Sendable, CaseIterable {
    /// An image is of one class.
    case classify = 1
    /// Boxes around things, each of a class.
    case detect
    /// Each pixel is of a class.
    case segment
    /// Numbers.
    case regress
    /// Each step of a sequence is of a class: characters.
    case sequence
}

extension ModelTask: WireField {
    init() { self = .classify }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit.choice(&self)
    }
}
