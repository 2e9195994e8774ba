/// A text as windows of characters, which are its bytes: what character models learn from.
///
/// Window i begins at byte i · steps and is steps + 1 bytes long, so that each byte but the first of the text is to be told once. What
/// is left at the end and fills no window is not used.
public final class TextSource: RecordSource {
    public let extents: ImageExtents
    public let classes: Int
    public let count: Int
    public let truth: SampleTruth
    /// Bytes at the end that are in no window.
    public let unusedByteCount: Int

    private let file: ByteFile
    private let steps: Int
    private var position = 0

    /// Looks at the file's length.
    /// - Parameters:
    ///   - steps: How many characters are to be told in each window.
    ///   - classes: Bytes are below this: 256, or 128 for ASCII.
    ///
    /// - Throws: ``SourceError`` if there is no window, or the format cannot hold it.
    public init(_ file: ByteFile, steps: Int, classes: Int) throws(SourceError) {
        guard 1...65_535 ~= steps, 2...256 ~= classes else {
            throw SourceError(
                .unsupported, file.path,
                "windows have 1 to 65535 characters of 2 to 256 classes, and \(steps) of \(classes) are asked for")
        }
        count = max(0, file.count - 1) / steps
        guard count > 0 else {
            throw SourceError(
                .truncated, file.path,
                "the text has \(file.count) bytes, and a window of \(steps) takes \(steps + 1). Make --window smaller.")
        }
        unusedByteCount = file.count - count * steps - 1
        extents = ImageExtents(channels: 1, height: 1, width: steps + 1)
        truth = .text(steps: steps)
        self.file = file
        self.steps = steps
        self.classes = classes
    }

    public func next(into pixels: inout [UInt8], truth: inout [UInt8]) throws(SourceError) -> Bool {
        guard position < count else { return false }
        let start = position * steps
        pixels = try file.bytes(at: start, count: steps + 1, "window \(position) of \(count)")
        truth = []
        if let place = pixels.firstIndex(where: { $0 >= classes }) {
            throw SourceError(
                .labelOutOfRange, file.path, at: start + place,
                "the byte is \(pixels[place]), and there are \(classes) classes: give --classes 256, or change the text"
            )
        }
        position += 1
        return true
    }
}
