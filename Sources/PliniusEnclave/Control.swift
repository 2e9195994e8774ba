import Glibc
import PliniusWire
import Synchronization
import _PliniusSupport

/// The enclave's end of the control socket.
///
/// One thread of its own listens, so that a stop is noticed at once and the host's death ends this process: what is durable
/// is in the pool, and a trainer that nobody watches would only hold the pool's lock.
final class Control: Sendable {
    private struct State {
        var request: Command?
        /// What the host answered to the ocall that waits.
        var answer: Command?
        /// What came of the owner and was not taken yet, and how many bytes it is.
        var pieces: [[UInt8]] = []
        var pieceBytes = 0
    }

    /// How much of the owner's stream may lie here: an owner's side of an exchange is a few kilobytes.
    private static let maximumPieceBytes = 1 << 20

    private let channel: WireChannel
    private let state = Mutex(State())
    private let requestArrived = Semaphore()
    private let answerArrived = Semaphore()
    private let pieceArrived = Semaphore()
    private let stopFlag = Atomic(false)

    /// Starts to listen on the control socket.
    init(descriptor: CInt) {
        channel = WireChannel(descriptor: descriptor)
        startThread { [self] in listen() }
    }

    /// Whether the host has asked to finish early.
    var isStopRequested: Bool { stopFlag.load(ordering: .relaxed) }

    /// Waits for what the host wants done.
    func nextRequest() -> Command {
        requestArrived.wait()
        return state.withLock { state in
            guard let request = state.request else { preconditionFailure("a request was signalled but not stored") }
            return request
        }
    }

    /// Tells the host something; ends the process if the host is gone.
    func send(_ event: Event) { do throws(WireError) { try channel.send(event) } catch { hostIsGone() } }

    /// Has the host find a place for a new run.
    /// - Throws: `SessionError` with the host's reason if there is none.
    func allocate(byteCount: Int) throws(SessionError) -> PoolExtent {
        guard case .allocated(let allocation) = ask(.allocate(byteCount: UInt64(byteCount))) else { hostIsGone() }
        if let refusal = allocation.refusal { throw SessionError(refusal.category, refusal.message) }
        guard let extent = allocation.extent else { hostIsGone() }
        guard extent.byteCount == UInt64(byteCount) else {
            throw SessionError(
                .failed, "the run takes \(byteCount) bytes of the pool, and the host gave \(extent.byteCount)")
        }
        return extent
    }

    /// Has the host give a new run its name, which it has durably when this returns.
    /// - Throws: `SessionError` with the host's reason if it could not.
    func publish() throws(SessionError) {
        guard case .published(let refusal) = ask(.publish) else { hostIsGone() }
        if let refusal { throw SessionError(.failed, refusal) }
    }

    /// Waits for the next piece of the owner's stream.
    /// - Returns: no bytes if the owner is gone; `nil` if the host asks to stop.
    func nextPiece() -> [UInt8]? {
        pieceArrived.wait()
        if isStopRequested { return nil }
        return state.withLock { state in
            guard !state.pieces.isEmpty else { preconditionFailure("a piece was signalled but not stored") }
            state.pieceBytes -= state.pieces[0].count
            return state.pieces.removeFirst()
        }
    }

    private func ask(_ ocall: Event) -> Command? {
        send(ocall)
        answerArrived.wait()
        return state.withLock { $0.answer.take() }
    }

    private func listen() {
        while true {
            let command: Command?
            do throws(WireError) { command = try channel.receive(Command.self) } catch {
                // The host is not trusted to frame its messages; it is not obeyed any further either.
                hostIsGone()
            }
            switch command {
            case nil: hostIsGone()
            case .stop:
                stopFlag.store(true, ordering: .relaxed)
                pieceArrived.signal()
            case .relayed(let piece):
                let fits = state.withLock { state in
                    // An empty piece counts as well, or no end of them would fit.
                    state.pieceBytes += piece.count
                    state.pieces.append(piece)
                    return state.pieceBytes <= Self.maximumPieceBytes && state.pieces.count <= 4096
                }
                if !fits { hostIsGone() }
                pieceArrived.signal()
            case .allocated, .published:
                state.withLock { $0.answer = command }
                answerArrived.signal()
            case .train, .test, .status:
                state.withLock { $0.request = command }
                requestArrived.signal()
            }
        }
    }

    private func hostIsGone() -> Never {
        // Nothing to tidy up: every instant is a safe instant to die at.
        _exit(1)
    }
}
