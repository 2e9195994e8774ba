/// What a quote says of a trust domain, after its signatures held.
public struct TDXClaims: PlatformClaims, Hashable {
    public let mrtd: [UInt8]
    public let mrconfigID: [UInt8]
    public let mrowner: [UInt8]
    public let mrownerConfig: [UInt8]
    /// RTMR0 to RTMR3.
    public let rtmr: [[UInt8]]
    public let mrseam: [UInt8]
    public let tdAttributes: UInt64
    public let xfam: UInt64
    public let isDebug: Bool
    /// The domain's 64 bytes of report data.
    public let boundData: [UInt8]
    public let tcb: IntelTCBClaims

    public var measurements: [String: String] {
        var named = [
            "mrtd": mrtd, "mrconfigid": mrconfigID, "mrowner": mrowner, "mrownerconfig": mrownerConfig,
            "mrseam": mrseam,
        ]
        for (index, value) in rtmr.enumerated() { named["rtmr\(index)"] = value }
        return named.mapValues { hexadecimal($0) }
    }

    init(_ report: TDReportBody, tcb: IntelTCBClaims) {
        mrtd = report.mrtd
        mrconfigID = report.mrconfigID
        mrowner = report.mrowner
        mrownerConfig = report.mrownerConfig
        rtmr = report.rtmr
        mrseam = report.mrseam
        tdAttributes = report.tdAttributes
        xfam = report.xfam
        isDebug = report.debugBits != 0
        boundData = report.reportData
        self.tcb = tcb
    }
}
