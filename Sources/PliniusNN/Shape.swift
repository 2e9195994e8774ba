/// The extents of one image between layers.
public struct Shape: Hashable, Sendable, CustomStringConvertible {
    public let channels: Int
    public let height: Int
    public let width: Int

    public init(channels: Int, height: Int, width: Int) {
        self.channels = channels
        self.height = height
        self.width = width
    }

    /// Floats per image.
    public var count: Int { channels * height * width }
    /// Positions per channel.
    public var area: Int { height * width }

    public var description: String { "\(channels)x\(height)x\(width)" }
}
