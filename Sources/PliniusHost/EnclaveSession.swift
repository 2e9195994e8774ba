import Glibc
import PliniusWire

/// One request to one enclave process: asked, answered, reaped.
struct EnclaveSession {
    let files: EnclaveProcess.Files
    let signals: StopSignals
    /// How long the enclave may live, for demonstrations and tests of what a kill does.
    var killAfter: Duration?

    /// The runs that the enclave may begin together, and the size of a pool that is made for them.
    var newRuns: [String] = []
    var poolBytes: UInt64?

    /// Where the owner is waited for; `nil` if the key is among the files.
    var relay: OwnerRelay?

    /// Where the key is kept for restarts; `nil` if it is not.
    var keptKey: KeptKeyFile?

    /// What a session tells whoever runs it, while it runs.
    enum Notice {
        case event(Event)
        /// A sentence about owners that come and go.
        case owner(String)
        /// The enclave was asked to stop because this signal came.
        case stopping(signal: CInt)
    }

    /// Has the enclave do one thing.
    ///
    /// An owner who cannot be convinced, or who convinces nobody, ends the process of this one exchange and not the waiting: another is
    /// started for the next owner. Later exchanges, which renew a lease, are relayed while the enclave works, and fail for themselves.
    /// - Parameters:
    ///   - request: What to do.
    ///   - observe: Sees everything but the answer, in order.
    /// - Returns: the event that answers the request.
    /// - Throws: `HostError`: what the enclave gave up for, or `failed` with how it died. It does not run any more in either case.
    func run(_ request: Command, observe: (Notice) -> Void) throws(HostError) -> Event {
        let deadline = killAfter.map { ContinuousClock.now + $0 }
        while true {
            switch try attempt(request, until: deadline, observe: observe) {
            case .answered(let event): return event
            case .ownerFailed(let failure):
                // A manager that refuses has asked all owners; nobody else is to come.
                guard relay?.waitsForOthers ?? true else { throw HostError(failure) }
                observe(.owner("no key was granted, and the next owner is waited for: \(failure.message)"))
            }
        }
    }

    private enum Outcome {
        case answered(Event)
        /// The exchange with an owner came to nothing.
        case ownerFailed(Failure)
    }

    private func attempt(
        _ request: Command, until deadline: ContinuousClock.Instant?, observe: (Notice) -> Void
    ) throws(HostError) -> Outcome {
        let enclave = try EnclaveProcess(files: files)
        do throws(WireError) {
            try enclave.channel.send(request)
        } catch {
            // Its last words, or how it ended, say more than that it does not listen.
        }
        var answer: Event?
        var stops = 0
        var greeted = false
        var isExchanging = false
        var isGranted = false
        while true {
            if let signal = signals.next() {
                stops += 1
                if stops > 1 || !request.canStop {
                    enclave.kill()
                } else {
                    tell(enclave, .stop)
                    observe(.stopping(signal: signal))
                }
            }
            let wait = Self.wait(until: deadline)
            if wait == 0 { enclave.kill() }
            let hasInput = waitForInput(of: enclave, milliseconds: max(wait, 1))
            switch relay?.proceed() {
            case nil: break
            case .connected:
                isExchanging = true
                if !isGranted { observe(.owner("an owner is connected")) }
            case .received(let bytes): if isExchanging { tell(enclave, .relayed(bytes)) }
            case .timedOut:
                observe(.owner("the owner took too long"))
                if isExchanging { tell(enclave, .relayed([])) }
            }
            guard hasInput else { continue }
            let event: Event
            do throws(WireError) {
                guard let received = try enclave.channel.receive(Event.self) else { break }
                event = received
            } catch {
                enclave.kill()
                guard error.code == .disconnected else {
                    throw HostError(.failed, "the enclave speaks nonsense and was ended: \(error)")
                }
                break
            }
            switch event {
            case .hello(let version):
                try check(version)
                greeted = true
                observe(.event(event))
            case .allocate(let byteCounts):
                tell(enclave, .allocated(place(byteCounts)))
            case .publish:
                observe(.event(event))
                tell(enclave, .published(refusal: publish()))
            case .awaiting:
                relay?.isReady = true
                if let relay, !isGranted {
                    observe(.owner("waiting for an owner at \(relay.address)"))
                } else if let relay, relay.waitsForOthers {
                    observe(.owner("an owner who renews the lease is awaited at \(relay.address)"))
                }
            case .relay(let bytes):
                relay?.send(bytes)
                guard bytes.isEmpty else { continue }
                isExchanging = false
                relay?.finish()
            case .provisioned:
                isExchanging = false
                relay?.finish()
                observe(.owner(isGranted ? "the lease is renewed" : "the owner's key is here"))
                isGranted = true
            case .reopened:
                observe(.owner("the key that was kept is open: the run goes on without its owner"))
            case .keep(let bytes):
                if let keptKey { observe(.owner(keep(bytes, in: keptKey))) }
            default:
                if request.isAnswered(by: event) { answer = event } else { observe(.event(event)) }
            }
        }
        let termination = enclave.reap()
        relay?.isReady = false
        relay?.finish()
        if case .failure(let failure) = answer {
            // Once there is a key, another failure than the exchange's ended it.
            if isExchanging, !isGranted, stops == 0 { return .ownerFailed(failure) }
            throw HostError(failure)
        }
        if let answer { return .answered(answer) }
        throw HostError(
            enclave: "the enclave process \(termination)"
                + (stops > 0 ? " because a signal asked for it" : greeted ? "" : " before it said anything")
        )
    }

