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
/// ```
public enum DarknetWeights {
    /// The whole file.
    public static func encoded(_ model: Model) -> [UInt8] {
        var header = ByteWriter()
        for part in [0, 2, 0] as [UInt32] { header.write(part) }
        header.write(model.imagesSeen)
        var bytes = header.bytes
        bytes.reserveCapacity(bytes.count + model.network.layout.parameterCount * MemoryLayout<Float>.size)
        for layer in model.network.layers {
            for tensor in tensors(of: layer, in: model.network.layout) { model.append(tensor, to: &bytes) }
        }
        return bytes
    }

    /// A layer's tensors, as they follow each other in a file.
    static func tensors(of layer: LayerDescription, in layout: ArenaLayout) -> [ArenaTensor] {
        order(of: layer).compactMap { layout.tensor(layer: layer.index, role: $0) }
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
