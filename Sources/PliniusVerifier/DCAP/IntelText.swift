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

    /// A time of the form `2025-06-19T10:56:11Z`; `nil` for anything else.
    static func instant(_ text: String) -> Instant? {
        let text = Array(text.utf8)
        let pattern = Array("0000-00-00T00:00:00Z".utf8)
        guard text.count == pattern.count else { return nil }
        var fields: [Int64] = [0]
        for (character, expected) in zip(text, pattern) {
            if expected == UInt8(ascii: "0") {
                guard let digit = value(character), digit < 10 else { return nil }
                fields[fields.count - 1] = fields[fields.count - 1] * 10 + Int64(digit)
            } else {
                guard character == expected else { return nil }
                fields.append(0)
            }
        }
        let (year, month, day) = (fields[0], fields[1], fields[2])
        guard year >= 1970, (1...12).contains(month), day >= 1, fields[3] < 24, fields[4] < 60, fields[5] < 60 else {
            return nil
        }
        let isLeap = year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
        let lengths: [Int64] = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard day <= lengths[Int(month) - 1] else { return nil }
        let past = year - 1
        let days =
            past * 365 + past / 4 - past / 100 + past / 400 - 719_162
            + lengths.prefix(Int(month) - 1).reduce(0, +) + day - 1
        return Instant(seconds: days * 86400 + fields[3] * 3600 + fields[4] * 60 + fields[5])
    }

    /// A time in the same form.
    static func text(_ instant: Instant) -> String {
        var (day, second) = instant.seconds.quotientAndRemainder(dividingBy: 86400)
        if second < 0 { (day, second) = (day - 1, second + 86400) }
        // Years of 365 or 366 days from a first of March on, in eras of 400 years.
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let date = [year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1]
        let time = [second / 3600, second / 60 % 60, second % 60]
        func padded(_ numbers: [Int64], _ separator: String) -> String {
            numbers.map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: separator)
        }
        return "\(padded(date, "-"))T\(padded(time, ":"))Z"
    }
}
