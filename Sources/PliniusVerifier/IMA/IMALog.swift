/// What a kernel measured before it was executed, mapped or read, in order (Linux Integrity Measurement Architecture).
///
/// Read are both forms that the kernel hands out: `binary_runtime_measurements` and `ascii_runtime_measurements`, with the templates
/// `ima`, `ima-ng`, `ima-sig`, `ima-buf`, `ima-modsig`, `ima-ngv2` and `ima-sigv2` (Linux, Documentation/security/IMA-templates.rst). What
/// a register proves is the hash of an entry's template data, which both forms hold.
package struct IMALog: Sendable {
    /// What one measurement was of.
    package struct Entry: Hashable, Sendable {
        /// Its place in the kernel's list, from 1.
        package let line: Int
        /// As the log has it; all zeros mark a violation.
        package let templateHash: [UInt8]
        package let template: String
        /// What the template hash covers.
        package let data: [UInt8]
        /// `nil` for a template in the binary form that this build does not know.
        package let content: Content?

        /// Whether the kernel saw a file being written while it was measured, or measured while it was being written: its content is unknown,
        /// and the register was extended with 0xFF.
        package var isViolation: Bool { templateHash.allSatisfy { $0 == 0 } }
    }

    /// The fields that are judged.
    package struct Content: Hashable, Sendable {
        package let path: String
        package let digest: FileDigest
        /// A signature of the file's owner, with its header; empty if there is none.
        package fileprivate(set) var signature: [UInt8] = []
        /// What was measured itself, of `ima-buf`.
        package fileprivate(set) var buffer: [UInt8]?
    }

    /// What no log of a machine that still works comes near.
    package enum Limit {
        package static let byteCount = 128 << 20
        package static let entryCount = 1 << 20
        package static let dataByteCount = 1 << 20
    }

    package let entries: [Entry]
    /// How many entries of the kernel's list come before the first here.
    package let start: Int

    /// Reads `binary_runtime_measurements` to its last byte; integers are little-endian.
    /// - Parameters:
    ///   - start: How many entries were left out.
    ///   - permitsTail: Whether fewer bytes than any entry has may stand at the end, as in some stored copies.
    /// - Throws: `ima.log.format`.
    package init(binary bytes: [UInt8], start: Int = 0, permitsTail: Bool = false) throws(EvidenceError) {
        try Self.checkSize(bytes.count, start)
        var cursor = ByteCursor(bytes, format: Self.format)
        var entries: [Entry] = []
        while cursor.remaining > (permitsTail ? Self.smallestByteCount - 1 : 0) {
            entries.append(try Self.entry(&cursor, line: start + entries.count + 1))
            try Self.checkCount(entries.count)
        }
        self.entries = entries
        self.start = start
    }

    /// Reads `ascii_runtime_measurements`, or the file of one bank.
    /// - Throws: `ima.log.format`.
    package init(ascii bytes: [UInt8], start: Int = 0) throws(EvidenceError) {
        try Self.checkSize(bytes.count, start)
        guard bytes.last ?? 10 == 10 else { throw Self.malformed("a line feed at the end", "a line cut off") }
        var entries: [Entry] = []
        for line in bytes.dropLast().split(separator: 10, omittingEmptySubsequences: false) where !bytes.isEmpty {
            entries.append(try Self.entry(line, line: start + entries.count + 1))
            try Self.checkCount(entries.count)
        }
        self.entries = entries
        self.start = start
    }

    private static let format = "ima.log.format"
    /// A register, a template hash, the length of a name.
    private static let smallestByteCount = 28

    private static func malformed(_ expected: String, _ found: String) -> EvidenceError {
        EvidenceError(format, expected: expected, found: found)
    }

    private static func checkSize(_ count: Int, _ start: Int) throws(EvidenceError) {
        guard count <= Limit.byteCount else { throw malformed("at most \(Limit.byteCount) bytes", "\(count) bytes") }
        guard (0...Int(Int32.max)).contains(start) else { throw malformed("entries left out at the start", "\(start)") }
    }

    private static func checkCount(_ count: Int) throws(EvidenceError) {
        guard count <= Limit.entryCount else { throw malformed("at most \(Limit.entryCount) entries", "more") }
    }
}

// MARK: - The binary form

extension IMALog {
    private static func entry(_ cursor: inout ByteCursor, line: Int) throws(EvidenceError) -> Entry {
        let register = try cursor.little(UInt32.self)
        guard register == 10 else { throw malformed("register 10 in line \(line)", "register \(register)") }
        let templateHash = try cursor.bytes(HashAlgorithm.sha1.byteCount)
        let template = String(decoding: try sized(&cursor, atMost: 64), as: UTF8.self)
        if template == "ima" {
            let digest = try cursor.bytes(HashAlgorithm.sha1.byteCount)
            let path = try sized(&cursor, atMost: oldPathByteCount - 1)
            return oldEntry(line, templateHash, digest, path)
        }
        let data = try sized(&cursor, atMost: Limit.dataByteCount)
        let content = try fieldNames[template].map { names throws(EvidenceError) in
            var fields: [String: [UInt8]] = [:]
            var rest = ByteCursor(data, format: format)
            for name in names { fields[name] = try sized(&rest, atMost: Limit.dataByteCount) }
            try rest.finish()
            return try Self.content(fields, line)
        }
        return Entry(line: line, templateHash: templateHash, template: template, data: data, content: content)
    }

