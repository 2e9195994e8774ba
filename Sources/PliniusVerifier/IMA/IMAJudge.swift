/// Judges entries one by one; only those that fail become findings of their own.
struct IMAJudge {
    private let requirements: IMARequirements
    private let bootRegisters: [HashAlgorithm: [Int: [UInt8]]]
    private let now: Instant
    private let lists: [IMAAllowList]
    /// What would have let a file pass, for findings.
    private let expectedFile: String

    /// How many entries that fail the same check are named each by a finding of its own.
    private static let namedCount = 64

    init(requirements: IMARequirements, bootRegisters: [HashAlgorithm: [Int: [UInt8]]], now: Instant) {
        self.requirements = requirements
        self.bootRegisters = bootRegisters
        self.now = now
        let generations = (requirements.generations?.value ?? []).filter { generation in
            (generation.notBefore.map { $0 <= now } ?? true) && (generation.notAfter.map { now < $0 } ?? true)
        }
        lists = generations.map(\.list)
        let names = generations.map(\.name) + (requirements.signers?.value ?? []).map(\.name)
        expectedFile =
            names.isEmpty
            ? "a list of files or a signer, of which none holds now"
            : "a file that is allowed by \(names.joined(separator: ", "))"
    }

    /// What keeps an entry from passing.
    private struct Objection {
        let check: String
        let expected: String
        let found: String
        var line: PolicyLine?
        /// The line that lets it pass nevertheless.
        var tolerance: PolicyLine?
    }

    func examine(_ entries: ArraySlice<IMALog.Entry>, isFirst: Bool, _ examination: inout Examination) {
        var objections: [Objection] = []
        if isFirst, entries.first?.content?.path != IMALog.bootAggregate {
            objections.append(
                Objection(
                    check: "ima.bootAggregate", expected: "boot_aggregate as the first entry",
                    found: entries.first.map(describe) ?? "no entry", tolerance: unboundBoot))
        }
        for entry in entries { objections += judge(entry) }
        for (check, all) in Dictionary(grouping: objections, by: \.check).sorted(by: { $0.key < $1.key }) {
            let refused = all.filter { $0.tolerance == nil }
            for objection in refused.prefix(Self.namedCount) {
                examination.check(
                    check, false, expected: objection.expected, found: objection.found, askedBy: objection.line)
            }
            if refused.count > Self.namedCount {
                examination.check(
                    check, false, expected: "no more entries that fail",
                    found: "\(refused.count - Self.namedCount) more")
            }
            let tolerated = all.filter { $0.tolerance != nil }
            if let first = tolerated.first {
                examination.check(
                    check, false, expected: first.expected,
                    found: first.found + (tolerated.count > 1 ? ", and \(tolerated.count - 1) more" : ""),
                    tolerance: first.tolerance)
            }
        }
        if objections.allSatisfy({ $0.tolerance != nil }) {
            examination.check(
                "ima.entry.file", true, expected: "entries that are allowed, or tolerated above",
                found: "\(entries.count) of them", askedBy: requirements.generations?.line ?? requirements.signers?.line
            )
        }
    }

    private var unboundBoot: PolicyLine? { requirements.permitsUnboundBoot.flatMap { $0.value ? $0.line : nil } }

    private func describe(_ entry: IMALog.Entry) -> String {
        entry.content.map { "line \(entry.line): \($0.path) \($0.digest)" }
            ?? "line \(entry.line): the template \(entry.template)"
    }

    private func judge(_ entry: IMALog.Entry) -> [Objection] {
        guard !entry.isViolation else {
            let path = entry.content?.path
            let tolerated = requirements.toleratedViolations.flatMap { setting in
                path.map { path in setting.value.contains { $0.matches(path) } } == true ? setting.line : nil
            }
            return [
                Objection(
                    check: "ima.entry.violation", expected: "a file that nobody wrote while the kernel measured it",
                    found: describe(entry), tolerance: tolerated)
            ]
        }
        let hash = HashAlgorithm.allCases.first { $0.byteCount == entry.templateHash.count }
        guard let hash, hash.hash(entry.data) == entry.templateHash else {
            return [
                Objection(
                    check: "ima.entry.templateHash", expected: "the template hash of the fields",
                    found: describe(entry) + " with \(hexadecimal(entry.templateHash))")
            ]
        }
        guard let content = entry.content else {
            return [
                Objection(check: "ima.entry.file", expected: "a template that this build knows", found: describe(entry))
            ]
        }
        if let buffer = content.buffer { return judge(entry, content, buffer: buffer) }
        if content.path == IMALog.bootAggregate { return judgeBootAggregate(entry, content) }
        return judge(entry, content)
    }

    private func judge(_ entry: IMALog.Entry, _ content: IMALog.Content, buffer: [UInt8]) -> [Objection] {
        let isHashed = content.digest.hash.map { $0.hash(buffer) == content.digest.bytes } ?? false
        let isListed = lists.contains { $0.buffers[content.path]?.contains(content.digest) == true }
        guard isHashed, isListed else {
            return [
                Objection(
                    check: "ima.entry.buffer",
                    expected: isHashed ? "a buffer that a list has under this name" : "a buffer that its digest covers",
                    found: describe(entry), line: requirements.generations?.line)
            ]
        }
        return weakness(entry, content)
    }

    private func judge(_ entry: IMALog.Entry, _ content: IMALog.Content) -> [Objection] {
        if requirements.excluded?.value.contains(where: { $0.matches(content.path) }) == true { return [] }
        if lists.contains(where: { $0.files[content.path]?.contains(content.digest) == true }) {
            return weakness(entry, content)
        }
        if requirements.signers?.value.contains(where: { $0.vouches(for: content, at: now) }) == true { return [] }
        let listed = Set(lists.flatMap { $0.files[content.path] ?? [] }).sorted().prefix(3)
        return [
            Objection(
                check: "ima.entry.file",
                expected: listed.isEmpty
                    ? expectedFile : expectedFile + ", which is " + listed.map(\.description).joined(separator: " or "),
                found: describe(entry), line: requirements.generations?.line ?? requirements.signers?.line)
        ]
    }

    private func weakness(_ entry: IMALog.Entry, _ content: IMALog.Content) -> [Objection] {
        guard !content.digest.isStrong else { return [] }
        return [
            Objection(
                check: "ima.entry.digest", expected: "a digest of SHA-256 or longer", found: describe(entry),
                tolerance: requirements.permitsSHA1.flatMap { $0.value ? $0.line : nil })
        ]
    }

    /// The digest is over registers 0–7, in newer kernels 0–9, of the bank that it is named by.
    private func judgeBootAggregate(_ entry: IMALog.Entry, _ content: IMALog.Content) -> [Objection] {
        let registers = content.digest.hash.flatMap { bootRegisters[$0] } ?? [:]
        let aggregates = [0...7, 0...9].compactMap { range -> [UInt8]? in
            let values = range.compactMap { registers[$0] }
            return values.count == range.count ? content.digest.hash?.hash(values.joined()) : nil
        }
        guard !aggregates.contains(content.digest.bytes) else { return [] }
        return [
            Objection(
                check: "ima.bootAggregate",
                expected: aggregates.isEmpty
                    ? "a quote over registers 0 to 7 in the bank of \(content.digest.algorithm)"
                    : aggregates.map(hexadecimal).joined(separator: " or "),
                found: describe(entry),
                // A file may have that name; only the first entry is never one.
                tolerance: entry.line == 1 ? unboundBoot : nil)
        ]
    }
}
