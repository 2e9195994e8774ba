import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import PliniusPerun
import PliniusPerunClient
import Testing

/// Clients that take places and say nothing, or not enough.
@Suite("Connections of the server", .timeLimit(.minutes(30))) struct ConnectionTests {
    /// A connection without TLS.
    private func connect(_ server: TestServer) throws -> CInt {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(server.port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(result == 0, "errno \(errno)")
        return descriptor
    }

    @Test func silentConnectionsMakeRoomForOthers() async throws {
        var limits = TestServer.limits
        (limits.connections, limits.idleSeconds) = (2, 1)
        try await TestServer.run(limits: limits) { server in
            // They take all places, and some begin a handshake that they do not go on with.
            let silent = try (0..<4).map { _ in try connect(server) }
            defer { for descriptor in silent { close(descriptor) } }
            var hello: [UInt8] = [22, 3, 1, 1, 0, 1]
            for descriptor in silent.prefix(2) {
                // It may be over already on a machine that has much to do.
                _ = send(descriptor, &hello, hello.count, Int32(MSG_NOSIGNAL))
            }
            let client = try server.client()
            #expect(try await client.health().status == "ready")
            await client.close()
        }
    }

    @Test func aHeaderThatDoesNotEndIsNotWaitedFor() async throws {
        var limits = TestServer.limits
        limits.idleSeconds = 1
        try await TestServer.run(limits: limits) { server in
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.certificateVerification = .none
            let context = try NIOSSLContext(configuration: configuration)
            func write(_ text: String, to channel: any Channel) async -> Bool {
                do {
                    try await channel.writeAndFlush(ByteBuffer(string: text)).get()
                    return true
                } catch { return false }
            }
            /// A connection on which a header has begun; `nil` if this machine was slower than the server's patience.
            func begin() async throws -> (any Channel)? {
                let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                    .channelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandler(
                                NIOSSLClientHandler(context: context, serverHostname: nil))
                        }
                    }
                    .connect(host: "127.0.0.1", port: server.port).get()
                return await write("GET /v1/health HTTP/1.1\r\nhost: a\r\nx: ", to: channel) ? channel : nil
            }
            var begun: (any Channel)?
            for _ in 0..<20 where begun == nil { begun = try await begin() }
            let channel = try #require(begun)
            // A byte at a time keeps nobody's connection open.
            var sent = 0
            while sent < 600, channel.isActive, await write("a", to: channel) {
                sent += 1
                try await Task.sleep(for: .milliseconds(100))
            }
            #expect(sent < 600, "the server took \(sent) bytes of a header and waits for more")
        }
    }
}
