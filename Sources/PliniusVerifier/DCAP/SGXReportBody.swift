/// The report of an SGX enclave, as quotes contain it: the enclave that is judged, or the one that signs.
///
/// 384 bytes, little-endian (Intel SDM, volume 3D, REPORT; attributes and extended fields as in the KSS revision).
package struct SGXReportBody: Hashable, Sendable {
    static let byteCount = 384

    package let cpuSVN: [UInt8]
    package let miscSelect: UInt32
    package let extendedProductID: [UInt8]
    /// Flags and XFRM, 16 bytes.
    package let attributes: [UInt8]
    package let mrenclave: [UInt8]
    package let mrsigner: [UInt8]
    package let configID: [UInt8]
    package let isvProdID: UInt16
    package let isvSVN: UInt16
    package let configSVN: UInt16
    package let familyID: [UInt8]
    package let reportData: [UInt8]

    /// Whether a debugger may look into the enclave: bit 1 of the flags.
    package var isDebug: Bool { attributes[0] & 0x02 != 0 }

    /// Reads a report.
    /// - Throws: the format's error, unless there are 384 bytes.
    init(_ cursor: inout ByteCursor) throws(EvidenceError) {
        cpuSVN = try cursor.bytes(16)
        miscSelect = try cursor.little()
        _ = try cursor.bytes(12)
        extendedProductID = try cursor.bytes(16)
        attributes = try cursor.bytes(16)
        mrenclave = try cursor.bytes(32)
        _ = try cursor.bytes(32)
        mrsigner = try cursor.bytes(32)
        _ = try cursor.bytes(32)
        configID = try cursor.bytes(64)
        isvProdID = try cursor.little()
        isvSVN = try cursor.little()
        configSVN = try cursor.little()
        _ = try cursor.bytes(42)
        familyID = try cursor.bytes(16)
        reportData = try cursor.bytes(64)
    }
}
