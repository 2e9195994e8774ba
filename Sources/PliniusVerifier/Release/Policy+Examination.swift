import PliniusWire

// What a policy asks of a bundle, handed to whoever judges each part.
extension Policy {
    /// Carries out the checks of the runtime data, and of which evidence there is.
    func examine(_ data: RuntimeData, kinds: [Evidence.Kind], _ examination: inout Examination) {
        func list(_ kinds: some Sequence<Evidence.Kind>) -> String {
            let names = kinds.map(\.description).sorted()
            return names.isEmpty ? "none" : names.joined(separator: ", ")
        }
        // What the policy says nothing about would be judged by nothing.
        examination.check(
            "bundle.kinds", Set(kinds) == evidence.value && Set(kinds).count == kinds.count,
            expected: "evidence of each of \(list(evidence.value)), once", found: list(kinds), askedBy: evidence.line)
        examination.check(
            "bundle.purpose", purposes.value.contains(data.purpose),
            expected: purposes.value.map { "\($0)" }.sorted().joined(separator: " or "), found: "\(data.purpose)",
            askedBy: purposes.line)
        let identities = [
            ("bundle.config", configDigests, [data.configDigest]), ("bundle.data-set", datasets, data.datasetIDs),
        ]
        for (name, setting, found) in identities {
            examination.check(
                name, setting.value.map { !found.isEmpty && $0.isSuperset(of: found) } ?? true,
                expected: setting.value.map { $0.map { hexadecimal($0) }.sorted().joined(separator: " or ") } ?? "any",
                found: found.isEmpty ? "none" : found.map { hexadecimal($0) }.joined(separator: ", "),
                askedBy: setting.line)
        }
        examination.check(
            "bundle.run", runs?.value.contains(data.runName) ?? true,
            expected: runs.map { $0.value.sorted().joined(separator: " or ") } ?? "any", found: data.runName,
            askedBy: runs?.line)
    }

    /// Carries the checks of one platform out.
    /// - Throws: The check that nothing goes on without; `KIND.policy.section` if the policy says nothing of the platform.
    func examine(
        _ evidence: Evidence, _ context: Context, _ examination: inout Examination
    ) throws(EvidenceError) -> any PlatformClaims {
        let context = widened(context)
        switch evidence.kind {
        case .simulated:
            return try examineSimulated(evidence, section(simulated, evidence), context, &examination)
        case .tpm: return try examineTPM(evidence, tpmRequirements(evidence, context), context, &examination)
        case .sgx: return try examineSGX(evidence, section(sgx, evidence), context, &examination)
        case .tdx: return try examineTDX(evidence, tdxRequirements(evidence, context), context, &examination)
        case .snp: return try examineSNP(evidence, section(snp, evidence), context, &examination)
        case .nvidia:
            let requirements = try section(nvidia, evidence).resolved(by: context.collateral)
            return try examineNVIDIA(evidence, requirements, context, &examination)
        case .azureVTPM:
            var requirements = AzureVTPMRequirements()
            requirements.tpm = try tpmRequirements(evidence, context)
            // Which of the two it is, the evidence tells; what the policy says nothing about is refused.
            switch try HCLReport(evidence.part("hcl-report", "azure.hcl.format")).hardware {
            case .snp: requirements.snp = try section(snp, evidence)
            case .tdx: requirements.tdx = try tdxRequirements(evidence, context)
            }
            return try examineAzureVTPM(evidence, requirements, context, &examination)
        }
    }

    /// The context with the certificates that the policy names and nobody has to believe.
    func widened(_ context: Context) -> Context {
        var context = context
        context.collateral.endorsementIntermediates += endorsementIntermediates?.value ?? []
        return context
    }

    /// What the policy asks of a TPM, with what it asks of the files that its register is about.
    private func tpmRequirements(
        _ evidence: Evidence, _ context: Context
    ) throws(EvidenceError) -> TPMRequirements {
        var requirements = try section(tpm, evidence)
        if let bootLog = requirements.bootLog {
            requirements.bootLog = Setting(try bootLog.value.resolved(by: context.collateral), bootLog.line)
        }
        if let ima = ima ?? requirements.ima {
            requirements.ima = Setting(try ima.value.resolved(by: context.collateral), ima.line)
        }
        return requirements
    }

    private func tdxRequirements(
        _ evidence: Evidence, _ context: Context
    ) throws(EvidenceError) -> TDXRequirements {
        var requirements = try section(tdx, evidence)
        requirements.bootLog = try requirements.bootLog?.resolved(by: context.collateral)
        return requirements
    }

    private func section<Requirements>(
        _ setting: Setting<Requirements>?, _ evidence: Evidence
    ) throws(EvidenceError) -> Requirements {
        guard let setting else {
            throw EvidenceError(
                "\(evidence.kind).policy.section", expected: "a section of the policy for this platform", found: "none")
        }
        return setting.value
    }
}
