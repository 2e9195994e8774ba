/// Images, or rows of small numbers, each with the numbers that are to be predicted from it.
public final class RegressionSource: RecordSource {
    public let extents: ImageExtents
    public var classes: Int { 0 }
    public let count: Int
    public let truth: SampleTruth

    private enum Inputs {
        case images([String], RestartingDecoder)
        case features(NumberTable)
    }

    private let inputs: Inputs
    private let targets: NumberTable
    private var position = 0

    /// Takes PNG and JPEG files in a list.
    /// - Parameters:
    ///   - list: A path a line; blank lines are passed over.
    ///   - targets: A row for each image, in the list's order.
    ///   - root: What paths that do not begin with `/` are relative to; `nil` for the working folder.
    ///   - size: Rows and columns that images are scaled to.
    ///
    /// - Throws: ``SourceError``
    public init(
        list: ByteFile, targets: NumberTable, root: String? = nil, channels: Int, size: (height: Int, width: Int),
        limits: ImageLimits = ImageLimits()
    ) throws(SourceError) {
        extents = try ImageExtents(channels: channels, size: size)
        let paths = try LabelledFiles.paths(in: list, root: root).map(\.path)
        try Self.requireRows(of: targets, for: paths.count, in: list.path)
        inputs = .images(paths, try RestartingDecoder(limits))
        count = paths.count
        truth = .regression(targets: targets.columns)
        self.targets = targets
    }

    /// Takes rows of whole numbers from 0 to 255, which the network sees divided by 255.
    /// - Throws: ``SourceError``
    public init(features: NumberTable, targets: NumberTable) throws(SourceError) {
        try Self.requireRows(of: targets, for: features.count, in: features.path)
        extents = ImageExtents(channels: 1, height: 1, width: features.columns)
        inputs = .features(features)
        count = features.count
        truth = .regression(targets: targets.columns)
        self.targets = targets
    }

    public func next(into pixels: inout [UInt8], truth: inout [UInt8]) throws(SourceError) -> Bool {
        guard position < count else { return false }
        switch inputs {
        case .images(let paths, let decoder): pixels = try decoder.decode(paths[position]).fitted(to: extents)
        case .features(let features):
            guard let row = try features.next() else { throw Self.shortened(features) }
            pixels = []
            for number in row {
                guard let byte = UInt8(exactly: number) else {
                    throw SourceError(
                        .damaged, features.path,
                        "line \(features.line): \(number) is no whole number from 0 to 255: features are sealed as bytes, so "
                            + "scale them")
                }
                pixels.append(byte)
            }
        }
        guard let row = try targets.next() else { throw Self.shortened(targets) }
        truth = row.flatMap { littleEndian($0.bitPattern) }
        position += 1
        return true
    }

    private static func requireRows(of targets: NumberTable, for count: Int, in path: String) throws(SourceError) {
        guard targets.count == count else {
            throw SourceError(
                .mismatch, targets.path,
                "there are \(targets.count) rows, and \(count) in \(path). Do the files belong together?")
        }
    }

    private static func shortened(_ table: NumberTable) -> SourceError {
        SourceError(.truncated, table.path, "the file became shorter while it was read")
    }
}
