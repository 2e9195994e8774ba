import PliniusModels
import PliniusNN
import _PliniusSupport

/// A small network of every kind of tensor, and files of it that are put together by hand.
struct SampleModel {
    static let config = """
        [net]
        batch=4
        height=6
        width=6
        channels=1

        [convolutional]
        batch_normalize=1
        filters=2
        size=3
        pad=1
        activation=leaky

        [maxpool]
        size=2
        stride=2

        [connected]
        output=5
        batch_normalize=1
        activation=tanh

        [connected]
        output=3
        activation=linear

        [softmax]
        """

    /// Layer, role and count of every tensor in Darknet's order, with a value of its own for each element.
    static let tensors: [(layer: Int, role: TensorRole, shape: [Int])] = [
        (0, .biases, [2]), (0, .scales, [2]), (0, .rollingMean, [2]), (0, .rollingVariance, [2]),
        (0, .weights, [2, 1, 3, 3]), (2, .biases, [5]), (2, .weights, [5, 18]), (2, .scales, [5]),
        (2, .rollingMean, [5]), (2, .rollingVariance, [5]), (3, .biases, [3]), (3, .weights, [3, 5]),
    ]

    let network: NetworkDescription
    let arena: ParameterArena

    init() throws {
        network = try NetworkDescription(parsing: Self.config, file: "test.cfg")
        arena = ParameterArena(layout: network.layout)
        arena.initialize(network, seed: 7)
    }

    /// The value of an element, exact in 16 bits of either kind.
    static func value(_ tensor: Int, _ element: Int) -> Float { Float((tensor * 13 + element * 7) % 128) }

    static func values(_ tensor: Int) -> [Float] {
        (0..<tensors[tensor].shape.reduce(1, *)).map { value(tensor, $0) }
    }

    /// What the arena holds of a tensor.
    func floats(_ layer: Int, _ role: TensorRole) -> [Float] {
        network.layout.tensor(layer: layer, role: role).map { Array(arena.floats(of: $0)) } ?? []
    }

    /// All of the arena, bit by bit.
    var bits: [UInt32] { arena.memory.floats.map(\.bitPattern) }

    /// A file of Darknet's with all tensors.
    static func weights(header: [UInt8] = SampleModel.header) -> [UInt8] {
        header + tensors.indices.flatMap { values($0).flatMap { little($0.bitPattern) } }
    }

    static let header = [0, 2, 0].flatMap { little(UInt32($0)) } + little(UInt64(148))

    static func little(_ value: some FixedWidthInteger) -> [UInt8] {
        stride(from: 0, to: value.bitWidth, by: 8).map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    /// The text of a safetensors header and its data behind it.
    static func safetensors(_ text: String, _ data: [UInt8] = []) -> [UInt8] {
        little(UInt64(text.utf8.count)) + Array(text.utf8) + data
    }

    /// A safetensors file of the sample's tensors, changed.
    static func safetensors(
        type: String = "F32", dropping dropped: String? = nil, renaming: [String: String] = [:],
        shapes: [String: [Int]] = [:]
    ) -> [UInt8] {
        var text: [String] = []
        var data: [UInt8] = []
        for (index, tensor) in tensors.enumerated() {
            let name = "layers.\(tensor.layer).\(tensor.role)"
            guard name != dropped else { continue }
            let start = data.count
            for value in values(index) {
                switch type {
                case "F16": data += little(Float16(value).bitPattern)
                case "BF16": data += little(UInt16(value.bitPattern >> 16))
                case "F64": data += little(Double(value).bitPattern)
                default: data += little(value.bitPattern)
                }
            }
            text.append(
                "\"\(renaming[name] ?? name)\": {\"dtype\": \"\(type)\", \"shape\": \(shapes[name] ?? tensor.shape), "
                    + "\"data_offsets\": [\(start), \(data.count)]}")
        }
        return safetensors("{\(text.joined(separator: ", "))}", data)
    }
}
