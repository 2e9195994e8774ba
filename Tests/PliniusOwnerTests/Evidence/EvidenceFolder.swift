import Foundation
import Testing
import _PliniusTestSupport

/// Real evidence that others published, in a folder that the environment names: `PLINIUS_VECTORS`.
enum EvidenceVectors {
    private static let folder = ProcessInfo.processInfo.environment["PLINIUS_VECTORS"]

    static var areThere: Bool { folder.map { FileManager.default.fileExists(atPath: "\($0)/manifest.json") } ?? false }

    static let reason: Comment = "PLINIUS_VECTORS names no folder with a manifest.json of published evidence"

    /// The instant that the expected verdicts are for.
    static let pinnedTime = "2025-07-01T00:00:00Z"

    static func path(_ name: String) throws -> String { "\(try #require(folder, reason))/\(name)" }

    static func bytes(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(filePath: path(name)))) }
}

/// What `plinius-owner evidence` said.
struct EvidenceOutcome {
    let outcome: ProgramOutcome
    let object: [String: Any]

    /// Runs `evidence verify --json` at the pinned time.
    init(verifying path: String, _ arguments: [String] = []) throws {
        outcome = try Program.owner.run(
            ["evidence", "verify", path, "--now", EvidenceVectors.pinnedTime, "--json"] + arguments,
            timeout: .seconds(120))
        let object = try? JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
        self.object = object as? [String: Any] ?? [:]
    }

    var failedCheck: String? { object["failedCheck"] as? String }

    /// The names of all checks that failed and have no parts.
    var failures: [String] { leaves("failed") }
    var tolerated: [String] { leaves("tolerated") }
    var passed: [String] { leaves("passed") }

    private func leaves(_ outcome: String) -> [String] {
        func leaves(_ findings: [[String: Any]]) -> [String] {
            findings.flatMap { finding -> [String] in
                let parts = finding["parts"] as? [[String: Any]] ?? []
                guard parts.isEmpty else { return leaves(parts) }
                return finding["outcome"] as? String == outcome ? [finding["check"] as? String ?? ""] : []
            }
        }
        return leaves(object["checks"] as? [[String: Any]] ?? [])
    }
}
