/// A value that a policy sets, and the line that does.
public struct Setting<Value: Sendable>: Sendable {
    public var value: Value
    public var line: PolicyLine

    public init(_ value: Value, _ line: PolicyLine) {
        self.value = value
        self.line = line
    }
}

extension Setting: Equatable where Value: Equatable {}
extension Setting: Hashable where Value: Hashable {}
