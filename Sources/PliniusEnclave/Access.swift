import Glibc
import PliniusAttester
import PliniusMedia
import PliniusMirror
import PliniusNN
import PliniusSealing
import PliniusWire

/// The way to what the owners' keys open.
struct Access {
    let keys: Keyring
    /// What the owner was told; `nil` for keys that were handed over.
    var subject: Provisioning.Subject?
    /// What convinced the owner; `simulated` without one, whatever machine this is.
    var tee = "simulated"
    var lease: Lease?
    /// An exchange by which the owner would be asked again.
    var provisioning: Provisioning?
    var floor: MirrorState?
    /// What alone may compute, by the owners' policies.
    var executor: GrantTerms.Executor?
    var counter: TrustedCounter?

    var count: TrustedCount { counter.map { TrustedCount(index: $0.index, value: $0.value) } ?? .none }

    /// Has the lease renewed while a run trains; keys for good need none.
    func renew(as run: Run, on choice: ExecutorChoice) {
        guard let lease, var provisioning else { return }
        provisioning.subject.runID = run.mirror.identity.runID
        Renewal(lease: lease, keys: keys, choice: choice, provisioning: provisioning).begin()
    }

    /// Takes a run over, and leaves its newest state in `arena`: it has to be the one that the owner was told of, and not older than the
    /// owner knows.
    /// - Parameter threads: That mirror; as many as the run was begun with if `nil`.
    /// - Throws: `SessionError` if it is another run, or if anything in it does not verify; nothing is changed then.
    func resume(
        _ expected: ExpectedRun, from extent: Extent, to arena: ParameterArena, threads: UInt32?
    ) throws(SessionError) -> Run {
        let run = try reporting {
            let mirror = try Mirror.open(
                on: extent, expecting: expected, keys: keys.model, workers: threads.map(Int.init))
            let recovery = try mirror.mirrorIn(to: arena.memory)
            return Run(mirror: mirror, tier: extent.tier, progress: recovery.progress, recovery: recovery)
        }
        try subject?.require(run)
        try requireFloor(of: run.mirror)
        return run
    }

    /// Checks that a mirror has reached what the owner knows of; `nil` is a run that is about to begin.
    func requireFloor(of mirror: Mirror?) throws(SessionError) {
        guard let floor else { return }
        guard let mirror else {
            throw SessionError(
                .integrity,
                "the run is rolled back: the owner knows of its commit \(floor.counter), and the pool does not hold the run. "
                    + "Restore the newest pool")
        }
        try reporting { try mirror.require(atLeast: CommitMark(sequence: floor.counter, tag: floor.tag)) }
    }
}

extension Session {
    /// What an owner is to be told, if one is waited for: read from what everybody may see, proven once the key is here.
    func subject(
        _ purpose: RuntimeData.Purpose, _ proof: Proof?, _ headers: [PublicDatasetHeader], named names: [String],
        _ network: NetworkDescription, run: RunName, at place: PoolExtent?
    ) throws(SessionError) -> Provisioning.Subject? {
        guard proof != nil else { return nil }
        try network.requireFit(of: headers, named: names, for: purpose)
        let status = try place.map { place throws(SessionError) in
            let extent = try Extent.open(place, .readOnly)
            return try reporting { try PliniusMirror.RunStatus(of: extent, named: run) }
        }
        return Provisioning.Subject(
            purpose: purpose, configDigest: sha256(network.canonicalBytes), datasets: headers, run: run,
            runID: status?.identity.runID, iteration: status?.newest?.progress?.iteration ?? 0,
            state: status?.newest?.mark.map { MirrorState(counter: $0.sequence, tag: $0.tag) })
    }

    /// The owners' keys: from the files that were handed over, from what was kept for this start, or from the owner.
    /// - Returns: `nil` if the host asked to stop before they came.
    func access(
        _ proof: Proof?, to subject: Provisioning.Subject?, opening headers: [PublicDatasetHeader]
    ) throws(SessionError) -> Access? {
        guard let proof, let subject else {
            func key(_ index: Int) throws(SessionError) -> KeyHierarchy {
                try reporting { KeyHierarchy(ownerKey: try SecretBytes(keyFile: Descriptor.key(index))) }
            }
            var keys = Keyring(model: try key(0))
            for index in headers.indices.dropFirst() where fcntl(Descriptor.key(index), F_GETFD) >= 0 {
                let own = try key(index)
                keys.ofDatasets[headers[index].id] = own
            }
            return Access(keys: keys)
        }
        let kept = kept(proof, for: subject)
        if let warning = try reporting({ try proof.confine() }) { control.send(.warning(warning)) }
        if let kept {
            control.send(.reopened)
            return Access(keys: kept, subject: subject, tee: proof.name, counter: proof.counter)
        }
        let provisioning = Provisioning(control: control, subject: subject, prover: proof.prover)
        var exchange = provisioning
        guard let grant = try exchange.receiveGrant() else { return nil }
        if let event = proof.keep(grant.modelKey, under: grant.terms, for: subject.context) { control.send(event) }
        return Access(
            keys: grant.keys, subject: subject, tee: grant.attested,
            lease: grant.terms.lease.map { Lease($0, since: grant.challenged) }, provisioning: provisioning,
            floor: grant.terms.floor, executor: grant.terms.executor, counter: proof.counter)
    }

    /// The keys that an earlier process of the run had kept; `nil` if the owner has to be asked.
    private func kept(_ proof: Proof, for subject: Provisioning.Subject) -> Keyring? {
        guard proof.hasKeptKey else { return nil }
        do throws(AttestationError) {
            // A kept key never begins anything, and was granted for nothing else.
            guard subject.purpose == .train, subject.runID != nil else {
                throw AttestationError("it is for training that goes on, and the pool does not hold the run")
            }
            let keys = Keyring(model: KeyHierarchy(ownerKey: try proof.reopen(for: subject.context)))
            guard subject.firstLocked(to: keys) == nil else {
                throw AttestationError("it is not the key of this data set")
            }
            return keys
        } catch {
            control.send(.warning("the kept key is not used, and the owner is waited for: \(error)"))
            return nil
        }
    }
}
