import FoundationEssentials
package import PliniusWire

/// A report as the kernel's configfs hands it out, in JSON: `provider`, `outblob` and `auxblob`, the blobs in base64 or hexadecimal digits.
package enum ConfigfsReport {
    private static let format = "stored.configfs.format"

    private struct File: Decodable {
        var provider: String?
        var outblob: String
        var auxblob: String?
    }

    /// Reads a file.
    /// - Throws: `stored.configfs.format`.
    package static func read(_ bytes: [UInt8]) throws(EvidenceError) -> Evidence {
        let file: File = try StoredJSON.decode(bytes, format)
        return try evidence(
            outblob: try blob(file.outblob),
            auxblob: try file.auxblob.map { text throws(EvidenceError) in try blob(text) })
    }

    /// Puts a directory's blobs together.
    /// - Throws: `stored.configfs.format`, if they are of no known environment.
    static func evidence(outblob: [UInt8], auxblob: [UInt8]?) throws(EvidenceError) -> Evidence {
        switch try StoredFile(outblob) {
        case .intelQuote(let quote, let kind): return Evidence(kind, ["quote": quote])
        case .snpReport(let report):
            var parts = ["report": report]
            if let auxblob, !auxblob.isEmpty { parts["certificates"] = auxblob }
            return Evidence(.snp, parts)
        default:
            throw EvidenceError(
                format, expected: "a report of SEV-SNP or a quote of TDX as outblob",
                found: "\(outblob.count) other bytes")
        }
    }

    private static func blob(_ text: String) throws(EvidenceError) -> [UInt8] {
        if let bytes = try? StoredJSON.bytes(hexadecimal: text, format) { return bytes }
        return try StoredJSON.bytes(base64: text, format)
    }
}
