import PliniusNN
import _PliniusSupport

/// Darknet's `.weights` format, version 0.2: little-endian, no names, no shapes, no checksum.
///
/// ```
/// 0   major = 0, minor = 2, revision = 0, 4 bytes each
/// 12  images seen, 8 bytes
/// 20  float32 arrays, layer after layer:
///     convolutional   biases, [scales, rolling mean, rolling variance,] weights; so deconvolutional
///     connected       biases, weights, [scales, rolling mean, rolling variance]
///     batchnorm       scales, rolling mean, rolling variance
///     local           biases, weights
///     rnn, gru, …     their parts, one after the other, see LayerDescription.parts
/// ```
/// The format has no room for the biases of a [batchnorm] section. They are written into its rolling means, which move until the
/// layer predicts without biases what it predicted with them; whoever reads the file back gets biases of zero.
public enum DarknetWeights {
    /// The whole file, without layers that have `dontsave`.
    /// - Throws: ``ModelError``, `.unsupported`, if a [batchnorm] section's biases do not fit into its means: where a scale is zero.
    public static func encoded(_ model: Model) throws(ModelError) -> [UInt8] {
        var header = ByteWriter()
        for part in [0, 2, 0] as [UInt32] { header.write(part) }
        header.write(model.imagesSeen)
        var bytes = header.bytes
        bytes.reserveCapacity(bytes.count + model.network.layout.parameterCount * MemoryLayout<Float>.size)
        for layer in model.network.layers where layer.exchange.isSaved {
            let means = try movedMeans(of: layer, in: model)
            for tensor in tensors(of: layer, in: model.network.layout) {
                if tensor.role == .rollingMean, let means {
                    var writer = ByteWriter()
                    for mean in means { writer.write(mean) }
                    bytes += writer.bytes
                } else {
                    model.append(tensor, to: &bytes)
                }
            }
        }
        return bytes
    }

    /// The rolling means with which a [batchnorm] section needs no biases; nil for other layers.
    private static func movedMeans(of layer: LayerDescription, in model: Model) throws(ModelError) -> [Float]? {
        guard case .batchnorm = layer.kind else { return nil }
        let parts = [TensorRole.biases, .scales, .rollingMean, .rollingVariance].map { role in
            model.values(layer: layer.index, role)
        }
        var means: [Float] = []
        for channel in parts[0].indices {
            let (bias, scale, mean) = (Double(parts[0][channel]), Double(parts[1][channel]), Double(parts[2][channel]))
            let deviation = Double(parts[3][channel]).squareRoot() + 1e-6
            let moved = Float(bias == 0 ? mean : mean - bias * deviation / scale)
            guard moved.isFinite else {
                throw ModelError(
                    .unsupported, "layers.\(layer.index)",
                    "Darknet's weights have no biases for [batchnorm], and with a scale of \(scale) the mean of channel "
                        + "\(channel) cannot stand for a bias of \(bias): export safetensors")
            }
            means.append(moved)
        }
        return means
    }

    /// A layer's tensors, as they follow each other in a file.
    static func tensors(of layer: LayerDescription, in layout: ArenaLayout) -> [ArenaTensor] {
        layer.parts.enumerated().flatMap { index, part in
            order(of: part).compactMap { layout.tensor(layer: layer.index, part: index, role: $0) }
        }
    }

    private static func order(of layer: LayerDescription) -> [TensorRole] {
        switch layer.kind {
        case .convolutional, .deconvolutional: [.biases, .scales, .rollingMean, .rollingVariance, .weights]
        case .connected: [.biases, .weights, .scales, .rollingMean, .rollingVariance]
        case .batchnorm: [.scales, .rollingMean, .rollingVariance]
        case .local: [.biases, .weights]
        default: []
        }
    }
}
