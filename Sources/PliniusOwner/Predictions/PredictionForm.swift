import ArgumentParser
import PliniusNN
import PliniusSealing

/// What a model was asked for.
enum PredictionTask: String, ExpressibleByArgument, CaseIterable {
    case classify, detect, segment, regress, sequence
}

/// What is read out of the numbers that a network predicts for an image.
enum PredictionForm {
    /// The most likely classes.
    case classes(Int, top: Int)
    /// Boxes of all heads above a threshold, thinned out.
    case boxes(NetworkDescription, threshold: Float)
    /// The class of each pixel.
    case pixels(Pixels)
    /// The numbers themselves.
    case values(Int)

    /// Planes of classes, the first of an image's numbers.
    struct Pixels {
        let shape: Shape
        /// Whether a pixel may be of no class.
        let hasNone: Bool

        /// The class of each pixel, that of the greatest number, the first of equals; -1 where none exceeds 0.5 and need not.
        func classes(_ outputs: [Float]) -> [Int] {
            (0..<shape.area).map { pixel in
                var best = 0
                for other in 0..<shape.channels
                where outputs[other * shape.area + pixel] > outputs[best * shape.area + pixel] {
                    best = other
                }
                return hasNone && !(outputs[best * shape.area + pixel] > 0.5) ? -1 : best
            }
        }
    }

    /// How many classes can have names.
    var classes: Int {
        switch self {
        case .classes(let count, _), .values(let count): count
        case .boxes(let network, _): network.predictingLayers.map { network.layers[$0].classes }.max() ?? 0
        case .pixels(let pixels): pixels.shape.channels
        }
    }

    /// Chooses by the task, and where none is said by the network.
    /// - Throws: `OwnerError` if the network is missing, or predicts something else.
    init(
        _ task: PredictionTask?, _ network: NetworkDescription?, outputs: Int, top: Int, threshold: Float
    ) throws(OwnerError) {
        switch (task ?? network?.predictionKind.task ?? .classify, network) {
        case (.classify, _), (.sequence, _): self = .classes(outputs, top: top)
        case (.regress, _): self = .values(outputs)
        case (let task, nil):
            throw OwnerError(.usage, "--task \(task) needs the network: give its configuration with --config")
        case (.detect, let network?):
            guard network.predictionKind == .boxes else { throw .noSuch(.detect, network, "finds no boxes") }
            self = .boxes(network, threshold: threshold)
        case (.segment, let network?):
            let layer = network.layers[network.predictingLayers[0]]
            switch network.predictionKind {
            case .masks, .planes:
                let (classes, output) = (layer.classes, layer.output)
                self = .pixels(
                    Pixels(
                        shape: Shape(channels: classes, height: output.height, width: output.width),
                        hasNone: !network.alwaysNamesAClass))
            case .boxes, .classes, .numbers: throw .noSuch(.segment, network, "has no class for each pixel")
            }
        }
    }
}

extension OwnerError {
    fileprivate static func noSuch(_ task: PredictionTask, _ network: NetworkDescription, _ what: String) -> OwnerError
    {
        OwnerError(
            .usage,
            "--task is \(task), and the network \(what): expected \(network.predictionKind.task), or leave it away")
    }
}

extension NetworkDescription {
    /// Reads the configuration that results were made with.
    /// - Throws: `OwnerError` if it is another one.
    static func of(results digest: [UInt8], path: String) throws -> NetworkDescription {
        let network = try NetworkDescription(parsing: ConfigText.read(path), file: path)
        guard sha256(network.canonicalBytes) == digest else {
            throw OwnerError(
                .usage, "\(path) is not the configuration that made the results: give the one that predicted")
        }
        return network
    }
}

extension NetworkDescription.PredictionKind {
    fileprivate var task: PredictionTask {
        switch self {
        case .boxes: .detect
        case .masks, .planes: .segment
        case .classes: .classify
        case .numbers: .regress
        }
    }
}

extension LayerDescription {
    /// Classes that the layer tells apart.
    fileprivate var classes: Int {
        switch kind {
        case .yolo(let boxes), .region(let boxes): boxes.classes
        case .detection(let grid): grid.classes
        case .iseg(let masks): masks.classes
        default: output.channels
        }
    }
}
