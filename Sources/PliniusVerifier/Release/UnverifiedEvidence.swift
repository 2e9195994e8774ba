import Crypto
public import PliniusWire

/// Evidence as it came: nothing is to be done with it but to judge it.
///
/// The checks of the bundle, beside those of the platforms:
///
/// | Check | What it means |
/// |---|---|
/// | `bundle.format` | the runtime data is of a version that this build reads |
/// | `bundle.kinds` | there is evidence, of each platform once |
/// | `bundle.nonce` | it answers this challenge |
/// | `bundle.expiry` | it came while the challenge was good |
/// | `bundle.purpose` | the policy grants what the key is wanted for |
/// | `bundle.configuration`, `bundle.data-set`, `bundle.run` | the policy grants the key for this network, these data, this run |
/// | `bundle.level` | the evidence is of the platforms that the policy's level takes |
/// | `<platform>.binding.report-data` | the platform's signature covers the runtime data |
public struct UnverifiedEvidence: Sendable {
    private let bundle: EvidenceBundle

    public init(_ bundle: EvidenceBundle) { self.bundle = bundle }

    /// Judges what an enclave answered to a challenge.
    public func verdict(under policy: ReleasePolicy, for challenge: IssuedChallenge, in context: Context) -> Verdict {
        verdict(under: policy, for: Optional(challenge), in: context)
    }

    /// Judges stored evidence: nothing is released to it, because it may be old.
    public func verdict(under policy: ReleasePolicy, in context: Context) -> Verdict {
        verdict(under: policy, for: nil, in: context)
    }

    private func verdict(under policy: ReleasePolicy, for challenge: IssuedChallenge?, in context: Context) -> Verdict {
        var examination = Examination()
        let data = examination.group("bundle") { inner throws(EvidenceError) in
            try examineBundle(policy, challenge, context, &inner)
        }
        var claims: [Evidence.Kind: any PlatformClaims] = [:]
        for evidence in bundle.evidence where claims[evidence.kind] == nil {
            claims[evidence.kind] = examination.group("\(evidence.kind)") { inner throws(EvidenceError) in
                let claims = try policy.examine(evidence, context, &inner)
                examineBinding(of: evidence, claims, &inner)
                return claims
            }
        }
        var verified: VerifiedEvidence?
        // What did not pass as a whole is passed on in no part.
        if examination.hasPassed, challenge != nil, let data, claims.count == bundle.evidence.count {
            verified = VerifiedEvidence(runtimeData: data, claims: claims)
        }
        return Verdict(findings: examination.findings, evidence: verified)
    }

    // MARK: The bundle

    private func examineBundle(
        _ policy: ReleasePolicy, _ challenge: IssuedChallenge?, _ context: Context, _ examination: inout Examination
    ) throws(EvidenceError) -> RuntimeData {
        let data: RuntimeData
        do throws(WireError) { data = try RuntimeData(decoding: bundle.runtimeData) } catch {
            throw EvidenceError(
                "bundle.format", expected: "runtime data of version \(RuntimeData.currentVersion)", found: "\(error)")
        }
        examination.check(
            "bundle.format", true, expected: "runtime data of version \(RuntimeData.currentVersion)",
            found: "version \(data.version)")
        let kinds = bundle.evidence.map(\.kind)
        examination.check(
            "bundle.kinds", !kinds.isEmpty && Set(kinds).count == kinds.count,
            expected: "evidence of at least one platform, of each once",
            found: kinds.isEmpty ? "none" : kinds.map(\.description).joined(separator: ", "))
        if let challenge {
            examination.check(
                "bundle.nonce", data.nonce == challenge.challenge.nonce,
                expected: hexadecimal(challenge.challenge.nonce), found: hexadecimal(data.nonce))
            let age = context.now.seconds - challenge.issued.seconds
            examination.check(
                "bundle.expiry", (0...challenge.life).contains(age),
                expected: "an answer within \(challenge.life) s", found: "one after \(age) s")
        }
        policy.examine(data, kinds: kinds, &examination)
        return data
    }

    // MARK: What the signatures cover

    private func examineBinding(
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
