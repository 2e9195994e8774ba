import Glibc
import PliniusAttester
import PliniusSealing
import PliniusWire

/// What this process can show to an owner, chosen before the owner comes.
struct Proof {
    private let attester: Attester
    private let paths: DevicePaths

    /// Takes the platforms that the host names, or those that the machine offers.
    /// - Throws: `SessionError` if there is no platform of that name.
    init(_ wait: OwnerWait) throws(SessionError) {
        var paths = DevicePaths.system
        // The host hands the file over, not its name: another one cannot take its place.
        let key = Session.Descriptor.attestationKey
        if fcntl(key, F_GETFD) >= 0 { paths.simulationKey = "/proc/self/fd/\(key)" }
        if let tpm = wait.tpm { paths.tpm = tpm }
        self.paths = paths
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
