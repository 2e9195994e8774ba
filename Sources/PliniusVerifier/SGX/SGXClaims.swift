/// What a quote says of an SGX enclave, after its signatures held.
public struct SGXClaims: PlatformClaims, Hashable {
    public let mrenclave: [UInt8]
    public let mrsigner: [UInt8]
    public let isvProdID: UInt16
    public let isvSVN: UInt16
    public let configID: [UInt8]
    public let configSVN: UInt16
    public let isDebug: Bool
    /// The enclave's 64 bytes of report data.
    public let boundData: [UInt8]
    public let tcb: IntelTCBClaims

    public var measurements: [String: String] {
        ["mrenclave": hexadecimal(mrenclave), "mrsigner": hexadecimal(mrsigner), "configid": hexadecimal(configID)]
    }

    init(_ report: SGXReportBody, tcb: IntelTCBClaims) {
        mrenclave = report.mrenclave
        mrsigner = report.mrsigner
        isvProdID = report.isvProdID
        isvSVN = report.isvSVN
        configID = report.configID
        configSVN = report.configSVN
        isDebug = report.isDebug
        boundData = report.reportData
        self.tcb = tcb
    }
}
