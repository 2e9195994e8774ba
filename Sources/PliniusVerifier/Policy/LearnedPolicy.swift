import PliniusWire

/// A policy that was drafted from a good machine's evidence, and what it says of that evidence.
public struct LearnedPolicy: Sendable {
    /// The policy file.
    public let yaml: String
    /// The files that it names, which have to lie beside it.
    public let files: [String: [UInt8]]
    /// Settings that the evidence passes by, and not by being in order.
    public let tolerances: [String]
    /// What the policy says of the evidence; if that is refused, no setting could let it pass.
    public let verdict: StoredVerdict
}

extension StoredEvidence {
    /// Drafts a policy by which this evidence passes, and no other machine's: its measurements, keys and files, and every tolerance that it
    /// takes, each with a remark.
    ///
    /// Debugging and migration are never let pass.
    /// - Parameters:
    ///   - name: The policy's.
    ///   - listName: How the file is to be called that lists what IMA measured.
    /// - Throws: `PolicyErrors` if no policy can be about evidence of this kind.
    public func learnPolicy(
        name: String, listName: String, expecting expected: StoredExpectations = StoredExpectations(),
        in context: Context
    ) throws(PolicyErrors) -> LearnedPolicy {
        let strict = verdict(under: nil, expecting: expected, in: context)
        guard strict.claims.allSatisfy({ $0.claims != nil }) else {
            // What could not be judged to its end has nothing to learn from.
            return LearnedPolicy(yaml: "", files: [:], tolerances: [], verdict: strict)
        }
        var learner = PolicyLearner(self, strict, name: name, listName: listName)
        learner.draftHead(at: context.now)
        for (index, one) in strict.claims.enumerated() { learner.draftSection(evidence[index], one.claims) }
        learner.draftFiles()
        var policy = try learner.policy()
        var found = verdict(under: policy, expecting: expected, in: context)
        // Each round lets pass what can be let pass; what was hidden behind it shows in the next.
        while !found.verdict.hasPassed, learner.tolerate(found) {
            policy = try learner.policy()
            found = verdict(under: policy, expecting: expected, in: context)
        }
        return LearnedPolicy(
            yaml: learner.draft.yaml, files: learner.files, tolerances: learner.tolerances, verdict: found)
    }

    /// The settings by which evidence would have passed that strict defaults refused: what a policy could say.
    public func tolerances(for verdict: StoredVerdict) -> [String] {
        var learner = PolicyLearner(self, verdict, name: "", listName: "")
        _ = learner.tolerate(verdict)
        return learner.tolerances
    }
}

/// Writes a draft.
struct PolicyLearner {
    private let stored: StoredEvidence
    private let strict: StoredVerdict
    private let name: String
    private let listName: String
    private(set) var draft = PolicyDraft()
    private(set) var files: [String: [UInt8]] = [:]
    private(set) var tolerances: [String] = []

    init(_ stored: StoredEvidence, _ strict: StoredVerdict, name: String, listName: String) {
        self.stored = stored
        self.strict = strict
        self.name = name
        self.listName = listName
    }

    func policy() throws(PolicyErrors) -> Policy {
        let files = files
        return try Policy(yaml: draft.yaml, file: name) { files[$0] ?? [] }
    }

    private var kinds: Set<Evidence.Kind> { Set(stored.evidence.map(\.kind)) }
    private var hasIMALog: Bool { !imaLogs.isEmpty }

    private var imaLogs: [IMALog] {
        let own = stored.evidence.compactMap { $0["ima-log"].flatMap { try? IMALog(binary: $0, permitsTail: true) } }
        return own + [stored.imaLog].compactMap { $0 }
    }

    // MARK: What the whole file needs

    mutating func draftHead(at now: Instant) {
        draft.set(
            "version", .text("\(Policy.formatVersion)"),
            remark: "Drafted from evidence at \(now). Read it before you use it.")
        draft.set("name", .text(name))
        let level: SecurityLevel =
            if !kinds.isDisjoint(with: [.azureVTPM])
                || kinds.contains(.tpm) && !kinds.isDisjoint(with: [.sgx, .tdx, .snp])
            {
                .teeAndTPM
            } else if !kinds.isDisjoint(with: [.sgx, .tdx, .snp]) {
                .tee
            } else if kinds.contains(.tpm), hasIMALog {
                .trustedSystem
            } else {
                .test
            }
        draft.set(
            "level", .text(level.rawValue),
            remark: level == .test ? "This evidence alone protects no secret: no other level takes it." : nil)
        let data = stored.runtimeData.flatMap { try? RuntimeData(decoding: $0) }
        draft.set("purposes", .list(["\(data?.purpose ?? .train)"]))
        let all = kinds.isEmpty ? ["tpm"] : kinds.map(\.description).sorted()
        draft.set("evidence", .list(all))
        draft.set("configs", .list([data.map { hexadecimal($0.configDigest) } ?? "any"]))
        draft.set("datasets", .list(data?.datasetIDs.map { hexadecimal($0) } ?? ["any"]))
    }

