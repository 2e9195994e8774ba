internal import FoundationEssentials
internal import PliniusPolicy
internal import PliniusVerifier
internal import PliniusWire

/// What the evidence of a lease said that must not change until it ends, and what its next round of evidence goes on from.
struct LeaseFacts: Codable, Equatable {
    var request: KeyRequest
    /// What was measured of programs, by name, registers of a TPM left out: its policy says which of those must stay.
    var measurements: [String: String] = [:]
    /// The names of TPM keys and identifiers of chips, in hexadecimal.
    var platforms: [String] = []
    var akName: [UInt8]?
    var resetCount: UInt32?
    var restartCount: UInt32?
    /// Where the list of files goes on.
    var ima: IMAState?
    /// The digest of what was said up to the newest grant, it included; what its receipt proves.
    var transcript: [UInt8] = []

    init(_ evidence: VerifiedEvidence, for request: KeyRequest) {
        self.request = request
        for claims in evidence.claims.values {
            measurements.merge(claims.measurements.filter { !$0.key.hasPrefix("pcr.") }) { first, _ in first }
            guard let tpm = claims as? TPMClaims ?? (claims as? AzureVTPMClaims)?.tpm else { continue }
            akName = tpm.akName
            resetCount = tpm.resetCount
            restartCount = tpm.restartCount
            ima = tpm.imaState
        }
        platforms = evidence.platformIdentities.map(\.hexadecimal).sorted()
    }

    init(decoding bytes: [UInt8]) throws {
        do { self = try JSONDecoder().decode(Self.self, from: Data(bytes)) } catch {
            throw ManagerError(.integrity, "a lease in the store cannot be read: restore it from a backup")
        }
    }

    func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return Array(try encoder.encode(self))
    }

    /// What differs in later evidence that must not; `nil` if nothing does.
    func change(to later: LeaseFacts) -> Revocation? {
        func text(_ value: some Any) -> String { "\(value)" }
        let name = Set(measurements.keys).union(later.measurements.keys).sorted().first {
            measurements[$0] != later.measurements[$0]
        }
        if let name {
            return Revocation(
                "lease.measurement", expected: "\(name) \(measurements[name] ?? "absent")",
                found: later.measurements[name] ?? "absent")
        }
        if platforms != later.platforms || akName != later.akName {
            return Revocation(
                "lease.platform", expected: platforms.joined(separator: ", "),
                found: later.platforms.joined(separator: ", "))
        }
        if resetCount != later.resetCount {
            return Revocation(
                "lease.reset-count", expected: text(resetCount ?? 0), found: text(later.resetCount ?? 0))
        }
        if restartCount != later.restartCount {
            return Revocation(
                "lease.restart-count", expected: text(restartCount ?? 0), found: text(later.restartCount ?? 0))
        }
        return nil
    }

    /// Has evidence of the same machine, since the same start of it, be judged from where its list of files was judged to.
    func carryOn(in policy: inout Policy) {
        guard var requirements = policy.tpm else { return }
        let line = requirements.line
        requirements.value.imaState = ima
        if let akName { requirements.value.akNames = Setting([akName], line) }
        if let resetCount { requirements.value.resetCount = Setting(resetCount, line) }
        if let restartCount { requirements.value.restartCount = Setting(restartCount, line) }
        policy.tpm = requirements
    }
}

extension Verdict {
    /// Whether what failed is a fact about the leased machine, and nothing that anybody else could have sent.
    ///
    /// Only the TPM of the lease tells such facts: its quote holds in everything, and what it tells of the machine since is not permitted.
    /// Evidence without a TPM tells of a program; another program is not the leased one, which is merely not renewed.
    func isAuthentic(for facts: LeaseFacts) -> Bool {
        guard let akName = facts.akName?.hexadecimal else { return false }
        var leaves: [Finding] = []
        var open = findings
        while let next = open.popLast() {
            if next.parts.isEmpty { leaves.append(next) }
            open += next.parts
        }
        let told = ["tpm.clock.", "tpm.pcr.", "ima.entry.", "ima.signer.", "ima.boot", "ima.allow"]
        return leaves.allSatisfy { leaf in leaf.outcome != .failed || told.contains { leaf.check.hasPrefix($0) } }
            && leaves.contains { $0.check == "tpm.ak.name" && $0.outcome == .passed && $0.found == akName }
    }
}
