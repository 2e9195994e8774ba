import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOHTTP1
import NIOSSL

/// Asks a policy manager, over TLS 1.3, and believes one certificate alone.
public struct PerunClient: Sendable {
    /// How long an answer may be, in bytes.
    public static let answerLimit = 32 << 20

    private let connections: Connections
    private let base: String
    private let token: String?
    private let seconds: Int64

    /// Prepares to ask; nothing is sent yet.
    /// - Parameters:
    ///   - address: `host:port` or `[v6]:port`.
    ///   - certificate: The manager's own certificate, in PEM: no other is believed, whatever name it has.
    ///   - token: What the manager wants to be told before it lists anything, if it wants that.
    ///   - seconds: How long a connection may take, and then one answer.
    /// - Throws: `PerunClientError` if either is none.
    public init(
        address: String, certificate: String, token: String? = nil, seconds: Int64 = 60
    ) throws(PerunClientError) {
        let pinned: [NIOSSLCertificate]
        do { pinned = try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8)) } catch {
            throw PerunClientError("the manager's certificate is no certificate in PEM: fetch it again")
        }
        guard pinned.count == 1 else {
            throw PerunClientError("one certificate is pinned, the manager's own; the file has \(pinned.count)")
        }
        let url = "https://\(address)"
        guard !address.isEmpty, !address.contains(where: { "/?#@ ".contains($0) }), let parsed = URL(string: url),
            parsed.host() != nil, parsed.port != nil
        else { throw PerunClientError("'\(address)' is no address: give host:port or [v6]:port") }
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv13
        tls.trustRoots = .certificates(pinned)
        // The certificate itself is what is believed; the name in it says nothing more.
        tls.certificateVerification = .noHostnameVerification
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow,
            // A manager whose connections are all taken lets others wait; one that is not there refuses at once.
            timeout: .init(connect: .seconds(seconds), read: .seconds(seconds)))
        configuration.httpVersion = .http1Only
        // Whoever asks decides whether to ask again, and learns at once that nobody is there.
        configuration.connectionPool.retryConnectionEstablishment = false
        connections = Connections(configuration)
        base = url
        self.token = token
        self.seconds = seconds
    }

    /// Closes the connections; nothing is asked afterwards.
    public func close() async { try? await connections.http.shutdown() }

    /// Asks, and closes the connections afterwards, whatever came of it.
    public func closing<Answer: Sendable>(
        after work: (PerunClient) async throws -> Answer
    ) async throws -> Answer {
        do {
            let answer = try await work(self)
            await close()
            return answer
        } catch {
            await close()
            throw error
        }
    }

    // MARK: - Requests

    /// Fetches an answer as it is.
    /// - Throws: `PerunClientError`.
    public func get(_ path: String) async throws(PerunClientError) -> [UInt8] { try await send(.GET, path, nil) }

    /// Fetches a message.
    /// - Throws: `PerunClientError`.
    public func get<Answer: Decodable>(_ path: String, as _: Answer.Type = Answer.self) async throws(PerunClientError)
        -> Answer
    {
        try decode(try await send(.GET, path, nil))
    }

    /// Sends a message, and gives the answer.
    /// - Throws: `PerunClientError`.
    public func post<Answer: Decodable>(
        _ path: String, _ message: some Encodable & Sendable, as _: Answer.Type = Answer.self
    ) async throws(PerunClientError) -> Answer {
        try decode(try await send(.POST, path, try encode(message)))
    }

    /// Puts a message where the path says, and gives the answer.
    /// - Throws: `PerunClientError`.
    public func put<Answer: Decodable>(
        _ path: String, _ message: some Encodable & Sendable, as _: Answer.Type = Answer.self
    ) async throws(PerunClientError) -> Answer {
        try decode(try await send(.PUT, path, try encode(message)))
    }

    /// Why there is no answer, in words.
    private static func silence(of base: String, _ error: any Error) -> String {
        let text = "\(error)"
        guard error is NIOSSLError, text.contains("CERTIFICATE_VERIFY_FAILED") else {
            return "the manager at \(base) gives no answer: \(text)"
        }
        return
            "what answers at \(base) shows another certificate than the manager that is believed: ask the manager's operator "
            + "why, and make another file of trust only then"
    }

    private func send(
        _ method: HTTPMethod, _ path: String, _ body: [UInt8]?
    ) async throws(PerunClientError) -> [UInt8] {
        var request = HTTPClientRequest(url: base + path)
        request.method = method
        request.headers.add(name: "accept", value: "application/json, application/problem+json, */*;q=0.1")
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        let status: Int
        let answer: [UInt8]
        do {
            let response = try await connections.http.execute(request, timeout: .seconds(seconds))
            status = Int(response.status.code)
            let collected = try await response.body.collect(upTo: Self.answerLimit)
            answer = Array(collected.readableBytesView)
        } catch {
            throw PerunClientError(Self.silence(of: base, error))
        }
        guard (200..<300).contains(status) else {
            let problem = try? JSONDecoder().decode(ProblemDetails.self, from: Data(answer))
            throw PerunClientError(
                status: status, "the manager refuses: \(problem?.description ?? "status \(status), without a reason")",
                problem: problem)
        }
        return answer
    }

    private func encode(_ message: some Encodable) throws(PerunClientError) -> [UInt8] {
        do { return Array(try JSONEncoder().encode(message)) } catch {
            throw PerunClientError("the request cannot be written: \(error)")
        }
    }

    private func decode<Answer: Decodable>(_ bytes: [UInt8]) throws(PerunClientError) -> Answer {
        do { return try JSONDecoder().decode(Answer.self, from: Data(bytes)) } catch {
            throw PerunClientError(
                "the manager's answer cannot be read: \(bytes.count) bytes that are no \(Answer.self); "
                    + "is it of the same version?")
        }
    }
}

/// Closes the connections with the last of the clients that share them.
private final class Connections: Sendable {
    let http: HTTPClient

    init(_ configuration: HTTPClient.Configuration) {
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    deinit {
        let http = http
        // Fails where they were closed before.
        Task { try? await http.shutdown() }
    }
}
