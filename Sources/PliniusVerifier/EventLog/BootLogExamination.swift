/// Judges a boot log against registers that a quote proves.
///
/// | Check | What has to hold |
/// |---|---|
/// | `bootlog.bank` | log and quote share a bank of SHA-256 or longer |
/// | `bootlog.register.N.quoted` | the quote covers every register that an event went into |
/// | `bootlog.register.N.replay` | the log leads to the register's value, in each shared bank |
/// | `bootlog.register.N.separator` | the firmware closed the register before it handed over: once, without an error |
/// | `bootlog.event.content` | events whose data can be what was measured hold that |
/// | `bootlog.secureboot.state` | secure boot was on, and the log agrees with itself |
/// | `bootlog.secureboot.weakness` | no debugger, and no mode that does not enforce |
/// | `bootlog.secureboot.authority` | what booted was vouched for by somebody in `db`, and whom the policy names |
/// | `bootlog.secureboot.revocation` | `dbx` forbids what the policy names |
/// | `bootlog.register.N.digests` | nothing but listed digests went into the register |
/// | `bootlog.commandline` | every text that the boot loader measured matches its patterns |
///
/// - Parameter registers: What the quote proves, by bank and by the log's own index.
package func examineBootLog(
    _ log: EventLog, registers: [HashAlgorithm: [Int: [UInt8]]], _ requirements: BootLogRequirements,
    _ examination: inout Examination
) {
    var judge = BootLogJudge(log: log, registers: registers, requirements: requirements)
    judge.checkBank(&examination)
    judge.checkRegisters(&examination)
    judge.checkContents(&examination)
    judge.checkSecureBoot(&examination)
    judge.checkDigests(&examination)
    judge.checkTexts(&examination)
}

private struct BootLogJudge {
    let log: EventLog
    let registers: [HashAlgorithm: [Int: [UInt8]]]
    let requirements: BootLogRequirements
    /// What both log and quote have.
    let shared: Set<HashAlgorithm>
    /// Those that may prove something.
    let strong: Set<HashAlgorithm>
    /// The registers that the log explains, with the banks that prove it.
    private var proved: [Int: Set<HashAlgorithm>] = [:]

    init(log: EventLog, registers: [HashAlgorithm: [Int: [UInt8]]], requirements: BootLogRequirements) {
        self.log = log
        self.registers = registers
        self.requirements = requirements
        shared = log.banks.filter { registers[$0]?.isEmpty == false }
        strong = requirements.permitsSHA1?.value == true ? shared : shared.subtracting([.sha1])
    }

    private var measurements: [EventLog.Event] { log.events.filter { $0.type != .noAction } }

    private func describe(_ banks: some Sequence<HashAlgorithm>) -> String {
        let names = banks.map(\.description).sorted()
        return names.isEmpty ? "none" : names.joined(separator: ", ")
    }

    func checkBank(_ examination: inout Examination) {
        let found = "log \(describe(log.banks)), quote \(describe(registers.keys))"
        let isStrong = !shared.subtracting([.sha1]).isEmpty
        examination.check(
            "bootlog.bank", isStrong, expected: "a bank of SHA-256 or longer in both log and quote", found: found,
            tolerance: strong.isEmpty ? nil : requirements.permitsSHA1?.line)
    }

    // MARK: Registers

