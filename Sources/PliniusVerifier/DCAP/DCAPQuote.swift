/// A quote of Intel's Data Center Attestation Primitives, in the layouts 3, 4 and 5 (Intel SGX and TDX DCAP quoting library reference).
package struct DCAPQuote: Sendable {
    /// What is quoted.
    package enum Body: Hashable, Sendable {
        case enclave(SGXReportBody)
        case domain(TDReportBody)
    }

    /// No quote is longer: certificates make up most of the usual 5 KB, and some readers hand out a fixed 8 KB.
    static let maximumByteCount = 1 << 16
    /// Intel's quoting enclaves.
    static let intelVendorID: [UInt8] = [
        0x93, 0x9A, 0x72, 0x33, 0xF7, 0x9C, 0x4C, 0xA9, 0x94, 0x0A, 0x0D, 0xB3, 0x95, 0x7F, 0x06, 0x07,
    ]

    package let tee: IntelTEE
    package let version: UInt16
    package let vendorID: [UInt8]
    package let body: Body
    /// Header and body, with the body's description where there is one.
    package let signedBytes: [UInt8]
    /// r ‖ s over ``signedBytes``.
    package let signature: [UInt8]
    /// x ‖ y of the key that signed.
    package let attestationKey: [UInt8]
    /// The report of the quoting enclave, as bytes and as fields.
    package let qeReportBytes: [UInt8]
    package let qeReport: SGXReportBody
    /// r ‖ s of the platform's key over ``qeReportBytes``.
    package let qeReportSignature: [UInt8]
    package let qeAuthenticationData: [UInt8]
    /// The platform's certificate and those above it, PEM.
    package let certificates: [UInt8]
    /// What follows the quote; nobody signs it.
    package let padding: [UInt8]

    /// Reads a quote of one environment.
    /// - Throws: `sgx.quote.format` or `tdx.quote.format`.
    package init(_ bytes: [UInt8], of tee: IntelTEE) throws(EvidenceError) {
        let format = tee.check("quote.format")
        guard bytes.count <= Self.maximumByteCount else {
            throw EvidenceError(
                format, expected: "at most \(Self.maximumByteCount) bytes", found: "\(bytes.count) bytes")
        }
        var cursor = ByteCursor(bytes, format: format)
        self.tee = tee
        version = try cursor.little()
        guard tee == .sgx ? (3...5).contains(version) : (4...5).contains(version) else {
            throw EvidenceError(
                format, expected: tee == .sgx ? "version 3, 4 or 5" : "version 4 or 5", found: "version \(version)")
        }
        let keyType: UInt16 = try cursor.little()
        guard keyType == 2 else {
            throw EvidenceError(format, expected: "attestation key type 2 (ECDSA P-256)", found: "type \(keyType)")
        }
        // Reserved, and zero, in version 3.
        let teeType: UInt32 = try cursor.little()
        guard teeType == tee.teeType else {
            throw EvidenceError(format, expected: "TEE type \(tee.teeType)", found: "type \(teeType)")
        }
        _ = try cursor.bytes(4)
        vendorID = try cursor.bytes(16)
        _ = try cursor.bytes(20)

        var has15 = false
        if version == 5 {
            let type: UInt16 = try cursor.little()
            let size: UInt32 = try cursor.little()
            let expected =
                switch type {
                case 1 where tee == .sgx: SGXReportBody.byteCount
                case 2 where tee == .tdx: TDReportBody.byteCount
                case 3 where tee == .tdx: TDReportBody.byteCount15
                default:
                    throw EvidenceError(
                        format, expected: tee == .sgx ? "body type 1" : "body type 2 or 3", found: "type \(type)")
                }
            guard size == expected else {
                throw EvidenceError(format, expected: "a body of \(expected) bytes", found: "\(size) bytes")
            }
            has15 = type == 3
        }
        body =
            switch tee {
            case .sgx: .enclave(try SGXReportBody(&cursor))
            case .tdx: .domain(try TDReportBody(&cursor, is15: has15))
            }
        signedBytes = Array(bytes.prefix(cursor.offset))

        let signatureByteCount: UInt32 = try cursor.little()
        var inner = ByteCursor(try cursor.bytes(Int(signatureByteCount)), format: format)
        padding = Array(cursor.rest)
        signature = try inner.bytes(64)
        attestationKey = try inner.bytes(64)
        if version > 3 { inner = try Self.certificationData(&inner, type: 6, format) }
        qeReportBytes = try inner.bytes(SGXReportBody.byteCount)
        var report = ByteCursor(qeReportBytes, format: format)
        qeReport = try SGXReportBody(&report)
        qeReportSignature = try inner.bytes(64)
        let authenticationByteCount: UInt16 = try inner.little()
        qeAuthenticationData = try inner.bytes(Int(authenticationByteCount))
        // Type 5: the chain itself. Others only name a platform, and would have to be looked up.
        certificates = Array(try Self.certificationData(&inner, type: 5, format).rest)
    }

    /// What a type and a length announce; nothing may follow it.
    private static func certificationData(
        _ cursor: inout ByteCursor, type expected: UInt16, _ format: String
    ) throws(EvidenceError) -> ByteCursor {
        let type: UInt16 = try cursor.little()
        guard type == expected else {
            throw EvidenceError(format, expected: "certification data of type \(expected)", found: "type \(type)")
        }
        let count: UInt32 = try cursor.little()
        let bytes = try cursor.bytes(Int(count))
        try cursor.finish()
        return ByteCursor(bytes, format: format)
    }
}
