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
        switch evidence.kind {
        case .simulated:
            return try examineSimulated(evidence, section(simulated, evidence), context, &examination)
        case .tpm: return try examineTPM(evidence, tpmRequirements(evidence), context, &examination)
        case .sgx: return try examineSGX(evidence, section(sgx, evidence), context, &examination)
        case .tdx: return try examineTDX(evidence, section(tdx, evidence), context, &examination)
        case .snp: return try examineSNP(evidence, section(snp, evidence), context, &examination)
        case .nvidia: return try examineNVIDIA(evidence, section(nvidia, evidence), context, &examination)
        case .azureVTPM:
            var requirements = AzureVTPMRequirements()
            requirements.tpm = try tpmRequirements(evidence)
            // Which of the two it is, the evidence tells; what the policy says nothing about is refused.
            switch try HCLReport(evidence.part("hcl-report", "azure.hcl.format")).hardware {
            case .snp: requirements.snp = try section(snp, evidence)
            case .tdx: requirements.tdx = try section(tdx, evidence)
            }
            return try examineAzureVTPM(evidence, requirements, context, &examination)
        }
    }

    /// What the policy asks of a TPM, with what it asks of the files that its register is about.
    private func tpmRequirements(_ evidence: Evidence) throws(EvidenceError) -> TPMRequirements {
        var requirements = try section(tpm, evidence)
        requirements.ima = ima ?? requirements.ima
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
