import PliniusPerunClient
import PliniusPolicy
import PliniusPolicyManager
import PliniusVerifier
import PliniusWire

// What the manager says, as messages.

extension FindingMessage {
    init(_ finding: Finding) {
        self.init(
            check: finding.check, outcome: finding.outcome.rawValue, expected: finding.expected, found: finding.found,
            policyLine: finding.policyLine?.description, parts: finding.parts.map { FindingMessage($0) })
    }
}

extension ProblemDetails {
    /// What was checked and did not hold.
    init(_ refusal: Refusal) {
        self.init(ManagerError(refusal.code, refusal.description))
        check = refusal.check
        expected = refusal.expected
        found = refusal.found
        policyLine = refusal.policyLine?.description
        findings = refusal.findings.isEmpty ? nil : refusal.findings.map { FindingMessage($0) }
    }
}

extension KeyRequest {
    /// - Throws: ``ProblemDetails`` for names that are none.
    init(_ message: ChallengeRequest) throws {
        guard let purpose = RuntimeData.Purpose.allCases.first(where: { "\($0)" == message.purpose }) else {
            throw ProblemDetails.malformed(
                "request.purpose", expected: RuntimeData.Purpose.allCases.map { "\($0)" }.joined(separator: ", "),
                found: "\"\(message.purpose.prefix(40))\"")
        }
        guard message.datasets.count <= Request.maximumDatasets else {
            throw ProblemDetails.malformed(
                "request.datasets", expected: "at most \(Request.maximumDatasets)", found: "\(message.datasets.count)")
        }
        self.init(
            purpose: purpose, datasets: try message.datasets.map { try ScopedName.read($0, "request.datasets") },
            config: try ScopedName.read(message.config, "request.config"),
            model: try message.model.map { try ScopedName.read($0, "request.model") },
            output: try ScopedName.read(message.output, "request.output"), run: message.run,
            lease: try message.lease.map { try hexadecimal($0, count: LeaseRecord.idByteCount, "request.lease") })
    }
}

extension ScopedName {
    /// - Throws: ``ProblemDetails``.
    static func read(_ text: String, _ check: String) throws -> ScopedName {
        guard let name = ScopedName(text) else {
            throw ProblemDetails.malformed(
                check, expected: "a name such as owner/name", found: "\"\(text.prefix(140))\"")
        }
        return name
    }
}

/// Bytes from hexadecimal in its one form, with lower-case letters.
/// - Throws: ``ProblemDetails``.
func hexadecimal(_ text: String, count: Int, _ check: String) throws -> [UInt8] {
    let digits = Array(text.utf8)
    let values = digits.compactMap { digit -> UInt8? in
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }
    guard digits.count == 2 * count, values.count == digits.count else {
        throw ProblemDetails.malformed(
            check, expected: "\(2 * count) hexadecimal digits in lower case", found: "\"\(text.prefix(140))\"")
    }
    return stride(from: 0, to: values.count, by: 2).map { values[$0] << 4 | values[$0 + 1] }
}

/// Two digits for each byte.
func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

extension ReleaseAnswer {
    init(_ release: Release) {
        self.init(
            grant: Base64(release.grant),
            lease: GrantedLease(
                id: hexadecimal(release.lease.id), seconds: release.lease.seconds,
                iterations: release.lease.iterations, expires: release.lease.expires.seconds),
            receipt: Base64(release.receipt.json.encoded))
    }
}

extension StatementStanding {
    init(_ report: StatementReport) {
        let record = report.record
        self.init(
            hash: hexadecimal(record.hash), type: record.type, namespace: record.namespace, subject: record.subject,
            status: record.status.rawValue, needs: report.missing.isEmpty ? [] : [report.missing],
            lockedUntil: record.lockedUntil?.seconds, signers: report.signers)
    }
}

extension StatementAnswer {
    init(_ report: StatementReport) {
        self.init(
            standing: StatementStanding(report), statement: Base64(report.record.content),
            signatures: report.signatures.map { SignatureMessage(key: $0.key, signature: Base64($0.signature)) },
            source: report.record.source, received: report.record.received.seconds)
    }
}

extension NamedStatement {
    init(_ record: CurrentRecord) {
        self.init(
            name: record.name, statement: hexadecimal(record.statement), version: record.version,
            since: record.since.seconds)
    }
}

extension LeaseMessage {
    init(_ lease: LeaseRecord) {
        self.init(
            id: hexadecimal(lease.id), run: lease.run, purpose: lease.purpose, state: lease.state.rawValue,
            seconds: lease.seconds, iterations: lease.iterations, assets: lease.assets.sorted(),
            begun: lease.begun.seconds, renewed: lease.renewed.seconds, expires: lease.expires.seconds,
            renewals: lease.renewals, reason: lease.reason)
    }
}

extension RunState {
    /// - Throws: ``ProblemDetails``.
    init(_ message: StateMessage, _ check: String) throws {
        self.init(
            counter: message.counter, tag: try hexadecimal(message.tag, count: Self.tagByteCount, "\(check).tag"))
    }
}

extension StateMessage {
    init(_ state: RunState) { self.init(counter: state.counter, tag: hexadecimal(state.tag)) }
}