    /// Waits for the enclave, and for the owner if there is one to come.
    /// - Returns: whether the enclave said something.
    private func waitForInput(of enclave: EnclaveProcess, milliseconds: CInt) -> Bool {
        var entries = [pollfd(fd: enclave.channel.descriptor, events: CShort(POLLIN), revents: 0)]
        if let other = relay?.waitingFor {
            entries.append(pollfd(fd: other.descriptor, events: CShort(other.events), revents: 0))
        }
        return poll(&entries, nfds_t(entries.count), milliseconds) > 0 && entries[0].revents != 0
    }

    /// Sends what needs no answer; if the enclave is gone, the next receive tells.
    private func tell(_ enclave: EnclaveProcess, _ command: Command) {
        try? enclave.channel.send(command)
    }

    private func check(_ version: UInt32) throws(HostError) {
        guard version == Event.currentVersion else {
            throw HostError(
                .failed,
                "plinius-enclave speaks version \(version), this program version \(Event.currentVersion): "
                    + "install both from one build"
            )
        }
    }

    private func place(_ byteCounts: [UInt64]) -> Allocation {
        guard byteCounts.count == newRuns.count, !newRuns.isEmpty else {
            return Allocation(
                refusal: Failure(
                    category: .failed, message: "\(newRuns.count) runs are to begin, and not \(byteCounts.count)"))
        }
        return files.pool.allocate(Array(zip(newRuns, byteCounts)), poolBytes: poolBytes)
    }

    /// - Returns: what the operator is told.
    private func keep(_ bytes: [UInt8], in file: KeptKeyFile) -> String {
        guard bytes.count <= OwnerWait.maximumKeptByteCount else {
            return "the enclave's sealed key has \(bytes.count) bytes, and is not kept"
        }
        do throws(HostError) { try file.write(bytes) } catch {
            return "the key is not kept, and the next start waits for the owner again: \(error)"
        }
        return "the key is kept for restarts in \(file.path), sealed to this program on this machine"
    }

    private func publish() -> String? { files.pool.publish() }

    /// How long to wait for input, in milliseconds; 0 when the enclave's time is over.
    ///
    /// It is never long, because signals are looked for in between.
    private static func wait(until deadline: ContinuousClock.Instant?) -> CInt {
        guard let deadline else { return 50 }
        let left = ContinuousClock.now.duration(to: deadline)
        return left <= .zero ? 0 : CInt(min(50, left / .milliseconds(1) + 1))
    }
}

extension Command {
    /// Whether a first signal asks for an end in good order; where there is nothing to lose, it simply ends the work.
    fileprivate var canStop: Bool {
        if case .train = self { true } else { false }
    }

    /// Whether an event is the one that the request waits for.
    fileprivate func isAnswered(by event: Event) -> Bool {
        switch (self, event) {
        case (_, .failure), (.train, .finish), (.train, .stopped), (.test, .evaluation),
            (.predict, .prediction), (.status, .status):
            true
        default: false
        }
    }
}
