import PliniusAttester
import PliniusMirror
import PliniusSealing
import PliniusWire
import _PliniusSupport

/// The enclave's side of one exchange with an owner: it proves what it is, and is granted a key.
///
/// One value answers one challenge, so that no nonce is answered twice and no key pair serves two grants. What fails before there is a key
/// ends the process; the host starts another and waits on.
struct Provisioning: Sendable {
    /// What is to be done with the key, as the evidence will bind it.
    struct Subject: Sendable {
        let purpose: RuntimeData.Purpose
        let configDigest: [UInt8]
        let datasets: [PublicDatasetHeader]
        let run: RunName
        /// `nil` for a run that is about to begin.
        var runID: [UInt8]?
        /// Updates that the pool claims to hold.
        let iteration: UInt64
        /// The commit that the pool claims to hold; in a renewal, the one that the mirror holds.
        var state: MirrorState?

        /// What a key is kept for between two processes.
        var context: SealedKey.Context {
            SealedKey.Context(
                configDigest: configDigest, datasetID: DatasetUnion.id(of: datasets.map(\.id)),
                runName: run.description)
        }

        /// The first data set that these are not the keys of.
        func firstLocked(to keys: Keyring) -> PublicDatasetHeader? {
            datasets.first { !constantTimeEqual(keys[$0.id].keyCheck(for: $0.id), $0.keyCheck) }
        }

        /// Checks that the data sets are those that the owner was told of.
        func require(_ opened: DatasetUnion) throws(SessionError) {
            guard opened.parts.map(\.header) == datasets else {
                throw SessionError(.integrity, "the data set is not the one any more that the owner was told of")
            }
        }

        /// Checks that a run is the one that the owner was told of.
        func require(_ resumed: Run) throws(SessionError) {
            guard resumed.mirror.identity.runID == runID else {
                throw SessionError(.integrity, "the run is not the one any more that the owner was told of")
            }
        }
    }

    /// What an owner granted.
    struct Grant {
        let terms: GrantTerms
        let keys: Keyring
        /// The run's own key, to be kept for restarts where that is permitted.
        let modelKey: SecretBytes
        /// When the challenge came.
        let challenged: UInt64
        /// The platforms whose evidence the owner was given: `sev-snp+tpm`.
        let attested: String
    }

    let control: Control
    var subject: Subject
    let prover: Prover
    private var assembler = FrameAssembler(limit: OwnerMessage.maximumFrameByteCount)
    private var transcript = Transcript()
    /// Whether the owner ended it, and nothing that somebody in between did.
    private(set) var isRefused = false

    init(control: Control, subject: Subject, prover: Prover) {
        self.control = control
        self.subject = subject
        self.prover = prover
    }

    /// Waits for an owner and convinces it.
    /// - Parameter renewal: What a grant has to fit to, if there is one already.
    /// - Returns: the owner's grant; `nil` if the host asked to stop.
    /// - Throws: `SessionError` with what the owner was told as well.
    mutating func receiveGrant(for renewal: Renewal? = nil) throws(SessionError) -> Grant? {
        control.awaitOwner()
        do throws(SessionError) {
            guard let grant = try exchange(renewal) else { return nil }
            control.send(.provisioned)
            return grant
        } catch {
            say(.refusal(error.failure))
            throw error
        }
    }

    private mutating func exchange(_ renewal: Renewal?) throws(SessionError) -> Grant? {
        guard let first = try receive("a challenge") else { return nil }
        let begin = monotonicNanoseconds()
        guard case .challenge(let challenge) = first else {
            throw SessionError(.integrity, "the owner did not begin with a challenge")
        }
        guard challenge.version == Challenge.currentVersion else {
            throw SessionError(
                .integrity,
                "the owner's challenge has version \(challenge.version), this build speaks \(Challenge.currentVersion)")
        }
        guard challenge.nonce.count == RuntimeData.nonceByteCount else {
            throw SessionError(
                .integrity,
                "the owner's nonce has \(challenge.nonce.count) bytes, \(RuntimeData.nonceByteCount) are expected")
        }
        if let renewal { subject.state = renewal.lease.waitForMark() }
        let pair = HPKEKeyPair()
        let runtimeData = runtimeData(pair, nonce: challenge.nonce, lease: renewal?.lease.id ?? []).encoded
        var answer = try prover.answer(to: first, binding: runtimeData)
        if case .enrolment = answer {
            say(answer)
            guard let message = try receive("a credential") else { return nil }
            guard case .credential = message else {
                throw SessionError(.integrity, "the owner's answer to the TPM's keys was not a credential")
            }
            answer = try prover.answer(to: message, binding: sha256(transcript.bytes))
        }
        guard case .presentation(let presentation) = answer else {
            throw SessionError(.failed, "the process that collects evidence answered something else")
        }
        say(answer)
        let soFar = sha256(transcript.bytes)
        guard let second = try receive("a grant") else { return nil }
        guard case .grant(let grant) = second else {
            throw SessionError(.integrity, "the owner's next message was not a grant: an enclave answers one challenge")
        }
        guard grant.transcript == soFar else {
            throw SessionError(
                .integrity, "the grant belongs to another exchange: what the owner saw is not what this enclave said")
        }
        let attested = presentation.bundle.evidence.map(\.kind.description).joined(separator: "+")
        let (opened, receiptKey) = try open(grant, pair, challenged: begin, attested: attested)
        try renewal?.require(opened, at: subject.state)
        say(.receipt(Receipt(proof: hmacSHA256(sha256(transcript.bytes), key: receiptKey))))
        return opened
    }

