import CPliniusPM
import Glibc
import PliniusAttester
import PliniusSealing
import PliniusWire

/// A process of this program without any key, which collects the evidence for the one that gets keys.
///
/// Devices and folders of the kernel hand evidence out against opens and writes that the system-call filter refuses. So the process splits
/// in two before it has read more than its request: one half closes the filter before it waits for an owner, the other asks the platforms, as
/// often as there are challenges. It learns the runtime data and what the owner said in the clear, and ends with the first half.
struct Prover: Sendable {
    private let channel: WireChannel

    /// Splits the process; only before it has other threads.
    init(_ attester: Attester, _ paths: DevicePaths) throws(SessionError) {
        var socket: CInt = -1
        let child = unsafe cplinius_split_process(&socket)
        guard child >= 0 else {
            throw SessionError(.failed, "there is no second process to prove with: errno \(errno)")
        }
        channel = WireChannel(descriptor: socket, limit: EnclaveMessage.maximumFrameByteCount)
        guard child == 0 else { return }
        for descriptor in Session.Descriptor.control..<64
        where descriptor != socket && descriptor != Session.Descriptor.attestationKey { close(descriptor) }
        serve(attester, paths)
        _exit(0)
    }

    /// Has the prover answer an owner's challenge or credential.
    /// - Parameter bytes: What the evidence is to bind, or the digest of the transcript that an activation is to bind.
    /// - Throws: `SessionError` with what the owner is told.
    func answer(to message: OwnerMessage, binding bytes: [UInt8]) throws(SessionError) -> EnclaveMessage {
        let answer: EnclaveMessage?
        do throws(WireError) {
            try channel.send(Frame(type: 0, payload: bytes))
            try channel.send(message)
            answer = try channel.receive()
        } catch { answer = nil }
        guard let answer else { throw SessionError(.failed, "the process that collects evidence is gone: begin anew") }
        if case .refusal(let failure) = answer { throw SessionError(failure) }
        return answer
    }

    /// Answers until the other half is gone.
    private func serve(_ attester: Attester, _ paths: DevicePaths) {
        var (challenge, runtimeData, key) = (Challenge(), [UInt8](), TPMKeyAlgorithm.ecc)
        while let bound = try? channel.receive(Frame.self), let message = try? channel.receive(OwnerMessage.self) {
            let answer: EnclaveMessage
            do {
                var activation: [UInt8] = []
                switch message {
                case .challenge(let asked): (challenge, runtimeData) = (asked, bound.payload)
                case .credential(let credential):
                    let secret = try attester.activate(
                        credential: credential.identityObject, encryptedSeed: credential.encryptedSecret,
                        endorsement: key)
                    activation = hmacSHA256(bound.payload, key: secret)
                case .grant, .refusal: return
                }
                if challenge.enrols, attester.kinds.contains(.tpm), activation.isEmpty {
                    let (enrolment, endorsement) = try attester.enrolment()
                    (answer, key) = (.enrolment(enrolment), endorsement)
                } else {
                    let evidence = try attester.evidence(binding: runtimeData, for: challenge, paths)
                    answer = .presentation(
                        try Presentation(
                            bundle: EvidenceBundle(runtimeData: runtimeData, evidence: evidence), activation: activation
                        ))
                }
            } catch { answer = .refusal(SessionError(error).failure) }
            guard (try? channel.send(answer)) != nil else { return }
        }
    }
}

extension Attester {
    /// Obtains evidence that binds the runtime data of one exchange.
    /// - Throws: `AttestationError` if a platform hands none out.
    fileprivate func evidence(
        binding runtimeData: [UInt8], for challenge: Challenge, _ paths: DevicePaths
    ) throws(AttestationError) -> [Evidence] {
        var options = EvidenceOptions()
        options.firstLogEntry = challenge.imaStart
        // There is no bank of the greatest number, and the TPM says so.
        let registers = challenge.registers.flatMap { selection in
            selection.registers.map { PCRValues.Register(bank: UInt16(clamping: selection.bank), index: $0) }
        }
        if !registers.isEmpty { options.registers = Set(registers) }
        // What the owner does not ask for it would not judge; what is asked for in vain it will miss.
        let wanted = kinds.filter { challenge.wanted.contains($0.rawValue) }.map(\.description).joined(separator: "+")
        return try (wanted.isEmpty ? self : Attester(named: wanted, paths)).evidence(
            for: runtimeData, options: options)
    }
}
