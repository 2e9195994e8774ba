import PliniusWire

/// One request to one enclave process: asked, answered, reaped.
struct EnclaveSession {
    let files: EnclaveProcess.Files
    let signals: StopSignals
    /// How long the enclave may live, for demonstrations and tests of what a kill does.
    var killAfter: Duration?

    /// The run that the enclave may begin, and the size of a pool that is made for it.
    var newRun: (name: String, poolBytes: UInt64?)?

    /// What a session tells whoever runs it, while it runs.
    enum Notice {
        case event(Event)
        /// The enclave was asked to stop because this signal came.
        case stopping(signal: CInt)
    }

    /// Has the enclave do one thing.
    /// - Parameters:
    ///   - request: What to do.
    ///   - observe: Sees everything but the answer, in order.
    /// - Returns: the event that answers the request.
    /// - Throws: `HostError`: what the enclave gave up for, or `failed` with how it died. It does not run any more in either case.
    func run(_ request: Command, observe: (Notice) -> Void) throws(HostError) -> Event {
        let enclave = try EnclaveProcess(files: files)
        let deadline = killAfter.map { ContinuousClock.now + $0 }
        do throws(WireError) {
            try enclave.channel.send(request)
        } catch {
            // Its last words, or how it ended, say more than that it does not listen.
        }
        var answer: Event?
        var stops = 0
        var greeted = false
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
            guard enclave.channel.waitForInput(milliseconds: max(wait, 1)) else { continue }
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
            case .hello(let hello):
                try check(hello)
                greeted = true
                observe(.event(event))
            case .allocate(let byteCount):
                tell(enclave, .allocated(place(byteCount)))
            case .publish:
                observe(.event(event))
                tell(enclave, .published(refusal: publish()))
            default:
                if request.isAnswered(by: event) { answer = event } else { observe(.event(event)) }
            }
        }
        let termination = enclave.reap()
        if case .failure(let failure) = answer { throw HostError(failure) }
        if let answer { return answer }
        throw HostError(
            enclave: "the enclave process \(termination)"
                + (stops > 0 ? " because a signal asked for it" : greeted ? "" : " before it said anything")
        )
    }

    /// Sends what needs no answer; if the enclave is gone, the next receive tells.
    private func tell(_ enclave: EnclaveProcess, _ command: Command) {
        try? enclave.channel.send(command)
    }

    private func check(_ hello: Hello) throws(HostError) {
        guard hello.version == Hello.currentVersion else {
            throw HostError(
                .failed,
                "plinius-enclave speaks version \(hello.version), this program version \(Hello.currentVersion): "
                    + "install both from one build"
            )
        }
    }

    private func place(_ byteCount: UInt64) -> Allocation {
        guard let newRun else { return Allocation(refusal: Failure(category: .failed, message: "no run is to begin")) }
        return files.pool.allocate(byteCount, for: newRun.name, poolBytes: newRun.poolBytes)
    }

    private func publish() -> String? {
        guard let newRun else { return "no run is to begin" }
        return files.pool.publish(newRun.name)
    }

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
        case (_, .failure), (.train, .finish), (.train, .stopped), (.test, .evaluation), (.status, .status): true
        default: false
        }
    }
}
