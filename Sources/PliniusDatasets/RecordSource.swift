/// Records of a data set, one after the other: what an owner seals.
///
/// A source holds a bounded part of its data at any time, however large the data set is.
public protocol RecordSource: AnyObject {
    /// The extents of every image.
    var extents: ImageExtents { get }
    /// Classes that are told of are below this; 0 if there are none.
    var classes: Int { get }
    /// The number of records, known before the first is read.
    var count: Int { get }
    /// What is told of each image.
    var truth: SampleTruth { get }

    /// Reads the next record.
    /// - Parameters:
    ///   - pixels: Replaced by `extents.count` bytes: channels, then rows, then columns.
    ///   - truth: Replaced by ``SampleTruth/byteCount`` bytes.
    ///
    /// - Returns: Whether there was one; `false` behind the last, and only if the data end there as they should.
    /// - Throws: ``SourceError``, with file and position.
    func next(into pixels: inout [UInt8], truth: inout [UInt8]) throws(SourceError) -> Bool
}

/// What is told of an image, in little-endian bytes.
public enum SampleTruth: Hashable, Sendable {
    /// Its class, two bytes.
    case label
    /// Numbers: a finite Float32 each.
    case regression(targets: Int)
    /// What is in it, and where: four bytes how many, room for `most` of 20 bytes, see ``YOLOBoxes``.
    case boxes(most: Int)
    /// The class of each pixel, one byte, row by row; 255 for none.
    case mask(height: Int, width: Int)
    /// Nothing: the image is `steps + 1` characters, each of which tells what follows those before it.
    case text(steps: Int)

    /// Bytes for each image.
    public var byteCount: Int {
        switch self {
        case .label: 2
        case .regression(let targets): 4 * targets
        case .boxes(let most): 4 + 20 * most
        case .mask(let height, let width): height * width
        case .text: 0
        }
    }
}

extension SampleSource {
    public var truth: SampleTruth { .label }

    public func next(into pixels: inout [UInt8], truth: inout [UInt8]) throws(SourceError) -> Bool {
        guard let label = try next(into: &pixels) else { return false }
        truth = [UInt8(truncatingIfNeeded: label), UInt8(truncatingIfNeeded: label >> 8)]
        return true
    }
}
