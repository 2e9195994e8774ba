import PliniusWire

/// A verdict as others read it: shaped as an EAT Attestation Result (draft-ietf-rats-ear), with the claims of AR4SI
/// (draft-ietf-rats-ar4si); it is not signed.
///
/// Each check speaks for one claim:
///
/// | Claim | Checks |
/// |---|---|
/// | `instance-identity` | certificates and keys (`….pck.…`, `….certificate.…`, `….ak.…`, `….ek.…`, `azure.hcl.…`), `….binding.…`, `tpm.quote.extra-data` |
/// | `hardware` | signatures over quotes and reports, collateral, TCB, firmware, TDX module, quoting enclave |
/// | `configuration` | `….debug`, `….migration`, `….policy.…`, attributes, `….vmpl`, host's and owner's configuration, `bootlog.secureboot.…`, `bootlog.commandline` |
/// | `executables` | everything else: measurements, registers and their logs, files |
/// | `runtime-opaque` | `….debug`, of platforms that encrypt their memory |
///
/// A claim is 2 (affirming) if checks spoke for it and all passed, 32 (warning) if one was tolerated, 96 (contraindicated) if one failed,
/// 99 (cryptographic validation failed) if that was a signature, a chain or a digest; it is left out if no check spoke. The status is the
/// worst of them. For simulated evidence `hardware` is 97: there is none.
public struct AttestationResult: Hashable, Sendable, Encodable {
    /// What one piece of evidence comes to.
    public struct Appraisal: Hashable, Sendable, Encodable {
        /// `affirming`, `warning`, `contraindicated`, or `none` if no check was carried out.
        public let status: String
        /// By claim.
        public let trustworthinessVector: [String: Int]
        /// The policy's name.
        public let policy: String?
        /// The first check that failed.
        public let failedCheck: String?

        enum CodingKeys: String, CodingKey {
            case status = "ear.status"
            case trustworthinessVector = "ear.trustworthiness-vector"
            case policy = "ear.appraisal-policy-id"
            case failedCheck = "plinius.failed-check"
        }
    }

    /// What made the result.
    public struct Verifier: Hashable, Sendable, Encodable {
        public let developer: String
        public let build: String
    }

    public let profile: String
    /// The instant that was judged at, in seconds since 1970.
    public let issuedAt: Int64
    public let verifier: Verifier
    public let status: String
    /// By the name of the finding: `sgx`, `bundle`.
    public let submodules: [String: Appraisal]

    enum CodingKeys: String, CodingKey {
        case profile = "eat_profile"
        case issuedAt = "iat"
        case verifier = "ear.verifier-id"
        case status = "ear.status"
        case submodules = "submods"
    }

    public init(_ verdict: Verdict, policy: String?, at now: Instant) {
        profile = "tag:github.com,2023:veraison/ear"
        issuedAt = now.seconds
        verifier = Verifier(developer: "PLINIUS", build: "plinius-owner")
        submodules = Dictionary(
            verdict.findings.map { ($0.check, Appraisal($0, policy)) }, uniquingKeysWith: { first, _ in first })
        let worst = submodules.values.flatMap(\.trustworthinessVector.values).max() ?? 0
        status = verdict.hasPassed ? Self.status(worst) : "contraindicated"
    }

    fileprivate static func status(_ worst: Int) -> String {
        switch worst {
        case ..<2: "none"
        case ..<32: "affirming"
        case ..<96: "warning"
        default: "contraindicated"
        }
    }
}

extension AttestationResult.Appraisal {
    init(_ finding: Finding, _ policy: String?) {
        var vector: [String: Int] = [:]
        for leaf in finding.leaves {
            var claims = [leaf.trustClaim]
            if leaf.check.hasSuffix(".debug"), leaf.check != "bootlog.debug" { claims.append("runtime-opaque") }
            for claim in claims { vector[claim] = max(vector[claim] ?? 0, leaf.trustValue) }
        }
        if finding.check == "\(Evidence.Kind.simulated)" { vector["hardware"] = 97 }
        trustworthinessVector = vector
        status = AttestationResult.status(vector.values.max() ?? 0)
        self.policy = policy
        failedCheck = finding.firstFailure?.check
    }
}

extension Finding {
    fileprivate var leaves: [Finding] { parts.isEmpty ? [self] : parts.flatMap(\.leaves) }

    fileprivate var trustValue: Int {
        switch outcome {
        case .passed: 2
        case .tolerated: 32
        case .failed: isCryptographic ? 99 : 96
        }
    }

    private var isCryptographic: Bool {
        [".signature", ".chain", ".pcr-digest", ".hcl.binding", ".qe.binding"].contains { check.hasSuffix($0) }
    }

    /// The claim of AR4SI that a check speaks for.
    fileprivate var trustClaim: String {
        Self.claims.first { claim in claim.marks.contains { (check + ".").contains($0) } }?.name ?? "executables"
    }

    private static let claims: [(name: String, marks: [String])] = [
        (
            "configuration",
            [
                ".debug.", ".migration.", ".policy.", ".attributes.", ".xfam.", ".vmpl.", ".configid.", ".configsvn.",
                ".hostdata.", ".mrconfigid.", ".mrowner.", ".mrownerconfig.", ".secureboot.", ".commandline.",
                ".reserved.", "bundle.", "stored.",
            ]
        ),
        (
            "hardware",
            [
                ".tcb", ".launch-tcb.", ".collateral.", "collateral.", ".qeidentity.", ".qe.", ".module.",
                ".quote.signature.", ".report.signature.", ".quote.padding.", ".quote.vendor.", ".quote.hash.",
                ".format.", ".firmware.", ".platform.", ".mitigations.", ".driver.", ".vbios.", ".fwid.", ".seam.",
                ".mrseam.", ".attest.", ".product.",
            ]
        ),
        (
            "instance-identity",
            [
                ".pck.", ".certificate.", ".ak.", ".ek.", ".hcl.", ".binding.", ".extra-data.", ".activation.",
                ".signer.", ".chipid.", ".clock.",
            ]
        ),
    ]
}
