import PliniusMirror
import PliniusNN
import PliniusWire

extension NetworkDescription {
    /// What the network is used for on a data set: what its truth teaches, or where that is none of the network's, what its last layers
    /// look like.
    /// - Parameters:
    ///   - asked: What it has to be; `nil` for whatever it is.
    ///   - purpose: What for: whoever infers looks at no truth, and may ask for all that the network can be used for.
    /// - Throws: `SessionError` that says what was asked for and what is possible.
    func task(_ asked: ModelTask?, on header: PublicDatasetHeader, for purpose: RuntimeData.Purpose)
        throws(SessionError) -> ModelTask
    {
        let fits = truthForm(of: header) != nil
        let found = fits ? header.truth.task : likelyTasks[0]
        guard let asked, asked != found else { return found }
        guard purpose == .infer, likelyTasks.contains(asked) else {
            throw SessionError(
                .usage,
                "--task is \(asked), but the network learns from \(truth) and the data set teaches by \(header.truth): "
                    + (purpose == .infer
                        ? "expected one of " + likelyTasks.map { "\($0)" }.joined(separator: ", ")
                        : "expected \(found)") + ", or another network or data set")
        }
        return asked
    }

    /// What the last layers can be used for, the likeliest first.
    private var likelyTasks: [ModelTask] {
        let layer = layers[predictingLayers[0]]
        switch layer.kind {
        case .yolo, .region, .detection: return [.detect]
        case .iseg: return [.segment]
        default: break
        }
        let first: ModelTask
        switch layer.kind {
        case _ where options.timeSteps > 1: first = .sequence
        case _ where layer.output.area > 1: first = .segment
        case .softmax, .logistic: first = .classify
        default: first = .regress
        }
        return [first] + [.classify, .segment, .regress, .sequence].filter { $0 != first }
    }

    /// Whether each pixel is taken for a class, whatever is put out: probabilities of `[softmax]` exclude each other.
    var alwaysNamesAClass: Bool {
        if case .softmax = layers[outputLayer].kind { true } else { false }
    }
}

extension RecordTruth {
    /// What is learned from it.
    fileprivate var task: ModelTask {
        switch kind {
        case .label: .classify
        case .boxes: .detect
        case .mask: .segment
        case .regression: .regress
        case .text: .sequence
        }
    }
}
