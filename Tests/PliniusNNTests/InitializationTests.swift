import PliniusNN
import Testing
import _PliniusSupport

/// The state that training begins from.
@Suite struct InitializationTests {
    private static let seed: UInt64 = 0x0123_4567_89AB_CDEF

    private func values(_ arena: ParameterArena, _ layer: Int, _ role: TensorRole) -> [Float] {
        arena.layout.tensor(layer: layer, role: role).map { Array(arena.floats(of: $0)) } ?? []
    }

    private func initialized(_ text: String, seed: UInt64 = seed) throws -> ParameterArena {
        let network = try parse(text)
        let arena = ParameterArena(layout: network.layout)
        // What was there before does not count.
        arena.memory.floats.update(repeating: .nan)
        for index in arena.memory.floats.indices
        where !network.layout.tensors.contains(where: {
            ($0.offset..<$0.offset + $0.count).contains(index)
        }) {
            arena.memory.floats[index] = 0
        }
        arena.initialize(network, seed: seed)
        return arena
    }

    private let small = """
        [net]
        height=6
        width=6
        channels=1
        [conv]
        batch_normalize=1
        filters=2
        size=3
        [maxpool]
        stride=2
        [connected]
        batch_normalize=1
        output=3
        [softmax]
        """

    @Test func `The first weights are those of another implementation`() throws {
        let arena = try initialized(small)
        let normal: [Float] = [-0.082664048, -0.98049260, 0.0074148547, 0.49254809, 0.76550325, 0.97581855]
        for (found, expected) in zip(values(arena, 0, .weights), normal) {
            #expect((found - expected).magnitude < 1e-6)
        }
        let other = try initialized("[net]\ninputs=8\n[softmax]\nnoloss=1\n[connected]\noutput=2\n[softmax]")
        let uniform: [Float] = [0.025627613, 0.087567389, -0.32412624, -0.041463315, -0.25101060, -0.20676136]
        for (found, expected) in zip(values(other, 1, .weights), uniform) {
            #expect((found - expected).magnitude < 1e-6)
        }
    }

    @Test func `All else is one or zero`() throws {
        let arena = try initialized(small)
        for layer in [0, 2] {
            let count = layer == 0 ? 2 : 3
            for role in [TensorRole.scales, .rollingVariance] {
                #expect(values(arena, layer, role) == Array(repeating: 1, count: count))
            }
            for role in [TensorRole.biases, .rollingMean, .biasMomentum, .scaleMomentum] {
                #expect(values(arena, layer, role) == Array(repeating: 0, count: count))
            }
            #expect(values(arena, layer, .weightMomentum).allSatisfy { $0 == 0 })
        }
        #expect(Array(arena.memory.floats).allSatisfy { $0.isFinite })
    }

    @Test func `Weights are a function of the seed, and differ between layers`() throws {
        let text = "[net]\ninputs=16\n[connected]\noutput=16\n[connected]\noutput=16\n[softmax]"
        let first = try initialized(text)
        #expect(values(first, 0, .weights) == values(try initialized(text), 0, .weights))
        #expect(values(first, 0, .weights) != values(try initialized(text, seed: 1), 0, .weights))
        #expect(values(first, 0, .weights) != values(first, 1, .weights))
    }

    @Test func `Weights have the variance that keeps signals alive`() throws {
        let text = """
            [net]
            height=8
            width=8
            channels=32
            [conv]
            filters=128
            size=3
            groups=2
            [connected]
            output=100
            [softmax]
            """
        let arena = try initialized(text)
        // Normal, variance 2 / (16 × 9); the kurtosis of the normal distribution is 3.
        let normal = moments(values(arena, 0, .weights))
        #expect(normal.mean.magnitude < 0.004)
        #expect((normal.variance * 72 - 1).magnitude < 0.05)
        #expect((normal.kurtosis - 3).magnitude < 0.25)
        // Uniform within sqrt(2 / inputs), a third of whose square is the variance; its kurtosis is 1.8.
        let weights = values(arena, 1, .weights)
        let bound = Float((2 / 4608.0).squareRoot())
        let uniform = moments(weights)
        #expect(weights.allSatisfy { $0 >= -bound && $0 <= bound })
        #expect(uniform.mean.magnitude < 0.0002)
        #expect((uniform.variance * 3 * 2304 - 1).magnitude < 0.02)
        #expect((uniform.kurtosis - 1.8).magnitude < 0.02)
    }

    @Test func `Every position of a local layer begins with weights`() throws {
        let text = "[net]\nheight=9\nwidth=9\nchannels=4\n[local]\nfilters=8\nsize=3\npad=1\n[softmax]"
        let weights = values(try initialized(text), 0, .weights)
        let bound = Float((2 / 36.0).squareRoot())
        #expect(weights.count == 81 * 8 * 36 && weights.allSatisfy { $0 >= -bound && $0 <= bound })
        let variances = (0..<81).map { moments(Array(weights[$0 * 288..<$0 * 288 + 288])).variance }
        #expect(variances.allSatisfy { ($0 * 3 * 18 - 1).magnitude < 0.3 })
    }

    @Test func `A deconvolution begins with small weights that grow with its output`() throws {
        let text = "[net]\nheight=4\nwidth=4\nchannels=16\n[deconv]\nfilters=32\nsize=4\nstride=4\n[softmax]"
        let normal = moments(values(try initialized(text), 0, .weights))
        #expect((normal.variance / (0.32 * 0.32) - 1).magnitude < 0.05)
        #expect((normal.kurtosis - 3).magnitude < 0.25)
    }

    private func moments(_ values: [Float]) -> (mean: Double, variance: Double, kurtosis: Double) {
        let count = Double(values.count)
        let mean = values.reduce(0) { $0 + Double($1) } / count
        let squares = values.map { (Double($0) - mean) * (Double($0) - mean) }
        let variance = squares.reduce(0, +) / count
        return (mean, variance, squares.reduce(0) { $0 + $1 * $1 } / count / (variance * variance))
    }
}
