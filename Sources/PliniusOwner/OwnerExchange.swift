import PliniusSealing
import PliniusSockets
import PliniusVerifier
import PliniusWire
import _PliniusSupport

/// The owner's side of one exchange with an enclave, over a host that relays what it cannot read.
struct OwnerExchange {
    private let socket: StreamSocket
    private let deadline: ContinuousClock.Instant
    private var assembler = FrameAssembler(limit: EnclaveMessage.maximumFrameByteCount)
    private var transcript = Transcript()
    /// What was found, as soon as it was.
    var verdict: Verdict?

    /// Connects.
    /// - Parameter seconds: How long the enclave may take for all of it.
    /// - Throws: `OwnerError` if nobody is there.
    init(with address: SocketAddress, seconds: Int) throws(OwnerError) {
        do throws(SocketError) { socket = try StreamSocket.connect(to: address) } catch {
            throw OwnerError(.failed, error.description)
        }
        deadline = .now + .seconds(seconds)
    }

    /// Has the enclave prove itself.
    /// - Throws: `OwnerError`: `failed` if the connection broke, `integrity` for an answer that is none.
    mutating func challenge(_ challenge: Challenge) throws(OwnerError) -> (EvidenceBundle, ActivatedKey?) {
        try send(.challenge(challenge))
        switch try receive() {
        case .presentation(let presentation): return (presentation.bundle, nil)
        case .enrolment(let enrolment) where challenge.enrols: return try activate(enrolment)
        default: throw unexpected("evidence")
        }
    }

    /// Finds out whether the TPM's keys are where it says.
    private mutating func activate(_ enrolment: Enrolment) throws(OwnerError) -> (EvidenceBundle, ActivatedKey?) {
        let pending: PendingActivation
        do throws(EvidenceError) { pending = try PendingActivation(enrolment) } catch {
            throw OwnerError(.integrity, "the enclave's TPM is refused: \(error)")
        }
        try send(.credential(pending.credential))
        let soFar = transcript
        guard case .presentation(let presentation) = try receive() else { throw unexpected("evidence") }
        return (presentation.bundle, pending.key(provenBy: presentation.activation, over: soFar))
    }

    /// Seals the key to the enclave of verified evidence, and waits until it says that it opened it.
    /// - Throws: `OwnerError` if it does not.
    mutating func grant(_ ownerKey: SecretBytes, to evidence: VerifiedEvidence) throws(OwnerError) {
        var key = unsafe ownerKey.withBytes { unsafe Array($0) }
        defer { wipe(&key) }
        let sealed: SealedGrant
        do throws(EvidenceError) {
            let terms = GrantTerms(
                purposes: [evidence.runtimeData.purpose], keys: [GrantTerms.Key()], restart: evidence.restart)
            sealed = try KeyGrant.seal([key], under: terms, to: evidence, over: transcript)
        } catch {
            throw OwnerError(.integrity, "the key is not released: \(error)")
        }
        try send(.grant(sealed.grant))
        let granted = transcript
        guard case .receipt(let receipt) = try receive() else { throw unexpected("a receipt") }
        guard sealed.isConfirmed(by: receipt, over: granted) else {
            throw OwnerError(
                .integrity,
                "the receipt does not verify: somebody in between answered, and the enclave may not have the key")
        }
    }

    /// Tells the enclave that it gets nothing; that it does not listen any more does not matter.
    func refuse(_ reason: String) {
        try? socket.send(OwnerMessage.refusal(Failure(category: .integrity, message: reason)).frame.encoded)
    }

    private func unexpected(_ what: String) -> OwnerError {
        OwnerError(.integrity, "the enclave sent something else than \(what): it is refused")
    }

    private mutating func send(_ message: OwnerMessage) throws(OwnerError) {
        let frame = message.frame
        transcript.append(frame)
        do throws(SocketError) { try socket.send(frame.encoded) } catch {
            throw OwnerError(.failed, "the enclave cannot be reached any more: \(error)")
        }
    }

    private mutating func receive() throws(OwnerError) -> EnclaveMessage {
        while true {
            let message: EnclaveMessage?
            do throws(WireError) {
                message = try assembler.next().map { frame throws(WireError) in
                    transcript.append(frame)
                    return try EnclaveMessage(frame)
                }
            } catch {
                throw OwnerError(.integrity, "the enclave's answer cannot be read: \(error)")
            }
            if case .refusal(let failure) = message {
                throw OwnerError(.integrity, "the enclave refuses: \(failure.message)")
            }
            if let message { return message }
            let left = ContinuousClock.now.duration(to: deadline) / .milliseconds(1)
            guard left > 0 else { throw OwnerError(.failed, "the enclave took too long to answer") }
            let bytes: [UInt8]?
            do throws(SocketError) {
                bytes = try socket.receive(atMost: 1 << 20, milliseconds: CInt(min(left, 1000) + 1))
            } catch { throw OwnerError(.failed, error.description) }
            guard let bytes else { continue }
            guard !bytes.isEmpty else {
                throw assembler.isBetweenFrames
                    ? OwnerError(.failed, "the host closed the connection before the enclave had answered")
                    : OwnerError(.integrity, "the enclave's answer is refused: it ends in the middle of a message")
            }
            assembler.append(bytes)
        }
    }
}
