import HTTPTypes
import PliniusPerunClient
import PliniusPolicy
import PliniusPolicyManager
import PliniusVerifier
import PliniusWire

extension PerunServer {
    /// Keys for an enclave, and what it says afterwards.
    static func exchangeRoutes(_ manager: PolicyManager) -> [Route] {
        [
            Route(.post, "/v1/challenges") { call in
                let begun = try await manager.challenge(try KeyRequest(call.message(ChallengeRequest.self)))
                let policies = begun.policies.map { ($0.key.description, hexadecimal($0.value)) }
                return try Answer(
                    ChallengeAnswer(
                        challenge: Base64(begun.challenge), cookie: Base64(begun.cookie),
                        expires: begun.expires.seconds, wanted: begun.wanted.map(\.description),
                        policies: Dictionary(uniqueKeysWithValues: policies)))
            },
            Route(.post, "/v1/enrolments") { call in
                let message = try call.message(EnrolmentRequest.self)
                let (credential, cookie) = try await manager.enrol(
                    cookie: message.cookie.bytes, enrolment: message.enrolment.bytes)
                return try Answer(EnrolmentAnswer(credential: Base64(credential), cookie: Base64(cookie)))
            },
            Route(.post, "/v1/attestations", bodyLimit: Route.longBody) { call in
                let message = try call.message(AttestationRequest.self)
                let judged = try await manager.attest(
                    cookie: message.cookie.bytes, presentation: message.presentation.bytes)
                return try Answer(
                    AttestationAnswer(
                        result: Base64(judged.result), passed: true,
                        decision: judged.decision.findings.map { FindingMessage($0) }, expires: judged.expires.seconds))
            },
            Route(.post, "/v1/releases") { call in
                let message = try call.message(ReleaseRequest.self)
                return try Answer(ReleaseAnswer(try await manager.release(result: message.result.bytes)))
            },
            Route(.post, "/v1/leases/{id}/renewals", bodyLimit: Route.longBody) { call in
                let message = try call.message(AttestationRequest.self)
                let release = try await manager.renew(
                    lease: try hexadecimal(call.parameter("id"), count: LeaseRecord.idByteCount, "lease.id"),
                    cookie: message.cookie.bytes, presentation: message.presentation.bytes)
                return try Answer(ReleaseAnswer(release))
            },
            Route(.post, "/v1/receipts") { call in
                let message = try call.message(ReceiptRequest.self)
                try await manager.confirm(
                    lease: try hexadecimal(message.lease, count: LeaseRecord.idByteCount, "lease.id"),
                    receipt: message.receipt.bytes)
                return try Answer(Acknowledgement())
            },
            Route(.get, "/v1/states/{namespace}/{output}/{run}", access: .reading) { call in
                try Answer(StateMessage(try await manager.state(of: try call.run())))
            },
            Route(.put, "/v1/states/{namespace}/{output}/{run}") { call in
                let change = try call.message(StateChange.self)
                let state = try await manager.move(
                    try call.run(), from: try change.old.map { try RunState($0, "state.old") },
                    to: try RunState(change.new, "state.new"),
                    lease: try hexadecimal(change.lease, count: LeaseRecord.idByteCount, "lease.id"),
                    proof: change.proof.bytes)
                return try Answer(StateMessage(state))
            },
        ]
    }
}

extension Call {
    /// The run that the path names.
    fileprivate func run() throws -> Run {
        let output = try ScopedName.read("\(parameter("namespace"))/\(parameter("output"))", "request.output")
        guard let run = Run(asset: output, name: parameter("run")) else {
            throw ProblemDetails.malformed(
                "request.run", expected: "a run's name of 1 to 64 bytes", found: "another text")
        }
        return run
    }
}
