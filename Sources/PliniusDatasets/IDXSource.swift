/// Images and labels in two IDX files, as MNIST comes; plain or gzip.
///
/// IDX is big-endian: two zero bytes, the type of the elements (8: unsigned bytes), the number of dimensions, their extents, the
/// elements. See http://yann.lecun.com/exdb/mnist (description of the format at the end of the page).
public final class IDXSource: SampleSource {
    public let extents: ImageExtents
    public let classes: Int
    public let count: Int

    private let images: ByteStream
    private let labels: ByteStream
    private var position = 0
    private var label: [UInt8] = [0]

    /// Opens both files and checks that their headers belong together.
    /// - Parameters:
    ///   - images: Three dimensions: samples, rows, columns.
    ///   - labels: One dimension: samples.
    ///   - classes: Labels are below this.
    ///
    /// - Throws: ``SourceError``
    public init(images: String, labels: String, classes: Int = 10) throws(SourceError) {
        self.images = try ByteStream(images)
        self.labels = try ByteStream(labels)
        self.classes = classes
        let dimensions = try Self.header(of: self.images, dimensions: 3, what: "images (samples, rows, columns)")
        count = dimensions[0]
        extents = ImageExtents(channels: 1, height: dimensions[1], width: dimensions[2])
        guard extents.count <= 1 << 26 else {
            throw SourceError(
                .wrongFormat, images, at: 8, "images of \(extents.height) x \(extents.width) are more than 64 MiB each")
        }
        let labelCount = try Self.header(of: self.labels, dimensions: 1, what: "labels")[0]
        guard labelCount == count else {
            throw SourceError(
                .mismatch, labels, at: 4,
                "there are \(labelCount) labels, and \(count) images in \(images). Do the files belong together?")
        }
    }

    public func next(into pixels: inout [UInt8]) throws(SourceError) -> Int? {
        guard position < count else {
            try images.requireEnd()
            try labels.requireEnd()
            return nil
        }
        if pixels.count != extents.count {
            pixels = [UInt8](repeating: 0, count: extents.count)
        }
        try images.read(&pixels, "image \(position) of \(count)")
        try labels.read(&label, "label \(position) of \(count)")
        guard label[0] < classes else {
            throw SourceError(
                .labelOutOfRange, labels.path, at: labels.position - 1,
                "label \(position) is \(label[0]), and there are \(classes) classes: they are numbered from 0. "
                    + "Give the number of classes, or correct the label.")
        }
        position += 1
        return Int(label[0])
    }

    /// Reads magic number and extents.
    private static func header(of stream: ByteStream, dimensions: Int, what: String) throws(SourceError) -> [Int] {
        var magic = [UInt8](repeating: 0, count: 4)
        try stream.read(&magic, "the magic number")
        let expected: [UInt8] = [0, 0, 8, UInt8(dimensions)]
        guard magic == expected else {
            throw SourceError(
                .wrongFormat, stream.path, at: 0,
                "no IDX file of \(what): it begins with \(text(magic)) and not with \(text(expected)). "
                    + "Are images and labels exchanged?")
        }
        var extents: [Int] = []
        for _ in 0..<dimensions {
            var bytes = [UInt8](repeating: 0, count: 4)
            try stream.read(&bytes, "the extents")
            let extent = bytes.reduce(0) { $0 << 8 | Int($1) }
            // An image beyond 65,536 in one direction is a wrong header, not a picture.
            guard extent > 0, extents.isEmpty || extent <= 65_536 else {
                throw SourceError(
                    .wrongFormat, stream.path, at: stream.position - 4,
                    "extent \(extents.count + 1) of \(dimensions) is \(extent), which cannot be")
            }
            extents.append(extent)
        }
        return extents
    }

    private static func text(_ magic: [UInt8]) -> String {
        "0x" + magic.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
