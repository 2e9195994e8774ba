/// PNG and JPEG files in a list, each with a file that tells what is where in it: boxes, or the classes of its pixels.
///
/// The other file's path follows from the image's: the last folder that is called `images`, `JPEGImages` or (boxes only) `raw` becomes
/// `labels` or `mask`, and the ending `.txt` or `.png`. Darknet replaces these letters wherever they first occur, and so takes
/// `images2/images/1.png` for `labels2/images/1.txt`.
public final class AnnotatedImages: RecordSource {
    /// What is told of the images.
    public enum Annotation: Hashable, Sendable {
        /// Text files as ``YOLOBoxes`` reads them, of at most so many boxes.
        case boxes(most: Int)
        /// Grey PNG files of 8 bits whose values are classes, 255 for none.
        case masks
    }

    public let extents: ImageExtents
    public var classes: Int { names.names.count }
    public var count: Int { paths.count }
    public let truth: SampleTruth
    /// What the labels mean.
    public let names: ClassNames
    /// What was passed over, and why.
    public private(set) var skipped: [SourceError] = []

    private let decoder: RestartingDecoder
    private let annotation: Annotation
    private let fit: ImageFit
    private var paths: [String]
    private var position = 0

    /// Reads the list and starts the decoder; with `skippingBad`, looks at everything once.
    /// - Parameters:
    ///   - list: A path a line; blank lines are passed over.
    ///   - root: What paths that do not begin with `/` are relative to; `nil` for the working folder.
    ///   - size: Rows and columns of all images.
    ///
    /// - Throws: ``SourceError``
    public init(
        list: ByteFile, names: ClassNames, annotation: Annotation, root: String? = nil, channels: Int,
        size: (height: Int, width: Int), fit: ImageFit = .letterbox, skippingBad: Bool = false,
        limits: ImageLimits = ImageLimits()
    ) throws(SourceError) {
        extents = try ImageExtents(channels: channels, size: size)
        switch annotation {
        case .boxes(let most):
            guard 1...90 ~= most else {
                throw SourceError(
                    .unsupported, "boxes", "an image has room for 1 to 90 boxes, and \(most) are asked for")
            }
            truth = .boxes(most: most)
        case .masks:
            guard 2...255 ~= names.names.count else {
                throw SourceError(
                    .unsupported, list.path, "masks have 2 to 255 classes, and there are \(names.names.count) names")
            }
            truth = .mask(height: size.height, width: size.width)
        }
        paths = try LabelledFiles.paths(in: list, root: root).map(\.path)
        self.names = names
        self.annotation = annotation
        self.fit = fit
        decoder = try RestartingDecoder(limits)
        guard skippingBad else { return }
        var kept: [String] = []
        var (pixels, truth): ([UInt8], [UInt8]) = ([], [])
        for path in paths {
            do throws(SourceError) {
                try read(path, &pixels, &truth)
                kept.append(path)
            } catch {
                skipped.append(error)
            }
        }
        guard !kept.isEmpty else {
            throw SourceError(.mismatch, list.path, "none of its \(paths.count) images can be read: \(skipped[0])")
        }
        paths = kept
    }

    public func next(into pixels: inout [UInt8], truth: inout [UInt8]) throws(SourceError) -> Bool {
        guard position < paths.count else { return false }
        try read(paths[position], &pixels, &truth)
        position += 1
        return true
    }

    // MARK: -

    private func read(_ path: String, _ pixels: inout [UInt8], _ truth: inout [UInt8]) throws(SourceError) {
        let image = try decoder.decode(path)
        let placement = Placement(image, in: extents, fit)
        let other = Self.path(of: annotation, for: path)
        switch annotation {
        case .boxes(let most):
            truth = try YOLOBoxes(ByteFile(other), classes: classes, most: most).placed(placement).bytes(most: most)
        case .masks: truth = try mask(other, of: image, path).placedClasses(placement)
        }
        pixels = image.placed(placement, channels: extents.channels)
    }

    private func mask(_ path: String, of image: DecodedImage, _ imagePath: String) throws(SourceError) -> DecodedImage {
        guard path != imagePath else {
            throw SourceError(
                .mismatch, imagePath, "no folder in the path is called images or JPEGImages: where are the masks?")
        }
        let mask = try decoder.decode(path) { bytes throws(SourceError) in
            // IHDR is the first chunk: its bytes 8 and 9 are the depth and the kind of colours, 0 for grey.
            guard bytes.count > 25, bytes[24] == 8, bytes[25] == 0 else {
                throw SourceError(
                    .unsupported, path, "a mask is a grey PNG of 8 bits, whose values are the classes; this is none")
            }
        }
        guard mask.channels == 1, mask.width == image.width, mask.height == image.height else {
            throw SourceError(
                .mismatch, path,
                "the mask is \(mask.width) x \(mask.height) pixels, its image \(image.width) x \(image.height)")
        }
        if let place = mask.pixels.firstIndex(where: { $0 >= classes && $0 != 255 }) {
            throw SourceError(
                .labelOutOfRange, path,
                "row \(place / mask.width), column \(place % mask.width) is of class \(mask.pixels[place]), and there are "
                    + "\(classes): they are numbered from 0, and 255 is none")
        }
        return mask
    }

    /// The file that belongs to an image.
    public static func path(of annotation: Annotation, for image: String) -> String {
        let (folders, folder, ending) =
            annotation == .masks
            ? (["images", "JPEGImages"], "mask", "png") : (["images", "JPEGImages", "raw"], "labels", "txt")
        var parts = image.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let name = parts.removeLast()
        if let place = parts.lastIndex(where: folders.contains) { parts[place] = folder }
        let stem = name.lastIndex(of: ".").map { name[..<$0] } ?? name[...]
        return (parts + ["\(stem).\(ending)"]).joined(separator: "/")
    }
}
