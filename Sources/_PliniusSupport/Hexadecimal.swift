extension Sequence<UInt8> {
    /// Lower-case hexadecimal, two digits a byte.
    public var hex: String {
        var text = ""
        for byte in self {
            let digits = String(byte, radix: 16)
            text += digits.count == 1 ? "0" + digits : digits
        }
        return text
    }
}
