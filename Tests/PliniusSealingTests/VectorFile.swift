import Foundation
import Testing

/// One block of `name = value` lines of a file in `Vectors`.
struct Vector: CustomTestStringConvertible {
    let file: String
    private let fields: [String: String]

    /// All blocks of a file; blank lines part them.
    static func all(in file: String) -> [Vector] {
        guard let url = Bundle.module.url(forResource: file, withExtension: "txt", subdirectory: "Vectors"),
            let text = try? String(contentsOf: url, encoding: .utf8)
        else { fatalError("no vectors in \(file).txt") }
        return text.components(separatedBy: "\n\n").compactMap { block in
            var fields: [String: String] = [:]
            for line in block.split(separator: "\n") where !line.hasPrefix("#") {
                let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                fields[parts[0].trimmingCharacters(in: .whitespaces)] = parts[1].trimmingCharacters(in: .whitespaces)
            }
            return fields.isEmpty ? nil : Vector(file: file, fields: fields)
        }
    }

    /// The bytes of a hexadecimal field.
    func bytes(_ name: String) -> [UInt8] {
        guard let value = fields[name] else { fatalError("\(file): \(testDescription) has no \(name)") }
        return [UInt8](hex: value)
    }

    func has(_ name: String) -> Bool { fields[name] != nil }

    var mustFail: Bool { fields["Result"] == "FAIL" }

    var testDescription: String { "\(file): \(fields["Name"] ?? "?")" }
}

extension [UInt8] {
    /// The bytes of hexadecimal digits.
    init(hex: String) {
        precondition(hex.utf8.count.isMultiple(of: 2), "odd number of digits")
        let digits = hex.utf8.map { UInt8(String(UnicodeScalar($0)), radix: 16) ?? 255 }
        precondition(!digits.contains(255), "not hexadecimal: \(hex)")
        self = stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}
