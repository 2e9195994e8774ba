import FoundationEssentials

/// What Azure's paravisor says of itself and its TPM: a report of the hardware below it, and the JSON that the report's data is the digest of.
///
/// Layout, little-endian: {`HCLA`, version 1 or 2, size of all, kind of request 2, status 0}, 4 bytes each, and 12 zeros; 1184 bytes of
/// hardware report; {size, version, kind of report, hash, size of the
/// JSON}, 4 bytes each; the JSON; zeros.
package struct HCLReport: Sendable {
    /// What the hardware's report is.
    package enum Hardware: UInt32, Sendable {
        case snp = 2
        /// A TDREPORT, whose code only its own machine can check; a quote stands in for it.
        case tdx = 4
    }

    package let hardware: Hardware
    /// 1184 bytes.
    package let hardwareReport: [UInt8]
    /// The JSON, as it was hashed.
    package let claims: [UInt8]
    /// How it was hashed.
    package let hash: HashAlgorithm
    /// The modulus and the exponent of the TPM's attestation key.
    package let modulus: [UInt8]
    package let exponent: [UInt8]

    private static let format = "azure.hcl.format"

    /// - Throws: `azure.hcl.format`.
    package init(_ bytes: [UInt8]) throws(EvidenceError) {
        guard bytes.count <= 64 << 10 else {
            throw EvidenceError(Self.format, expected: "at most 65536 bytes", found: "\(bytes.count) bytes")
        }
        var cursor = ByteCursor(bytes, format: Self.format)
        let signature = try cursor.bytes(4)
        let headerVersion = try cursor.little(UInt32.self)
        let totalSize = try cursor.little(UInt32.self)
        let rest = try cursor.bytes(20)
        guard signature == Array("HCLA".utf8), headerVersion == 1 || headerVersion == 2,
            rest == [2] + [UInt8](repeating: 0, count: 19)
        else {
            throw EvidenceError(
                Self.format, expected: "HCLA, version 1 or 2, request 2, status 0, zeros",
                found: "\(hexadecimal(signature)), version \(headerVersion), \(hexadecimal(rest))")
        }
        hardwareReport = try cursor.bytes(1184)
        let size = try cursor.little(UInt32.self)
        let version = try cursor.little(UInt32.self)
        let kind = try cursor.little(UInt32.self)
        let algorithm = try cursor.little(UInt32.self)
        let length = try cursor.little(UInt32.self)
        let hashes: [UInt32: HashAlgorithm] = [1: .sha256, 2: .sha384, 3: .sha512]
        guard let hardware = Hardware(rawValue: kind), let hash = hashes[algorithm], version == 1, length <= 32 << 10,
            size == length + 20, totalSize == 32 + 1184 + size
        else {
            throw EvidenceError(
                Self.format,
                expected: "version 1, a report of SNP (2) or TDX (4), hash 1 to 3, at most 32768 bytes and 20 more",
                found:
                    "version \(version), report \(kind), hash \(algorithm), \(length) bytes in \(size) in \(totalSize)")
        }
        self.hardware = hardware
        self.hash = hash
        claims = try cursor.bytes(Int(length))
        guard cursor.rest.allSatisfy({ $0 == 0 }) else {
            throw EvidenceError(Self.format, expected: "zeros after the claims", found: "other bytes")
        }
        (modulus, exponent) = try Self.key(claims)
    }

    private struct Claims: Decodable {
        var keys: [Key]

        struct Key: Decodable {
            var kid: String
            var kty: String
            var n: String?
            var e: String?
        }
    }

    /// The one key of the name `HCLAkPub`.
    private static func key(_ json: [UInt8]) throws(EvidenceError) -> ([UInt8], [UInt8]) {
        let claims: Claims = try StoredJSON.decode(json, format)
        let keys = claims.keys.filter { $0.kid == "HCLAkPub" }
        guard keys.count == 1, keys[0].kty == "RSA", let modulus = keys[0].n, let exponent = keys[0].e else {
            throw EvidenceError(format, expected: "one RSA key HCLAkPub", found: "\(keys.count) of that name")
        }
        return (try StoredJSON.bytes(base64: modulus, format), try StoredJSON.bytes(base64: exponent, format))
    }
}
