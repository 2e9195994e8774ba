package import PliniusWire

/// Judges a TDX quote, and the event log if there is one.
///
/// After the checks that all of Intel's quotes have in common (``IntelTEE``):
///
/// | Check | Holds if |
/// |---|---|
/// | `tdx.debug` | no bit for debugging is set, or that is tolerated |
/// | `tdx.migration` | the domain may not be moved, or that is tolerated |
/// | `tdx.seam.attributes` | the module's attributes are zero, or what the policy says |
/// | `tdx.mrtd`, `.mrseam`, `.mrservicetd`, `.rtmr0` … `.rtmr3` | the value is listed |
/// | `tdx.mrconfigid`, `.mrowner`, `.mrownerconfig`, `.attributes`, `.xfam` | as the policy says |
/// | `tdx.rtmr.present` | an event log came along, if the policy has rules for it |
/// | `tdx.rtmr.replay` | the log leads to the values of all four registers |
/// | `bootlog.…` | the log shows what the policy asks for |
///
/// - Throws: the check that failed, where nothing can be judged after it.
package func examineTDX(
    _ evidence: Evidence, _ requirements: TDXRequirements, _ context: Context, _ examination: inout Examination
) throws(EvidenceError) -> TDXClaims {
    let quote = try DCAPQuote(evidence.part("quote", "tdx.quote.format"), of: .tdx)
    guard case .domain(let report) = quote.body else {
        throw EvidenceError("tdx.quote.format", expected: "a trust domain's report", found: "another")
    }
    let tcb = try examination.checkQuote(quote, requirements.tcb, context)
    examination.checkPolicy(report, requirements)
    try examination.checkLog(evidence["ccel"], report, requirements.bootLog)
    return TDXClaims(report, tcb: tcb)
}

extension Examination {
    fileprivate mutating func checkPolicy(_ report: TDReportBody, _ requirements: TDXRequirements) {
        check(
            "tdx.debug", report.debugBits == 0, expected: "no bit for debugging",
            found: "TD attributes 0x\(String(report.tdAttributes, radix: 16))",
            tolerance: requirements.toleratesDebug?.tolerance)
        check(
            "tdx.migration", !report.isMigratable, expected: "a domain that stays on its machine",
            found: "TD attributes 0x\(String(report.tdAttributes, radix: 16))",
            tolerance: requirements.toleratesMigration?.tolerance)
        let attributes = report.seamAttributes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        checkBits(
            "tdx.seam.attributes", attributes, requirements.seamAttributes?.value ?? BitPattern(0),
            requirements.seamAttributes?.line)
        checkListed("tdx.mrtd", report.mrtd, requirements.mrtd)
        checkListed("tdx.mrconfigid", report.mrconfigID, requirements.mrconfigID.alone)
        checkListed("tdx.mrowner", report.mrowner, requirements.mrowner.alone)
        checkListed("tdx.mrownerconfig", report.mrownerConfig, requirements.mrownerConfig.alone)
        checkListed("tdx.mrseam", report.mrseam, requirements.mrseam)
        // TDX 1.0 has no service domains, and an empty value is in no list.
        checkListed("tdx.mrservicetd", report.mrserviceTD ?? [], requirements.mrserviceTD)
        for (index, list) in requirements.rtmr.sorted(by: { $0.key < $1.key }) {
            checkListed("tdx.rtmr\(index)", report.rtmr.indices.contains(index) ? report.rtmr[index] : [], list)
        }
        if let pattern = requirements.tdAttributes {
            checkBits("tdx.attributes", report.tdAttributes, pattern.value, pattern.line)
        }
        if let pattern = requirements.xfam { checkBits("tdx.xfam", report.xfam, pattern.value, pattern.line) }
    }

    private mutating func checkBits(_ name: String, _ bits: UInt64, _ pattern: BitPattern, _ line: PolicyLine?) {
        check(
            name, pattern.matches(bits), expected: pattern.description, found: "0x\(String(bits, radix: 16))",
            askedBy: line)
    }

    fileprivate mutating func checkLog(
        _ bytes: [UInt8]?, _ report: TDReportBody, _ requirements: BootLogRequirements?
    ) throws(EvidenceError) {
        if requirements != nil {
            check(
                "tdx.rtmr.present", bytes != nil, expected: "an event log, which the policy has rules for",
                found: bytes == nil ? "no part named ccel" : "one")
        }
        guard let bytes else { return }
        let log = try EventLog(bytes, kind: .confidentialComputing)
        let replay = log.replay(.sha384)
        // The log's registers begin with the domain's initial image.
        let quoted = Dictionary(uniqueKeysWithValues: report.rtmr.enumerated().map { ($0 + 1, $1) })
        let untouched = [UInt8](repeating: 0, count: HashAlgorithm.sha384.byteCount)
        let wrong = quoted.keys.sorted().filter { quoted[$0] != replay[$0] ?? untouched }
        let ignored = requirements?.ignoredRegisters.flatMap { $0.value.isSuperset(of: wrong) ? $0.line : nil }
        check(
            "tdx.rtmr.replay", wrong.isEmpty, expected: "RTMR0 to RTMR3 as the event log leads to them",
            found: wrong.isEmpty ? "the same" : wrong.map { "another RTMR\($0 - 1)" }.joined(separator: ", "),
            tolerance: ignored)
        if let requirements { examineBootLog(log, registers: [.sha384: quoted], requirements, &self) }
    }
}
