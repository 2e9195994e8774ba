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
        _ source: some SampleSource, cipher: Cipher, keys: KeyHierarchy, to file: borrowing AtomicFile
    ) throws {
        let shape = Shape(
            channels: source.extents.channels, height: source.extents.height, width: source.extents.width)
        guard
            let page = DatasetFirstPage(
                count: source.count, shape: shape, classes: source.classes, cipher: cipher, keys: keys)
        else {
            throw OwnerError(
                .usage,
                "\(source.count) images of \(shape) in \(source.classes) classes cannot be sealed: "
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
        var filled = 0
        for index in 0..<header.count {
            guard let label = try source.next(into: &pixels) else {
                throw OwnerError(.failed, "the data ended after \(index) of \(header.count) samples")
            }
            let place = filled * header.recordByteCount
            let record = unsafe UnsafeMutableRawBufferPointer(
                rebasing: block.bytes[place..<place + header.recordByteCount])
            unsafe record.copyBytes(from: pixels)
            unsafe record[pixels.count] = UInt8(truncatingIfNeeded: label)
            unsafe record[pixels.count + 1] = UInt8(truncatingIfNeeded: label >> 8)
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
        guard try source.next(into: &pixels) == nil else {
            throw OwnerError(.failed, "the data go on after the \(header.count) samples that they announced")
        }
    }
}
