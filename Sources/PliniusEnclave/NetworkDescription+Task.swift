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
        let first: ModelTask
        switch predictionKind {
        case .boxes: return [.detect]
        case .masks: return [.segment]
        case .planes: first = .segment
        case .classes: first = options.timeSteps > 1 ? .sequence : .classify
        case .numbers: first = options.timeSteps > 1 ? .sequence : .regress
        }
        return [first] + [.classify, .segment, .regress, .sequence].filter { $0 != first }
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
