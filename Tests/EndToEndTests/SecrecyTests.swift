import Foundation
import PliniusDatasets
import Testing
import _PliniusTestSupport

/// The host never holds what belongs to the owner.
@Suite struct SecrecyTests {
    @Test(.timeLimit(.minutes(30))) func theHostsMemoryHoldsNoKeyNoImageAndNoWeights() throws {
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
        let secrets: [String: [UInt8]] = [
            "key": try scenario.folder.read("owner.key"), "row of an image": row,
            "row as the network sees it": row.flatMap { pixel in
                withUnsafeBytes(of: Float(pixel) / 255) { Array($0) }
            },
            "block of weights": Array(weights[weights.count - 64..<weights.count]),
        ]
        let control = ["something that is there": Array("insecure-local-key".utf8)]
        // Only root may look into the enclave: what is not in the host must be there, or the search proves nothing. Batches come and go,
        // so there may be another look at another moment.
        let expected = ["row as the network sees it", "block of weights"]
        var inside: [String: String]?
        for moment in 0..<100 {
            if moment > 0 {
                kill(enclave, SIGCONT)
                usleep(20_000)
            }
            // The search takes its time: nothing may move from a place that it has not seen to one that it has.
            RunningProgram.holdStill(enclave)
            guard geteuid() == 0 else { break }
            inside = try RunningProgram.searchMemory(of: enclave, for: secrets).found
            if expected.allSatisfy({ inside?[$0] != nil }) { break }
        }
        RunningProgram.holdStill(run.pid)
        let host = try run.searchMemory(for: secrets.merging(control) { $1 })
        let status = try String(contentsOfFile: "/proc/\(enclave)/status", encoding: .utf8)
        kill(enclave, SIGCONT)
        run.signal(SIGCONT)
        run.signal(SIGTERM)
        #expect(try run.wait().succeeded)

        #expect(Set(host.found.keys) == ["something that is there"], "\(host.found)")
        #expect(host.bytesSearched > 1 << 20)
        if let inside {
            #expect(expected.allSatisfy { inside[$0] != nil }, "\(inside)")
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
