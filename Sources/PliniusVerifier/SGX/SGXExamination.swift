package import PliniusWire

/// Judges an SGX quote.
///
/// After the checks that all of Intel's quotes have in common (``IntelTEE``):
///
/// | Check | Holds if |
/// |---|---|
/// | `sgx.debug` | no debugger may look into the enclave, or that is tolerated |
/// | `sgx.mrenclave`, `sgx.mrsigner` | the measurement, the signer is listed |
/// | `sgx.isvprodid`, `sgx.familyid`, `sgx.extprodid`, `sgx.configid` | as the policy says |
/// | `sgx.isvsvn`, `sgx.configsvn` | at least as new as the policy says |
///
/// - Throws: the check that failed, where nothing can be judged after it.
package func examineSGX(
    _ evidence: Evidence, _ requirements: SGXRequirements, _ context: Context, _ examination: inout Examination
) throws(EvidenceError) -> SGXClaims {
    let quote = try DCAPQuote(evidence.part("quote", "sgx.quote.format"), of: .sgx)
    guard case .enclave(let report) = quote.body else {
        throw EvidenceError("sgx.quote.format", expected: "an enclave's report", found: "another")
    }
    let tcb = try examination.checkQuote(quote, requirements.tcb, context)
    examination.checkPolicy(report, requirements)
    return SGXClaims(report, tcb: tcb)
}

extension Examination {
    fileprivate mutating func checkPolicy(_ report: SGXReportBody, _ requirements: SGXRequirements) {
        check(
            "sgx.debug", !report.isDebug, expected: "no debugging",
            found: report.isDebug ? "an enclave for debugging" : "none",
            tolerance: requirements.toleratesDebug?.tolerance)
        checkListed("sgx.mrenclave", report.mrenclave, requirements.mrenclave)
        checkListed("sgx.mrsigner", report.mrsigner, requirements.mrsigner)
        if let product = requirements.isvProdID {
            check(
                "sgx.isvprodid", report.isvProdID == product.value, expected: "\(product.value)",
                found: "\(report.isvProdID)", askedBy: product.line)
        } else if let signer = requirements.mrsigner {
            check(
                "sgx.isvprodid", false, expected: "a policy that names the product, since it names the signer",
                found: "none; the enclave's is \(report.isvProdID)", askedBy: signer.line)
        }
        checkMinimum("sgx.isvsvn", report.isvSVN, requirements.minimumISVSVN)
        checkListed("sgx.familyid", report.familyID, requirements.familyID.alone)
        checkListed("sgx.extprodid", report.extendedProductID, requirements.extendedProductID.alone)
        checkListed("sgx.configid", report.configID, requirements.configID.alone)
        checkMinimum("sgx.configsvn", report.configSVN, requirements.minimumConfigSVN)
    }

    private mutating func checkMinimum(_ name: String, _ number: UInt16, _ minimum: Setting<UInt16>?) {
        guard let minimum else { return }
        check(
            name, number >= minimum.value, expected: "\(minimum.value) or later", found: "\(number)",
            askedBy: minimum.line)
    }
}
