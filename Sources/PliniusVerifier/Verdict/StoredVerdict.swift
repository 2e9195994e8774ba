import PliniusWire

/// What was found about stored evidence, and what no policy asked about.
public struct StoredVerdict: Sendable {
    /// The checks; nothing is released to it, because stored evidence may be old.
    public let verdict: Verdict
    /// What each piece of evidence says, in the order of the evidence; `nil` where it could not be read.
    let claims: [(kind: Evidence.Kind, claims: (any PlatformClaims)?)]
    /// The log that was judged without a quote.
    let imaLog: IMALog?

    /// What was measured, by platform and name: `sgx.mrenclave`.
    public var measurements: [String: String] {
        claims.reduce(into: [:]) { all, one in
            for (name, value) in one.claims?.measurements ?? [:] { all["\(one.kind).\(name)"] = value }
        }
    }
}

/// What stored evidence is to bind, as whoever asked for it knows.
public struct StoredExpectations: Sendable {
    /// What a TEE's report data have to be; fewer than 64 bytes are filled up with zeros.
    public var reportData: [UInt8]?
    /// What the extra data of a TPM's quote, or the nonce of a GPU's report, has to be.
    public var nonce: [UInt8]?
    /// Values of register 10 that were learned elsewhere, for a log of IMA without a quote.
    public var registers: [HashAlgorithm: [UInt8]] = [:]

    public init() {}
}

extension StoredEvidence {
    /// Judges it by a policy, or by the strict defaults of each platform: these say whether evidence is genuine and its platform sound, and
    /// leave open what runs there.
    ///
    /// Beside the checks of the platforms:
    ///
    /// | Check | What has to hold |
    /// |---|---|
    /// | `stored.kinds` | there is evidence of each kind that the policy names, and of no other |
    /// | `stored.banks` | quotes of one TPM cover every bank that the policy names registers of |
    /// | `stored.quotes` | quotes of one TPM are by one key, of one start of the machine |
    /// | `KIND.binding.report-data`, `KIND.binding.nonce` | the evidence binds what was expected of it |
    public func verdict(
        under policy: Policy?, expecting expected: StoredExpectations = StoredExpectations(), in context: Context
    ) -> StoredVerdict {
        var context = context
        context.anchors.endorsement += policy?.endorsementAnchors?.value ?? []
        context.anchors.simulated += policy?.simulatedAnchors?.value ?? []
        if let runtimeData, let policy {
            return bundleVerdict(EvidenceBundle(runtimeData: runtimeData, evidence: evidence), policy, context)
        }
        var examination = Examination()
        if !context.collateral.sources.isEmpty {
            _ = examination.group("collateral") { inner in inner.checkBundles(of: context.collateral, at: context.now) }
        }
        if let policy { checkKinds(policy, &examination) }
        // This program's own evidence says what it binds, policy or not.
        let bundle = runtimeData.map { UnverifiedEvidence(EvidenceBundle(runtimeData: $0, evidence: evidence)) }
        var claims: [(kind: Evidence.Kind, claims: (any PlatformClaims)?)] = []
        for (index, evidence) in evidence.enumerated() {
            let isAlone = self.evidence.count { $0.kind == evidence.kind } == 1
            var said: (any PlatformClaims)?
            _ = examination.group(isAlone ? "\(evidence.kind)" : "\(evidence.kind)[\(index)]") {
                inner throws(EvidenceError) in
                let found = try judge(evidence, policy, context, &inner)
                said = found
                bundle?.examineBinding(of: evidence, found, &inner)
                check(expected, evidence.kind, found, &inner)
            }
            claims.append((evidence.kind, said))
        }
        checkQuotes(claims.compactMap { $0.claims as? TPMClaims }, policy, &examination)
        if let imaLog {
            _ = examination.group("ima") { inner throws(EvidenceError) in
                _ = try examineIMA(
                    imaLog, quoted: expected.registers,
                    policy?.ima?.value.resolved(by: context.collateral) ?? IMARequirements(), state: nil,
                    at: context.now, &inner)
            }
        }
        return StoredVerdict(
            verdict: Verdict(findings: examination.findings, evidence: nil), claims: claims, imaLog: imaLog)
    }

    /// This program's own evidence knows what it binds.
    private func bundleVerdict(_ bundle: EvidenceBundle, _ policy: Policy, _ context: Context) -> StoredVerdict {
        let verdict = UnverifiedEvidence(bundle).verdict(under: policy, in: context)
        let claims = evidence.map { evidence -> (kind: Evidence.Kind, claims: (any PlatformClaims)?) in
            var unused = Examination()
            return (evidence.kind, try? policy.examine(evidence, context, &unused))
        }
        return StoredVerdict(verdict: verdict, claims: claims, imaLog: nil)
    }

