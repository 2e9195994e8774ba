import Glibc
import PliniusWire
import Testing

@Suite("The channel", .timeLimit(.minutes(30)))
struct WireChannelTests {
    @Test
    func messagesArriveInOrderAndThenTheEnd() throws {
        let pair = try SocketPair()
        let host = WireChannel(descriptor: pair.left)
        let enclave = WireChannel(descriptor: pair.right)
        try host.send(Command.status(StatusRequest(runs: [])))
        try host.send(Command.stop)
        #expect(try enclave.receive() == Command.status(StatusRequest(runs: [])))
        #expect(try enclave.receive() == Command.stop)
        try enclave.send(Event.publish)
        #expect(try host.receive() == Event.publish)
        pair.closeLeft()
        #expect(try enclave.receive(Command.self) == nil)
    }

    /// A frame larger than any socket buffer goes in pieces; the reader gets it in pieces too.
    @Test
    func aFrameLargerThanTheSocketBufferArrivesWhole() async throws {
        let pair = try SocketPair()
        var request = Samples.train
        request.config = try ConfigFile(
            text: String(repeating: "# 0123456789\n", count: 60_000),
            name: "long.cfg"
        )
        let sent = Command.train(request)
        let host = WireChannel(descriptor: pair.left)
        let enclave = WireChannel(descriptor: pair.right)
        async let received: Command? = receiveFromOtherTask(enclave)
        try host.send(sent)
        #expect(try await received == sent)
    }

    @Test
    func aStreamThatEndsInsideAFrameIsAnError() throws {
        let whole: [UInt8] = [6, 0, 0, 0, 5, 0, 1, 2, 3, 4]
        for length in 1..<whole.count {
            let pair = try SocketPair()
            pair.write(Array(whole.prefix(length)))
            pair.closeLeft()
            #expect(receiveError(pair)?.code == .disconnected, "\(length) bytes")
        }
    }

    @Test
    func lengthsOutsideTheLimitsAreRefusedBeforeTheyAreRead() throws {
        for length: UInt32 in [0, 1 << 20 + 1, .max] {
            let pair = try SocketPair()
            pair.write((0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) })
            pair.closeLeft()
            #expect(receiveError(pair)?.code == .oversized, "\(length)")
        }
    }

    /// Between the processes of an enclave evidence passes, which is longer than what a host may say.
    @Test
    func aChannelHasTheLimitThatItIsGiven() throws {
        let pair = try SocketPair()
        let channel = WireChannel(descriptor: pair.right, limit: 10)
        let frame = Frame(type: 9, payload: [UInt8](repeating: 5, count: 9))
        pair.write(frame.encoded)
        #expect(try channel.receive() == frame)
        pair.write([11, 0, 0, 0])
        #expect(throws: WireError.self) { try channel.receive(Frame.self) }
    }

    @Test
    func sendingToSomebodyWhoIsGoneThrowsInsteadOfRaisingASignal() throws {
        let pair = try SocketPair()
        pair.closeLeft()
        do throws(WireError) {
            try WireChannel(descriptor: pair.right).send(Event.publish)
            Issue.record("nobody can have received this")
        } catch {
            #expect(error.code == .disconnected)
        }
    }

    @concurrent
    private func receiveFromOtherTask(_ channel: WireChannel) async throws -> Command? {
        try channel.receive()
    }

    private func receiveError(_ pair: SocketPair) -> WireError? {
        do throws(WireError) {
            _ = try WireChannel(descriptor: pair.right).receive(Command.self)
            return nil
        } catch {
            return error
        }
    }
}

/// Two connected stream sockets, closed at the end.
final class SocketPair {
    private(set) var left: CInt
    let right: CInt

    init() throws {
        var descriptors: [CInt] = [-1, -1]
        try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &descriptors) == 0)
        (left, right) = (descriptors[0], descriptors[1])
    }

    func write(_ bytes: [UInt8]) {
        #expect(Glibc.write(left, bytes, bytes.count) == bytes.count)
    }

    func closeLeft() {
        close(left)
        left = -1
    }

    deinit {
        if left >= 0 { close(left) }
        close(right)
    }
}