    mutating func checkRegisters(_ examination: inout Examination) {
        let used = Set(measurements.map(\.register))
        // Those that nobody but firmware and boot loader should touch: not IMA's, nor those for debugging, dynamic launch, applications.
        let own = log.kind == .tpm ? Set(0...15).subtracting([10]) : Set(1...4)
        let quoted = shared.reduce(into: Set<Int>()) { $0.formUnion(registers[$1, default: [:]].keys) }
        let replays = shared.map { ($0, log.replay($0)) }
        for register in used.union(own.intersection(quoted)).sorted() {
            let ignored = requirements.ignoredRegisters.flatMap { $0.value.contains(register) ? $0.line : nil }
            let banks = strong.filter { registers[$0]?[register] != nil }
            if used.contains(register) {
                examination.check(
                    "bootlog.register.\(register).quoted", !banks.isEmpty,
                    expected: "a quote over register \(register), which the log has events for",
                    found: banks.isEmpty ? "none" : describe(banks), tolerance: ignored)
            }
            var isExplained = !banks.isEmpty
            for (bank, values) in replays {
                guard let value = registers[bank]?[register] else { continue }
                let replayed = values[register] ?? log.initialValue(of: register, bank)
                isExplained = isExplained && replayed == value
                examination.check(
                    "bootlog.register.\(register).replay", replayed == value,
                    expected: "\(bank) \(hexadecimal(value)), as quoted", found: hexadecimal(replayed),
                    tolerance: ignored)
            }
            if isExplained { proved[register] = banks }
        }
        for register in log.kind == .tpm ? 0...7 : 1...2 {
            let ignored = requirements.ignoredRegisters.flatMap { $0.value.contains(register) ? $0.line : nil }
            let separators = measurements.filter { $0.type == .separator && $0.register == register }
            let areRegular = separators.allSatisfy {
                [[0, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF]].contains($0.data) && isProved($0)
            }
            examination.check(
                "bootlog.register.\(register).separator", separators.count == 1 && areRegular,
                expected: "one separator of four zeros or 0xFF",
                found: separators.isEmpty ? "none" : separators.map { hexadecimal($0.data) }.joined(separator: ", "),
                tolerance: ignored)
        }
    }

    private func content(_ event: EventLog.Event) -> EventContent? {
        proved[event.register].map { event.content(in: $0) }
    }

    private func isProved(_ event: EventLog.Event) -> Bool {
        if case .proved = content(event) { return true }
        return false
    }

    // MARK: Events

    func checkContents(_ examination: inout Examination) {
        let lies = measurements.filter { content($0) == .contradicted }
        examination.check(
            "bootlog.event.content", lies.isEmpty, expected: "data that the digests cover",
            found: list(lies) { "other data in event \($0.index) (\($0.type), register \($0.register))" })
    }

    private func list(_ events: [EventLog.Event], _ describe: (EventLog.Event) -> String) -> String {
        let shown = events.prefix(4).map(describe)
        let more = events.count > shown.count ? ["\(events.count - shown.count) more"] : []
        return events.isEmpty ? "nothing else" : (shown + more).joined(separator: "; ")
    }

    func checkDigests(_ examination: inout Examination) {
        for (register, setting) in requirements.allowedDigests.sorted(by: { $0.key < $1.key }) {
            let banks = proved[register] ?? []
            let strangers = measurements.filter { event in
                event.register == register && !(event.type == .separator && isProved(event))
                    && !isListed(event, setting.value)
            }
            examination.check(
                "bootlog.register.\(register).digests", !banks.isEmpty && strangers.isEmpty,
                expected: "listed digests alone",
                found: banks.isEmpty
                    ? "a register that the quote does not prove"
                    : list(strangers) { event in
                        "event \(event.index) (\(event.type)), "
                            + banks.map { "\($0) \(hexadecimal(event.digests[$0] ?? []))" }.sorted().joined(
                                separator: ", ")
                    },
                askedBy: setting.line)
        }
    }

    private func isListed(_ event: EventLog.Event, _ digests: Set<[UInt8]>) -> Bool {
        proved[event.register, default: []].contains { event.digests[$0].map(digests.contains) ?? false }
    }

    // MARK: Secure boot

