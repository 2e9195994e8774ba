import Glibc

/// An address as the kernel takes it.
struct RawAddress {
    let family: CInt
    fileprivate let bytes: [UInt8]

    /// Lends the address to a system call.
    func withPointer<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe bytes.withMemoryRebound(to: sockaddr.self) { addresses in
                guard let address = addresses.baseAddress else { preconditionFailure("no address is empty") }
                return unsafe body(address, socklen_t(bytes.count))
            }
        }
    }
}

extension SocketAddress {
    /// What the address may mean, the best first.
    /// - Throws: ``SocketError`` if a name cannot be found.
    func candidates(toListen: Bool) throws(SocketError) -> [RawAddress] {
        switch self {
        case .local(let path): return [Self.local(path)]
        case .network(let host, let port): return try Self.network(host, port, toListen: toListen)
        }
    }

    private static func local(_ path: String) -> RawAddress {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) {
            unsafe $0.copyBytes(from: path.utf8.prefix(maximumPathByteCount))
        }
        return RawAddress(family: AF_UNIX, bytes: unsafe withUnsafeBytes(of: address) { unsafe Array($0) })
    }

    private static func network(_ host: String, _ port: UInt16, toListen: Bool) throws(SocketError) -> [RawAddress] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_NUMERICSERV | (toListen ? AI_PASSIVE : 0)
        var first: UnsafeMutablePointer<addrinfo>?
        let status = unsafe getaddrinfo(host, "\(port)", &hints, &first)
        guard status == 0 else {
            throw SocketError("\(host) cannot be found: \(unsafe String(cString: gai_strerror(status)))")
        }
        defer { unsafe freeaddrinfo(first) }
        var found: [RawAddress] = []
        var entry = unsafe first
        while let current = unsafe entry?.pointee {
            if let address = unsafe current.ai_addr {
                let bytes = unsafe UnsafeRawBufferPointer(start: address, count: Int(current.ai_addrlen))
                unsafe found.append(RawAddress(family: current.ai_family, bytes: Array(bytes)))
            }
            unsafe entry = current.ai_next
        }
        return found
    }
}

/// What an error number means.
func errorText(_ number: CInt) -> String { unsafe String(cString: strerror(number)) }
