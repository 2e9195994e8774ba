import Glibc
import PliniusAttester
import PliniusSealing
import PliniusWire

/// Evidence of a process that nothing protects, signed by a key that the operator handed over.
struct SimulatedSource: EvidenceSource {
    func evidence(binding runtimeData: [UInt8], for challenge: Challenge) throws(AttestationError) -> [Evidence] {
        let seed: SecretBytes
        do throws(KeyFileError) { seed = try SecretBytes(keyFile: Session.Descriptor.attestationKey) } catch {
            throw AttestationError("simulated evidence takes --attestation-key: \(error)")
        }
        let report = Array("PLINSIM1".utf8) + [1, 0, 0, 0] + sha512(runtimeData) + (try measurement())
        guard let (signature, key) = simulationSignature(over: report, seed: seed) else {
            throw AttestationError("the attestation key is none")
        }
        return [Evidence(.simulated, ["report": report, "signature": signature, "key": key])]
    }

    private func measurement() throws(AttestationError) -> [UInt8] {
        let program = unsafe open("/proc/self/exe", O_RDONLY | O_CLOEXEC)
        guard program >= 0 else { throw AttestationError("the enclave's program cannot be measured: errno \(errno)") }
        defer { close(program) }
        var digest = IncrementalSHA256()
        var block = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe block.withUnsafeMutableBytes { unsafe read(program, $0.baseAddress, $0.count) }
            guard count >= 0 else { throw AttestationError("the enclave's program cannot be read: errno \(errno)") }
            if count == 0 { return digest.digest() }
            digest.update(Array(block[..<count]))
        }
    }
}

extension Session {
    /// What answers challenges.
    /// - Throws: `SessionError` if there is no platform of that name.
    func evidenceSource(named name: String?) throws(SessionError) -> any EvidenceSource {
        guard name == nil || name == "simulated" else {
            throw SessionError(.usage, "--attestation: there is no platform \"\(name ?? "")\"; there is: simulated")
        }
        return SimulatedSource()
    }
}
