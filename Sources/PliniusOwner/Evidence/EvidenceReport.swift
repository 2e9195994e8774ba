import Foundation
import PliniusVerifier
import PliniusWire

/// What `plinius-owner evidence verify --json` prints.
struct EvidenceReport: Encodable {
    let accepted: Bool
    /// Why it is not; `nil` if it is.
    let error: String?
    let failedCheck: String?
    let exitCode: CInt
    /// The instant that was judged at.
    let judgedAt: String
    /// The policy's name; `nil` for strict defaults.
    let policy: String?
    let kinds: [String]
    let checks: [Finding]
    /// What was measured, by platform and name.
    let measurements: [String: String]
    /// Without a policy, the settings that would let failed checks pass.
    let couldTolerate: [String]
    let unusedFiles: [String]
    /// What will be out of date soon.
    let warnings: [String]

    init(
        _ stored: StoredEvidence, _ found: StoredVerdict, policy: String?, couldTolerate: [String],
        warnings: [String] = [], at now: Instant
    ) {
        self.warnings = warnings
        accepted = found.verdict.hasPassed
        error = found.verdict.refusal
        failedCheck = found.verdict.firstFailure?.check
        exitCode = accepted ? 0 : OwnerError.Category.integrity.rawValue
        judgedAt = now.description
        self.policy = policy
        kinds = stored.evidence.map(\.kind.description)
        checks = found.verdict.findings
        measurements = found.measurements
        self.couldTolerate = couldTolerate
        unusedFiles = stored.unusedFiles
    }

    init(unreadable error: OwnerError, at now: Instant) {
        accepted = false
        self.error = error.message
        failedCheck = nil
        exitCode = error.category.rawValue
        judgedAt = now.description
        policy = nil
        (kinds, checks, measurements, couldTolerate, unusedFiles, warnings) = ([], [], [:], [], [], [])
    }

    /// One line of JSON.
    var line: String { JSONLine.of(self) }
}

/// JSON in one line, keys in order.
enum JSONLine {
    static func of(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Texts and numbers alone, all of which JSON has.
        return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
