import PliniusNN
import Testing

/// How kinds of layers are described: what their sections mean, what is refused, what a run's identity holds of them.
@Suite struct LayerKindTests {
    private static let net = "[net]\nheight=6\nwidth=5\nchannels=4\n"

    /// A section, its options as they are read, its output, and the tensors of its state.
    static let sections: [(text: String, summary: String, output: String, tensors: [String])] = [
        (
            "[batchnorm]", "batchnorm", "4x6x5",
            [
                "biases [4]", "scales [4]", "rolling_mean [4]", "rolling_variance [4]", "bias_momentum [4]",
                "scale_momentum [4]",
            ]
        )
    ]

    @Test(arguments: sections)
    func `A section means`(text: String, summary: String, output: String, tensors: [String]) throws {
        let network = try parse(Self.net + text)
        #expect(PliniusNNTests.summary(network.layers[0]) == summary)
        #expect(network.layers[0].output.description == output)
        #expect(network.layout.tensors.map { "\($0.role) \($0.shape)" } == tensors)
        #expect(network.warnings.map(\.line).allSatisfy { $0 == 1 })
    }

    @Test(arguments: [("[batchnorm]", 19)])
    func `A kind has its number in a run's identity`(text: String, code: UInt8) throws {
        // Kind 4, [avgpool], has no options.
        let plain = try parse(Self.net + "[avgpool]").canonicalBytes
        let other = try parse(Self.net + text).canonicalBytes
        let place = plain.count - 6
        #expect(plain[place] == 4)
        #expect(other[place] == code)
        #expect(other.prefix(place) == plain.prefix(place))
    }
}
