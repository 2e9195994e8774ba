import Glibc
import PliniusAttester
import PliniusSealing
import PliniusWire

/// What this process can show to an owner, chosen before the owner comes, and what of the platform stays open behind the filter.
final class Proof {
    private let attester: Attester
    private let paths: DevicePaths
    private let wait: OwnerWait
    private var sealer: Result<Sealer, AttestationError>?
    /// What counts the starts of the run, if the host names it.
    private(set) var counter: TrustedCounter?

    /// Takes the platforms that the host names, or those that the machine offers.
    /// - Throws: `SessionError` if there is no platform of that name.
    init(_ wait: OwnerWait) throws(SessionError) {
        var paths = DevicePaths.system
        // The host hands the file over, not its name: another one cannot take its place.
        let key = Session.Descriptor.attestationKey
        if fcntl(key, F_GETFD) >= 0 { paths.simulationKey = "/proc/self/fd/\(key)" }
        if let tpm = wait.tpm { paths.tpm = tpm }
        self.paths = paths
        self.wait = wait
        guard let name = wait.platform else {
            attester = .detect(paths)
            return
        }
        do throws(AttestationError) { attester = try Attester(named: name, paths) } catch {
            throw SessionError(.usage, "--attestation: \(error)")
        }
    }

    /// What the evidence is of: `sev-snp+tpm`.
    var name: String { attester.name }

    var hasTPM: Bool { attester.kinds.contains(.tpm) }

    /// What an owner needs to wrap a secret for the TPM, and for which of its keys.
    func enrolment() throws(AttestationError) -> (Enrolment, TPMKeyAlgorithm) { try attester.enrolment() }

    /// Has the TPM give back what an owner wrapped for it.
    func activate(_ credential: Credential, with key: TPMKeyAlgorithm) throws(AttestationError) -> SecretBytes {
        try attester.activate(
            credential: credential.identityObject, encryptedSeed: credential.encryptedSecret, endorsement: key)
    }

    /// Opens what is asked of the platform later, and begins the filter, which would keep it from being opened.
    /// - Returns: what is wrong with the filter.
    func confine() throws(AttestationError) -> String? {
        if wait.keepsKey {
            sealer = Result { () throws(AttestationError) in try attester.sealer() }
        }
        counter = try wait.counter.map { index throws(AttestationError) in
            try attester.counter(at: index, beside: try? sealer?.get())
        }
        return Confinement.begin()
    }

    /// Seals a key that was granted, if the host asks for it and the owner permits it.
    /// - Returns: what the host is told; `nil` if it asks for nothing.
    func keep(_ key: SecretBytes, under terms: GrantTerms, for context: SealedKey.Context) -> Event? {
        guard let sealer else { return nil }
        do throws(AttestationError) {
            // A start without the owner would know neither of the end of a lease nor of what the mirror has reached since.
            guard let restart = terms.restart, terms.lease == nil, terms.floor == nil, terms.keys.count == 1 else {
                throw AttestationError(
                    "the policy does not permit it (restart.keepKey), or the key is for a time, for a state of the mirror, or "
                        + "not the only one")
            }
            var options = SealingOptions()
            options.allowsSimulation = restart.allowsSimulation
            options.registers = Set(restart.registers.map { PCRValues.Register(bank: 0x000B, index: $0) })
            options.approvalKey = restart.approvalKey.isEmpty ? nil : restart.approvalKey
            return .keep(try sealer.get().seal(key, for: context, options: options).encoded)
        } catch {
            return .warning("the key is not kept, and the next start waits for the owner again: \(error)")
        }
    }

    var hasKeptKey: Bool { !wait.keptKey.isEmpty }

    /// Opens the key that an earlier process had kept.
    /// - Throws: `AttestationError` if it does not open here, now, for this.
    func reopen(for context: SealedKey.Context) throws(AttestationError) -> SecretBytes {
        var options = SealingOptions()
        options.approvals = stride(from: 0, to: wait.approvals.count, by: OwnerWait.approvalByteCount).map {
            Array(wait.approvals[$0...].prefix(OwnerWait.approvalByteCount))
        }
        return try attester.open(try SealedKey(decoding: wait.keptKey), for: context, options: options)
    }

    /// Obtains evidence that binds the runtime data of one exchange.
    /// - Throws: `AttestationError` if a platform hands none out.
    func evidence(binding runtimeData: [UInt8], for challenge: Challenge) throws(AttestationError) -> [Evidence] {
        var options = EvidenceOptions()
        options.firstLogEntry = challenge.imaStart
        var registers: Set<PCRValues.Register> = []
        for selection in challenge.registers {
            guard let bank = UInt16(exactly: selection.bank) else {
                throw AttestationError("the owner asks for registers of the bank \(selection.bank), which is none")
            }
            for index in selection.registers { registers.insert(PCRValues.Register(bank: bank, index: index)) }
        }
        if !registers.isEmpty { options.registers = registers }
        // What the owner does not ask for it would not judge; what is asked for in vain it will miss.
        let kinds = attester.kinds.filter { challenge.wanted.contains($0.rawValue) }
        let names = kinds.map(\.description).joined(separator: "+")
        return try (kinds.isEmpty ? attester : Attester(named: names, paths)).evidence(
            for: runtimeData, options: options)
    }
}
