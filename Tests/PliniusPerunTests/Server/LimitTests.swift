import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOHTTP1
import NIOSSL
import PliniusPerun
import PliniusPerunClient
import PliniusPolicyManager
import PliniusWire
import Testing

/// What the server takes of one client, and says of what it does not.
@Suite("Limits of the server", .timeLimit(.minutes(30))) struct LimitTests {
    /// What a bare client gets.
    struct Reply {
        let status: Int
        let headers: HTTPHeaders
        let body: [UInt8]

        var problem: ProblemDetails? { try? JSONDecoder().decode(ProblemDetails.self, from: Data(body)) }
    }

    /// Asks without anything that the library of the client adds.
    private func ask(
        _ server: TestServer, _ method: HTTPMethod, _ path: String, headers: HTTPHeaders = [:],
        body: HTTPClientRequest.Body? = nil, tls maximum: TLSVersion? = nil
    ) async throws -> Reply {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.certificateVerification = .none
        if let maximum { (tls.minimumTLSVersion, tls.maximumTLSVersion) = (maximum, maximum) }
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
        configuration.httpVersion = .http1Only
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            var request = HTTPClientRequest(url: "https://\(server.address)\(path)")
            request.method = method
            request.headers = headers
            request.body = body
            let response = try await http.execute(
                request, timeout: maximum == .tlsv12 ? .seconds(20) : .seconds(600))
            let reply = Reply(
                status: Int(response.status.code), headers: response.headers,
                body: Array(try await response.body.collect(upTo: 1 << 22).readableBytesView))
            try await http.shutdown()
            return reply
        } catch {
            try? await http.shutdown()
            throw error
        }
    }

    private func expectProblem(
        _ reply: Reply, _ status: Int, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(reply.status == status, sourceLocation: sourceLocation)
        #expect(reply.headers.first(name: "content-type") == "application/problem+json", sourceLocation: sourceLocation)
        #expect(reply.problem?.status == status && reply.problem?.request != nil, sourceLocation: sourceLocation)
        for name in ["strict-transport-security", "content-security-policy", "x-content-type-options", "cache-control"]
        {
            #expect(reply.headers.contains(name: name), sourceLocation: sourceLocation)
        }
    }

    @Test func bodiesShareABudgetThatIsGivenBack() async throws {
        var limits = TestServer.limits
        limits.bodies = 1_000
        try await TestServer.run(limits: limits) { server in
            let json: HTTPHeaders = ["content-type": "application/json"]
            for _ in 0..<3 {
                let fits = HTTPClientRequest.Body.bytes(ByteBuffer(repeating: UInt8(ascii: " "), count: 900))
                expectProblem(try await ask(server, .POST, "/v1/releases", headers: json, body: fits), 400)
            }
            let long = HTTPClientRequest.Body.bytes(ByteBuffer(repeating: UInt8(ascii: " "), count: 1_001))
            let refused = try await ask(server, .POST, "/v1/releases", headers: json, body: long)
            expectProblem(refused, 429)
            #expect(refused.headers.first(name: "retry-after") == "2")
            // Whoever does not say how long the body is may send as much as the route takes.
            let unsaid = HTTPClientRequest.Body.stream(
                AsyncStream { stream in
                    stream.yield(ByteBuffer(string: "{}"))
                    stream.finish()
                }, length: .unknown)
            expectProblem(try await ask(server, .POST, "/v1/releases", headers: json, body: unsaid), 429)
        }
    }

    @Test func everyRefusalIsAProblem() async throws {
        var limits = TestServer.limits
        limits.burst = 10_000
        try await TestServer.run(limits: limits) { server in
            let json: HTTPHeaders = ["content-type": "application/json"]
            expectProblem(try await ask(server, .GET, "/nothing"), 404)
            expectProblem(try await ask(server, .GET, "/v1/assets/"), 404)
            expectProblem(try await ask(server, .GET, "/v1/statements/%ZZ"), 400)
            expectProblem(try await ask(server, .GET, "/v1/audit/entries?from=-1"), 400)
            expectProblem(try await ask(server, .GET, "/v1/audit/entries?from=1&from=2"), 400)
            expectProblem(try await ask(server, .GET, "/v1/audit/proofs/9?size=9"), 404)
            let other = try await ask(server, .DELETE, "/v1/statements")
            expectProblem(other, 405)
            #expect(other.headers.first(name: "allow") == "POST")
            expectProblem(try await ask(server, .POST, "/v1/releases", body: .bytes(ByteBuffer(string: "{}"))), 415)
            expectProblem(
                try await ask(server, .POST, "/v1/releases", headers: json, body: .bytes(ByteBuffer(string: "{}"))), 400
            )
            let deep = String(repeating: "[", count: 100_000)
            expectProblem(
                try await ask(server, .POST, "/v1/releases", headers: json, body: .bytes(ByteBuffer(string: deep))), 400
            )
            expectProblem(
                try await ask(
                    server, .POST, "/v1/releases",
                    headers: ["content-type": "application/json", "content-encoding": "gzip"],
                    body: .bytes(ByteBuffer(string: "{}"))), 415)
            expectProblem(
                try await ask(server, .GET, "/v1/health", headers: ["x": String(repeating: "a", count: 20_000)]), 431)
            expectProblem(try await ask(server, .GET, "/v1/health?" + String(repeating: "a", count: 5_000)), 414)
            #expect(try await ask(server, .GET, "/v1/health").status == 200)
        }
    }

    @Test func bodiesHaveALimit() async throws {
        try await TestServer.run { server in
            let json: HTTPHeaders = ["content-type": "application/json"]
            let long = ByteBuffer(repeating: 0x20, count: (1 << 20) + 1)
            expectProblem(try await ask(server, .POST, "/v1/releases", headers: json, body: .bytes(long)), 413)
            // Without a length the bytes are counted as they come.
            let stream = AsyncStream<ByteBuffer> { continuation in
                for _ in 0..<20 { continuation.yield(ByteBuffer(repeating: 0x20, count: 1 << 16)) }
                continuation.finish()
            }
            expectProblem(
                try await ask(server, .POST, "/v1/releases", headers: json, body: .stream(stream, length: .unknown)),
                413)
            expectProblem(
                try await ask(server, .GET, "/v1/health", headers: json, body: .bytes(ByteBuffer(string: "x"))), 413)
            #expect(try await ask(server, .GET, "/v1/health").status == 200)
        }
    }

    @Test func aSlowBodyIsNotWaitedFor() async throws {
        var limits = TestServer.limits
        limits.requestSeconds = 1
        try await TestServer.run(limits: limits) { server in
            let (stream, continuation) = AsyncStream.makeStream(of: ByteBuffer.self)
            continuation.yield(ByteBuffer(string: "{"))
            let reply = try await ask(
                server, .POST, "/v1/releases", headers: ["content-type": "application/json"],
                body: .stream(stream, length: .unknown))
            continuation.finish()
            expectProblem(reply, 408)
        }
    }

    @Test func whoAsksTooOftenWaits() async throws {
        var limits = TestServer.limits
        (limits.burst, limits.rate) = (3, 0.001)
        try await TestServer.run(limits: limits) { server in
            for _ in 0..<3 { #expect(try await ask(server, .GET, "/v1/health").status == 200) }
            let reply = try await ask(server, .GET, "/v1/health")
            expectProblem(reply, 429)
            #expect(Int(reply.headers.first(name: "retry-after") ?? "") ?? 0 > 0)
        }
    }

    @Test func olderTLSAndOtherCertificatesAreRefused() async throws {
        try await TestServer.run { server in
            #expect(try await ask(server, .GET, "/v1/health", tls: .tlsv13).status == 200)
            await #expect(throws: (any Error).self) { try await ask(server, .GET, "/v1/health", tls: .tlsv12) }
            try await TestServer.run { other in
                // Pinned is one certificate: that of another manager is not believed, whatever its name.
                let client = try PerunClient(
                    address: server.address, certificate: other.identity.certificatePEM, seconds: 10)
                await #expect(throws: PerunClientError.self) { try await client.health() }
                await client.close()
            }
        }
    }

    @Test func theTokenForReadingIsAskedForWhereItCounts() async throws {
        try await TestServer.run(token: "0123456789abcdef") { server in
            expectProblem(try await ask(server, .GET, "/v1/assets"), 401)
            expectProblem(
                try await ask(server, .GET, "/v1/assets", headers: ["authorization": "Bearer 0123456789abcdeF"]), 401)
            expectProblem(try await ask(server, .GET, "/v1/assets", headers: ["authorization": "Bearer "]), 401)
            #expect(try await server.client(token: "0123456789abcdef").assets().assets.isEmpty)
            for path in ["/v1/health", "/v1/certificate", "/openapi.yaml"] {
                #expect(try await ask(server, .GET, path).status == 200)
            }
        }
    }

    @Test func noSecretIsInTheLogOrInAnAnswer() async throws {
        let world = TestWorld()
        try await TestServer.run(token: "0123456789abcdef") { server in
            let client = try server.client(token: "0123456789abcdef")
            try await world.establish(with: client)
            let (answer, enclave) = try await world.exchange(with: client)
            await refusal(403) { _ = try await world.exchange(with: client, change: { $0.nonce[0] ^= 1 }) }
            let opened = try enclave.open(answer.grant.bytes)
            let root = try String(contentsOfFile: server.folder + "/root.insecure", encoding: .utf8)
            let rootBytes = stride(from: 0, to: 64, by: 2).compactMap { place -> UInt8? in
                let start = root.index(root.startIndex, offsetBy: place)
                return UInt8(root[start..<root.index(start, offsetBy: 2)], radix: 16)
            }
            var said = server.log.all.joined(separator: "\n")
            #expect(said.contains("/v1/releases"))
            for path in [
                "/v1/assets", "/v1/leases", "/v1/policies", "/v1/pending", "/v1/audit/entries?count=1000",
                "/v1/attestation?nonce=" + String(repeating: "0", count: 64), "/v1/certificate", "/v1/audit/head",
            ] {
                said += String(decoding: try await client.get(path), as: UTF8.self)
            }
            for secret in opened.keys + [opened.receiptKey, rootBytes, Array("0123456789abcdef".utf8)] {
                #expect(secret.count >= 16)
                #expect(!said.contains(hex(secret)))
                #expect(!said.contains(hex(secret).uppercased()))
                #expect(!said.contains(Data(secret).base64EncodedString().replacing("=", with: "")))
                #expect(!said.contains(secret.map { "\($0)" }.joined(separator: ", ")))
                #expect(!said.utf8.contains(secret))
            }
            #expect(!said.contains("PRIVATE KEY"))
            // Nor in the store, but wrapped.
            for file in ["perun.sqlite", "perun.sqlite-wal"] {
                let bytes = try Data(contentsOf: URL(filePath: server.folder + "/" + file))
                for secret in opened.keys + [opened.receiptKey, rootBytes] { #expect(!bytes.contains(secret)) }
            }
        }
    }
}
