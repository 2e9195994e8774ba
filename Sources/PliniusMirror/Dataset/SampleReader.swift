public import PliniusNN
import _PliniusSupport

/// Opens samples of data sets as a network takes them: image and truth as floats, both transformed alike.
///
/// All memory is planned when it is made. One thread uses it at a time; several readers of a union do not wait for each other.
public final class SampleReader {
    private let union: DatasetUnion
    /// For each part.
    private let buffers: [RecordBuffer]
    /// An image before it is transformed.
    private let image: PrivateMemory
    /// Boxes before they are laid out, or a mask after it is transformed.
    private let truth: PrivateMemory

    /// Stands ready for any sample.
    public init(_ union: DatasetUnion) {
        self.union = union
        buffers = union.parts.map { RecordBuffer($0.header) }
        image = PrivateMemory(byteCount: union.fitting.source.count * MemoryLayout<Float>.size)
        truth = PrivateMemory(byteCount: max(union.parts[0].header.truth.byteCount, union.told.byteCount))
    }

    /// Opens part of a batch, and transforms each image; allocates nothing.
    ///
    /// - Parameters:
    ///   - indices: Which samples, in the order of the batch; repetitions are fine.
    ///   - places: Which of them are opened; all if nothing is said.
    ///   - images: (indices, channels, height, width), pixels divided by 255; of text (indices, classes), one-hot; may be longer.
    ///   - truth: (indices, `truthCount`), as the union's form says; may be longer.
    ///   - transform: What is done to the image at a place.
    ///
    /// - Throws: `.damagedRecord`, `.truncated`, `.unreadable`, with the record's index in its data set and, of several, which data set it
    ///   is; the images before it are filled in then.
    @unsafe public func openBatch(
        _ indices: [Int], _ places: Range<Int>? = nil, images: UnsafeMutableBufferPointer<Float>,
        truth: UnsafeMutableBufferPointer<Float>, transform: (Int) -> ImageTransform
    ) throws(DatasetError) {
        let (imageCount, truthCount) = (union.imageCount, union.truthCount)
        precondition(images.count >= indices.count * imageCount, "images need \(indices.count * imageCount) floats")
        precondition(truth.count >= indices.count * truthCount, "truth needs \(indices.count * truthCount) floats")
        for place in places ?? indices.indices {
            let image = unsafe images[(place * imageCount)..<((place + 1) * imageCount)]
            let told = unsafe truth[(place * truthCount)..<((place + 1) * truthCount)]
            try unsafe open(
                indices[place], as: transform(place),
                image: UnsafeMutableBufferPointer(rebasing: image), truth: UnsafeMutableBufferPointer(rebasing: told))
        }
    }

    @unsafe private func open(
        _ index: Int, as transform: ImageTransform, image: UnsafeMutableBufferPointer<Float>,
        truth: UnsafeMutableBufferPointer<Float>
    ) throws(DatasetError) {
        precondition(0..<union.count ~= index, "sample \(index) of \(union.count)")
        var part = 0
        while index >= union.ends[part] { part += 1 }
        let (record, step) = (part == 0 ? index : index - union.ends[part - 1]).quotientAndRemainder(
            dividingBy: union.perRecord)
        let dataset = union.parts[part]
        do throws(DatasetError) {
            let isAllowed = try unsafe dataset.withRecord(record, in: buffers[part]) { pixels, sealed in
                guard dataset.header.truth.kind != .text else {
                    for other in 0..<union.classes {
                        unsafe image[other] = pixels[step] == other ? 1 : 0
                        unsafe truth[other] = pixels[step + 1] == other ? 1 : 0
                    }
                    return unsafe max(pixels[step], pixels[step + 1]) < union.classes
                }
                unsafe show(pixels, as: transform, in: image)
                return unsafe dataset.header.truth.write(
                    sealed, union.form, classes: union.classes, as: union.told, transform, using: self.truth.bytes,
                    into: truth)
            }
            guard isAllowed else { throw .damagedRecord(record) }
        } catch {
            throw union.parts.count == 1 ? error : error.inPart(part, of: union.parts.count)
        }
    }

    @unsafe private func show(
        _ pixels: UnsafeRawBufferPointer, as transform: ImageTransform, in output: UnsafeMutableBufferPointer<Float>
    ) {
        let floats = unsafe transform.movesNothing ? output : image.floats
        for pixel in pixels.indices { unsafe floats[pixel] = Float(pixels[pixel]) / 255 }
        var span = unsafe output.mutableSpan
        if !transform.movesNothing { unsafe transform.apply(to: UnsafeBufferPointer(floats).span, into: &span) }
        transform.shiftColors(of: &span)
    }
}
