import Crypto
public import PliniusWire

/// Evidence as it came: nothing is to be done with it but to judge it.
///
/// The checks of the bundle, beside those of the platforms:
///
/// | Check | What it means |
/// |---|---|
/// | `bundle.format` | the runtime data is of a version that this build reads |
/// | `bundle.kinds` | there is evidence of each platform that the policy names, once, and of no other |
/// | `bundle.nonce` | it answers this challenge |
/// | `bundle.expiry` | it came while the challenge was good |
/// | `bundle.purpose` | the policy grants what the key is wanted for |
/// | `bundle.config`, `bundle.data-set` | the policy grants the key for this network, for these data |
/// | `bundle.run` | the policy grants the key to this run |
/// | `collateral.bundle.validity` | what was imported from bundles is in date |
/// | `<platform>.policy.section` | the policy says what to ask of the platform |
/// | `tpm.activation.proof`, `tpm.activation.key` | the key that quoted is in the TPM of the certificate, as that TPM has shown |
/// | `<platform>.binding.report-data` | the platform's signature covers the runtime data |
public struct UnverifiedEvidence: Sendable {
    private let bundle: EvidenceBundle

    public init(_ bundle: EvidenceBundle) { self.bundle = bundle }

    /// Judges what an enclave answered to a challenge.
    /// - Parameter activated: The TPM's key that was found to be in the TPM of an endorsement key, in the same exchange.
    public func verdict(
        under policy: Policy, for challenge: IssuedChallenge, activated: ActivatedKey? = nil, in context: Context
    ) -> Verdict {
        verdict(under: policy, for: Optional(challenge), activated, in: context)
    }

    /// Judges stored evidence: nothing is released to it, because it may be old.
    public func verdict(under policy: Policy, in context: Context) -> Verdict {
        verdict(under: policy, for: nil, nil, in: context)
    }

    private func verdict(
        under policy: Policy, for challenge: IssuedChallenge?, _ activated: ActivatedKey?, in context: Context
    ) -> Verdict {
        var examination = Examination()
        let data = examination.group("bundle") { inner throws(EvidenceError) in
            try examineBundle(policy, challenge, context, &inner)
        }
        if !context.collateral.sources.isEmpty {
            examination.group("collateral") { inner throws(EvidenceError) in
                inner.checkBundles(of: context.collateral, at: context.now)
            }
        }
        var claims: [Evidence.Kind: any PlatformClaims] = [:]
        for evidence in bundle.evidence where claims[evidence.kind] == nil {
            claims[evidence.kind] = examination.group("\(evidence.kind)") { inner throws(EvidenceError) in
                let claims = try policy.examine(evidence, context, &inner)
                examineBinding(of: evidence, claims, &inner)
                if challenge != nil, policy.needsActivation, let claims = claims as? TPMClaims {
                    try policy.examineActivation(activated, of: evidence, claims, context, &inner)
                }
                return claims
            }
        }
        var verified: VerifiedEvidence?
        // What did not pass as a whole is passed on in no part.
        if examination.hasPassed, challenge != nil, let data, claims.count == bundle.evidence.count {
            verified = VerifiedEvidence(runtimeData: data, claims: claims, restart: policy.restartTerms)
        }
        return Verdict(findings: examination.findings, evidence: verified)
    }

    // MARK: The bundle

    private func examineBundle(
        _ policy: Policy, _ challenge: IssuedChallenge?, _ context: Context, _ examination: inout Examination
    ) throws(EvidenceError) -> RuntimeData {
        let data: RuntimeData
        do throws(WireError) { data = try RuntimeData(decoding: bundle.runtimeData) } catch {
            throw EvidenceError(
                "bundle.format", expected: "runtime data of version \(RuntimeData.currentVersion)", found: "\(error)")
        }
        examination.check(
            "bundle.format", true, expected: "runtime data of version \(RuntimeData.currentVersion)",
            found: "version \(data.version)")
        if let challenge {
            examination.check(
                "bundle.nonce", data.nonce == challenge.challenge.nonce,
                expected: hexadecimal(challenge.challenge.nonce), found: hexadecimal(data.nonce))
            let age = context.now.seconds - challenge.issued.seconds
            examination.check(
                "bundle.expiry", (0...challenge.life).contains(age),
                expected: "an answer within \(challenge.life) s", found: "one after \(age) s")
        }
        policy.examine(data, kinds: bundle.evidence.map(\.kind), &examination)
        return data
    }

    // MARK: What the signatures cover

    func examineBinding(
        of evidence: Evidence, _ claims: any PlatformClaims, _ examination: inout Examination
    ) {
        let expected = boundData(evidence.kind)
        examination.check(
            "\(evidence.kind).binding.report-data", claims.boundData == expected, expected: hexadecimal(expected),
            found: hexadecimal(claims.boundData))
    }

    /// What evidence of a kind is to bind; see `EvidenceBundle`.
    private func boundData(_ kind: Evidence.Kind) -> [UInt8] {
        let digest = Array(SHA512.hash(data: bundle.runtimeData))
        switch kind {
        case .sgx, .tdx, .snp, .simulated: return digest
        case .tpm, .azureVTPM:
            let statement = bundle.evidence.lazy.compactMap(\.statement).first
            let other = statement.map { Array(SHA256.hash(data: $0)) } ?? []
            return Array(SHA256.hash(data: Array("plinius/1/tpm".utf8) + digest + other))
        case .nvidia: return Array(SHA256.hash(data: Array("plinius/1/gpu".utf8) + digest))
        }
    }
}

extension Evidence {
    /// What the hardware signed of a TEE, or what stands for it in tests.
    fileprivate var statement: [UInt8]? {
        switch kind {
        case .sgx, .tdx: self["quote"]
        case .snp, .simulated: self["report"]
        case .tpm, .azureVTPM, .nvidia: nil
        }
    }
}
