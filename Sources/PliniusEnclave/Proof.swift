import Glibc
import PliniusAttester
import PliniusSealing
import PliniusWire

/// What can be shown to an owner, chosen before the owner comes, and what of the platform stays open behind the filter.
final class Proof {
    private let attester: Attester
    private let wait: OwnerWait
    /// What collects evidence.
    let prover: Prover
    private var sealer: Result<Sealer, AttestationError>?
    /// What counts the starts of the run, if the host names it.
    private(set) var counter: TrustedCounter?

    /// Takes the platforms that the host names, or those that the machine offers, and splits the process.
    /// - Throws: `SessionError` if there is no platform of that name.
    init(_ wait: OwnerWait) throws(SessionError) {
        var paths = DevicePaths.system
        // The host hands the file over, not its name: another one cannot take its place.
        let key = Session.Descriptor.attestationKey
        if fcntl(key, F_GETFD) >= 0 { paths.simulationKey = "/proc/self/fd/\(key)" }
        if let tpm = wait.tpm { paths.tpm = tpm }
        self.wait = wait
        do throws(AttestationError) {
            attester =
                try wait.platform.map { name throws(AttestationError) in try Attester(named: name, paths) }
                ?? .detect(paths)
        } catch { throw SessionError(.usage, "--attestation: \(error)") }
        prover = try Prover(attester, paths)
    }

    /// What the evidence is of: `sev-snp+tpm`.
    var name: String { attester.name }

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
            // A start without the owner would know neither of the end of a lease nor of what the mirror has reached since, nor
            // which executor is asked for.
            guard let restart = terms.restart, terms.lease == nil, terms.floor == nil, terms.executor == nil,
                terms.keys.count == 1
            else {
                throw AttestationError(
                    "the policy does not permit it (restart.keepKey), or the key is for a time, for a state of the mirror, for "
                        + "one executor, or not the only one")
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

    /// Whether an earlier process had its key kept.
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
}
