import Glibc

/// Sends and receives frames over a connected stream socket, and waits for them.
///
/// The channel borrows the descriptor: whoever opened it closes it. One thread sends at a time, and one receives.
public struct WireChannel: Sendable {
    /// A connected stream socket.
    public let descriptor: CInt
    /// The longest type and payload that is sent or accepted, in bytes.
    private let limit: Int

    /// Speaks over `descriptor`.
    public init(descriptor: CInt, limit: Int = Frame.maximumByteCount) {
        self.descriptor = descriptor
        self.limit = limit
    }

    /// Sends one message, waiting until the kernel has all of it.
    /// - Throws: `WireError.Code.disconnected` if the other side is gone; no signal is raised.
    public func send(_ message: some WireMessage) throws(WireError) {
        let frame = message.frame
        precondition(frame.payload.count < limit, "a frame of \(frame.payload.count) bytes is over the limit")
        let bytes = frame.encoded
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { source in
                unsafe Glibc.send(
                    descriptor, source.baseAddress?.advanced(by: sent), source.count - sent, CInt(MSG_NOSIGNAL))
            }
            if count >= 0 {
                sent += count
            } else if errno != EINTR {
                throw WireError(.disconnected, "the other process does not listen any more (errno \(errno))")
            }
        }
    }

    /// Receives one message, waiting for it.
    /// - Returns: `nil` if the other side closed the connection after a whole frame.
    /// - Throws: `WireError`: `disconnected` inside a frame, `oversized` before anything is allocated, and what the message's decoder
    ///   throws. After an error the channel is out of step and must not be used again.
    public func receive<Message: WireMessage>(_: Message.Type = Message.self) throws(WireError) -> Message? {
        let header = try read(4)
        if header.isEmpty { return nil }
        guard header.count == 4 else { throw Self.cutOff }
        let length = header.reversed().reduce(0) { $0 << 8 | Int($1) }
        guard length >= 1, length <= limit else {
            throw WireError(.oversized, "a frame says that it has \(length) bytes, between 1 and \(limit) are allowed")
        }
        let body = try read(length)
        guard body.count == length else { throw Self.cutOff }
        return try Message(Frame(type: body[0], payload: Array(body.dropFirst())))
    }

    private static var cutOff: WireError {
        WireError(.disconnected, "the other process went away in the middle of a message")
    }

    /// Reads `count` bytes, fewer only where the stream ends.
    private func read(_ count: Int) throws(WireError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let got = unsafe bytes.withUnsafeMutableBytes { target in
                unsafe Glibc.read(descriptor, target.baseAddress?.advanced(by: filled), count - filled)
            }
            if got == 0 { break }
            if got > 0 {
                filled += got
            } else if errno == ECONNRESET {
                break
            } else if errno != EINTR {
                throw WireError(.disconnected, "the other process cannot be heard any more (errno \(errno))")
            }
        }
        bytes.removeLast(count - filled)
        return bytes
    }
}
