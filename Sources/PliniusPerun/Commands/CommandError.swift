import ArgumentParser
import PliniusPerunClient
import PliniusPolicy
import PliniusVerifier

/// Why a command gives up; nothing secret is in it.
struct CommandError: Error, CustomStringConvertible {
    /// What the program exits with.
    enum Category: Int32 {
        case failed = 1
        case usage = 2
        case refused = 3
    }

    let category: Category
    /// What was checked, expected and found, and what to do.
    let message: String
    /// What the manager found wrong, if it says so.
    let problem: ProblemDetails?

    var description: String { message }

    init(_ category: Category, _ message: String, problem: ProblemDetails? = nil) {
        self.category = category
        self.message = message
        self.problem = problem
    }

    /// Sorts what the modules below throw into the exit codes.
    init(_ error: any Error) {
        switch error {
        case let error as CommandError: self = error
        case let error as PerunClientError:
            // What a manager turns down is a decision; that it cannot be asked, or asks to wait, is none.
            let isRefusal = error.status.map { (400..<500).contains($0) && ![401, 408, 429].contains($0) } ?? false
            self.init(isRefusal ? .refused : .failed, error.message, problem: error.problem)
        case let error as FormatError: self.init(.refused, "the check \(error)")
        case let error as PolicyErrors: self.init(.usage, "the policy is refused:\n\(error)")
        default: self.init(.failed, "\(error)")
        }
    }
}

extension AsyncParsableCommand {
    /// Does the work of a command, and turns an error into a line on standard error and the exit code; with JSON, into an object as well.
    func reporting(asJSON json: Bool = false, _ work: () async throws -> Void) async throws {
        do { try await work() } catch let code as ExitCode {
            throw code
        } catch let end as AuditEnd {
            Output.note("perun: \(end.message)")
            throw ExitCode(end.code)
        } catch {
            let error = CommandError(error)
            if json { Output.print(FailureReport(error: error.message, problem: error.problem)) }
            Output.note("perun: \(error.message)")
            for finding in error.problem?.findings ?? [] { Output.note(finding.lines().joined(separator: "\n")) }
            throw ExitCode(error.category.rawValue)
        }
    }
}

/// What is printed in place of a result.
private struct FailureReport: Encodable {
    let error: String
    let problem: ProblemDetails?
}
