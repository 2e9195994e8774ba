import HTTPTypes
import PliniusPerunClient
import PliniusPolicy
import PliniusPolicyManager
import PliniusVerifier

extension PerunServer {
    /// What owners say, and what counts of it.
    static func statementRoutes(_ manager: PolicyManager) -> [Route] {
        [
            Route(.post, "/v1/statements", bodyLimit: Route.longBody) { call in
                let message = try call.message(StatementRequest.self)
                let report = try await manager.submit(
                    message.statement.bytes, signatures: try message.signatures.map { try Signature($0) },
                    source: message.source,
                    sealedKey: message.sealedKey.map {
                        HPKEMessage(encapsulatedKey: $0.encapsulatedKey.bytes, ciphertext: $0.ciphertext.bytes)
                    })
                return try Answer(StatementStanding(report))
            },
            Route(.get, "/v1/statements/{hash}", access: .reading) { call in
                let hash = try hexadecimal(call.parameter("hash"), count: 32, "statement.hash")
                return try Answer(StatementAnswer(try await manager.report(hash)))
            },
            Route(.get, "/v1/pending", access: .reading) { _ in
                try Answer(StandingList(statements: try await manager.pending().map { StatementStanding($0) }))
            },
            Route(.get, "/v1/namespaces", access: .reading) { _ in
                try Answer(NamespaceList(namespaces: try await manager.current("namespace").map { NamedStatement($0) }))
            },
            Route(.get, "/v1/policies", access: .reading) { _ in
                try Answer(PolicyList(policies: try await manager.current("policy").map { NamedStatement($0) }))
            },
            Route(.get, "/v1/policies/{namespace}/{name}", access: .reading) { call in
                try Answer(StatementAnswer(try await manager.policy(try call.policyName()).report))
            },
            Route(.get, "/v1/policies/{namespace}/{name}/explain", access: .reading) { call in
                let name = try call.policyName()
                let policy = try await manager.policy(name).policy
                return try Answer(
                    PolicyExplanation(
                        policy: name.description, text: policy.explanation.joined(separator: "\n"),
                        warnings: policy.warnings.map(\.description)))
            },
            Route(.get, "/v1/assets", access: .reading) { _ in
                try Answer(
                    AssetList(
                        assets: try await manager.assets().map { entry in
                            AssetMessage(
                                name: entry.current.name, kind: entry.asset.kind.rawValue,
                                identity: entry.asset.identity, policy: entry.asset.policy?.description,
                                lineage: entry.asset.lineage.map(\.description), hasKey: entry.hasKey,
                                isWithdrawn: entry.isWithdrawn, statement: hexadecimal(entry.current.statement),
                                version: entry.current.version)
                        }))
            },
            Route(.get, "/v1/standbys", access: .reading) { _ in
                try Answer(
                    StandbyList(
                        standbys: try await manager.standbys().map { entry in
                            StandbyMessage(
                                name: entry.current.name, sealingKey: hexadecimal(entry.sealingKey),
                                isSealed: entry.isSealed, statement: hexadecimal(entry.current.statement),
                                version: entry.current.version)
                        }))
            },
            Route(.get, "/v1/leases", access: .reading) { call in
                let state = try call.leaseState()
                return try Answer(LeaseList(leases: try await manager.leases(state).map { LeaseMessage($0) }))
            },
        ]
    }
}

extension Signature {
    /// - Throws: ``ProblemDetails`` for a key that is none.
    init(_ message: SignatureMessage) throws {
        guard let key = OwnerKey(message.key) else {
            throw ProblemDetails.malformed(
                "statement.key", expected: "ed25519: with 64 hexadecimal digits, or p256: with 130",
                found: "\"\(message.key.prefix(150))\"")
        }
        self.init(key: key, bytes: message.signature.bytes)
    }
}

extension Call {
    fileprivate func policyName() throws -> ScopedName {
        try ScopedName.read("\(parameter("namespace"))/\(parameter("name"))", "policy.name")
    }

    /// Which leases the query asks for; live ones if it says nothing.
    fileprivate func leaseState() throws -> LeaseRecord.State {
        guard let text = query["state"] else { return .live }
        guard let state = LeaseRecord.State(rawValue: text) else {
            throw ProblemDetails.malformed(
                "request.query.state", expected: LeaseRecord.State.allCases.map(\.rawValue).joined(separator: ", "),
                found: "\"\(text.prefix(40))\"")
        }
        return state
    }
}
