import Foundation
import PliniusDatasets
import Testing
import _PliniusTestSupport

/// The host never holds what belongs to the owner.
@Suite struct SecrecyTests {
    @Test(.timeLimit(.minutes(2))) func theHostsMemoryHoldsNoKeyNoImageAndNoWeights() throws {
        // Long enough that the search meets a training in full swing.
        let config = Scenario.smallNetwork.replacingOccurrences(of: "max_batches=40", with: "max_batches=4000")
        let scenario = try Scenario(config: config)
        #expect(try scenario.train("--iterations", "3").succeeded)
        let weights = try scenario.exportedWeights()

        let run = try Program.plinius.start(scenario.trainArguments(["--events", scenario.folder("events.jsonl")]))
        #expect(
            try run.wait { _ in
                (try? String(contentsOfFile: scenario.folder("events.jsonl"), encoding: .utf8))?.contains(
                    "\"iteration\"") == true
            })
        // Held still, so that nothing moves between the pieces of the search.
        run.signal(SIGSTOP)
        let enclave = try #require(run.children.first)
        let patterns: [String: [UInt8]] = [
            "key": try scenario.folder.read("owner.key"), "row of an image": try plaintextRow(),
            "block of weights": Array(weights[weights.count - 64..<weights.count]),
            "something that is there": Array("insecure-local-key".utf8),
        ]
        let result = try run.searchMemory(for: patterns)
        run.signal(SIGCONT)
        run.signal(SIGTERM)
        #expect(try run.wait().succeeded)

        #expect(Set(result.found.keys) == ["something that is there"], "\(result.found)")
        #expect(result.bytesSearched > 1 << 20)
        // Without a TEE the kernel still refuses other processes of the same user, root excepted.
        #expect(!RunningProgram.commandLine(of: enclave).contains(where: { $0.contains("key") }))
    }

    /// A row with ink of a digit that the sealed data set holds.
    private func plaintextRow() throws -> [UInt8] {
        var image: [UInt8] = []
        _ = SyntheticDigits.draw(seed: 1, index: 0, into: &image)
        let rows = stride(from: 0, to: image.count, by: 28).map { Array(image[$0..<$0 + 28]) }
        return try #require(rows.max { Set($0).count < Set($1).count })
    }
}
