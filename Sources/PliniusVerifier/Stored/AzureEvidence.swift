import FoundationEssentials
package import PliniusWire
import SwiftASN1

/// Evidence of a confidential virtual machine of Azure as Trustee's attesters keep it: JSON with the paravisor's report, a quote of its
/// TPM, and what the platform below adds.
///
/// The first version holds bytes as arrays of numbers, and the certificate in PEM; the second has base64 and hexadecimal digits.
package enum AzureEvidence {
    private static let format = "stored.azure.format"

    private struct First: Decodable {
        var quote: Quote?
        var tpm_quote: Quote?
        var report: [UInt8]?
        var hcl_report: [UInt8]?
        var vcek: String?
        var td_quote: [UInt8]?

        struct Quote: Decodable {
            var message: [UInt8]
            var signature: [UInt8]
            var pcrs: [[UInt8]]
        }
    }

    private struct Second: Decodable {
        var version: Int
        var hcl_report: String
        var tpm_quote: Quote
        var vcek: String?
        var td_quote: String?

        struct Quote: Decodable {
            var message: String
            var signature: String
            var pcrs: [String]
        }
    }

    private struct Version: Decodable {
        var version: Int?
    }

    /// Reads a file of either version.
    ///
    /// - Throws: `stored.azure.format`.
    package static func read(_ bytes: [UInt8]) throws(EvidenceError) -> Evidence {
        let version: Version = try StoredJSON.decode(bytes, format)
        return try version.version == nil ? first(bytes) : second(bytes)
    }

    private static func first(_ bytes: [UInt8]) throws(EvidenceError) -> Evidence {
        let file: First = try StoredJSON.decode(bytes, format)
        guard let report = file.hcl_report ?? file.report, let quote = file.tpm_quote ?? file.quote else {
            throw EvidenceError(format, expected: "a report and a quote", found: "one of them at most")
        }
        var certificate: [UInt8]?
        if let pem = file.vcek { certificate = try der(pem) }
        return try evidence(
            report: report, message: quote.message, signature: quote.signature, registers: quote.pcrs,
            certificate: certificate, quote: file.td_quote)
    }

    private static func second(_ bytes: [UInt8]) throws(EvidenceError) -> Evidence {
        let file: Second = try StoredJSON.decode(bytes, format)
        var registers: [[UInt8]] = []
        for text in file.tpm_quote.pcrs { registers.append(try StoredJSON.bytes(hexadecimal: text, format)) }
        var certificate: [UInt8]?
        if let text = file.vcek { certificate = try StoredJSON.bytes(base64: text, format) }
        var quote: [UInt8]?
        if let text = file.td_quote { quote = try StoredJSON.bytes(base64: text, format) }
        return try evidence(
            report: try StoredJSON.bytes(base64: file.hcl_report, format),
            message: try StoredJSON.bytes(hexadecimal: file.tpm_quote.message, format),
            signature: try StoredJSON.bytes(hexadecimal: file.tpm_quote.signature, format), registers: registers,
            certificate: certificate, quote: quote)
    }

    /// The signature comes without its structure: it is always RSASSA with SHA-256.
    private static func evidence(
        report: [UInt8], message: [UInt8], signature: [UInt8], registers: [[UInt8]], certificate: [UInt8]?,
        quote: [UInt8]?
    ) throws(EvidenceError) -> Evidence {
        guard signature.count <= 512 else {
            throw EvidenceError(format, expected: "a signature of at most 512 bytes", found: "\(signature.count) bytes")
        }
        var parts = [
            "hcl-report": report, "attest": message, "signature": TPMSignature(.rsassa, .sha256, [signature]).encoded,
            "pcrs": try StoredJSON.sha256Registers(registers, format).encoded,
        ]
        if let certificate { parts["certificates"] = certificateTable(certificate) }
        parts["quote"] = quote
        return Evidence(.azureVTPM, parts)
    }

    /// The table of the GHCB specification with the one certificate, a VCEK: 63da758d-e664-4564-adc5-f4b93be8accd.
    private static func certificateTable(_ vcek: [UInt8]) -> [UInt8] {
        let identifier: [UInt8] = [
            0x63, 0xDA, 0x75, 0x8D, 0xE6, 0x64, 0x45, 0x64, 0xAD, 0xC5, 0xF4, 0xB9, 0x3B, 0xE8, 0xAC, 0xCD,
        ]
        let headerByteCount = 2 * 24
        let numbers = [headerByteCount, vcek.count].flatMap { TPMField.big(UInt32($0)).reversed() }
        return identifier + numbers + [UInt8](repeating: 0, count: 24) + vcek
    }

    private static func der(_ pem: String) throws(EvidenceError) -> [UInt8] {
        do {
            return try PEMDocument(pemString: pem).derBytes
        } catch {
            throw EvidenceError(format, expected: "a certificate in PEM", found: "\(error)")
        }
    }
}
