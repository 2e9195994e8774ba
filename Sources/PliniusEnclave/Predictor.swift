import Glibc
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

    /// Predicts every record of the data set once, in order, into the file that the host handed over.
    /// - Parameter network: Its predicting layers' numbers for an image are a record, one layer behind the other.
    /// - Throws: `SessionError` if a record is bad, if the lease is over or if the file cannot be written; it has no header then.
    func predict(_ network: NetworkDescription, task: ModelTask) throws(SessionError) -> Prediction {
        let start = monotonicNanoseconds()
        let outputs = network.outputs
        let header = header(outputs: outputs)
        let key = keys.predictionsKey(id: header.id, cipher: header.cipher)
        let sealed = PrivateMemory(byteCount: executor.miniBatch * header.recordByteCount)
        let pass = DatasetPass(executor, timeSteps: network.options.timeSteps, over: data)
        var batches: UInt64 = 0
        while !pass.isOver {
            try require(lease?.end(afterUpdates: batches, of: run.mirror))
            let records = try reporting { try pass.advance() }
            batches += 1
            var first = 0
            for layer in executor.predictingLayers {
                let count = network.layers[layer].output.count
                executor.withOutput(ofLayer: layer) { output in
                    for place in 0..<records.count {
                        for index in 0..<count {
                            let bits = output[pass.row(place) * count + index].bitPattern.littleEndian
                            let offset = place * header.recordByteCount + (first + index) * 4
                            unsafe sealed.bytes.storeBytes(of: bits, toByteOffset: offset, as: UInt32.self)
                        }
                    }
                }
                first += count
            }
            for (place, record) in records.enumerated() {
                let range = place * header.recordByteCount..<(place + 1) * header.recordByteCount
                let bytes = unsafe UnsafeMutableRawBufferPointer(rebasing: sealed.bytes[range])
                let message = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[..<header.plaintextByteCount])
                let context = PredictionContext(header, index: record)
                unsafe key.seal(
                    UnsafeRawBufferPointer(message), into: message, nonce: context.nonce,
                    authenticating: context.bytes
                ).store(into: UnsafeMutableRawBufferPointer(rebasing: bytes[header.plaintextByteCount...]))
            }
            try unsafe write(
                UnsafeRawBufferPointer(rebasing: sealed.bytes[..<(records.count * header.recordByteCount)]),
                at: header.offset(of: records.lowerBound))
        }
        try require(lease?.end())
        let page = header.encoded(keys)
        try reporting { try unsafe page.withUnsafeBytes { try unsafe write($0, at: 0) } }
        var prediction = Prediction()
        prediction.id = header.id.hex
        prediction.iteration = header.iteration
        prediction.task = task
        prediction.count = UInt64(header.count)
        prediction.outputs = UInt32(outputs)
        prediction.byteCount = UInt64(header.fileByteCount)
        prediction.imagesPerSecond = Float(Double(header.count) / (Double(monotonicNanoseconds() - start) / 1e9))
        return prediction
    }

    private func header(outputs: Int) -> PredictionsHeader {
        let identity = run.mirror.identity
        guard let commit = run.mirror.mark else { preconditionFailure("a model that predicts was mirrored in") }
        let id = randomBytes(KeyHierarchy.idByteCount)
        return PredictionsHeader(
            id: id, count: data.count, outputs: outputs, cipher: identity.cipher, runID: identity.runID,
            iteration: run.progress.iteration, commit: commit, configDigest: identity.configDigest, datasetID: data.id,
            keyCheck: keys.keyCheck(for: id))
    }

    private func require(_ leaseEnd: String?) throws(SessionError) {
        if let leaseEnd { throw SessionError(.integrity, "no results are kept: \(leaseEnd)") }
    }

    @unsafe private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SessionError) {
        var done = 0
        while done < bytes.count {
            let count = unsafe pwrite(
                Session.Descriptor.results, bytes.baseAddress.map { unsafe $0 + done }, bytes.count - done,
                off_t(offset + done))
            let number = errno
            guard count > 0 || number == EINTR else {
                throw SessionError(
                    .failed, "the results cannot be written: \(unsafe String(cString: strerror(number)))")
            }
            done += max(count, 0)
        }
    }
}
