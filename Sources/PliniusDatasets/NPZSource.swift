/// Images and labels of one split in an archive of NumPy arrays, as MedMNIST comes.
///
/// Members `train_images.npy`, `train_labels.npy`, and the same for `val` and `test`. Images: (samples, rows, columns) or (samples,
/// rows, columns, 3); labels: (samples) or (samples, 1); unsigned bytes. Memory holds the labels, and one image at a time.
/// Source: https://medmnist.com (the data sets' own description); NumPy's `savez`.
public final class NPZSource: SampleSource {
    /// Which part of the data set.
    public enum Split: String, CaseIterable, Sendable {
        case train
        case validation = "val"
        case test
    }

    public let extents: ImageExtents
    public let classes: Int
    public let count: Int

    private let images: ZipMemberStream
    private let labels: [UInt8]
    private let labelPath: String
    private var position = 0
    private var row: [UInt8]

    private static let maximumCount = 1 << 28

    /// Opens the archive and checks that images and labels belong together.
    /// - Parameters:
    ///   - file: The archive.
    ///   - split: Which part of it.
    ///   - classes: Labels are below this; `nil` for one more than the largest label of all splits.
    ///
    /// - Throws: ``SourceError``
    public init(_ file: ByteFile, split: Split, classes: Int? = nil) throws(SourceError) {
        let archive = try ZipArchive(file)
        let member = try archive.member("\(split.rawValue)_images.npy")
        images = try ZipMemberStream(member, of: archive)
        let shape = try Self.header(of: images, byteCount: member.byteCount).shape
        let channels = shape.count == 4 ? shape[3] : 1
        guard 3...4 ~= shape.count, channels == 1 || channels == 3, shape[1...].allSatisfy({ 1...65_536 ~= $0 }),
            shape[1] * shape[2] <= 1 << 26 / channels, 1...Self.maximumCount ~= shape[0]
        else {
            throw SourceError(
                .unsupported, images.path,
                "an array of extents \(shape) is not one of images: samples, rows, columns, and 3 colours if there are any"
            )
        }
        count = shape[0]
        extents = ImageExtents(channels: channels, height: shape[1], width: shape[2])
        row = [UInt8](repeating: 0, count: extents.count)
        var labels: [UInt8] = []
        var labelPath = ""
        var largest = 0
        // The classes of a split may be fewer than those of the data set.
        for other in Split.allCases {
            let name = "\(other.rawValue)_labels.npy"
            guard other == split || classes == nil && archive.members.contains(where: { $0.name == name }) else {
                continue
            }
            let (read, path) = try Self.labels(name, in: archive)
            largest = max(largest, read.reduce(0) { max($0, Int($1)) })
            if other == split { (labels, labelPath) = (read, path) }
        }
        guard labels.count == count else {
            throw SourceError(.mismatch, labelPath, "there are \(labels.count) labels, and \(count) images")
        }
        self.labels = labels
        self.labelPath = labelPath
        self.classes = classes ?? largest + 1
    }

    public func next(into pixels: inout [UInt8]) throws(SourceError) -> Int? {
        guard position < count else {
            try images.requireEnd()
            return nil
        }
        try images.read(&row, "image \(position) of \(count)")
        let label = Int(labels[position])
        guard label < classes else {
            throw SourceError(
                .labelOutOfRange, labelPath,
                "label \(position) is \(label), and there are \(classes) classes: they are numbered from 0")
        }
        makePlanar(row, channels: extents.channels, into: &pixels)
        position += 1
        return label
    }

    // MARK: -

    private static func header(of stream: ZipMemberStream, byteCount: Int) throws(SourceError) -> NPYHeader {
        var start = [UInt8](repeating: 0, count: NPYHeader.prefixByteCount)
        try stream.read(&start, "the header of the array")
        let length = try NPYHeader.length(start, file: stream.path)
        var rest = [UInt8](repeating: 0, count: length - start.count)
        try stream.read(&rest, "the header of the array")
        let header = try NPYHeader(start + rest, file: stream.path)
        guard header.elementCount == byteCount - header.byteCount else {
            throw SourceError(
                .mismatch, stream.path,
                "an array of extents \(header.shape) has \(header.elementCount) bytes, and the archive says "
                    + "\(byteCount - header.byteCount)")
        }
        return header
    }

    private static func labels(_ name: String, in archive: ZipArchive) throws(SourceError) -> ([UInt8], String) {
        let member = try archive.member(name)
        let stream = try ZipMemberStream(member, of: archive)
        let header = try header(of: stream, byteCount: member.byteCount)
        guard header.shape.count == 1 || header.shape.count == 2 && header.shape[1] == 1,
            header.elementCount <= maximumCount
        else {
            throw SourceError(
                .unsupported, stream.path,
                "an array of extents \(header.shape) is not one of labels: one a sample; several labels a sample are not known"
            )
        }
        var labels: [UInt8] = []
        // In pieces: what the archive claims is not what it has.
        while labels.count < header.elementCount {
            var piece = [UInt8](repeating: 0, count: min(1 << 16, header.elementCount - labels.count))
            try stream.read(&piece, "the labels")
            labels += piece
        }
        try stream.requireEnd()
        return (labels, stream.path)
    }
}
