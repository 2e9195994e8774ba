extension Instant {
    /// A date of the Gregorian calendar; years are counted from March, so that a leap day comes last.
    package init(_ year: Int, _ month: Int, _ day: Int, _ hours: Int = 0, _ minutes: Int = 0, _ seconds: Int = 0) {
        let years = month > 2 ? year : year - 1
        let days = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        let date = years * 365 + years / 4 - years / 100 + years / 400 + days - 719_468
        self.init(seconds: Int64(((date * 24 + hours) * 60 + minutes) * 60 + seconds))
    }
}

extension Instant: CustomStringConvertible {
    /// The date and time of day as ISO 8601 has them: `2025-07-01T00:00:00Z`.
    public var description: String {
        let (date, time) = seconds.quotientAndRemainderRoundedDown(by: 86_400)
        // The calendar repeats itself every 400 years, which begin in March.
        let (era, ofEra) = (date + 719_468).quotientAndRemainderRoundedDown(by: 146_097)
        let yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let sinceMarch = (5 * ofYear + 2) / 153
        let month = sinceMarch < 10 ? sinceMarch + 3 : sinceMarch - 9
        let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        let day = ofYear - (153 * sinceMarch + 2) / 5 + 1
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
            + "T\(padded(time / 3600, 2)):\(padded(time / 60 % 60, 2)):\(padded(time % 60, 2))Z"
    }

    private func padded(_ number: Int64, _ count: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, count - digits.count)) + digits
    }
}

extension Int64 {
    fileprivate func quotientAndRemainderRoundedDown(by divisor: Int64) -> (Int64, Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
