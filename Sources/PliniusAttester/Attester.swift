internal import PliniusSealing
internal import PliniusTPM
public import PliniusWire

/// Obtains evidence of what runs here, from what this machine offers.
public struct Attester: Sendable {
    /// What the evidence is of: at most one platform that isolates, and the TPM after it.
    public let kinds: [Evidence.Kind]
    let paths: DevicePaths
    let kernel: Kernel

    /// Takes what there is: SGX, TDX or SEV-SNP, and a TPM; a simulation if there is nothing, which no verifier takes for more.
    public static func detect(_ paths: DevicePaths = .system) -> Attester { detect(paths, Kernel()) }

    package static func detect(_ paths: DevicePaths, _ kernel: Kernel) -> Attester {
        let isSGX = GramineFiles(folder: paths.gramine, kernel: kernel).attestationType == "dcap"
        var kinds = (isSGX ? .sgx : ReportFolder(root: paths.reports, kernel: kernel).kind).map { [$0] } ?? []
        if TPM.isThere(paths.tpm) { kinds.append(.tpm) }
        return Attester(kinds: kinds.isEmpty ? [.simulated] : kinds, paths: paths, kernel: kernel)
    }

    /// Takes platforms by name, as `sev-snp+tpm`; whether they are there shows when evidence is asked for.
    /// - Throws: `AttestationError` for a name or a combination that does not exist.
    public init(named name: String, _ paths: DevicePaths = .system) throws(AttestationError) {
        try self.init(named: name, paths, Kernel())
    }

    package init(named name: String, _ paths: DevicePaths, _ kernel: Kernel) throws(AttestationError) {
        let isolating: [Evidence.Kind] = [.sgx, .tdx, .snp, .simulated]
        let known = isolating.map { [$0] } + [[.tpm]] + isolating.map { [$0, .tpm] }
        guard let kinds = known.first(where: { Attester.name(of: $0) == name }) else {
            let names = known.map { Attester.name(of: $0) }.joined(separator: ", ")
            throw AttestationError("'\(name)' is no platform: known are \(names)")
        }
        self.init(kinds: kinds, paths: paths, kernel: kernel)
    }

    private init(kinds: [Evidence.Kind], paths: DevicePaths, kernel: Kernel) {
        self.kinds = kinds
        self.paths = paths
        self.kernel = kernel
    }

    /// The platforms' names, joined by `+`.
    public var name: String { Self.name(of: kinds) }

    private static func name(of kinds: [Evidence.Kind]) -> String {
        kinds.map(\.description).joined(separator: "+")
    }

    /// Obtains evidence of each platform, bound to the runtime data and to each other as ``EvidenceBundle`` says.
    /// - Parameter runtimeData: The encoded `RuntimeData`.
    /// - Throws: `AttestationError` if any of them gives none.
    public func evidence(
        for runtimeData: [UInt8], options: EvidenceOptions = EvidenceOptions()
    ) throws(AttestationError) -> [Evidence] {
        let reportData = sha512(runtimeData)
        var all: [Evidence] = []
        for kind in kinds {
            all.append(try evidence(of: kind, over: reportData, after: all.first, options))
        }
        return all
    }

    private func evidence(
        of kind: Evidence.Kind, over reportData: [UInt8], after first: Evidence?, _ options: EvidenceOptions
    ) throws(AttestationError) -> Evidence {
        let reports = ReportFolder(root: paths.reports, kernel: kernel)
        switch kind {
        case .sgx:
            return try GramineFiles(folder: paths.gramine, kernel: kernel).quote(over: reportData)
        case .tdx:
            let quote = try reports.report(.tdx, over: reportData, privilegeLevel: nil).report
            return Evidence(.tdx, try withLog("ccel", at: paths.ccel, ["quote": quote]))
        case .snp:
            let (report, certificates) = try reports.report(
                .snp, over: reportData, privilegeLevel: options.privilegeLevel)
            return Evidence(
                .snp, certificates.isEmpty ? ["report": report] : ["report": report, "certificates": certificates])
        case .tpm:
            let signed = first.flatMap { $0["quote"] ?? $0["report"] }
            let extraData = sha256(Array("plinius/1/tpm".utf8) + reportData + (signed.map { sha256($0) } ?? []))
            return try tpmEvidence(over: extraData, options)
        default:
            return try Simulation(paths: paths, kernel: kernel).report(over: reportData)
        }
    }
}
