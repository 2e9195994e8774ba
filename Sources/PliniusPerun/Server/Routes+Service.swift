import Foundation
import HTTPTypes
import PliniusPerunClient
import PliniusPolicy
import PliniusPolicyManager
import PliniusVerifier
import PliniusWire

extension PerunServer {
    /// Every route of the server.
    static func routes(of manager: PolicyManager, _ identity: TLSIdentity) -> [Route] {
        exchangeRoutes(manager) + statementRoutes(manager) + auditRoutes(manager) + serviceRoutes(manager, identity)
            + openRoutes(identity, status: "ready") + LockedServer.routesOfOthers
    }

    /// What everybody may know, of a locked manager as well.
    static func openRoutes(_ identity: TLSIdentity, status: String) -> [Route] {
        [
            Route(.get, "/v1/certificate") { _ in
                Answer(mediaType: "application/x-pem-file", bytes: Array(identity.certificatePEM.utf8))
            },
            Route(.get, "/v1/health") { _ in try Answer(Health(status: status, version: "1")) },
            Route(.get, "/openapi.yaml") { _ in
                Answer(mediaType: "application/yaml", bytes: Array(openAPI.utf8))
            },
        ]
    }

    /// The log, for whoever wants to verify it.
    private static func auditRoutes(_ manager: PolicyManager) -> [Route] {
        let sizes = 0...Int(Int32.max)
        return [
            Route(.get, "/v1/audit/head", access: .reading) { _ in Answer(try manager.auditHead().json) },
            Route(.get, "/v1/audit/entries", access: .reading) { call in
                let from = try call.number("from", in: sizes, otherwise: 0)
                let count = try call.number("count", in: 1...1_000, otherwise: 100)
                let entries = try manager.auditEntries(from: from, count: count)
                let export = AuditExport(entries: entries, heads: [])
                return Answer(mediaType: "application/jsonl", bytes: export.encoded)
            },
            Route(.get, "/v1/audit/proofs/{index}", access: .reading) { call in
                let index = try Call.number(call.parameter("index"), "audit.index", in: sizes)
                let size = try call.number("size", in: sizes)
                return Answer(try manager.inclusionProof(of: index, in: size).json)
            },
            Route(.get, "/v1/audit/consistency", access: .reading) { call in
                let older = try call.number("from", in: sizes)
                let size = try call.number("to", in: sizes)
                return Answer(try manager.consistencyProof(from: older, to: size).json)
            },
        ]
    }

    /// What the manager is, and what it goes by.
    private static func serviceRoutes(_ manager: PolicyManager, _ identity: TLSIdentity) -> [Route] {
        [
            Route(.post, "/v1/collateral", bodyLimit: Route.longBody) { call in
                let bundle = try await manager.importCollateral(try call.message(CollateralRequest.self).bundle.bytes)
                return try Answer(
                    CollateralAnswer(
                        name: bundle.series, issued: bundle.issued.seconds, expires: bundle.expires.seconds))
            },
            Route(.get, "/v1/attestation") { call in
                let nonce = try hexadecimal(call.query["nonce"] ?? "", count: 32, "attestation.nonce")
                let described = try manager.describe(nonce: nonce, certificate: identity.digest)
                return try Answer(
                    SelfAttestation(
                        evidence: described.evidence.map { Base64($0.encoded) },
                        certificate: hexadecimal(described.certificateDigest),
                        sealingKey: hexadecimal(described.sealingKey), auditKey: hexadecimal(described.auditKey),
                        isProtected: described.evidence != nil))
            },
        ]
    }
}

extension Answer {
    /// Canonical JSON, which is signed and hashed as it is.
    fileprivate init(_ json: CanonicalJSON) { self.init(mediaType: "application/json", bytes: json.encoded) }
}
