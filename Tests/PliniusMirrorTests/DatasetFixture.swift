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
    let labels: [Int]
    var file: [UInt8]
    private let folder: TemporaryDirectory

    init(
        count: Int = 7,
        shape: Shape = Shape(channels: 3, height: 4, width: 5),
        classes: Int = 300,
        cipher: Cipher = .aes256GCM
    ) throws {
        guard let page = DatasetFirstPage(count: count, shape: shape, classes: classes, cipher: cipher, keys: keys)
        else { fatalError("the fixture asks for what the format cannot hold") }
        header = page.header
        images = (0..<count).map { _ in randomBytes(shape.count) }
        labels = (0..<count).map { $0 * 41 % classes }
        file = page.bytes
        var sealer = RecordSealer(header, keys: keys)
        for (index, image) in images.enumerated() {
            var record =
                image + [UInt8(labels[index] & 255), UInt8(labels[index] >> 8)] + [UInt8](repeating: 0, count: 16)
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
                for index in 0..<dataset.header.count {
                    try dataset.withRecord(index) { _, _ in }
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
