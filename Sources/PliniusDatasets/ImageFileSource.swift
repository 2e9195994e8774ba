/// PNG and JPEG files with labels, decoded one at a time in a process without rights.
///
/// Memory holds the names of the files and one image. With no size given, all images have to have the size of the first.
public final class ImageFileSource: SampleSource {
    public let extents: ImageExtents
    public var classes: Int { names.names.count }
    public var count: Int { files.count }
    /// What the labels mean.
    public let names: ClassNames
    /// What was passed over, and why.
    public let skipped: [SourceError]

    private let decoder: RestartingDecoder
    private let files: [LabelledFiles.File]
    private let followsLinks: Bool
    private let isScaled: Bool
    private var position = 0

    /// Starts the decoder, and looks at the first image, or at all of them.
    /// - Parameters:
    ///   - labelled: The files.
    ///   - channels: 1 for grey, 3 for colours; images of the other kind are converted.
    ///   - size: Rows and columns that images are scaled to; `nil` for those of the first image.
    ///   - skippingBad: Whether images that cannot be decoded are passed over. All are decoded once now, because the number of images
    ///     stands before them in sealed data.
    ///
    /// - Throws: ``SourceError``
    public init(
        _ labelled: LabelledFiles, channels: Int, size: (height: Int, width: Int)? = nil, skippingBad: Bool = false,
        limits: ImageLimits = ImageLimits()
    ) throws(SourceError) {
        let wanted = try size.map { size throws(SourceError) in try ImageExtents(channels: channels, size: size) }
        let decoder = try RestartingDecoder(limits)
        var skipped: [SourceError] = []
        var files: [LabelledFiles.File] = []
        var first: DecodedImage?
        if skippingBad {
            skipped = labelled.strangers
            for file in labelled.files {
                do throws(SourceError) {
                    let image = try decoder.decode(file.path, followingLinks: labelled.followsLinks)
                    first = first ?? image
                    files.append(file)
                } catch {
                    skipped.append(error)
                }
            }
        } else {
            if let stranger = labelled.strangers.first { throw stranger }
            files = labelled.files
            if let file = files.first {
                first = try decoder.decode(file.path, followingLinks: labelled.followsLinks)
            }
        }
        guard let first else {
            throw SourceError(
                .mismatch, "images", "there is none that can be decoded: \(labelled.files.count) were found")
        }
        if let wanted {
            extents = wanted
        } else {
            extents = try ImageExtents(channels: channels, size: (first.height, first.width))
        }
        isScaled = size != nil
        self.decoder = decoder
        self.files = files
        self.skipped = skipped
        names = labelled.names
        followsLinks = labelled.followsLinks
    }

    public func next(into pixels: inout [UInt8]) throws(SourceError) -> Int? {
        guard position < files.count else { return nil }
        let file = files[position]
        let image = try decoder.decode(file.path, followingLinks: followsLinks)
        guard isScaled || image.width == extents.width && image.height == extents.height else {
            throw SourceError(
                .mismatch, file.path,
                "the image is \(image.width) x \(image.height) pixels, the first one \(extents.width) x \(extents.height). "
                    + "Have them scaled (--resize).")
        }
        pixels = image.fitted(to: extents)
        position += 1
        return file.label
    }
}
