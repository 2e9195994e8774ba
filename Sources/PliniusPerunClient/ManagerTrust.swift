import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOSSL

/// What somebody believes of one policy manager: where it is, and the keys by which it is known.
public struct ManagerTrust: Hashable, Sendable, Codable {
    /// `host:port` or `[v6]:port`.
    public var address: String
    /// The certificate that the manager shows, in PEM.
    public var certificate: String
    /// The X25519 key that secrets are sealed to, in hexadecimal.
    public var sealingKey: String
    /// The Ed25519 key that signs the audit log's heads, in hexadecimal.
    public var auditKey: String
    /// What the belief rests on: `evidence`, `digest`, or `first-use` for a manager that proved nothing.
    public var basis: String

    public init(address: String, certificate: String, sealingKey: String, auditKey: String, basis: String) {
        self.address = address
        self.certificate = certificate
        self.sealingKey = sealingKey
        self.auditKey = auditKey
        self.basis = basis
    }

    /// Reads a file of these.
    /// - Throws: `PerunClientError` if it is none.
    public init(json bytes: [UInt8]) throws(PerunClientError) {
        do { self = try JSONDecoder().decode(Self.self, from: Data(bytes)) } catch {
            throw PerunClientError("this is no file of trust in a manager: make one with perun trust")
        }
    }

    /// What such a file has in it.
    public var json: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        // Texts alone: there is nothing in it that cannot be written.
        return ((try? encoder.encode(self)).map { Array($0) } ?? []) + [UInt8(ascii: "\n")]
    }
}

extension PerunClient {
    /// Prepares to ask the manager that somebody believes.
    /// - Throws: `PerunClientError`.
    public init(_ trust: ManagerTrust, token: String? = nil, seconds: Int64 = 60) throws(PerunClientError) {
        try self.init(address: trust.address, certificate: trust.certificate, token: token, seconds: seconds)
    }

    /// Fetches the certificate that a manager says is its own.
    ///
    /// Nothing is verified: whoever asks compares it with what is known otherwise, or has it bound by evidence.
    /// - Returns: One certificate in PEM, and its DER.
    /// - Throws: `PerunClientError`.
    public static func claimedCertificate(
        of address: String
    ) async throws(PerunClientError) -> (pem: String, der: [UInt8]) {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv13
        tls.certificateVerification = .none
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(60), read: .seconds(60)))
        configuration.httpVersion = .http1Only
        configuration.connectionPool.retryConnectionEstablishment = false
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let answer = await Self.text(at: "https://\(address)/v1/certificate", http)
        try? await http.shutdown()
        let pem = try answer.get()
        guard let certificates = try? NIOSSLCertificate.fromPEMBytes(Array(pem.utf8)), certificates.count == 1,
            let der = try? certificates[0].toDERBytes()
        else { throw PerunClientError("\(address) does not answer with one certificate in PEM: is a manager there?") }
        return (pem, der)
    }

    private static func text(at url: String, _ http: HTTPClient) async -> Result<String, PerunClientError> {
        do {
            let response = try await http.execute(HTTPClientRequest(url: url), timeout: .seconds(60))
            let body = try await response.body.collect(upTo: 1 << 16)
            return .success(String(decoding: body.readableBytesView, as: UTF8.self))
        } catch {
            return .failure(PerunClientError("the manager at \(url) gives no answer: \(error)"))
        }
    }
}