    private static func sized(_ cursor: inout ByteCursor, atMost limit: Int) throws(EvidenceError) -> [UInt8] {
        let count = Int(try cursor.little(UInt32.self))
        guard count <= limit else { throw malformed("a field of at most \(limit) bytes", "\(count) bytes") }
        return try cursor.bytes(count)
    }

    /// The template of the first kernels: a digest without a length, and a name that 256 bytes are hashed for.
    private static func oldEntry(_ line: Int, _ hash: [UInt8], _ digest: [UInt8], _ path: [UInt8]) -> Entry {
        let padding = [UInt8](repeating: 0, count: max(0, oldPathByteCount - path.count))
        return Entry(
            line: line, templateHash: hash, template: "ima", data: digest + path + padding,
            content: Content(
                path: String(decoding: path, as: UTF8.self), digest: FileDigest(algorithm: "sha1", bytes: digest)))
    }

    private static let oldPathByteCount = 256

    /// The fields of each template, by the kernel's names.
    private static let fieldNames: [String: [String]] = [
        "ima-ng": ["d-ng", "n-ng"], "ima-sig": ["d-ng", "n-ng", "sig"], "ima-buf": ["d-ng", "n-ng", "buf"],
        "ima-modsig": ["d-ng", "n-ng", "sig", "d-modsig", "modsig"], "ima-ngv2": ["d-ngv2", "n-ng"],
        "ima-sigv2": ["d-ngv2", "n-ng", "sig"],
    ]

    private static func content(_ fields: [String: [UInt8]], _ line: Int) throws(EvidenceError) -> Content {
        let digest = fields["d-ng"] ?? fields["d-ngv2"] ?? []
        guard let end = digest.firstIndex(of: 0), end > 0, digest[end - 1] == UInt8(ascii: ":"), end < 64 else {
            throw malformed("a digest behind its algorithm's name in line \(line)", hexadecimal(digest.prefix(64)))
        }
        guard let name = fields["n-ng"], name.last == 0, !name.dropLast().contains(0) else {
            throw malformed("a name that ends with its only NUL in line \(line)", "another")
        }
        var content = Content(
            path: String(decoding: name.dropLast(), as: UTF8.self),
            digest: FileDigest(
                algorithm: String(decoding: digest[..<(end - 1)], as: UTF8.self), bytes: Array(digest[(end + 1)...])))
        content.signature = fields["sig"] ?? []
        content.buffer = fields["buf"]
        return content
    }
}

// MARK: - The form in lines

extension IMALog {
    private static func entry(_ text: ArraySlice<UInt8>, line: Int) throws(EvidenceError) -> Entry {
        let words = text.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard words.count >= 5, Array(words[0]) == Array("10".utf8),
            let hash = bytes(hexadecimal: words[1]),
            HashAlgorithm.allCases.contains(where: { $0.byteCount == hash.count })
        else {
            throw malformed("register 10, a template hash, a template and its fields in line \(line)", "something else")
        }
        let template = String(decoding: words[2], as: UTF8.self)
        if template == "ima" {
            // A name may hold blanks; nothing comes after it.
            let path = Array(words[4...].joined(separator: [UInt8(ascii: " ")]))
            guard let digest = bytes(hexadecimal: words[3]), digest.count == HashAlgorithm.sha1.byteCount,
                path.count < oldPathByteCount
            else {
                throw malformed("a digest of SHA-1 and a name in line \(line)", "something else")
            }
            return oldEntry(line, hash, digest, path)
        }
        guard let names = fieldNames[template], words.count == 3 + names.count else {
            throw malformed("a template with its fields in line \(line)", "\(template) with \(words.count - 3) fields")
        }
        var fields: [String: [UInt8]] = [:]
        var data: [UInt8] = []
        for (name, word) in zip(names, words[3...]) {
            guard let field = field(name, word), field.count <= Limit.dataByteCount else {
                throw malformed("\(name) in line \(line)", String(decoding: word.prefix(64), as: UTF8.self))
            }
            fields[name] = field
            let count = UInt32(field.count)
            data += (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) } + field
        }
        return Entry(
            line: line, templateHash: hash, template: template, data: data, content: try content(fields, line))
    }

    /// A field as the binary form has it.
    private static func field(_ name: String, _ word: ArraySlice<UInt8>) -> [UInt8]? {
        switch name {
        case "n-ng": return word + [0]
        case _ where word.isEmpty: return []
        case "d-ng", "d-ngv2", "d-modsig":
            guard let colon = word.lastIndex(of: UInt8(ascii: ":")),
                let digest = bytes(hexadecimal: word[(colon + 1)...])
            else { return nil }
            return word[...colon] + [0] + digest
        default: return bytes(hexadecimal: word)
        }
    }
}

/// The bytes that pairs of hexadecimal digits stand for, `nil` if there is anything else.
package func bytes(hexadecimal text: some Collection<UInt8>) -> [UInt8]? {
    func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
    guard text.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    var high: UInt8?
    for digit in text {
        guard let value = value(digit) else { return nil }
        if let first = high {
            bytes.append(first << 4 | value)
            high = nil
        } else {
            high = value
        }
    }
    return bytes
}