    func checkSecureBoot(_ examination: inout Examination) {
        let required = requirements.secureBoot
        let register = log.secureBootRegister
        let state = proved[register].flatMap { log.secureBoot(in: $0) }
        let found =
            proved[register] == nil
            ? "register \(register), which the quote does not prove"
            : state.map { ([$0.state.rawValue] + $0.contradictions).joined(separator: ": ") } ?? "no word of it"
        let line = required?.line ?? PolicyLine("bootLog.secureBoot")
        guard required?.value != false else {
            examination.check(
                "bootlog.secureboot.state", state?.state == .enabled, expected: "enabled", found: found, tolerance: line
            )
            // Nobody can be held to lists that nothing enforced.
            refuseUncheckable(requirements.authorities, "authority", &examination)
            refuseUncheckable(requirements.revocations, "revocation", &examination)
            return
        }
        examination.check(
            "bootlog.secureboot.state", state?.state == .enabled, expected: "enabled", found: found, askedBy: line)
        guard let state, state.state == .enabled else { return }
        examination.check(
            "bootlog.secureboot.weakness", state.weaknesses.isEmpty, expected: "none",
            found: state.weaknesses.isEmpty ? "none" : state.weaknesses.joined(separator: "; "),
            tolerance: requirements.permitsWeaknesses.flatMap { $0.value ? $0.line : nil })
        checkAuthorities(state, &examination)
        if let revocations = requirements.revocations {
            let entries = Set(state.forbidden.map { $0.kind == .sha256 ? $0.data : HashAlgorithm.sha256.hash($0.data) })
            let missing = revocations.value.subtracting(entries).map(hexadecimal).sorted()
            examination.check(
                "bootlog.secureboot.revocation", missing.isEmpty, expected: "\(revocations.value.count) entries in dbx",
                found: missing.isEmpty
                    ? "all of them" : "no \(missing[0])\(missing.count > 1 ? " and \(missing.count - 1) more" : "")",
                askedBy: revocations.line)
        }
    }

    private func refuseUncheckable(
        _ setting: Setting<Set<[UInt8]>>?, _ aspect: String, _ examination: inout Examination
    ) {
        guard let setting else { return }
        examination.check(
            "bootlog.secureboot.\(aspect)", false, expected: "secure boot, which this setting relies on",
            found: "a policy that does without", askedBy: setting.line)
    }

    private func checkAuthorities(_ state: SecureBoot, _ examination: inout Examination) {
        let strangers = state.authorities.filter { authority in
            if authority.isInDatabase == false { return true }
            guard let allowed = requirements.authorities?.value else { return false }
            return !allowed.contains(HashAlgorithm.sha256.hash(authority.data))
        }
        let names = strangers.map {
            "\($0.variable) entry with SHA-256 \(hexadecimal(HashAlgorithm.sha256.hash($0.data)))"
        }
        examination.check(
            "bootlog.secureboot.authority", strangers.isEmpty && !state.authorities.isEmpty,
            expected: requirements.authorities == nil ? "somebody in db" : "somebody in db whom the policy names",
            found: state.authorities.isEmpty
                ? "nobody" : names.isEmpty ? "\(state.authorities.count), all of them" : names.joined(separator: "; "),
            askedBy: requirements.authorities?.line)
    }

    // MARK: Command lines

    /// Where boot loaders measure texts: GRUB 8, systemd's stub 12; RTMR 2 for both.
    private var textRegisters: [Int] { log.kind == .tpm ? [8, 12] : [3] }

    func checkTexts(_ examination: inout Examination) {
        guard let line = requirements.commandLines?.line ?? requirements.commands?.line else { return }
        var commandLines = 0
        var strangers: [String] = []
        for event in measurements where textRegisters.contains(event.register) && event.type != .separator {
            guard let banks = proved[event.register] else { continue }
            if let text = BootText(event, in: banks) {
                let patterns = text.isKernelCommandLine ? requirements.commandLines : requirements.commands
                if patterns?.value.contains(where: { $0.matches(text.text) }) == true {
                    commandLines += text.isKernelCommandLine ? 1 : 0
                    continue
                }
                if isListed(event) { continue }
                strangers.append("event \(event.index): \(text.label?.rawValue ?? "")\(text.text.prefix(512))")
            } else if !isListed(event) {
                strangers.append("event \(event.index) (\(event.type)), which is no text and in no list of digests")
            }
        }
        let isComplete = requirements.commandLines == nil || commandLines > 0
        examination.check(
            "bootlog.commandline", isComplete && strangers.isEmpty,
            expected: "a command line and nothing else that the patterns do not match",
            found: strangers.isEmpty
                ? isComplete ? "nothing else" : "no command line in a register that the quote proves"
                : strangers.prefix(4).joined(separator: "; "),
            askedBy: line)
    }

    private func isListed(_ event: EventLog.Event) -> Bool {
        requirements.allowedDigests[event.register].map { isListed(event, $0.value) } ?? false
    }
}
