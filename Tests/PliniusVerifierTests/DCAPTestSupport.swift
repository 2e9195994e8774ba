import PliniusVerifier
import PliniusWire

/// The verdict on one quote, for tests that look at which checks failed.
struct QuoteVerdict {
    var examination: Examination
    var sgx: SGXClaims?
    var tdx: TDXClaims?

    /// The checks that failed, in order.
    var failures: [String] { Self.leaves(examination.findings).filter { $0.outcome == .failed }.map(\.check) }
    var tolerated: [Finding] { Self.leaves(examination.findings).filter { $0.outcome == .tolerated } }
    var passed: Bool { examination.hasPassed }

    func finding(_ name: String) -> Finding? { Self.leaves(examination.findings).first { $0.check == name } }

    private static func leaves(_ findings: [Finding]) -> [Finding] {
        findings.flatMap { $0.parts.isEmpty ? [$0] : leaves($0.parts) }
    }

    static func sgx(
        _ quote: [UInt8], _ context: Context, _ requirements: SGXRequirements = SGXRequirements()
    ) -> QuoteVerdict {
        var verdict = QuoteVerdict(examination: Examination())
        verdict.sgx = verdict.examination.group("sgx") { examination throws(EvidenceError) in
            try examineSGX(Evidence(.sgx, ["quote": quote]), requirements, context, &examination)
        }
        return verdict
    }

    static func tdx(
        _ quote: [UInt8], log: [UInt8]? = nil, _ context: Context, _ requirements: TDXRequirements = TDXRequirements()
    ) -> QuoteVerdict {
        var verdict = QuoteVerdict(examination: Examination())
        var parts = ["quote": quote]
        parts["ccel"] = log
        let evidence = Evidence(.tdx, parts)
        verdict.tdx = verdict.examination.group("tdx") { examination throws(EvidenceError) in
            try examineTDX(evidence, requirements, context, &examination)
        }
        return verdict
    }
}

extension IntelWorld {
    /// The verdict on this world's quote, by its own collateral.
    func verdict(
        sgx: SGXRequirements = SGXRequirements(), tdx: TDXRequirements = TDXRequirements(), at now: Instant = now
    ) -> QuoteVerdict {
        verdict(of: quote, collateral, sgx: sgx, tdx: tdx, at: now)
    }

    /// The verdict on a quote by collateral, both changed by a test perhaps.
    func verdict(
        of quote: [UInt8], _ collateral: IntelCollateral?, sgx: SGXRequirements = SGXRequirements(),
        tdx: TDXRequirements = TDXRequirements(), at now: Instant = now
    ) -> QuoteVerdict {
        var context = Context(now: now, anchors: anchors)
        context.collateral.intel = collateral.map { [$0] } ?? []
        return tee == .sgx ? .sgx(quote, context, sgx) : .tdx(quote, context, tdx)
    }
}

extension Setting where Value == Bool {
    static func on(_ name: String) -> Setting<Bool> { Setting(true, PolicyLine(name, line: 1)) }
}
