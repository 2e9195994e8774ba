import PliniusModels
import PliniusNN
import Testing
import _PliniusSupport

/// Files of recurrent networks: the parts of each layer, in Darknet's order.
@Suite struct RecurrentPartsTests {
    private static let config = """
        [net]
        time_steps=2
        height=2
        width=2
        channels=1
        [crnn]
        output_filters=2
        hidden_filters=3
        batch_normalize=1
        [rnn]
        output=2
        [gru]
        output=3
        [lstm]
        output=2
        batch_normalize=1
        [softmax]
        """
    private static let statistics: [TensorRole] = [.scales, .rollingMean, .rollingVariance]

    /// Layer, part and role of each array of a file.
    private static let order: [(layer: Int, part: Int, role: TensorRole)] = {
        var order: [(Int, Int, TensorRole)] = []
        func append(_ layer: Int, parts: Int, _ roles: [TensorRole]) {
            for part in 0..<parts { for role in roles { order.append((layer, part, role)) } }
        }
        append(0, parts: 3, [.biases] + statistics + [.weights])
        append(1, parts: 3, [.biases, .weights])
        append(2, parts: 6, [.biases, .weights])
        append(3, parts: 8, [.biases, .weights] + statistics)
        return order
    }()

    private func model(seed: Int) throws -> Model {
        let network = try NetworkDescription(parsing: Self.config, file: "test.cfg")
        let arena = ParameterArena(layout: network.layout)
        for (index, tensor) in network.layout.tensors.enumerated() where tensor.role.isExported {
            for element in 0..<tensor.count {
                arena.floats(of: tensor)[element] = Float(index * 1000 + element + seed)
            }
        }
        return Model(network: network, arena: arena, iteration: 5, imagesSeen: 10)
    }

    @Test func `Darknet's file has all parts in its order, and is read again`() throws {
        let model = try model(seed: 0)
        let bytes = try DarknetWeights.encoded(model)
        var place = 20
        for (layer, part, role) in Self.order {
            let tensor = try #require(model.network.layout.tensor(layer: layer, part: part, role: role))
            let expected = Array(model.arena.floats(of: tensor)).flatMap { SampleModel.little($0.bitPattern) }
            #expect(Array(bytes[place..<place + expected.count]) == expected, "layer \(layer), part \(part), \(role)")
            place += expected.count
        }
        #expect(place == bytes.count)

        let other = try self.model(seed: 7)
        _ = try DarknetWeights.read(bytes, named: "file", into: other.arena, of: other.network)
        #expect(try DarknetWeights.encoded(other) == bytes)
    }

    @Test func `Safetensors names parts apart, and reads them again`() throws {
        let model = try model(seed: 0)
        let bytes = try Safetensors.encoded(model)
        let text = String(decoding: bytes.prefix(20_000), as: UTF8.self)
        for name in ["layers.1.weights", "layers.1.2.weights", "layers.3.7.rolling_mean", "layers.2.5.biases"] {
            #expect(text.contains("\"\(name)\""))
        }
        let other = try self.model(seed: 7)
        _ = try Safetensors.read(bytes, named: "file", into: other.arena, of: other.network)
        #expect(try DarknetWeights.encoded(other) == DarknetWeights.encoded(model))
    }
}
