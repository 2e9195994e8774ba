import PliniusModels
import PliniusNN

extension FuzzedParser {
    /// What owners bring from strangers to begin a run with.
    static let models = [
        FuzzedParser("darknet-weights", atMost: 512, seeds: { _ in Seed.weights }) { bytes in
            try read { arena, network throws(ModelError) in
                _ = try DarknetWeights.read(bytes, named: "weights", into: arena, of: network)
            }
        },
        FuzzedParser("safetensors", atMost: 1024, seeds: { _ in Seed.safetensors }) { bytes in
            try read { arena, network throws(ModelError) in
                try Safetensors.read(bytes, named: "safetensors", into: arena, of: network)
            }
        },
        FuzzedParser("safetensors-header", atMost: 1024, seeds: { _ in Seed.safetensors }) {
            let header = try SafetensorsHeader($0, named: "safetensors")
            var end = header.entries.first?.bytes.lowerBound ?? $0.count
            for entry in header.entries {
                guard entry.bytes.lowerBound == end else { throw Uncovered() }
                end = entry.bytes.upperBound
            }
            guard end == $0.count else { throw Uncovered() }
            return .accepted
        },
    ]

    private static let config = "[net]\ninputs=2\n[connected]\noutput=2\n[connected]\noutput=1\n[softmax]\n"

    /// Reads into an arena of zeros; what is refused leaves it so, and what is accepted is finite.
    private static func read(
        _ body: (ParameterArena, NetworkDescription) throws(ModelError) -> Void
    ) throws -> Outcome {
        let network = try NetworkDescription(parsing: config, file: "fuzz.cfg")
        let arena = ParameterArena(layout: network.layout)
        func values() -> [Float] { network.layout.tensors.flatMap { Array(arena.floats(of: $0)) } }
        do throws(ModelError) { try body(arena, network) } catch {
            guard values().allSatisfy({ $0 == 0 }) else { throw Changed() }
            throw error
        }
        guard values().allSatisfy(\.isFinite) else { throw Changed() }
        return .accepted
    }

    /// An arena that a refusal changed, or that is no state to begin from.
    private struct Changed: Error {}
    /// Bytes of the file that no tensor has, or two.
    private struct Uncovered: Error {}
}
