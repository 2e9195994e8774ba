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
            ("bundle.config", configDigests, data.configDigest), ("bundle.data-set", datasets, data.datasetID),
        ]
        for (name, setting, found) in identities {
            examination.check(
                name, setting.value?.contains(found) ?? true,
                expected: setting.value.map { $0.map { hexadecimal($0) }.sorted().joined(separator: " or ") } ?? "any",
                found: hexadecimal(found), askedBy: setting.line)
        }
    }

    /// Carries the checks of one platform out.
    /// - Throws: The check that nothing goes on without; `KIND.policy.section` if the policy says nothing of the platform.
    func examine(
        _ evidence: Evidence, _ context: Context, _ examination: inout Examination
    ) throws(EvidenceError) -> any PlatformClaims {
        switch evidence.kind {
        case .simulated:
            return try examineSimulated(evidence, section(simulated, evidence), context, &examination)
        case .tpm:
            let claims = try examineTPM(evidence, section(tpm, evidence), context, &examination)
            try examineIMA(evidence, claims, context, &examination)
            return claims
        case .sgx: return try examineSGX(evidence, section(sgx, evidence), context, &examination)
        case .tdx: return try examineTDX(evidence, section(tdx, evidence), context, &examination)
        case .snp, .azureVTPM, .nvidia:
            return try section(nil as Setting<any PlatformClaims>?, evidence)
        }
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

    /// Judges IMA's log, if the policy asks for it, against the registers that the same evidence quotes.
    private func examineIMA(
        _ evidence: Evidence, _ claims: TPMClaims, _ context: Context, _ examination: inout Examination
    ) throws(EvidenceError) {
        guard let ima else { return }
        let log = try evidence.part("ima-log", "ima.log.present")
        var start = ByteCursor(evidence["ima-start"] ?? [UInt8](repeating: 0, count: 8), format: "ima.log.start")
        let first = try start.little(UInt64.self)
        try start.finish()
        guard first == 0 else {
            throw EvidenceError(
                "ima.log.start", expected: "a log from its first entry on", found: "from entry \(first)")
        }
        // The log grows while the quote is made; what follows the quoted state is judged as well.
        _ = try PliniusVerifier.examineIMA(
            IMALog(binary: log, permitsTail: true), quoted: claims.registers.compactMapValues { $0[10] },
            bootRegisters: claims.registers, ima.value, state: nil, at: context.now, &examination)
    }
}