    // MARK: What runs

    mutating func draftSection(_ evidence: Evidence, _ claims: (any PlatformClaims)?) {
        switch claims {
        case let claims as SGXClaims:
            draft.set("sgx.mrenclave", .list([hexadecimal(claims.mrenclave)]))
            draft.set("sgx.minimumISVSVN", .text("\(claims.isvSVN)"))
        case let claims as TDXClaims: draftTDX(claims, hasLog: evidence["ccel"] != nil)
        case let claims as SNPClaims: draftSNP(claims)
        case let claims as TPMClaims: draftTPM(claims, hasLog: evidence["uefi-log"] != nil)
        case let claims as AzureVTPMClaims:
            draftTPM(claims.tpm, hasLog: evidence["uefi-log"] != nil)
            if let hardware = claims.hardware as? SNPClaims { draftSNP(hardware) }
            if let hardware = claims.hardware as? TDXClaims { draftTDX(hardware, hasLog: evidence["ccel"] != nil) }
        case let claims as NVIDIAClaims:
            draft.set("nvidia", .section)
            if let version = claims.driverVersion { draft.set("nvidia.driverVersions", .list([version])) }
            if let version = claims.vbiosVersion { draft.set("nvidia.vbiosVersions", .list([version])) }
            for (index, digest) in claims.blocks.sorted(by: { $0.key < $1.key }) {
                draft.set("nvidia.measurements.\(index)", .list([hexadecimal(digest)]))
            }
        case let claims as SimulatedClaims:
            draft.set(
                "anchors.simulated", .list([hexadecimal(evidence["key"] ?? [])]),
                remark: "Whoever has this key makes any evidence.")
            draft.set("simulated.measurement", .list([hexadecimal(claims.measurement)]))
        default: break
        }
    }

    private mutating func draftTDX(_ claims: TDXClaims, hasLog: Bool) {
        draft.set("tdx.mrtd", .list([hexadecimal(claims.mrtd)]))
        draft.set("tdx.mrseam", .list([hexadecimal(claims.mrseam)]))
        for (index, value) in claims.rtmr.enumerated() {
            draft.set("tdx.rtmr.\(index)", .list([hexadecimal(value)]))
        }
        if hasLog { draft.set("tdx.bootLog.secureBoot", .text("true")) }
    }

    private mutating func draftSNP(_ claims: SNPClaims) {
        draft.set("snp.measurement", .list([hexadecimal(claims.measurement)]))
        draft.set("snp.products", .list([claims.product.rawValue]))
        draft.set("snp.signers", .list([claims.signer.rawValue]))
        draft.set("snp.minimumGuestSVN", .text("\(claims.guestSVN)"))
    }

    private mutating func draftTPM(_ claims: TPMClaims, hasLog: Bool) {
        if let akName = claims.akName {
            draft.set(
                "tpm.akNames", .list([hexadecimal(akName)]), remark: "The attestation key of this one machine.")
        } else if !draft.has("tpm") {
            draft.set("tpm", .section)
        }
        for (bank, registers) in claims.registers.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            draft.set("tpm.selection.\(bank)", .list(registers.keys.sorted().map(String.init)))
            // The firmware's and the boot loader's; those that a running system extends differ from hour to hour.
            for (index, value) in registers.sorted(by: { $0.key < $1.key }) where index < 10 || index == 14 {
                draft.set("tpm.registers.\(bank).\(index)", .list([hexadecimal(value)]))
            }
        }
        if hasLog { draft.set("tpm.bootLog.secureBoot", .text("true")) }
    }

    mutating func draftFiles() {
        guard hasIMALog else { return }
        var list = IMAAllowList()
        for log in imaLogs { list.formUnion(IMAAllowList(learningFrom: log)) }
        files[listName] = Array(list.description.utf8)
        draft.set("ima.generations", .sections([[("name", ["learned"]), ("lists", [listName])]]))
        if !kinds.contains(.tpm), !kinds.contains(.azureVTPM) {
            draft.set(
                "tpm.endorsement", .text("true"), remark: "The log came without a quote: say whose TPM it may be.")
        }
    }
}

// MARK: - What has to be let pass

extension PolicyLearner {
    /// Lets everything pass that failed and can be let pass.
    /// - Returns: Whether there was anything new.
    mutating func tolerate(_ found: StoredVerdict) -> Bool {
        let before = draft.yaml
        for (index, group) in found.verdict.findings.enumerated() {
            let claims = found.claims.first { group.check.hasPrefix("\($0.kind)") }?.claims
            for finding in group.failures { tolerate(finding, claims, index) }
        }
        return draft.yaml != before
    }

