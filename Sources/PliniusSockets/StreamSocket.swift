import Glibc

/// A connected stream socket; closed when the last holder lets go of it.
public final class StreamSocket: Sendable {
    /// The descriptor, for waiting.
    public let descriptor: CInt

    init(descriptor: CInt) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Connects to whoever listens at `address`.
    /// - Parameter seconds: How long to wait for an answer, of each of the addresses that a name stands for.
    /// - Throws: ``SocketError`` with the address and the reason.
    public static func connect(to address: SocketAddress, seconds: Int = 10) throws(SocketError) -> StreamSocket {
        var reason = "it has no address"
        for candidate in try address.candidates(toListen: false) {
            let descriptor = socket(candidate.family, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            guard descriptor >= 0 else {
                reason = errorText(errno)
                continue
            }
            let stream = StreamSocket(descriptor: descriptor)
            var limit = timeval(tv_sec: seconds, tv_usec: 0)
            unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            if unsafe candidate.withPointer({ unsafe Glibc.connect(descriptor, $0, $1) }) == 0 { return stream }
            reason = errno == EINPROGRESS ? "no answer within \(seconds) s" : errorText(errno)
        }
        throw SocketError("\(address) cannot be reached: \(reason)")
    }

    /// Makes two that are connected with each other, for two parts of one process.
    /// - Throws: ``SocketError`` if the process or the machine has no descriptors left.
    public static func pair() throws(SocketError) -> (StreamSocket, StreamSocket) {
        var descriptors: [CInt] = [-1, -1]
        let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard unsafe socketpair(AF_UNIX, type, 0, &descriptors) == 0 else {
            throw SocketError("no sockets can be made: \(errorText(errno))")
        }
        return (StreamSocket(descriptor: descriptors[0]), StreamSocket(descriptor: descriptors[1]))
    }

    /// Sends everything, waiting as long as it takes; raises no signal.
    /// - Throws: ``SocketError`` if the other side is gone.
    public func send(_ bytes: [UInt8]) throws(SocketError) {
        var sent = 0
        while sent < bytes.count {
            let count = try sendSome(bytes[sent...], wait: true)
            sent += count ?? 0
        }
    }

    /// Sends what the kernel takes at once.
    /// - Returns: how many bytes that were; `nil` if it takes none now.
    /// - Throws: ``SocketError`` if the other side is gone.
    public func sendWithoutWaiting(_ bytes: ArraySlice<UInt8>) throws(SocketError) -> Int? {
        try sendSome(bytes, wait: false)
    }

    private func sendSome(_ bytes: ArraySlice<UInt8>, wait: Bool) throws(SocketError) -> Int? {
        let flags = CInt(MSG_NOSIGNAL) | (wait ? 0 : CInt(MSG_DONTWAIT))
        let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, flags) }
        guard count < 0 else { return count }
        switch errno {
        case EINTR: return nil
        case EAGAIN where !wait: return nil
        case EAGAIN: throw SocketError("the other side takes nothing any more")
        default: throw SocketError("the connection is broken: \(errorText(errno))")
        }
    }

    /// Receives what has arrived, `limit` bytes at most.
    /// - Parameter milliseconds: How long to wait for the first of them; negative for ever.
    /// - Returns: no bytes if the other side closed the connection; `nil` if the time passed.
    /// - Throws: ``SocketError`` if the connection broke.
    public func receive(atMost limit: Int, milliseconds: CInt) throws(SocketError) -> [UInt8]? {
        var entry = pollfd(fd: descriptor, events: CShort(POLLIN), revents: 0)
        guard unsafe poll(&entry, 1, milliseconds) > 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = unsafe recv(descriptor, &bytes, limit, CInt(MSG_DONTWAIT))
        guard count < 0 else {
            bytes.removeLast(limit - count)
            return bytes
        }
        switch errno {
        case EINTR, EAGAIN: return nil
        case ECONNRESET: return []
        default: throw SocketError("the connection is broken: \(errorText(errno))")
        }
    }
}

/// A socket that takes connections, until the last holder lets go of it.
public final class ListeningSocket: Sendable {
    public let descriptor: CInt
    /// Where it listens; with the port that the kernel chose if 0 was asked for.
    public let address: SocketAddress
    private let localPath: String?

    /// Begins to listen.
    ///
    /// A socket in the file system is for its owner's eyes only, and goes away with this object.
    /// - Throws: ``SocketError`` with the address and the reason.
    public init(_ address: SocketAddress) throws(SocketError) {
        var localPath: String?
        if case .local(let path) = address {
            // What a killed program left behind is in the way; nobody answers there.
            if (try? StreamSocket.connect(to: address)) == nil, Self.isSocket(path) { unsafe unlink(path) }
            localPath = path
        }
        var reason = "it has no address"
        for candidate in try address.candidates(toListen: true) {
            let descriptor = socket(candidate.family, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            guard descriptor >= 0 else {
                reason = errorText(errno)
                continue
            }
            var yes: CInt = 1
            unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
            if localPath != nil { fchmod(descriptor, 0o600) }
            if unsafe candidate.withPointer({ unsafe bind(descriptor, $0, $1) }) == 0, listen(descriptor, 16) == 0 {
                self.descriptor = descriptor
                self.address = Self.address(of: descriptor, askedFor: address)
                self.localPath = localPath
                return
            }
            reason = errorText(errno)
            close(descriptor)
        }
        throw SocketError("\(address) cannot be listened at: \(reason)")
    }

    deinit {
        close(descriptor)
        if let localPath { unsafe unlink(localPath) }
    }

    /// Takes the next connection.
    /// - Returns: `nil` if nobody waits for one now.
    public func accept() -> StreamSocket? {
        var entry = pollfd(fd: descriptor, events: CShort(POLLIN), revents: 0)
        guard unsafe poll(&entry, 1, 0) > 0 else { return nil }
        let connection = Glibc.accept(descriptor, nil, nil)
        guard connection >= 0 else { return nil }
        _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
        return StreamSocket(descriptor: connection)
    }

    private static func isSocket(_ path: String) -> Bool {
        var information = stat()
        return unsafe lstat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFSOCK
    }

    private static func address(of descriptor: CInt, askedFor: SocketAddress) -> SocketAddress {
        guard case .network(let host, _) = askedFor else { return askedFor }
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let port = unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            unsafe bytes.withMemoryRebound(to: sockaddr.self) { addresses in
                _ = unsafe getsockname(descriptor, addresses.baseAddress, &length)
            }
            // The port stands at the same place in both families, behind the family, the most significant byte first.
            return unsafe UInt16(bytes[2]) << 8 | UInt16(bytes[3])
        }
        return .network(host: host, port: port)
    }
}
