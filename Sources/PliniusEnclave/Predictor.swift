import PliniusMirror
import PliniusNN
import PliniusSealing
import PliniusWire
import _PliniusSupport

/// Has a model predict a sealed data set, and seals what comes out.
struct Predictor {
    let executor: any Executor
    let data: DatasetUnion
    let run: Run
    /// Of whoever owns what comes out.
    let keys: KeyHierarchy
    /// `nil` if the keys may be used for good.
    let lease: Lease?

    /// Predicts every sample of the data set once, in order, into the file that the host handed over.
    /// - Parameter network: Its predicting layers' numbers for a sample are a record of the file, one layer behind the other.
    /// - Throws: `SessionError` if a record is bad, if the lease is over or if the file cannot be written; it has no header then.
    func predict(_ network: NetworkDescription, task: ModelTask) throws(SessionError) -> Prediction {
        let start = monotonicNanoseconds()
        let file = file(of: .outputs, network.outputs, count: data.count)
        let pass = DatasetPass(executor, timeSteps: network.options.timeSteps, over: data)
        var batches: UInt64 = 0
        while !pass.isOver {
            try requireLease(afterBatches: batches)
            let samples = try reporting { try pass.advance() }
            batches += 1
            var first = 0
            for layer in executor.predictingLayers {
                let count = network.layers[layer].output.count
                executor.withOutput(ofLayer: layer) { output in
                    for place in 0..<samples.count {
                        let message = unsafe file.message(place)
                        for index in 0..<count {
                            let bits = output[pass.row(place) * count + index].bitPattern.littleEndian
                            unsafe message.storeBytes(of: bits, toByteOffset: (first + index) * 4, as: UInt32.self)
                        }
                    }
                }
                first += count
            }
            try file.write(samples)
        }
        return try finish(file, task: task, since: start)
    }

    /// Prepares the file of results.
    func file(of content: PredictionsHeader.Content, _ outputs: Int, count: Int) -> ResultsFile {
        let identity = run.mirror.identity
        guard let commit = run.mirror.mark else { preconditionFailure("a model that predicts was mirrored in") }
        let id = randomBytes(KeyHierarchy.idByteCount)
        let header = PredictionsHeader(
            id: id, count: count, outputs: outputs, content: content, cipher: identity.cipher, runID: identity.runID,
            iteration: run.progress.iteration, commit: commit, configDigest: identity.configDigest, datasetID: data.id,
            keyCheck: keys.keyCheck(for: id))
        return ResultsFile(header, keys: keys, batch: executor.miniBatch)
    }

    /// Ends the file, and tells of it what anybody may know.
    func finish(_ file: ResultsFile, task: ModelTask, since start: UInt64) throws(SessionError) -> Prediction {
        try requireLease()
        try file.finish(keys)
        let header = file.header
        var prediction = Prediction()
        prediction.id = header.id.hex
        prediction.iteration = header.iteration
        prediction.task = task
        prediction.count = UInt64(header.count)
        prediction.outputs = UInt32(header.outputs)
        prediction.byteCount = UInt64(header.fileByteCount)
        prediction.imagesPerSecond = Float(Double(header.count) / (Double(monotonicNanoseconds() - start) / 1e9))
        return prediction
    }

    /// - Parameter batches: Mini-batches that were predicted; `nil` if there are no more.
    func requireLease(afterBatches batches: UInt64? = nil) throws(SessionError) {
        let reason =
            if let batches { lease?.end(afterUpdates: batches, of: run.mirror) } else { lease?.end() }
        if let reason { throw SessionError(.integrity, "no results are kept: \(reason)") }
    }
}