    private func judge(
        _ evidence: Evidence, _ policy: Policy?, _ context: Context, _ examination: inout Examination
    ) throws(EvidenceError) -> any PlatformClaims {
        let banks = evidence.quotedBanks
        let isOneOfSeveral = evidence.kind == .tpm && self.evidence.count { $0.kind == .tpm } > 1
        var evidence = evidence
        // A boot log is told by the quotes whose banks can prove it, where there are such.
        let leavesLog = isOneOfSeveral && banks == [.sha1] && self.evidence.contains { $0.quotedBanks != [.sha1] }
        if leavesLog { evidence.parts.removeAll { $0.name == "uefi-log" } }
        guard var policy else { return try examineStrictly(evidence, context, &examination) }
        if isOneOfSeveral, var tpm = policy.tpm?.value {
            // Each quote answers for the banks that it covers; together they cover all.
            tpm.selection = tpm.selection.filter { banks.contains($0.key) }
            tpm.registers = tpm.registers.filter { banks.contains($0.key) }
            if leavesLog { tpm.bootLog = nil }
            policy.tpm?.value = tpm
        }
        return try policy.examine(evidence, context, &examination)
    }

    private func checkKinds(_ policy: Policy, _ examination: inout Examination) {
        func list(_ kinds: Set<Evidence.Kind>) -> String {
            kinds.isEmpty ? "none" : kinds.map(\.description).sorted().joined(separator: ", ")
        }
        // A log alone has no kind; the register that was given stands for the quote.
        guard imaLog == nil || !evidence.isEmpty else {
            examination.check(
                "stored.kinds", policy.ima != nil, expected: "a section ima, which says what may be in the log",
                found: policy.ima == nil ? "none" : "one", askedBy: policy.ima?.line)
            return
        }
        let kinds = Set(evidence.map(\.kind))
        examination.check(
            "stored.kinds", kinds == policy.evidence.value, expected: "evidence of \(list(policy.evidence.value))",
            found: list(kinds), askedBy: policy.evidence.line)
    }

    private func checkQuotes(_ quotes: [TPMClaims], _ policy: Policy?, _ examination: inout Examination) {
        guard evidence.count(where: { $0.kind == .tpm }) > 1 else { return }
        let isOne = quotes.allSatisfy {
            $0.akName == quotes[0].akName && $0.resetCount == quotes[0].resetCount
                && $0.restartCount == quotes[0].restartCount && $0.boundData == quotes[0].boundData
        }
        examination.check(
            "stored.quotes", !quotes.isEmpty && isOne,
            expected: "quotes by one key, for one challenge, since one start of the machine",
            found: isOne ? "\(quotes.count) of them" : "several")
        guard let tpm = policy?.tpm?.value else { return }
        let wanted = Set(tpm.registers.keys).union(tpm.selection.keys)
        let found = quotes.reduce(into: Set<HashAlgorithm>()) { $0.formUnion($1.registers.keys) }
        examination.check(
            "stored.banks", wanted.isSubset(of: found),
            expected: wanted.map(\.description).sorted().joined(separator: ", "),
            found: found.map(\.description).sorted().joined(separator: ", "), askedBy: policy?.tpm?.line)
    }

    /// Whether evidence binds what it was asked to.
    private func check(
        _ expected: StoredExpectations, _ kind: Evidence.Kind, _ claims: any PlatformClaims,
        _ examination: inout Examination
    ) {
        switch kind {
        case .sgx, .tdx, .snp, .simulated:
            guard var data = expected.reportData else { return }
            data += [UInt8](repeating: 0, count: max(0, 64 - data.count))
            examination.check(
                "\(kind).binding.report-data", claims.boundData == data, expected: hexadecimal(data),
                found: hexadecimal(claims.boundData))
        case .tpm, .azureVTPM, .nvidia:
            guard let nonce = expected.nonce else { return }
            examination.check(
                "\(kind).binding.nonce", claims.boundData == nonce, expected: hexadecimal(nonce),
                found: hexadecimal(claims.boundData))
        }
    }
}

/// Carries out the checks of one platform without any policy: with its strict defaults.
private func examineStrictly(
    _ evidence: Evidence, _ context: Context, _ examination: inout Examination
) throws(EvidenceError) -> any PlatformClaims {
    switch evidence.kind {
    case .sgx: return try examineSGX(evidence, SGXRequirements(), context, &examination)
    case .tdx: return try examineTDX(evidence, TDXRequirements(), context, &examination)
    case .snp: return try examineSNP(evidence, SNPRequirements(), context, &examination)
    case .tpm: return try examineTPM(evidence, TPMRequirements(forLogsOf: evidence), context, &examination)
    case .nvidia: return try examineNVIDIA(evidence, NVIDIARequirements(), context, &examination)
    case .simulated: return try examineSimulated(evidence, SimulatedRequirements(), context, &examination)
    case .azureVTPM:
        var requirements = AzureVTPMRequirements()
        requirements.tpm = TPMRequirements(forLogsOf: evidence)
        return try examineAzureVTPM(evidence, requirements, context, &examination)
    }
}

extension TPMRequirements {
    /// Strict defaults, also for each log that is there.
    fileprivate init(forLogsOf evidence: Evidence) {
        self.init()
        if evidence["uefi-log"] != nil { bootLog = Setting(BootLogRequirements(), PolicyLine("tpm.bootLog")) }
        if evidence["ima-log"] != nil { ima = Setting(IMARequirements(), PolicyLine("ima")) }
    }
}

extension Evidence {
    /// The banks that a TPM's registers are of.
    fileprivate var quotedBanks: Set<HashAlgorithm> {
        let values = self["pcrs"].flatMap { try? PCRValues(decoding: $0) }
        return Set((values?.values.keys).map { $0.compactMap { HashAlgorithm(rawValue: $0.bank) } } ?? [])
    }
}
