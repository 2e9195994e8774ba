import PliniusPerunClient
import PliniusSockets
import PliniusWire

/// Stands between the enclave of one run and a policy manager: to the enclave it is an owner, to the manager a client.
///
/// It carries frames that it can neither read nor change unnoticed, on a task of its own, while the host does other things.
final class ManagerBridge: Sendable {
    /// Each is one exchange with the enclave.
    private let connections: AsyncStream<StreamSocket>.Continuation
    private let task: Task<Void, Never>
    let address: String

    /// Begins to wait for exchanges.
    /// - Throws: `HostError.Code.usage` if the manager's certificate is none.
    init(_ errand: ManagerErrand, purpose: String, run: String) throws(HostError) {
        let client: PerunClient
        do throws(PerunClientError) { client = try PerunClient(errand.trust, seconds: 30) } catch {
            throw HostError(.usage, "--perun: \(error)")
        }
        address = errand.trust.address
        let (stream, continuation) = AsyncStream.makeStream(of: StreamSocket.self)
        connections = continuation
        task = Task.detached {
            var lease: String?
            for await socket in stream {
                var exchange = ManagerExchange(socket, client)
                await exchange.carry(errand.request(for: purpose, run: run, lease: lease))
                lease = exchange.lease ?? lease
            }
            await client.close()
        }
    }

    deinit {
        connections.finish()
        task.cancel()
    }

    /// Begins an exchange.
    /// - Returns: the enclave's end; `nil` if the machine has no sockets left.
    func connect() -> StreamSocket? {
        guard let (own, other) = try? StreamSocket.pair() else { return nil }
        connections.yield(other)
        return own
    }
}

/// One exchange: evidence to the manager, keys to the enclave.
private struct ManagerExchange {
    private let socket: StreamSocket
    private let client: PerunClient
    private var assembler = FrameAssembler(limit: EnclaveMessage.maximumFrameByteCount)
    /// The lease that was granted.
    private(set) var lease: String?

    init(_ socket: StreamSocket, _ client: PerunClient) {
        self.socket = socket
        self.client = client
    }

    /// Why an exchange ends without a grant, if neither side said so.
    private struct Interruption: Error {
        let message: String
    }

    /// Carries one exchange to its end, whatever it is.
    mutating func carry(_ request: ChallengeRequest) async {
        do {
            try await exchange(request)
        } catch let error as PerunClientError {
            for finding in error.problem?.findings ?? [] { note(Self.failures(in: finding)) }
            // Whoever decided says no; whoever cannot be asked says nothing, and a lease that is there goes on to its end. Nothing is decided
            // either where policies changed while the evidence was on its way.
            let isOpen = !error.isDecision || error.status == 409
            guard !isOpen || request.lease == nil else { return note([error.message]) }
            refuse(error.message, error.isDecision ? .integrity : .failed)
        } catch {
            note(["the exchange with the policy manager ended: \((error as? Interruption)?.message ?? "\(error)")"])
        }
    }

    private mutating func exchange(_ request: ChallengeRequest) async throws {
        let begun = try await persistently(request.lease != nil) { client throws(PerunClientError) in
            try await client.challenge(request)
        }
        try socket.send(begun.challenge.bytes)
        var cookie = begun.cookie
        var (message, frame) = try receive()
        if case .enrolment = message {
            let answer = try await client.enrol(EnrolmentRequest(cookie: cookie, enrolment: Base64(frame.encoded)))
            cookie = answer.cookie
            try socket.send(answer.credential.bytes)
            (message, frame) = try receive()
        }
        guard case .presentation = message else {
            throw Interruption(message: "the enclave sent something else than evidence")
        }
        let judged = try await client.attest(AttestationRequest(cookie: cookie, presentation: Base64(frame.encoded)))
        let release = try await client.release(ReleaseRequest(result: judged.result))
        try socket.send(release.grant.bytes)
        (message, frame) = try receive()
        guard case .receipt = message else {
            throw Interruption(message: "the enclave sent something else than a receipt")
        }
        lease = release.lease.id
        if request.lease == nil {
            note([
                "the policy manager granted the lease \(release.lease.id) for \(release.lease.seconds) s or "
                    + "\(release.lease.iterations) iterations"
            ])
        }
        _ = try await client.confirm(ReceiptRequest(lease: release.lease.id, receipt: Base64(frame.encoded)))
    }

    /// Asks again while nobody answers, as long as the enclave waits and there is something to lose.
    private func persistently<Answer: Sendable>(
        _ isPatient: Bool, _ ask: (PerunClient) async throws(PerunClientError) -> Answer
    ) async throws -> Answer {
        while true {
            do throws(PerunClientError) { return try await ask(client) } catch {
                guard isPatient, !error.isDecision else { throw error }
                note([error.message])
            }
            try await Task.sleep(for: .seconds(1))
            // Its end closes if the host or the enclave has given up.
            guard try socket.receive(atMost: 1, milliseconds: 0) == nil else {
                throw Interruption(message: "the enclave does not wait any more")
            }
        }
    }

    /// Waits for the enclave's next message.
    private mutating func receive() throws -> (EnclaveMessage, Frame) {
        while true {
            if let frame = try assembler.next() {
                let message = try EnclaveMessage(frame)
                if case .refusal(let failure) = message {
                    throw Interruption(message: "the enclave refuses: \(failure.message)")
                }
                return (message, frame)
            }
            // The host ends the connection of whoever takes too long.
            guard let bytes = try socket.receive(atMost: 1 << 20, milliseconds: 1_000) else {
                if Task.isCancelled { throw Interruption(message: "the run is over") }
                continue
            }
            guard !bytes.isEmpty else { throw Interruption(message: "the enclave ended it") }
            assembler.append(bytes)
        }
    }

    private func refuse(_ reason: String, _ category: Failure.Category) {
        try? socket.send(OwnerMessage.refusal(Failure(category: category, message: reason)).frame.encoded)
    }

    private func note(_ lines: [String]) {
        for line in lines { StandardError.print("perun: \(line)") }
    }

    /// The checks that failed, a line each, with the policy that they are of.
    private static func failures(in finding: FindingMessage, of policy: String = "") -> [String] {
        guard finding.outcome == "failed" else { return [] }
        let policy = finding.check.hasPrefix("policy[") ? "\(finding.check): " : policy
        let parts = finding.parts.flatMap { failures(in: $0, of: policy) }
        guard parts.isEmpty else { return parts }
        let line = finding.policyLine.map { ", asked for by \($0)" } ?? ""
        return [
            "\(policy)the check \(finding.check) failed: expected \(finding.expected), found \(finding.found)\(line)"
        ]
    }
}

extension PerunClientError {
    /// Whether the manager decided; it may as well be gone, or have too much to do.
    fileprivate var isDecision: Bool {
        status.map { (400..<500).contains($0) && ![408, 429].contains($0) } ?? false
    }
}
