import Glibc
import PliniusSockets
import PliniusWire

/// Where owners are waited for, and the bytes between one of them and the enclave.
///
/// What passes is none of the host's business: it could change it, and the exchange would end with a refusal on either side.
final class OwnerRelay {
    /// What changed since the last look.
    enum Change {
        /// An owner is connected.
        case connected
        /// Bytes for the enclave; none at all if the owner is gone.
        case received([UInt8])
        /// The owner took longer than it may.
        case timedOut
    }

    /// How long one owner may take, so that a silent one does not keep the others out.
    private static let patience = Duration.seconds(120)
    /// How much may lie here that the owner did not take yet: the longest message and some more.
    private static let maximumPendingBytes = EnclaveMessage.maximumFrameByteCount + (1 << 20)

    private let source: Source
    private var owner: StreamSocket?
    /// Whether the owner's part is over, and only the enclave's last words are on their way.
    private var isFinishing = false
    private var deadline = ContinuousClock.now
    private var pending: ArraySlice<UInt8> = []
    /// Whether the enclave is ready for an owner; set by whoever hears it say so.
    var isReady = false

    /// Where owners come from.
    private enum Source {
        case listener(ListeningSocket)
        /// Whoever stands for them all.
        case manager(ManagerBridge)
    }

    /// Begins to listen.
    /// - Throws: `HostError.Code.usage` if that is not possible there.
    init(_ address: String) throws(HostError) {
        do throws(SocketError) { source = .listener(try ListeningSocket(SocketAddress(address))) } catch {
            throw HostError(.usage, "--wait-for-owner: \(error)")
        }
    }

    /// Has a policy manager answer for the owners.
    init(_ manager: ManagerBridge) { source = .manager(manager) }

    /// Where owners connect to, or who answers for them.
    var address: String {
        switch source {
        case .listener(let listener): "\(listener.address)"
        case .manager(let manager): "the policy manager at \(manager.address)"
        }
    }

    /// Whether another owner may come after one who granted nothing.
    var waitsForOthers: Bool {
        if case .listener = source { true } else { false }
    }

    private func accept() -> StreamSocket? {
        switch source {
        case .listener(let listener): listener.accept()
        case .manager(let manager): manager.connect()
        }
    }

    /// The descriptors to wait for, and what for.
    var waitingFor: (descriptor: CInt, events: CInt)? {
        guard let owner else {
            guard isReady, case .listener(let listener) = source else { return nil }
            return (listener.descriptor, POLLIN)
        }
        let events = (pending.isEmpty ? 0 : POLLOUT) | (isFinishing ? 0 : POLLIN)
        return (owner.descriptor, events)
    }

    /// Does what can be done at once.
    func proceed() -> Change? {
        guard let owner = self.owner else {
            guard isReady, let next = accept() else { return nil }
            (self.owner, isFinishing, isReady) = (next, false, false)
            deadline = ContinuousClock.now + Self.patience
            return .connected
        }
        do throws(SocketError) {
            if !pending.isEmpty, let count = try owner.sendWithoutWaiting(pending) {
                pending = pending.dropFirst(count)
            }
            guard !isFinishing else {
                if pending.isEmpty || ContinuousClock.now > deadline { close() }
                return nil
            }
            if let bytes = try owner.receive(atMost: RelayedBytes.maximumByteCount, milliseconds: 0) {
                if bytes.isEmpty { close() }
                return .received(bytes)
            }
        } catch {
            close()
            return isFinishing ? nil : .received([])
        }
        guard ContinuousClock.now > deadline else { return nil }
        close()
        return .timedOut
    }

    /// Passes bytes on to the owner, now or as soon as it takes them.
    func send(_ bytes: [UInt8]) {
        guard owner != nil else { return }
        guard pending.count + bytes.count <= Self.maximumPendingBytes else { return deadline = .now }
        pending += bytes
    }

    /// Ends the connection as soon as the owner has what it was sent, or does not want it.
    func finish() {
        isFinishing = true
        deadline = min(deadline, .now + .seconds(10))
        _ = proceed()
    }

    private func close() {
        owner = nil
        pending = []
    }
}
