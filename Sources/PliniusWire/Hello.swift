/// Who is at the other end.
public struct Hello: Hashable, Sendable, WireField {
    /// The vocabulary of this build.
    ///
    /// Both programs are built together, so a difference is a mixed installation.
    public static let currentVersion: UInt32 = 6

    /// The vocabulary that the enclave speaks: ``currentVersion`` of its build.
    public var version: UInt32 = 0
    /// What it can run networks with, the default first.
    public var executors: [String] = []

    init() {}

    public init(version: UInt32, executors: [String]) {
        self.version = version
        self.executors = executors
    }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.version, \.executors)
    }
}
