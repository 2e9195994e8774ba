/// The binary files of CIFAR-10 or CIFAR-100, one after the other: 32 × 32, red, green and blue planes.
///
/// A record is a label (CIFAR-100: two, coarse and fine) and 3,072 bytes, which stand as they are sealed.
/// Source: https://www.cs.toronto.edu/~kriz/cifar.html (section "Binary version").
public final class CIFARSource: SampleSource {
    /// Which data set, and which of its labels.
    public enum Variant: String, CaseIterable, Sendable {
        case cifar10
        /// The 100 fine labels.
        case cifar100
        /// The 20 coarse labels of CIFAR-100.
        case cifar100Coarse = "cifar100-coarse"

        /// Labels of one record with their bounds.
        fileprivate var bounds: [Int] { self == .cifar10 ? [10] : [20, 100] }
        fileprivate var chosen: Int { self == .cifar100 ? 1 : 0 }

        /// The files of the training set, or of the test set, as they are distributed.
        fileprivate func names(test: Bool) -> [String] {
            switch self {
            case .cifar10: test ? ["test_batch.bin"] : (1...5).map { "data_batch_\($0).bin" }
            case .cifar100, .cifar100Coarse: test ? ["test.bin"] : ["train.bin"]
            }
        }
    }

    public let extents = ImageExtents(channels: 3, height: 32, width: 32)
    public let classes: Int
    public let count: Int

    private let variant: Variant
    private let files: [ByteFile]
    private var position = 0
    private var file = 0
    private var offset = 0

    private var recordByteCount: Int { variant.bounds.count + extents.count }

    /// Takes the files in the order given.
    /// - Throws: ``SourceError``, if one has not whole records.
    public init(_ files: [ByteFile], _ variant: Variant) throws(SourceError) {
        self.files = files
        self.variant = variant
        classes = variant.bounds[variant.chosen]
        let record = variant.bounds.count + 3 * 32 * 32
        for file in files where file.count == 0 || file.count % record != 0 {
            throw SourceError(
                .wrongFormat, file.path,
                "the \(file.count) bytes are no whole records of \(record), as the binary version of \(variant.rawValue) has them. "
                    + "Is it the binary version, and unpacked?")
        }
        count = files.reduce(0) { $0 + $1.count / record }
    }

    /// Opens the files of a folder under the names that they are distributed with.
    /// - Throws: ``SourceError``
    public convenience init(folder: String, test: Bool, _ variant: Variant) throws(SourceError) {
        var files: [ByteFile] = []
        for name in variant.names(test: test) { files.append(try ByteFile("\(folder)/\(name)")) }
        try self.init(files, variant)
    }

    public func next(into pixels: inout [UInt8]) throws(SourceError) -> Int? {
        guard position < count else { return nil }
        if offset == files[file].count { (file, offset) = (file + 1, 0) }
        let labels = variant.bounds.count
        let record = try files[file].bytes(at: offset, count: recordByteCount, "image \(position) of \(count)")
        for (place, bound) in variant.bounds.enumerated() where record[place] >= bound {
            throw SourceError(
                .labelOutOfRange, files[file].path, at: offset + place,
                "label \(record[place]), and there are \(bound) classes: they are numbered from 0. "
                    + "Is it a file of \(variant.rawValue)?")
        }
        pixels = Array(record[labels...])
        offset += record.count
        position += 1
        return Int(record[variant.chosen])
    }
}
