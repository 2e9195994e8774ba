/// The certificates that come with a report: the table of the GHCB specification (AMD 56421, "SNP Extended Guest Request"), or PEM.
package struct SNPCertificates: Sendable {
    /// The longest table that is read, in bytes.
    static let byteLimit = 1 << 20
    private static let entryLimit = 32

    package let all: [ParsedCertificate]

    /// - Throws: `snp.certificates.format`, `x509.certificate.format`.
    package init(_ bytes: [UInt8]) throws(EvidenceError) {
        let format = "snp.certificates.format"
        guard bytes.count <= Self.byteLimit else {
            throw EvidenceError(format, expected: "at most \(Self.byteLimit) bytes", found: "\(bytes.count) bytes")
        }
        if bytes.first(where: { !($0 == 10 || $0 == 13 || $0 == 32) }) == UInt8(ascii: "-") {
            all = try ParsedCertificate.parse(pem: bytes)
            return
        }
        var cursor = ByteCursor(bytes, format: format)
        var certificates: [ParsedCertificate] = []
        for _ in 0..<Self.entryLimit {
            let name = try cursor.bytes(16)
            let offset = Int(try cursor.little(UInt32.self))
            let count = Int(try cursor.little(UInt32.self))
            if name.allSatisfy({ $0 == 0 }) {
                all = certificates
                return
            }
            guard offset <= bytes.count, count <= bytes.count - offset else {
                throw EvidenceError(
                    format, expected: "certificates within \(bytes.count) bytes",
                    found: "\(count) bytes from byte \(offset) on")
            }
            guard Self.names.contains(hexadecimal(name)) else { continue }
            certificates.append(try ParsedCertificate(der: Array(bytes[offset..<(offset + count)])))
        }
        throw EvidenceError(
            format, expected: "a table of at most \(Self.entryLimit) entries, ended by one of zeros", found: "no end")
    }

    /// VCEK, VLEK, ASK, ARK; hosts may add others.
    private static let names: Set<String> = [
        "63da758de6644564adc5f4b93be8accd", "a8074bc2a25a483eaae639c045a0b8a1", "4ab7b379bbac4fe4a02f05aef327c782",
        "c0b406a4a803495297433fb6014cd0ae",
    ]
}