    private func runtimeData(_ pair: HPKEKeyPair, nonce: [UInt8], lease: [UInt8]) -> RuntimeData {
        var data = RuntimeData()
        data.nonce = nonce
        data.purpose = subject.purpose
        data.publicKey = pair.publicKey
        data.configDigest = subject.configDigest
        data.datasetIDs = subject.datasets.map(\.id)
        data.runName = subject.run.description
        data.runID = subject.runID ?? []
        data.state = subject.state
        data.leaseID = lease
        return data
    }

    /// Opens a grant whose transcript fits.
    private func open(
        _ grant: KeyGrant, _ pair: HPKEKeyPair, challenged: UInt64, attested: String
    ) throws(SessionError) -> (Grant, receiptKey: SecretBytes) {
        let content: SecretBytes
        do throws(SealingError) {
            content = try pair.open(
                grant.ciphertext, encapsulatedKey: grant.encapsulatedKey, info: KeyGrant.info,
                authenticating: grant.transcript)
        } catch {
            throw SessionError(.integrity, "the grant cannot be opened: it is not sealed to the key of this enclave")
        }
        let terms = try terms(of: content)
        guard terms.purposes.contains(subject.purpose) else {
            throw SessionError(.integrity, "the owner's key is not granted for this purpose: \(subject.purpose)")
        }
        guard let index = terms.keys.firstIndex(of: GrantTerms.Key()) else {
            throw SessionError(.integrity, "the grant holds no key for the run")
        }
        let end = content.count - KeyGrant.keyByteCount
        func key(_ index: Int) -> SecretBytes {
            part(of: content, from: end - (terms.keys.count - index) * KeyGrant.keyByteCount)
        }
        var keys = Keyring(model: KeyHierarchy(ownerKey: key(index)))
        for (index, named) in terms.keys.enumerated() {
            switch named.role {
            case .model: continue
            case .dataset: keys.ofDatasets[named.identity] = KeyHierarchy(ownerKey: key(index))
            case .predictions: keys.ofPredictions = KeyHierarchy(ownerKey: key(index))
            }
        }
        let receiptKey = part(of: content, from: end)
        // Said now and not when the data sets are opened: the owner still listens.
        if let dataset = subject.firstLocked(to: keys) {
            throw SessionError(
                .integrity, "the data set \(dataset.id.hex) was not sealed with the key that the owner granted for it")
        }
        return (
            Grant(terms: terms, keys: keys, modelKey: key(index), challenged: challenged, attested: attested),
            receiptKey
        )
    }

    /// Reads what stands before the keys.
    private func terms(of content: SecretBytes) throws(SessionError) -> GrantTerms {
        let start = GrantTerms.lengthByteCount
        let length = unsafe content.withBytes { unsafe $0.prefix(start).reversed().reduce(0) { $0 << 8 | Int($1) } }
        guard length <= content.count - start else {
            throw SessionError(.integrity, "the grant holds \(content.count) bytes, its terms alone have \(length)")
        }
        let terms = try reporting {
            try GrantTerms(decoding: unsafe content.withBytes { unsafe Array($0[start..<start + length]) })
        }
        guard content.count == terms.contentByteCount else {
            throw SessionError(
                .integrity, "the grant holds \(content.count) bytes, \(terms.contentByteCount) are expected")
        }
        return terms
    }

    private func part(of content: SecretBytes, from start: Int) -> SecretBytes {
        unsafe SecretBytes(count: KeyGrant.keyByteCount) { target in
            unsafe content.withBytes { source in
                unsafe target.copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: source[start..<start + KeyGrant.keyByteCount]))
            }
        }
    }

    // MARK: The stream

    private mutating func say(_ message: EnclaveMessage) {
        let frame = message.frame
        transcript.append(frame, hashedBy: sha256)
        var rest = frame.encoded[...]
        while !rest.isEmpty {
            control.send(.relay(Array(rest.prefix(RelayedBytes.maximumByteCount))))
            rest = rest.dropFirst(RelayedBytes.maximumByteCount)
        }
    }

    /// Waits for the owner's next message.
    /// - Returns: `nil` if the host asked to stop.
    private mutating func receive(_ expected: String) throws(SessionError) -> OwnerMessage? {
        while true {
            let message: OwnerMessage?
            do throws(WireError) {
                message = try assembler.next().map { frame throws(WireError) in
                    transcript.append(frame, hashedBy: sha256)
                    return try OwnerMessage(frame)
                }
            } catch {
                throw SessionError(.integrity, "\(expected) was expected of the owner: \(error)")
            }
            if case .refusal(let failure) = message {
                // Whoever could not be asked has not decided.
                isRefused = failure.category != .failed
                throw SessionError(isRefused ? .integrity : .failed, "the owner refuses: \(failure.message)")
            }
            if let message { return message }
            guard let piece = control.nextPiece() else { return nil }
            guard !piece.isEmpty else {
                let place = assembler.isBetweenFrames ? "before \(expected) came" : "in the middle of a message"
                throw SessionError(.integrity, "the owner went away \(place)")
            }
            assembler.append(piece)
        }
    }
}
