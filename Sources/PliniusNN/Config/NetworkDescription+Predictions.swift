extension NetworkDescription {
    /// What the numbers that a network predicts look like.
    public enum PredictionKind: Hashable, Sendable {
        /// Boxes with classes, of all heads.
        case boxes
        /// Classes of pixels, and coordinates by which they belong together.
        case masks
        /// For each class an image.
        case planes
        /// A probability for each class.
        case classes
        /// Anything else.
        case numbers
    }

    /// What the layers that predict look like.
    public var predictionKind: PredictionKind {
        let layer = layers[predictingLayers[0]]
        return switch layer.kind {
        case .yolo, .region, .detection: .boxes
        case .iseg: .masks
        case _ where layer.output.area > 1: .planes
        case .softmax, .logistic: .classes
        default: .numbers
        }
    }

    /// Whether each pixel is taken for a class, whatever is put out: probabilities of `[softmax]` exclude each other.
    public var alwaysNamesAClass: Bool {
        if case .softmax = layers[predictingLayers[0]].kind { true } else { false }
    }

    /// The layers whose outputs are the predictions: all heads that learn boxes or masks, or the last layer that is not a cost.
    public var predictingLayers: [Int] {
        let heads = layers.indices.filter { layers[$0].isHead }
        return heads.isEmpty ? [outputLayer] : heads
    }

    /// Predictions per image, those of the predicting layers one behind the other.
    public var outputs: Int { predictingLayers.reduce(0) { $0 + layers[$1].output.count } }
}
