/// Decodes files of images; after one that its process died of, by another.
final class RestartingDecoder {
    private let limits: ImageLimits
    private var decoder: ImageDecoder

    init(_ limits: ImageLimits) throws(SourceError) {
        self.limits = limits
        decoder = try ImageDecoder(limits: limits)
    }

    /// - Parameter check: Looks at the file's bytes before they are decoded.
    func decode(
        _ path: String, followingLinks: Bool = true, check: ([UInt8]) throws(SourceError) -> Void = { _ in }
    ) throws(SourceError) -> DecodedImage {
        if decoder.processIdentifier == nil { decoder = try ImageDecoder(limits: limits) }
        let file = try ByteFile(path, followingLinks: followingLinks)
        guard file.count <= limits.byteCount else {
            throw SourceError(
                .oversized, path, "the file has \(file.count) bytes, \(limits.byteCount) are the limit of an image")
        }
        let bytes = try file.bytes(at: 0, count: file.count, "the image")
        try check(bytes)
        return try decoder.decode(bytes, name: path)
    }
}
