/// The report of a trust domain as its own machine hands it out, before it becomes a quote (Intel TDX module ABI, TDREPORT_STRUCT).
///
/// 1024 bytes, little-endian: 256 with the digests of what follows, the report data and a code that only the same machine can check; 239
/// on the module and 17 of zeros; 512 on the domain.
struct TDReport {
    static let byteCount = 1024

    /// 64 bytes.
    let reportData: [UInt8]
    /// Whether the digests at the beginning are of the parts that follow, and what has no meaning is zero.
    let isConsistent: Bool
    private let module: ArraySlice<UInt8>
    private let domain: ArraySlice<UInt8>

    /// - Parameter bytes: 1024, or more.
    init(_ bytes: [UInt8]) {
        reportData = Array(bytes[128..<192])
        module = bytes[256..<495]
        domain = bytes[512..<1024]
        let type: [UInt8] = [0x81, 0, 0, 0] + [UInt8](repeating: 0, count: 12)
        let unused = bytes[192..<224] + bytes[495..<512] + bytes[1024...]
        isConsistent =
            Array(bytes[..<16]) == type && unused.allSatisfy { $0 == 0 }
            && HashAlgorithm.sha384.hash(module) == Array(bytes[32..<80])
            && HashAlgorithm.sha384.hash(domain) == Array(bytes[80..<128])
    }

    /// What differs from a quote's report, by the names of policies.
    ///
    /// Registers that a running system extends are left out: report and quote may be of different moments.
    func differences(from quoted: TDReportBody) -> [String] {
        let fields: [(String, [UInt8], [UInt8])] = [
            ("report data", reportData, quoted.reportData),
            ("TCB of the module", Array(module.dropFirst(8).prefix(16)), quoted.teeTCBSVN),
            ("mrseam", Array(module.dropFirst(24).prefix(48)), quoted.mrseam),
            ("signer of the module", Array(module.dropFirst(72).prefix(48)), quoted.mrsignerSeam),
            ("seamAttributes", Array(module.dropFirst(120).prefix(8)), quoted.seamAttributes),
            ("tdAttributes", Array(domain.prefix(8)), TPMField.big(quoted.tdAttributes).reversed()),
            ("xfam", Array(domain.dropFirst(8).prefix(8)), TPMField.big(quoted.xfam).reversed()),
            ("mrtd", Array(domain.dropFirst(16).prefix(48)), quoted.mrtd),
            ("mrconfigID", Array(domain.dropFirst(64).prefix(48)), quoted.mrconfigID),
            ("mrowner", Array(domain.dropFirst(112).prefix(48)), quoted.mrowner),
            ("mrownerConfig", Array(domain.dropFirst(160).prefix(48)), quoted.mrownerConfig),
        ]
        return fields.filter { $0.1 != $0.2 }.map(\.0)
    }
}
