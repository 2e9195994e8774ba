import PliniusDataSealing
import PliniusDatasets
import PliniusMirror
import PliniusNN
import PliniusSealing
import _PliniusSupport

/// Seals what a source yields, record by record: memory does not grow with the data set.
enum DatasetSealing {
    /// Writes the sealed data set to `file`, which is published only if every sample was read as announced.
    /// - Throws: `SourceError` from the source; `OwnerError` if the data cannot be sealed or the file not be written.
    static func seal(
        _ source: some RecordSource, cipher: Cipher, keys: KeyHierarchy, to file: borrowing AtomicFile
    ) throws {
        let shape = Shape(
            channels: source.extents.channels, height: source.extents.height, width: source.extents.width)
        guard
            let page = DatasetFirstPage(
                count: source.count, shape: shape, classes: source.classes, truth: RecordTruth(source.truth),
                cipher: cipher, keys: keys)
        else {
            throw OwnerError(
                .usage,
                "\(source.count) images of \(shape) in \(source.classes) classes (\(RecordTruth(source.truth))) cannot be sealed: "
                    + PublicDatasetHeader.limits)
        }
        let header = page.header
        try file.write(page.bytes)
        var sealer = RecordSealer(header, keys: keys)
        var progress = ProgressBar("sealed", total: header.count)
        defer { progress.finish() }
        // Records are gathered, so that the file is written in large pieces.
        let perBlock = max(1, 1 << 20 / header.recordByteCount)
        let block = PrivateMemory(byteCount: perBlock * header.recordByteCount)
        var pixels: [UInt8] = []
        var truth: [UInt8] = []
        var filled = 0
        for index in 0..<header.count {
            guard try source.next(into: &pixels, truth: &truth) else {
                throw OwnerError(.failed, "the data ended after \(index) of \(header.count) samples")
            }
            let place = filled * header.recordByteCount
            let record = unsafe UnsafeMutableRawBufferPointer(
                rebasing: block.bytes[place..<place + header.recordByteCount])
            precondition(
                pixels.count == header.imageByteCount && truth.count == header.truth.byteCount,
                "a source gave another record than it announced")
            unsafe record.copyBytes(from: pixels)
            unsafe UnsafeMutableRawBufferPointer(rebasing: record[pixels.count...]).copyBytes(from: truth)
            unsafe sealer.seal(record, index: index)
            filled += 1
            if filled == perBlock || index + 1 == header.count {
                try unsafe file.write(
                    UnsafeRawBufferPointer(rebasing: block.bytes[..<(filled * header.recordByteCount)]))
                filled = 0
                progress.advance(to: index + 1)
            }
        }
        // The source checks that its data end here.
        guard try !source.next(into: &pixels, truth: &truth) else {
            throw OwnerError(.failed, "the data go on after the \(header.count) samples that they announced")
        }
    }
}

extension RecordTruth {
    /// What is told of a source's images, as it is sealed.
    fileprivate init(_ truth: SampleTruth) {
        switch truth {
        case .label: self.init(Kind.label)
        case .regression(let targets): self.init(.regression, targets)
        case .boxes(let most): self.init(.boxes, most)
        case .mask(let height, let width): self.init(.mask, height, width)
        case .text(let steps): self.init(.text, steps)
        }
    }
}
