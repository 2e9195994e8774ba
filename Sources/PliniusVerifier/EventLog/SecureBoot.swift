/// What a log proves of the firmware's secure boot: whether it was on, who may sign what boots, and who did.
package struct SecureBoot: Sendable {
    package enum State: String, Hashable, Sendable {
        case enabled
        case disabled
        /// The log contradicts itself, or what the specification demands.
        case inconsistent
    }

    /// Who vouched for something that booted.
    package struct Authority: Hashable, Sendable {
        /// The database that it was found in: `db`, `Shim`, `MokListRT`.
        package let variable: String
        /// The certificate in DER, or the entry as it stands in the database.
        package let data: [UInt8]
        /// Whether `db` holds it; `nil` where it comes from the boot loader's own databases.
        package let isInDatabase: Bool?
    }

    package fileprivate(set) var state = State.inconsistent
    /// PK.
    package fileprivate(set) var platformKeys: [UEFISignature] = []
    /// KEK.
    package fileprivate(set) var keyExchangeKeys: [UEFISignature] = []
    /// db.
    package fileprivate(set) var allowed: [UEFISignature] = []
    /// dbx.
    package fileprivate(set) var forbidden: [UEFISignature] = []
    package fileprivate(set) var authorities: [Authority] = []
    /// What takes the guarantee away although secure boot is on: debuggers, modes that do not enforce, a shim told to check nothing.
    package fileprivate(set) var weaknesses: [String] = []
    /// Why the state is inconsistent.
    package fileprivate(set) var contradictions: [String] = []
}

extension EventLog {
    /// The state of secure boot by the log's own digests, `nil` if no variable says it.
    ///
    /// Only a replay against a quote makes it a fact.
    package var secureBoot: SecureBoot? { secureBoot(in: banks) }

    /// The register that the state of secure boot goes into.
    package var secureBootRegister: Int { kind == .tpm ? 7 : 1 }

    /// The state of secure boot, from events that their digests prove in every one of some banks.
    package func secureBoot(in banks: Set<HashAlgorithm>) -> SecureBoot? {
        var reader = SecureBootReader(kind: kind, register: secureBootRegister, banks: banks)
        for event in events where event.type != .noAction { reader.read(event) }
        return reader.finish()
    }
}

private struct SecureBootReader {
    let kind: EventLog.Kind
    let register: Int
    let banks: Set<HashAlgorithm>

    private var result = SecureBoot()
    private var isEnabled: Bool?
    private var seen: Set<String> = []
    private var isPastSeparator = false

    init(kind: EventLog.Kind, register: Int, banks: Set<HashAlgorithm>) {
        self.kind = kind
        self.register = register
        self.banks = banks
    }

    mutating func read(_ event: EventLog.Event) {
        switch event.type {
        case .variableDriverConfiguration: readVariable(event)
        case .variableAuthority where event.register == register: readAuthority(event)
        case .separator where event.register == register: isPastSeparator = true
        case .efiAction where event.register == register:
            if case .proved(let text) = event.content(in: banks) { readAction(String(decoding: text, as: UTF8.self)) }
        // A TPM's register 7 is for secure boot alone, so that nothing hides there behind another type.
        case _ where event.register == register && kind == .tpm:
            result.contradictions.append(
                "event \(event.index), \(event.type), does not belong into register \(register)")
        default: break
        }
    }

    private mutating func readAction(_ text: String) {
        if ["UEFI Debug Mode", "DMA Protection Disabled"].contains(where: text.hasPrefix) {
            result.weaknesses.append("the firmware says \"\(text)\"")
        }
    }

    private mutating func readVariable(_ event: EventLog.Event) {
        guard case .proved(let bytes) = event.content(in: banks), let variable = UEFIVariable(bytes[...]),
            variable.isExact
        else {
            if event.register == register {
                result.contradictions.append("event \(event.index), \(event.type), does not hold what was measured")
            }
            return
        }
        let isGlobal = variable.namespace == UEFIVariable.Namespace.global
        let isDatabase = variable.namespace == UEFIVariable.Namespace.imageSecurity
        guard isGlobal || isDatabase else { return }
        if event.register != register {
            if isGlobal && variable.name == "SecureBoot" {
                result.contradictions.append("SecureBoot was measured into register \(event.register), not \(register)")
            }
            return
        }
        guard !isPastSeparator else {
            result.contradictions.append("\(variable.name) was measured after the separator")
            return
        }
        guard seen.insert(variable.name).inserted else {
            result.contradictions.append("\(variable.name) was measured twice")
            return
        }
        switch (isGlobal, variable.name) {
        case (true, "SecureBoot"): isEnabled = flag(variable)
        case (true, "PK"): result.platformKeys = signatures(variable)
        case (true, "KEK"): result.keyExchangeKeys = signatures(variable)
        case (false, "db"): result.allowed = signatures(variable)
        case (false, "dbx"): result.forbidden = signatures(variable)
        case (true, "AuditMode"), (true, "SetupMode"):
            if flag(variable) != false { result.weaknesses.append("\(variable.name) is on") }
        default: break
        }
    }

    private mutating func flag(_ variable: UEFIVariable) -> Bool? {
        if variable.value == [0] { return false }
        if variable.value == [1] { return true }
        result.contradictions.append("\(variable.name) is neither 0 nor 1")
        return nil
    }

    private mutating func signatures(_ variable: UEFIVariable) -> [UEFISignature] {
        guard let signatures = UEFISignature.list(variable.value) else {
            result.contradictions.append("\(variable.name) is not a list of signatures")
            return []
        }
        return signatures
    }

    private mutating func readAuthority(_ event: EventLog.Event) {
        guard case .proved(let bytes) = event.content(in: banks), let variable = UEFIVariable(bytes[...]) else {
            result.contradictions.append("event \(event.index), \(event.type), does not hold what was measured")
            return
        }
        if variable.namespace == UEFIVariable.Namespace.shim {
            switch variable.name {
            case "MokSBState" where variable.value.first == 1:
                result.weaknesses.append("the shim was told to check no signatures")
                return
            // Settings and revocation levels, which sign nothing.
            case "MokSBState", "MokListTrusted", "SbatLevel", "MokDBState", "MokPolicy": return
            default: break
            }
        }
        let withoutOwner = variable.value.dropFirst(16)
        guard variable.namespace == UEFIVariable.Namespace.imageSecurity else {
            let isCertificate = variable.value.starts(with: [0x30, 0x82])
            let data = isCertificate ? variable.value : Array(withoutOwner)
            result.authorities.append(.init(variable: variable.name, data: data, isInDatabase: nil))
            return
        }
        // The firmware measures the whole entry, the shim its certificate.
        let entry = result.allowed.first { $0.owner + $0.data == variable.value || $0.data == variable.value }
        result.authorities.append(
            .init(variable: variable.name, data: entry?.data ?? variable.value, isInDatabase: entry != nil))
    }

    mutating func finish() -> SecureBoot? {
        guard isEnabled != nil || !result.contradictions.isEmpty else { return nil }
        if isEnabled == true {
            if result.platformKeys.isEmpty { result.contradictions.append("SecureBoot is on without a PK") }
            if result.allowed.isEmpty { result.contradictions.append("SecureBoot is on without a db") }
        }
        guard let isEnabled, result.contradictions.isEmpty else { return result }
        result.state = isEnabled ? .enabled : .disabled
        return result
    }
}
