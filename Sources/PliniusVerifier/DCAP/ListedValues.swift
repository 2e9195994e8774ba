extension Examination {
    /// Whether a value is one of those that a policy lists; an empty list lets nothing pass.
    mutating func checkListed(_ name: String, _ bytes: [UInt8], _ list: Setting<[[UInt8]]>?) {
        guard let list else { return }
        check(
            name, !bytes.isEmpty && list.value.contains(bytes),
            expected: list.value.isEmpty ? "one of none" : list.value.map { hexadecimal($0) }.joined(separator: " or "),
            found: hexadecimal(bytes), askedBy: list.line)
    }
}

extension Setting<[UInt8]>? {
    /// A list of this one value.
    var alone: Setting<[[UInt8]]>? { map { Setting<[[UInt8]]>([$0.value], $0.line) } }
}
