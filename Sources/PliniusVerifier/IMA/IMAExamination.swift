/// Judges a kernel's log against register 10, entry by entry.
///
/// | Check | What has to hold |
/// |---|---|
/// | `ima.log.start` | the log goes on no later than where the last round's proof ended, and a first one begins with the first entry |
/// | `ima.replay.register` | after some entry, register 10 had the quoted value, in every bank that is quoted |
/// | `ima.replay.catchUp` | this quote proves the entries that the last one was behind, and they are the same |
/// | `ima.replay.pending` | no more entries wait for proof than the policy allows |
/// | `ima.replay.strength` | a bank of SHA-256 or longer, extended by its own hash, binds the log |
/// | `ima.entry.templateHash` | the template hash is that of the fields |
/// | `ima.entry.violation` | the kernel measured what was then used |
/// | `ima.bootAggregate` | the entry of that name is the digest of the quote's registers 0–7, or 0–9; the first has it |
/// | `ima.entry.buffer` | a buffer hashes to its digest, which is listed |
/// | `ima.entry.file` | the file's digest is listed, or somebody enrolled signed it |
/// | `ima.entry.digest` | a listed digest is one of SHA-256 or longer |
///
/// The log and its proof are read at different times. So entries may follow the proved ones; they are judged now, and proved by the next
/// quote, or it is refused.
///
/// - Parameters:
///   - quoted: Register 10, by bank.
///   - bootRegisters: Registers 0–9 of the same quote, by bank, as far as it covers them.
///   - state: What the last round returned; `nil` for the first since the machine was started.
/// - Returns: What the next round begins with, if this one passes.
/// - Throws: `ima.log.start`, `ima.replay.register`, `ima.replay.catchUp`: without them nothing is known of any entry.
package func examineIMA(
    _ log: IMALog, quoted: [HashAlgorithm: [UInt8]], bootRegisters: [HashAlgorithm: [Int: [UInt8]]] = [:],
    _ requirements: IMARequirements, state: IMAState?, at now: Instant, _ examination: inout Examination
) throws(EvidenceError) -> IMAState {
    var replay = try IMAReplay(log, quoted: quoted, state: state)
    try replay.run(&examination)
    let next = replay.state
    let limit = requirements.maximumPending
    examination.check(
        "ima.replay.pending", next.pending.count <= limit?.value ?? 1000,
        expected: "at most \(limit?.value ?? 1000) entries behind the quote", found: "\(next.pending.count)",
        askedBy: limit?.line)
    let strong = next.running.filter { $0.rule == .ownHash && $0.bank != HashAlgorithm.sha1.rawValue }
    examination.check(
        "ima.replay.strength", !strong.isEmpty, expected: "a bank of SHA-256 or longer, extended by its own hash",
        found: next.running.map { run in
            let bank = HashAlgorithm(rawValue: run.bank).map(\.description) ?? ""
            return run.rule == .paddedSHA1 ? "\(bank) extended by SHA-1" : bank
        }.joined(separator: ", "), tolerance: requirements.permitsSHA1.flatMap { $0.value ? $0.line : nil })
    let judge = IMAJudge(requirements: requirements, bootRegisters: bootRegisters, now: now)
    judge.examine(log.entries.dropFirst(replay.judgedCount - log.start), isFirst: state == nil, &examination)
    return next
}

private struct IMAReplay {
    let log: IMALog
    let quoted: [HashAlgorithm: [UInt8]]
    let old: IMAState?
    private(set) var state: IMAState

    /// How many entries earlier rounds have judged.
    var judgedCount: Int { (old?.provedCount ?? 0) + (old?.pending.count ?? 0) }

    init(_ log: IMALog, quoted: [HashAlgorithm: [UInt8]], state: IMAState?) throws(EvidenceError) {
        let proved = state?.provedCount ?? 0
        guard log.start <= proved, log.start + log.entries.count >= proved else {
            throw EvidenceError(
                "ima.log.start", expected: "entries from number \(proved) on, counted from 0",
                found: "\(log.entries.count) entries from number \(log.start) on")
        }
        self.log = log
        self.quoted = quoted.filter { $0.value.count == $0.key.byteCount }
        old = state
        self.state = state ?? IMAState()
        if state == nil {
            for bank in HashAlgorithm.allCases where self.quoted[bank] != nil {
                for rule in IMAState.Rule.allCases where rule == .ownHash || bank != .sha1 {
                    let zeros = [UInt8](repeating: 0, count: bank.byteCount)
                    self.state.running.append(.init(bank: bank.rawValue, rule: rule, value: zeros))
                }
            }
        }
    }

    /// The registers, if all banks have a rule by which they are the quoted ones.
    private var match: [IMAState.Running]? {
        let matching = state.running.filter { run in
            HashAlgorithm(rawValue: run.bank).flatMap { quoted[$0] } == run.value
        }
        return !quoted.isEmpty && Set(matching.map(\.bank)) == Set(quoted.keys.map(\.rawValue)) ? matching : nil
    }

    mutating func run(_ examination: inout Examination) throws(EvidenceError) {
        let rest = log.entries.dropFirst((old?.provedCount ?? 0) - log.start)
        var proved = match
        var provedCount = 0
        var examined = 0
        for entry in rest where proved == nil {
            extend(with: entry)
            examined += 1
            proved = match
            provedCount = examined
        }
        guard let proved else {
            throw EvidenceError(
                "ima.replay.register",
                expected:
                    "register 10 as quoted after one of \(rest.count) entries from number \(state.provedCount) on: "
                    + describe(quoted.map { ($0.key, $0.value) }),
                found: "other values, at the end "
                    + describe(
                        state.running.filter { $0.rule == .ownHash }
                            .compactMap { run in HashAlgorithm(rawValue: run.bank).map { ($0, run.value) } }))
        }
        examination.check(
            "ima.replay.register", true, expected: "register 10 as quoted after one of \(rest.count) entries",
            found: "after \(provedCount)")
        state.running = proved
        let digests = rest.map { HashAlgorithm.sha256.hash($0.templateHash + Array($0.template.utf8) + $0.data) }
        let awaited = old?.pending ?? []
        guard provedCount >= awaited.count, Array(digests.prefix(awaited.count)) == awaited else {
            throw EvidenceError(
                "ima.replay.catchUp",
                expected: "a quote over the \(awaited.count) entries that the last one was behind, as they were",
                found: provedCount < awaited.count ? "one over \(provedCount) of them" : "other entries in their place")
        }
        examination.check(
            "ima.replay.catchUp", true, expected: "a quote over \(awaited.count) entries of the last round",
            found: "one over \(provedCount) entries")
        state.provedCount += provedCount
        state.pending = Array(digests.dropFirst(provedCount))
    }

    private func describe(_ values: [(HashAlgorithm, [UInt8])]) -> String {
        let texts = values.map { "\($0) \(hexadecimal($1))" }.sorted()
        return texts.isEmpty ? "no bank" : texts.joined(separator: ", ")
    }

    private mutating func extend(with entry: IMALog.Entry) {
        for index in state.running.indices {
            guard let bank = HashAlgorithm(rawValue: state.running[index].bank) else { continue }
            let digest: [UInt8] =
                if entry.isViolation {
                    [UInt8](repeating: 0xFF, count: bank.byteCount)
                } else if state.running[index].rule == .ownHash {
                    bank.hash(entry.data)
                } else {
                    HashAlgorithm.sha1.hash(entry.data)
                        + [UInt8](repeating: 0, count: bank.byteCount - HashAlgorithm.sha1.byteCount)
                }
            state.running[index].value = bank.extend(state.running[index].value, with: digest)
        }
    }
}
