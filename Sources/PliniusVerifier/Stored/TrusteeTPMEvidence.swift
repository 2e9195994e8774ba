import FoundationEssentials
package import PliniusWire

/// Evidence of a TPM as Trustee's attesters keep it: JSON with a bare key, a statement, its signature, and the registers of SHA-256.
package enum TrusteeTPMEvidence {
    private struct File: Decodable {
        var ak_public: Data
        var tpm_quote: Quote
    }

    private struct Quote: Decodable {
        var message: Data
        var signature: Data
        var pcrs: [String]
    }

    /// Reads a file.
    ///
    /// Its key comes without attributes, which a policy has to permit.
    ///
    /// - Throws: `stored.trustee-tpm.format`.
    package static func read(_ bytes: [UInt8]) throws(EvidenceError) -> Evidence {
        let file: File = try StoredJSON.decode(bytes, "stored.trustee-tpm.format")
        var values: [[UInt8]] = []
        for text in file.tpm_quote.pcrs {
            values.append(try StoredJSON.bytes(hexadecimal: text, "stored.trustee-tpm.format"))
        }
        return Evidence(
            .tpm,
            [
                "ak-spki": Array(file.ak_public), "attest": Array(file.tpm_quote.message),
                "signature": Array(file.tpm_quote.signature),
                "pcrs": try StoredJSON.sha256Registers(values, "stored.trustee-tpm.format").encoded,
            ])
    }
}
