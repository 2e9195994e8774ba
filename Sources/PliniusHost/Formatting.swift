/// Writes a number with so many digits after the point: `0.0417`.
public func fixed(_ value: some BinaryFloatingPoint, digits: Int) -> String {
    let value = Double(value)
    let scale = (0..<digits).reduce(1.0) { power, _ in power * 10 }
    let scaled = (value.magnitude * scale).rounded()
    guard scaled < 1e15 else { return "\(value)" }
    let whole = Int(scaled)
    let fraction = String(whole % Int(scale))
    let sign = value < 0 && whole != 0 ? "-" : ""
    let head = "\(sign)\(whole / Int(scale))"
    return digits == 0 ? head : head + "." + String(repeating: "0", count: digits - fraction.count) + fraction
}

/// Writes a time for people: `7 s`, `2:05`, `1:02:05`.
func clock(seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "?" }
    let total = Int(max(0, seconds).rounded())
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    if total < 60 { return "\(total) s" }
    if total < 3600 { return "\(total / 60):\(two(total % 60))" }
    return "\(total / 3600):\(two(total / 60 % 60)):\(two(total % 60))"
}

/// Writes a number of bytes for people: `3.0 MiB`.
public func bytes(_ count: UInt64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"]
    guard count >= 1024 else { return "\(count) B" }
    var value = Double(count) / 1024
    var unit = 0
    while value >= 1024, unit < units.count - 1 {
        value /= 1024
        unit += 1
    }
    return "\(fixed(value, digits: 1)) \(units[unit])"
}
