import Foundation
import PliniusVerifier
import PliniusWire
import _PliniusSupport

/// What `plinius-owner provision --json` prints.
struct ProvisionReport: Encodable {
    let released: Bool
    /// Why it was not; `nil` if it was.
    let error: String?
    let exitCode: CInt
    /// The enclave's run, as verified evidence names it.
    let run: String?
    let runID: String?
    let checks: [Finding]

    init(released evidence: VerifiedEvidence, _ verdict: Verdict) {
        released = true
        error = nil
        exitCode = 0
        run = evidence.runtimeData.runName
        runID = evidence.runtimeData.runID.hex
        checks = verdict.findings
    }

    init(refusal: OwnerError, _ verdict: Verdict?) {
        released = false
        error = refusal.message
        exitCode = refusal.category.rawValue
        run = nil
        runID = nil
        checks = verdict?.findings ?? []
    }

    /// One line of JSON.
    var line: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Texts and numbers alone, all of which JSON has.
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
