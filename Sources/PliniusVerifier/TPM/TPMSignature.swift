/// A TPM's signature: TPMT_SIGNATURE (TPM 2.0 Library, Part 2, section 11.3.4; big-endian).
package struct TPMSignature: Hashable, Sendable {
    /// How the key signs (TPMI_ALG_SIG_SCHEME).
    package enum Scheme: UInt16, Hashable, Sendable, CaseIterable {
        /// RSASSA PKCS#1 v1.5.
        case rsassa = 0x0014
        /// RSASSA-PSS; the salt is as long as the digest, or as long as fits.
        case rsapss = 0x0016
        case ecdsa = 0x0018
    }

    package let scheme: Scheme
    package let hash: HashAlgorithm
    /// RSA: one number as long as the modulus; ECDSA: r and s.
    package let numbers: [[UInt8]]

    /// Reads one to its last byte.
    /// - Throws: `tpm.signature.format`.
    package init(_ bytes: [UInt8]) throws(EvidenceError) {
        let format = "tpm.signature.format"
        var cursor = ByteCursor(bytes, format: format)
        let scheme = try cursor.big(UInt16.self)
        let hash = try cursor.big(UInt16.self)
        guard let scheme = Scheme(rawValue: scheme), let hash = HashAlgorithm(rawValue: hash) else {
            throw EvidenceError(
                format, expected: "RSASSA, RSAPSS or ECDSA with SHA-1, SHA-256, SHA-384 or SHA-512",
                found: "scheme 0x\(String(scheme, radix: 16)) with hash 0x\(String(hash, radix: 16))")
        }
        self.scheme = scheme
        self.hash = hash
        switch scheme {
        case .rsassa, .rsapss: numbers = [try cursor.sized(atMost: 512)]
        case .ecdsa: numbers = [try cursor.sized(atMost: 66), try cursor.sized(atMost: 66)]
        }
        try cursor.finish()
    }

    package init(_ scheme: Scheme, _ hash: HashAlgorithm, _ numbers: [[UInt8]]) {
        self.scheme = scheme
        self.hash = hash
        self.numbers = numbers
    }

    /// The bytes that ``init(_:)`` reads.
    package var encoded: [UInt8] {
        TPMField.big(scheme.rawValue) + TPMField.big(hash.rawValue) + numbers.flatMap(TPMField.sized)
    }
}

extension TPMSignature.Scheme: CustomStringConvertible {
    package var description: String {
        switch self {
        case .rsassa: "RSASSA"
        case .rsapss: "RSAPSS"
        case .ecdsa: "ECDSA"
        }
    }
}

/// The pieces of a TPM's structures, for writing them.
enum TPMField {
    /// A big-endian integer.
    static func big(_ value: some FixedWidthInteger) -> [UInt8] {
        stride(from: value.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    /// Bytes behind their number in 16 bits.
    static func sized(_ bytes: [UInt8]) -> [UInt8] { big(UInt16(bytes.count)) + bytes }
}
