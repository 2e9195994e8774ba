import PliniusWire

/// A verdict as others read it: shaped as an EAT Attestation Result (draft-ietf-rats-ear-04, sections 3 and 4), with the claims and values
/// of AR4SI (draft-ietf-rats-ar4si-10, section 2.3.4); it is not signed.
///
/// Each check speaks for one claim:
///
/// | Claim | Checks |
/// |---|---|
/// | `instance-identity` | certificates and keys (`….pck.…`, `….certificate.…`, `….ak.…`, `….ek.…`, `azure.hcl.…`), `….binding.…`, `tpm.quote.extra-data` |
/// | `hardware` | signatures over quotes and reports, collateral, TCB, firmware, TDX module, quoting enclave; that registers are those that were quoted |
/// | `configuration` | `….debug`, `….migration`, `….policy.…`, attributes, `….vmpl`, host's and owner's configuration, `bootlog.secureboot.…`, `bootlog.commandline` |
/// | `executables` | everything else: measurements, values of registers and their logs, files |
/// | `runtime-opaque` | `….debug`, of platforms that encrypt their memory |
///
/// A claim is left out if no check spoke for it, and has the value of the worst that did:
///
/// | Value | Meaning |
/// |---|---|
/// | 2 | all passed; of `executables`, all that an enclave holds, or every file that a kernel executed |
/// | 3 | of `executables`: all passed, and they are about what was loaded when the machine was started |
/// | 32 | one was tolerated |
/// | 33 | of `executables`: one was tolerated because nobody compares what runs |
/// | -33 | of `instance-identity`: one was tolerated, for which AR4SI has no value of its own |
/// | 96 | one failed |
/// | 97 | of `hardware`: there is none, it is simulated |
/// | 99 | a signature, a chain or a digest failed |
///
/// The status is the worst of them.
public struct AttestationResult: Hashable, Sendable, Encodable {
    /// What one piece of evidence comes to.
    public struct Appraisal: Hashable, Sendable, Encodable {
        /// `affirming`, `warning`, `contraindicated`, or `none` if no check was carried out.
        public let status: String
        /// By claim.
        public let trustworthinessVector: [String: Int]
        /// The policy's name; `nil` without one.
        public let policies: [String]?
        /// The first check that failed.
        public let failedCheck: String?

        enum CodingKeys: String, CodingKey {
            case status = "ear_status"
            case trustworthinessVector = "ear_trustworthiness_vector"
            case policies = "ear_appraisal_policy_ids"
            case failedCheck = "plinius_failed_check"
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
        case verifier = "ear_verifier_id"
        case status = "ear_status"
        case submodules = "submods"
    }

    public init(_ verdict: Verdict, policy: String?, at now: Instant) {
        profile = "tag:ietf.org,2026:rats/ear#04"
        issuedAt = now.seconds
        verifier = Verifier(developer: "PLINIUS", build: "plinius-owner")
        submodules = Dictionary(
            verdict.findings.map { ($0.check, Appraisal($0, policy)) }, uniquingKeysWith: { first, _ in first })
        let tier = Tier(worstOf: submodules.values.flatMap(\.trustworthinessVector.values))
        status = verdict.hasPassed ? "\(tier)" : "\(Tier.contraindicated)"
    }

    /// What a value says, whatever its claim (AR4SI, section 2.3.2).
    fileprivate enum Tier: Int, Comparable {
        case none
        case affirming
        case warning
        case contraindicated

        init(_ value: Int) {
            self =
                switch value {
                case -1...1: .none
                case -32...31: .affirming
                case -96...95: .warning
                default: .contraindicated
                }
        }

        init(worstOf values: some Sequence<Int>) { self = values.map { Tier($0) }.max() ?? .none }

        static func < (first: Self, second: Self) -> Bool { first.rawValue < second.rawValue }
    }
}

extension AttestationResult.Appraisal {
    init(_ finding: Finding, _ policy: String?) {
        var leaves: [String: [Finding]] = [:]
        for leaf in finding.leaves {
            leaves[leaf.trustClaim, default: []].append(leaf)
            if leaf.check.hasSuffix(".debug"), leaf.check != "bootlog.debug" {
                leaves["runtime-opaque", default: []].append(leaf)
            }
        }
        var vector: [String: Int] = [:]
        for (claim, checks) in leaves { vector[claim] = Self.value(of: claim, checks) }
        if finding.check == "\(Evidence.Kind.simulated)" { vector["hardware"] = 97 }
        trustworthinessVector = vector
        status = "\(AttestationResult.Tier(worstOf: vector.values))"
        policies = policy.map { [$0] }
        failedCheck = finding.firstFailure?.check
    }

    /// The value of a claim by the checks that spoke for it, the worst tier first (AR4SI, sections 2.3.3 and 2.3.4).
    private static func value(of claim: String, _ checks: [Finding]) -> Int {
        if checks.contains(where: { $0.outcome == .failed && $0.isCryptographic }) { return 99 }
        if checks.contains(where: { $0.outcome == .failed }) { return 96 }
        let isTolerated = checks.contains { $0.outcome == .tolerated }
        switch claim {
        case "executables" where isTolerated:
            return checks.contains { $0.outcome == .tolerated && $0.check == "nvidia.measurements" } ? 33 : 32
        case "executables":
            // The rest proves what was loaded at the start alone.
            return checks.contains { $0.check.hasPrefix("ima.entry.") || $0.check.hasPrefix("sgx.") } ? 2 : 3
        case "instance-identity" where isTolerated: return -33
        default: return isTolerated ? 32 : 2
        }
    }
}

extension Finding {
    fileprivate var leaves: [Finding] { parts.isEmpty ? [self] : parts.flatMap(\.leaves) }

    fileprivate var isCryptographic: Bool {
        [".signature", ".chain", ".pcr-digest", ".hcl.binding", ".qe.binding"].contains { check.hasSuffix($0) }
    }

    /// The claim of AR4SI that a check speaks for.
    fileprivate var trustClaim: String {
        Self.claims.first { claim in claim.marks.contains { (check + ".").contains($0) } }?.name ?? "executables"
    }

    /// The first that fits counts.
    private static let claims: [(name: String, marks: [String])] = [
        ("instance-identity", [".ak.", ".ek."]), ("hardware", [".qe.", ".module.", ".seam."]),
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
                ".quote.pcr-digest.", ".quote.selection.", ".pcrs.", ".rtmr.replay.", ".rtmr.present.",
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
