import Glibc

/// Options of the form `--name value`, each of them with a default or required.
public struct Options {
    private var values: [String: String] = [:]
    private let usage: String
    private var asked: Set<String> = []

    /// Takes the program's arguments; ends the program with `usage` if they are not pairs.
    public init(usage: String) {
        self.usage = usage
        let arguments = CommandLine.arguments.dropFirst()
        var rest = arguments[...]
        while let name = rest.popFirst() {
            guard name.hasPrefix("--"), let value = rest.popFirst() else { fail("\(name) has no value") }
            values[String(name.dropFirst(2))] = value
        }
    }

    /// The value of an option; ends the program if it does not read as one, or is missing without a default.
    public mutating func value<Value>(_ name: String, default standard: Value? = nil, _ parse: (String) -> Value?)
        -> Value
    {
        asked.insert(name)
        guard let text = values[name] else {
            guard let standard else { fail("--\(name) is missing") }
            return standard
        }
        guard let value = parse(text) else { fail("--\(name) \(text) is not understood") }
        return value
    }

    /// Ends the program if there is an option that nobody asked for.
    public func rejectOthers() {
        if let other = values.keys.first(where: { !asked.contains($0) }) { fail("--\(other) is not known") }
    }

    private func fail(_ why: String) -> Never {
        stop("\(why)\n\(usage)", status: 2)
    }
}

/// Ends the program with a sentence on the standard error.
public func stop(_ why: String, status: CInt = 1) -> Never {
    let line = Array("\(why)\n".utf8)
    _ = unsafe line.withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count) }
    exit(status)
}
