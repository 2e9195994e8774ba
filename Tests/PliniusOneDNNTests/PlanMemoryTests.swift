import PliniusNN
import PliniusOneDNN
import Testing
import _PliniusSupport

/// What a plan that trains takes of memory, and that what takes turns there changes no bit.
@Suite struct PlanMemoryTests {
    private static func conv(_ activation: String) -> String {
        "[conv]\nfilters=16\nsize=3\npad=1\nbatch_normalize=1\nactivation=\(activation)\n"
    }
    private static let net = "[net]\nbatch=128\nheight=16\nwidth=16\nchannels=16\nlearning_rate=.01\n"
    private static let end = "[connected]\noutput=5\nactivation=linear\n[softmax]\n"
    /// Bytes of one layer's activations.
    private static let tensor = 128 * 16 * 16 * 16 * 4

    private static func bytes(_ layers: String) throws -> Int { try Trial(net + layers + end).executor.memoryBytes }

    /// Layers, and how many tensors backward reads of them.
    private static let blocks: [(layers: String, tensors: Double)] = [
        // The sums and the output of the first, the sums of the second, and what is added up: its own output is read once.
        ("\(conv("leaky"))\(conv("linear"))[shortcut]\nfrom=-3\nactivation=leaky\n", 4),
        (conv("leaky"), 2),
        ("\(conv("linear"))[shortcut]\nfrom=-2\nactivation=leaky\n", 2),
        // The places of the maxima are half a tensor.
        ("\(conv("leaky"))[maxpool]\nsize=3\nstride=1\n\(conv("leaky"))", 4.5),
        // A curve goes back from its output.
        ("\(conv("logistic"))[shortcut]\nfrom=-2\n", 3),
    ]

    @Test(arguments: blocks) func `A further layer takes what backward reads, and next to nothing for weights`(
        layers: String, tensors: Double
    ) throws {
        let more = try Self.bytes(Self.conv("leaky") + layers + layers) - Self.bytes(Self.conv("leaky") + layers)
        #expect(abs(Double(more) / Double(Self.tensor) - tensors) < 0.1)
    }

    @Test func `Deltas lie where the activations of later layers are dead`() throws {
        func tensors(_ options: String) throws -> Double {
            let early = Self.conv("leaky") + Self.conv("leaky") + "[maxpool]\nsize=2\nstride=2\n\(options)"
            let late = String(repeating: Self.conv("leaky"), count: 10)
            return try Double(Self.bytes(early + late)) / Double(Self.tensor)
        }
        // Two deltas of early layers need a tensor each, of which forward has had one for what it reads once.
        #expect(try tensors("") - tensors("stopbackward=1\n") < 0.5)
    }

    @Test func `Weights that are packed before each use give the bits of those that stay packed`() throws {
        let text =
            Self.net + Self.conv("leaky") + Self.conv("leaky")
            + "[conv]\nfilters=20\nsize=1\nstride=2\nactivation=relu\n"
            + "[connected]\noutput=5\nbatch_normalize=1\nactivation=linear\n" + Self.end
        let trials = try (0..<2).map { _ in try Trial(text) }
        let network = trials[1].description
        let keeping = try OneDNNExecutor(
            layers: network.layers, input: network.input, predictingLayers: network.predictingLayers,
            truthCount: network.truthCount, miniBatch: trials[1].miniBatch, arena: trials[1].arena, threads: 1,
            keepsPacked: true)
        // Two convolutions by Winograd's algorithm, each for both ways.
        #expect(keeping.memoryBytes - trials[0].executor.memoryBytes > 3 * 36 * 256 * 4)
        for iteration in 0..<3 {
            let images = trials[0].images(seed: UInt64(iteration))
            let truth = trials[0].truth(seed: UInt64(iteration))
            let pass = Pass(mode: .training, seed: 9, iteration: UInt64(iteration))
            for executor in [trials[0].executor, keeping] {
                executor.load(images: images.span, truth: truth.span)
                _ = executor.forward(pass)
                executor.backward(pass)
                executor.update(trials[0].step(iteration))
            }
            #expect(trials[0].hasSameState(as: trials[1]))
        }
    }
}
