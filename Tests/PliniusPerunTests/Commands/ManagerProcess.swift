import Foundation
import PliniusPerunClient
import Testing
import _PliniusTestSupport

/// `perun serve` as operators start it, on a port of its own choice.
final class ManagerProcess {
    let run: RunningProgram
    let port: String

    var address: String { "127.0.0.1:\(port)" }

    /// Starts it, and waits until it says that it is where it should get.
    init(_ store: String, says word: String = "listening", _ more: [String]) throws {
        let run = try Program(name: "perun").start(["serve", "--store", store, "--listen", "127.0.0.1:0"] + more)
        self.run = run
        _ = try run.wait { $0.hasLogged(word) }
        let log = run.errorsSoFar
        let place = log.range(of: #"(?<= port=)\d+"#, options: .regularExpression)
        port = try #require(place.map { String(log[$0]) }, "\(log)")
    }

    deinit { run.signal(SIGKILL) }

    /// Waits until it says that it is so far.
    func wait(until word: String) throws { #expect(try run.wait { $0.hasLogged(word) }) }

    /// Ends it as an operator does.
    func stop() throws {
        run.signal(SIGTERM)
        let outcome = try run.wait()
        #expect(outcome.succeeded, "\(outcome)")
    }

    /// Believes whoever answers.
    func client() async throws -> PerunClient {
        try PerunClient(
            address: address, certificate: try await PerunClient.claimedCertificate(of: address).pem, seconds: 600)
    }

    /// Asks whoever answers.
    func asking<Answer: Sendable>(_ work: (PerunClient) async throws -> Answer) async throws -> Answer {
        try await client().closing(after: work)
    }
}

extension RunningProgram {
    /// Whether a line of the log ends with a word.
    fileprivate func hasLogged(_ word: String) -> Bool {
        errorsSoFar.split(separator: "\n").contains { $0.hasSuffix("] \(word)") }
    }
}