    private mutating func set(_ path: String, _ value: PolicyDraft.Value, _ remark: String) {
        draft.set(path, value, remark: remark)
        let shown: String =
            switch value {
            case .text(let text): text
            case .list(let texts): "[\(texts.joined(separator: ", "))]"
            case .section, .sections: ""
            }
        let line = "\(path): \(shown)"
        if !tolerances.contains(line) { tolerances.append(line) }
    }

    private mutating func tolerate(_ finding: Finding, _ claims: (any PlatformClaims)?, _ index: Int) {
        let names = finding.check.split(separator: ".").map(String.init)
        let rest = names.dropFirst().joined(separator: ".")
        switch (names[0], rest) {
        case ("sgx", "tcb.status"), ("tdx", "tcb.status"): tolerateStatus(names[0], claims)
        case ("sgx", "collateral.present"), ("tdx", "collateral.present"):
            set(
                "\(names[0]).tcb.toleratesAbsentCollateral", .text("true"),
                "Nothing is known of its status and of revocations.")
        case ("sgx", "quote.padding"), ("tdx", "quote.padding"):
            set("\(names[0]).tcb.toleratesTrailingBytes", .text("true"), "Bytes follow the quote that nobody signed.")
        case ("snp", "certificate.revocation"), ("nvidia", "certificate.revocation"):
            set(
                "\(names[0]).toleratesAbsentRevocationLists", .text("true"),
                "No revocation list was imported: better import it.")
        case ("snp", "certificate.chip"):
            set("snp.toleratesMaskedChipID", .text("true"), "The host hides which chip it is.")
        case ("snp", "vmpl"):
            if let found = UInt32(finding.found) {
                set("snp.vmpl", .text("\(found)"), "The report was asked for at another privilege level than 0.")
            }
        case ("tpm", "quote.hash"):
            set("tpm.permitsSHA1", .text("true"), "SHA-1 can be forged.")
        case ("bootlog", _): tolerateBoot(names, finding, claims)
        case ("ima", _): tolerateFiles(rest)
        default: break
        }
    }

    private mutating func tolerateStatus(_ tee: String, _ claims: (any PlatformClaims)?) {
        let own = (claims as? AzureVTPMClaims)?.hardware ?? claims
        guard let tcb = (own as? SGXClaims)?.tcb ?? (own as? TDXClaims)?.tcb, let status = tcb.status else { return }
        guard status != .revoked, status != .upToDate else { return }
        set(
            "\(tee).tcb.tolerate", .list([status.rawValue]),
            "The platform was not up to date. Look at each advisory before you accept it.")
        if !tcb.advisories.isEmpty {
            set("\(tee).tcb.advisories", .list(tcb.advisories), "What Intel says is not mended.")
        }
    }

    private mutating func tolerateBoot(_ names: [String], _ finding: Finding, _ claims: (any PlatformClaims)?) {
        let isDomain = claims is TDXClaims
        let section = isDomain ? "tdx.bootLog" : "tpm.bootLog"
        switch names.dropFirst().joined(separator: ".") {
        case "secureboot.state":
            set("\(section).secureBoot", .text("false"), "Secure boot was off.")
        case "secureboot.weakness":
            set("\(section).permitsWeaknesses", .text("true"), finding.found.replacing("\n", with: " "))
        case "bank":
            set("\(section).permitsSHA1", .text("true"), "SHA-1 can be forged.")
        case _ where names.count == 4 && names[1] == "register":
            // What the log does not explain is pinned by its value, where the quote covers it.
            guard let number = Int(names[2]) else { return }
            let known = tolerances.compactMap { line -> [Int]? in
                guard line.hasPrefix("\(section).ignoredRegisters: [") else { return nil }
                return line.drop { $0 != "[" }.dropFirst().dropLast().split(separator: ",")
                    .compactMap { Int($0.trimmingPrefix(" ")) }
            }.last
            let all = Set(known ?? []).union([number]).sorted().map(String.init)
            tolerances.removeAll { $0.hasPrefix("\(section).ignoredRegisters:") }
            set("\(section).ignoredRegisters", .list(all), "The log does not explain these registers.")
        default: break
        }
    }

    private mutating func tolerateFiles(_ check: String) {
        switch check {
        case "replay.strength", "entry.digest":
            set("ima.permitsSHA1", .text("true"), "SHA-1 can be forged.")
        case "bootAggregate":
            set(
                "ima.permitsUnboundBoot", .text("true"),
                "The log's first entry is not the digest of the boot's registers.")
        case "entry.violation":
            let paths = imaLogs.flatMap(\.entries).filter(\.isViolation).compactMap { $0.content?.path }
            let patterns = Set(paths).map { Pattern(exactly: $0).description }.sorted()
            guard !patterns.isEmpty else { return }
            set("ima.toleratedViolations", .list(patterns), "What these files held when they were used is unknown.")
        default: break
        }
    }
}

extension Finding {
    /// The checks that failed and have no parts.
    fileprivate var failures: [Finding] {
        guard outcome == .failed else { return [] }
        return parts.isEmpty ? [self] : parts.flatMap(\.failures)
    }
}
