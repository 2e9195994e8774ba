import Glibc
import PliniusWire
import Synchronization
import _PliniusSupport

/// The enclave's end of the control socket.
///
/// After the request one thread of its own listens, so that a stop is noticed at once and the host's death ends this process: what is
/// durable is in the pool, and a trainer that nobody watches would only hold the pool's lock.
final class Control: Sendable {
    private struct State {
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
    private let sending = Mutex(())
    private let answerArrived = Semaphore()
    private let pieceArrived = Semaphore()
    private let stopFlag = Atomic(false)

    /// Speaks over the control socket.
    init(descriptor: CInt) { channel = WireChannel(descriptor: descriptor) }

    /// Whether the host has asked to finish early.
    var isStopRequested: Bool { stopFlag.load(ordering: .relaxed) }

    /// Waits for what the host says: what it wants done, before ``listen()``.
    func receive() -> Command {
        // The host is not trusted to frame its messages; it is not obeyed any further either.
        guard let command = try? channel.receive(Command.self) else { hostIsGone() }
        return command
    }

    /// Tells the host something; ends the process if the host is gone.
    func send(_ event: Event) {
        sending.withLock { _ in do throws(WireError) { try channel.send(event) } catch { hostIsGone() } }
    }

    /// Has the host find places for new runs of one size.
    /// - Throws: `SessionError` with the host's reason if there are none.
    func allocate(_ count: Int, byteCount: Int) throws(SessionError) -> [PoolExtent] {
        let byteCounts = [UInt64](repeating: UInt64(byteCount), count: count)
        guard case .allocated(let allocation) = ask(.allocate(byteCounts: byteCounts)) else { hostIsGone() }
        if let refusal = allocation.refusal { throw SessionError(refusal.category, refusal.message) }
        guard allocation.extents.map(\.byteCount) == byteCounts else {
            throw SessionError(
                .failed,
                "the run takes \(byteCounts) bytes of the pool, and the host gave \(allocation.extents.map(\.byteCount))"
            )
        }
        return allocation.extents
    }

    /// Has the host give new runs their names, which they have durably when this returns.
    /// - Throws: `SessionError` with the host's reason if it could not.
    func publish() throws(SessionError) {
        guard case .published(let refusal) = ask(.publish) else { hostIsGone() }
        if let refusal { throw SessionError(.failed, refusal) }
    }

    /// Has the host bring an owner; what an earlier one said is forgotten.
    func awaitOwner() {
        state.withLock { state in (state.pieces, state.pieceBytes) = ([], 0) }
        send(.awaiting)
    }

    /// Waits for the next piece of the owner's stream.
    /// - Returns: no bytes if the owner is gone; `nil` if the host asks to stop.
    func nextPiece() -> [UInt8]? {
        while !isStopRequested {
            pieceArrived.wait()
            let piece: [UInt8]? = state.withLock { state in
                guard !state.pieces.isEmpty else { return nil }
                state.pieceBytes -= state.pieces[0].count
                return state.pieces.removeFirst()
            }
            if let piece { return piece }
        }
        return nil
    }

    private func ask(_ ocall: Event) -> Command? {
        send(ocall)
        answerArrived.wait()
        return state.withLock { $0.answer.take() }
    }

    /// Starts the thread that listens.
    func listen() {
        startThread { [self] in while true { take(receive()) } }
    }

    private func take(_ command: Command) {
        switch command {
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
        case .train, .test, .predict, .status: hostIsGone()
        }
    }

    private func hostIsGone() -> Never {
        // Nothing to tidy up: every instant is a safe instant to die at.
        _exit(1)
    }
}
