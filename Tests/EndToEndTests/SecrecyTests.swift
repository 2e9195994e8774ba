import Foundation
import PliniusDatasets
import Testing
import _PliniusTestSupport

/// The host never holds what belongs to the owner.
@Suite struct SecrecyTests {
    @Test(.timeLimit(.minutes(2))) func theHostsMemoryHoldsNoKeyNoImageAndNoWeights() throws {
        // Long enough that the search meets a training in full swing. At a rate of 0 the weights stay what the first mirror holds, and
        // with as many images as a batch every batch holds each of them: what is searched for is there, on the right side.
        let config = Scenario.smallNetwork.replacingOccurrences(of: "max_batches=40", with: "max_batches=1000000")
            .replacingOccurrences(of: "learning_rate=0.05", with: "learning_rate=0")
        let scenario = try Scenario(count: 16, config: config)
        #expect(try scenario.train("--iterations", "3").succeeded)
        let weights = try scenario.exportedWeights()
        let row = try plaintextRow()

        let events = scenario.folder("events.jsonl")
        let run = try Program.plinius.start(scenario.trainArguments(["--events", events]))
        #expect(
            try run.wait { _ in
                (try? String(contentsOfFile: events, encoding: .utf8))?.contains("\"iteration\"") == true
            })
        let enclave = try #require(run.children.first)
        // Held still, so that nothing moves between the pieces of the search.
        kill(enclave, SIGSTOP)
        run.signal(SIGSTOP)
        let secrets: [String: [UInt8]] = [
            "key": try scenario.folder.read("owner.key"), "row of an image": row,
            "row as the network sees it": row.flatMap { pixel in
                withUnsafeBytes(of: Float(pixel) / 255) { Array($0) }
            },
            "block of weights": Array(weights[weights.count - 64..<weights.count]),
        ]
        let control = ["something that is there": Array("insecure-local-key".utf8)]
        let host = try run.searchMemory(for: secrets.merging(control) { $1 })
        // Only root may look into the enclave: what is not in the host must be there, or the search proves nothing.
        let inside = geteuid() == 0 ? try RunningProgram.searchMemory(of: enclave, for: secrets).found : nil
        let status = try String(contentsOfFile: "/proc/\(enclave)/status", encoding: .utf8)
        kill(enclave, SIGCONT)
        run.signal(SIGCONT)
        run.signal(SIGTERM)
        #expect(try run.wait().succeeded)

        #expect(Set(host.found.keys) == ["something that is there"], "\(host.found)")
        #expect(host.bytesSearched > 1 << 20)
        if let inside {
            #expect(inside["row as the network sees it"] != nil && inside["block of weights"] != nil, "\(inside)")
        }
        #expect(status.contains("Seccomp:\t2") && status.contains("NoNewPrivs:\t1"), "the enclave is not confined")
    }

    /// A row with ink of a digit that the sealed data set holds.
    private func plaintextRow() throws -> [UInt8] {
        var image: [UInt8] = []
        _ = SyntheticDigits.draw(seed: 1, index: 0, into: &image)
        let rows = stride(from: 0, to: image.count, by: 28).map { Array(image[$0..<$0 + 28]) }
        return try #require(rows.max { Set($0).count < Set($1).count })
    }
}
