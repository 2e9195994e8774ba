import PliniusMirror
import PliniusNN

/// What a configuration describes, in numbers.
struct ConfigReport: Encodable {
    struct Layer: Encodable {
        let index: Int
        let kind: String
        let size: Int?
        let stride: Int?
        /// Channels, height, width of the first source.
        let input: [Int]
        /// Channels, height, width.
        let output: [Int]
        /// Indices of layers before it; -1 is the network's input.
        let sources: [Int]
        let parameters: Int
        let flops: Int
        let outputFloats: Int
    }

    let layers: [Layer]
    let parameters: Int
    /// Of one image forward.
    let flops: Int
    let arenaBytes: Int
    /// What a run takes in a pool: two slots and the configuration.
    let mirrorBytes: Int
    /// Per image.
    let truthFloats: Int
    /// Images per update, each time step of a sequence being one.
    let batch: Int
    let subdivisions: Int
    let timeSteps: Int
    /// Images per pass.
    let miniBatch: Int
    /// Updates of the whole training; nil if open.
    let updates: Int?
    /// Images of the whole training; nil if open.
    let images: Int?
    /// How often each image of the data set is seen in the whole training; nil if open or without a data set.
    let epochs: Double?
    /// Images of the data set.
    let datasetImages: Int?
    let learningRate: String
    /// What is done to images, one sentence for each key; none if nothing is.
    let augmentation: [String]
    let warnings: [String]
    let advice: [String]

    /// Looks a network over.
    /// - Parameters:
    ///   - textByteCount: Length of the configuration, which is kept with a run.
    ///   - data: The public header of the data set that it is to learn from, if there is one.
    /// - Complexity: O(layers + tensors).
    init(_ network: NetworkDescription, textByteCount: Int, data: PublicDatasetHeader?) {
        var counts = [Int](repeating: 0, count: network.layers.count)
        for tensor in network.layout.tensors where tensor.role.isExported { counts[tensor.layer] += tensor.count }
        layers = network.layers.map { layer in
            let window = layer.window
            return Layer(
                index: layer.index, kind: layer.kindName, size: window.size, stride: window.stride,
                input: layer.input.extents, output: layer.output.extents, sources: layer.sources,
                parameters: counts[layer.index], flops: layer.operations, outputFloats: layer.output.count)
        }
        parameters = network.layout.parameterCount
        flops = layers.reduce(0) { $0 + $1.flops }
        arenaBytes = network.layout.byteCount
        mirrorBytes = Mirror.byteCount(arenaBytes: arenaBytes, descriptionBytes: textByteCount)
        truthFloats = network.truthCount
        let options = network.options
        batch = options.batch
        subdivisions = options.subdivisions
        timeSteps = options.timeSteps
        miniBatch = options.miniBatch
        updates = options.maxBatches > 0 ? options.maxBatches : nil
        let images = updates.map { $0 * options.batch }
        self.images = images
        datasetImages = data?.sampleCount
        epochs = data.flatMap { data in images.map { Double($0) / Double(data.sampleCount) } }
        learningRate = options.schedule
        augmentation = network.augmentation.sentences
        warnings = network.warnings.map(\.description)
        advice = network.advice(on: data)
    }
}

extension Shape {
    fileprivate var extents: [Int] { [channels, height, width] }
}
