import ArgumentParser
import Foundation
import PliniusPerunClient

/// Which manager is asked, and how it is recognised.
struct ManagerOptions: ParsableArguments {
    @Option(help: ArgumentHelp("What perun trust wrote: where the manager is, and its keys.", valueName: "file"))
    var trust: String?

    @Option(
        help: ArgumentHelp(
            "A file with the token that the manager wants to see before it lists anything.", valueName: "file")
    )
    var readToken: String?

    /// - Throws: ``CommandError`` if there is none, or it is none.
    func believed() throws(CommandError) -> ManagerTrust { try Self.believed(trust) }

    /// - Throws: ``CommandError`` if there is none, or it is none.
    static func believed(_ trust: String?) throws(CommandError) -> ManagerTrust {
        guard let trust else { throw CommandError(.usage, "--trust is missing: give the file that perun trust wrote") }
        let bytes = try Files.bytes(trust, as: "trust file")
        do throws(PerunClientError) { return try ManagerTrust(json: bytes) } catch {
            throw CommandError(.usage, "\(trust): \(error)")
        }
    }

    /// Asks the manager, and closes the connections afterwards.
    func asking<Answer: Sendable>(_ work: (PerunClient) async throws -> Answer) async throws -> Answer {
        let token = try readToken.map { path throws(CommandError) in
            try Files.text(path, as: "token").trimmingCharacters(in: .whitespacesAndNewlines)
        }
        return try await PerunClient(believed(), token: token).closing(after: work)
    }
}
