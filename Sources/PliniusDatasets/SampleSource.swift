/// Images with labels, one after the other.
public protocol SampleSource: RecordSource {
    /// Reads the next sample.
    /// - Parameter pixels: Replaced by `extents.count` bytes: channels, then rows, then columns.
    /// - Returns: The label; `nil` behind the last sample, and only if the data end there as they should.
    /// - Throws: ``SourceError``, with file and position.
    func next(into pixels: inout [UInt8]) throws(SourceError) -> Int?
}

/// How large an image is.
public struct ImageExtents: Hashable, Sendable {
    /// The number of colours, 1 for grey.
    public let channels: Int
    /// The number of rows.
    public let height: Int
    /// The number of columns.
    public let width: Int

    /// Takes the parts as they are named.
    public init(channels: Int, height: Int, width: Int) {
        self.channels = channels
        self.height = height
        self.width = width
    }

    /// Bytes of one image.
    public var count: Int { channels * height * width }
}
