/// Numbers and times as Intel's JSON writes them.
enum IntelText {
    /// Bytes in hexadecimal digits of either case; `nil` for anything else.
    static func octets(_ text: some StringProtocol) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = value(digits[index]), let low = value(digits[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// A time of the form `2025-06-19T10:56:11Z`; `nil` for anything else, and for days that no calendar has.
    static func instant(_ text: String) -> Instant? {
        let fields = text.split(whereSeparator: "-T:Z".contains).compactMap { Int($0) }
        guard text.utf8.count == 20, fields.count == 6, fields.allSatisfy((0...9999).contains) else { return nil }
        let instant = Instant(fields[0], fields[1], fields[2], fields[3], fields[4], fields[5])
        return instant.description == text ? instant : nil
    }
}
