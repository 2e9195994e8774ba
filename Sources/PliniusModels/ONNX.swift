import PliniusNN

/// The ONNX format, out only: a network for prediction, with its parameters, that other runtimes compute.
///
/// Operators are those of version 17 of ONNX's own set, IR version 8. The graph's input `images` is (images, channels, height, width), pixels
/// divided by 255; its output `predictions` is what the network's last layer before the costs gives, (images, values) behind a connected
/// layer or softmax. Any number of images is taken. Batch normalisation is a node of its own; its variance is (√v + 1e-6)², and its epsilon 0, which
/// is Darknet's form. Source: https://onnx.ai/onnx/operators.
public enum ONNX {
    /// The version of the operators.
    public static let operatorSetVersion = 17
    private static let formatVersion = 8
    /// No message of protocol buffers is longer; larger models would need files beside.
    private static let maximumByteCount = 1 << 31 - 1 << 20

    /// The whole file.
    /// - Throws: ``ModelError``: `.unsupported` with the layer that has no form, `.oversized`.
    public static func encoded(_ model: Model) throws(ModelError) -> [UInt8] {
        guard model.network.layout.parameterCount * MemoryLayout<Float>.size <= maximumByteCount else {
            throw ModelError(
                .oversized, "the network",
                "its \(model.network.layout.parameterCount) parameters are more than a file of ONNX holds: export as safetensors"
            )
        }
        var writer = ONNXLayers(model)
        var values = [writer.input]
        for layer in model.network.layers[...model.network.outputLayer] {
            values.append(try writer.add(layer, after: values))
        }
        let output = writer.finish(values[values.count - 1])
        var file = ProtobufWriter()
        file.write(1, formatVersion)
        file.write(2, "plinius")
        file.write(7, bytes: writer.graph.encoded(named: "network", input: writer.input, output: output))
        // The empty domain is ONNX's own.
        file.write(8) { $0.write(2, operatorSetVersion) }
        for (key, value) in [("images_seen", model.imagesSeen), ("iteration", model.iteration)] {
            file.write(14) {
                $0.write(1, key)
                $0.write(2, "\(value)")
            }
        }
        return file.bytes
    }
}
