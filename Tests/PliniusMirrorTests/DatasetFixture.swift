import Glibc
import PliniusDataSealing
import PliniusMirror
import PliniusNN
import PliniusSealing
import _PliniusTestSupport

/// A small sealed data set of random samples, as bytes that a test may damage.
struct DatasetFixture {
    let keys = KeyHierarchy(ownerKey: SecretBytes.random(32))
    let header: PublicDatasetHeader
    let images: [[UInt8]]
    private(set) var labels: [Int] = []
    var file: [UInt8]
    private let folder: TemporaryDirectory

    init(
        count: Int = 7,
        shape: Shape = Shape(channels: 3, height: 4, width: 5),
        classes: Int = 300,
        cipher: Cipher = .aes256GCM
    ) throws {
        let labels = (0..<count).map { $0 * 41 % classes }
        try self.init(
            images: (0..<count).map { _ in randomBytes(shape.count) }, shape: shape, classes: classes,
            truth: RecordTruth(.label),
            truths: labels.map { [UInt8($0 & 255), UInt8($0 >> 8)] }, cipher: cipher)
        self.labels = labels
    }

    /// Images with the bytes of their truths.
    init(
        images: [[UInt8]], shape: Shape, classes: Int, truth: RecordTruth, truths: [[UInt8]],
        cipher: Cipher = .aes256GCM
    ) throws {
        guard
            let page = DatasetFirstPage(
                count: images.count, shape: shape, classes: classes, truth: truth, cipher: cipher, keys: keys)
        else { fatalError("the fixture asks for what the format cannot hold") }
        header = page.header
        self.images = images
        file = page.bytes
        var sealer = RecordSealer(header, keys: keys)
        for (index, image) in images.enumerated() {
            var record = image + truths[index] + [UInt8](repeating: 0, count: 16)
            record.withUnsafeMutableBytes { sealer.seal($0, index: index) }
            file += record
        }
        folder = try TemporaryDirectory()
    }

    /// The bytes of one record in the file.
    func place(of record: Int) -> Range<Int> {
        header.offset(of: record)..<header.offset(of: record + 1)
    }

    /// Opens the bytes as a file, and checks that nobody changed it.
    func withDataset<R>(
        _ bytes: [UInt8]? = nil,
        keys: KeyHierarchy? = nil,
        _ body: (SealedDataset, CInt) throws -> R
    ) throws -> R {
        let bytes = bytes ?? file
        let descriptor = open(folder("data.sealed"), O_RDWR | O_CREAT | O_TRUNC, 0o600)
        defer { close(descriptor) }
        precondition(pwrite(descriptor, bytes, bytes.count, 0) == bytes.count)
        defer {
            var after = [UInt8](repeating: 0, count: bytes.count + 1)
            precondition(pread(descriptor, &after, after.count, 0) == bytes.count, "reading changed the length")
            precondition(after.dropLast().elementsEqual(bytes), "reading changed the file")
        }
        return try body(try SealedDataset(descriptor: descriptor, keys: keys ?? self.keys), descriptor)
    }

    /// Opens every record of the bytes; the error if one is refused.
    func refusal(of bytes: [UInt8], keys: KeyHierarchy? = nil) throws -> DatasetError? {
        do {
            try withDataset(bytes, keys: keys) { dataset, _ in
                let union = DatasetUnion([dataset])
                var images = [Float](repeating: 0, count: union.imageCount)
                var truth = [Float](repeating: 0, count: union.truthCount)
                for index in 0..<union.count {
                    try images.withUnsafeMutableBufferPointer { images in
                        try truth.withUnsafeMutableBufferPointer { truth in
                            try SampleReader(union).openBatch([index], images: images, truth: truth) { _ in
                                union.fitting
                            }
                        }
                    }
                }
            }
            return nil
        } catch let error as DatasetError {
            return error
        }
    }
}

extension SealedDataset {
    func image(_ index: Int) throws -> [UInt8] {
        try withRecord(index) { image, _ in Array(image) }
    }
}
