import ArgumentParser

/// A number of bytes on the command line: `4096`, `64M`, `2G`; the units are powers of 1024.
struct ByteCount: ExpressibleByArgument {
    let bytes: UInt64

    init?(argument: String) {
        let units: [Character: UInt64] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40]
        let unit = argument.last.flatMap { units[$0] }
        guard let count = UInt64(unit == nil ? argument[...] : argument.dropLast()) else { return nil }
        let (bytes, isTooLarge) = count.multipliedReportingOverflow(by: unit ?? 1)
        guard count > 0, !isTooLarge, argument.first != "+" else { return nil }
        self.bytes = bytes
    }
}
