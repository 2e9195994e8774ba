import Glibc
import PliniusDataSealing
import PliniusMirror
import PliniusNN
import PliniusSealing
import Testing
import _PliniusTestSupport

@Suite("Sealed data sets")
struct DatasetTests {
    @Test("What was sealed is opened: every image, every label, in any order", arguments: Cipher.allCases)
    func roundTrip(cipher: Cipher) throws {
        let fixture = try DatasetFixture(cipher: cipher)
        try fixture.withDataset { dataset, _ in
            #expect(dataset.header == fixture.header)
            for index in [3, 0, 6, 6, 1, 2, 4, 5] {
                let (image, label) = try dataset.withRecord(index) { (Array($0), Int($1[0]) | Int($1[1]) << 8) }
                #expect(image == fixture.images[index])
                #expect(label == fixture.labels[index])
            }
        }
    }

    @Test("A batch is pixels over 255 and one-hot truth, and leaves the rest of its buffers alone")
    func batch() throws {
        let fixture = try DatasetFixture()
        let indices = [5, 0, 5, 2]
        let (pixels, classes) = (fixture.header.imageByteCount, fixture.header.classes)
        var images = [Float](repeating: -7, count: 5 * pixels)
        var truth = [Float](repeating: -7, count: 5 * classes)
        try fixture.withDataset { dataset, _ in
            try images.withUnsafeMutableBufferPointer { images in
                try truth.withUnsafeMutableBufferPointer { truth in
                    let union = DatasetUnion([dataset])
                    try SampleReader(union).openBatch(indices, images: images, truth: truth) { _ in union.fitting }
                }
            }
        }
        let expectedImages = indices.flatMap { fixture.images[$0].map { Float(Double($0) / 255) } }
        let expectedTruth = indices.flatMap { index in (0..<classes).map { $0 == fixture.labels[index] ? Float(1) : 0 }
        }
        #expect(images == expectedImages + [Float](repeating: -7, count: pixels))
        #expect(truth == expectedTruth + [Float](repeating: -7, count: classes))
    }

    @Test("The file is laid out byte for byte as documented")
    func layout() throws {
        let fixture = try DatasetFixture(cipher: .aes128GCM)
        let file = fixture.file
        #expect(file.count == 4_096 + 7 * (60 + 2 + 16))
        #expect(file.count == fixture.header.fileByteCount)
        #expect(Array(file[..<16]) == Array("PLINDATA".utf8) + [1, 0, 0, 0, 0, 16, 0, 0])
        #expect(Array(file[16..<32]) == fixture.header.id)
        let numbers: [UInt8] = [
            7, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 44, 1, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
        ]
        #expect(Array(file[32..<68]) == numbers)
        #expect(Array(file[68..<84]) == fixture.keys.keyCheck(for: fixture.header.id))
        #expect(file[84..<4_064].allSatisfy { $0 == 0 })
        #expect(
            Array(file[4_064..<4_096])
                == fixture.keys.datasetHeaderMAC(id: fixture.header.id, over: Array(file[..<4_064])))
    }

    @Test("A record is AES-GCM under the data set's key, bound to its place and shape")
    func recordFormat() throws {
        let fixture = try DatasetFixture()
        let record = fixture.file[fixture.place(of: 2)]
        let key = fixture.keys.datasetKey(id: fixture.header.id, cipher: .aes256GCM)
        let context =
            Array("plinius record".utf8) + fixture.header.id + [2, 0, 0, 0, 0, 0, 0, 0]
            + [3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 44, 1, 0, 0]
        var opened = Array(record.dropLast(16))
        let tag = try #require(Tag(record.suffix(16)))
        try opened.withUnsafeMutableBytes {
            try key.open(
                UnsafeRawBufferPointer($0), into: $0, nonce: Nonce(stream: 0, counter: 2), authenticating: context,
                tag: tag)
        }
        #expect(opened == fixture.images[2] + [82, 0])
    }

    @Test("Anybody can read the header, and parsing gives back what was written")
    func publicHeader() throws {
        let fixture = try DatasetFixture()
        #expect(try PublicDatasetHeader(parsing: fixture.file) == fixture.header)
        #expect(try PublicDatasetHeader(parsing: Array(fixture.file.prefix(4_096))) == fixture.header)
    }

    @Test(
        "What the format cannot hold is not described",
        arguments: [
            (0, 1, 1, 2), (1, 0, 1, 2), (1, 1, 1, 1), (1, 1, 1, 65_537), (1, 65_537, 1, 2), (1, 65_536, 65_536, 2),
            (-1, 1, 1, 2), (1 << 33, 1, 1, 2), (1, -1, 1, 2), (1, 1, 1 << 40, 2), (1, 1, 1, -2),
        ])
    func limits(count: Int, height: Int, width: Int, classes: Int) {
        let keys = KeyHierarchy(ownerKey: SecretBytes.random(32))
        let shape = Shape(channels: 1, height: height, width: width)
        #expect(
            DatasetFirstPage(count: count, shape: shape, classes: classes, cipher: .aes256GCM, keys: keys) == nil)
    }

    @Test("Two data sets of the same samples share no id and no ciphertext")
    func freshIDs() throws {
        let keys = KeyHierarchy(ownerKey: SecretBytes.random(32))
        let shape = Shape(channels: 1, height: 4, width: 4)
        let records = try (0..<20).map { _ in
            let header = try #require(
                DatasetFirstPage(count: 1, shape: shape, classes: 2, cipher: .aes256GCM, keys: keys)
            ).header
            var sealer = RecordSealer(header, keys: keys)
            var record = [UInt8](repeating: 0, count: header.recordByteCount)
            record.withUnsafeMutableBytes { sealer.seal($0, index: 0) }
            return header.id + record
        }
        #expect(Set(records.map { Array($0.prefix(16)) }).count == 20)
        #expect(Set(records.map { Array($0.suffix(34)) }).count == 20)
    }

    @Test("A file that is cut off while it is used ends in an error that names the record, not in a signal")
    func truncatedWhileOpen() throws {
        let fixture = try DatasetFixture()
        let folder = try TemporaryDirectory()
        let path = try folder.write(fixture.file, to: "data.sealed")
        let descriptor = open(path, O_RDWR)
        defer { close(descriptor) }
        let dataset = try SealedDataset(descriptor: descriptor, keys: fixture.keys)
        ftruncate(descriptor, off_t(fixture.header.offset(of: 4) + 5))
        #expect(try dataset.image(3) == fixture.images[3])
        let error = try #require(throws: DatasetError.self) { try dataset.withRecord(4) { _, _ in } }
        #expect(error.code == .truncated)
        #expect(error.message.contains("\(fixture.header.offset(of: 4) + 5)"))
    }

    @Test("Several threads open records at once")
    func concurrency() async throws {
        let fixture = try DatasetFixture(count: 64)
        let folder = try TemporaryDirectory()
        let path = try folder.write(fixture.file, to: "data.sealed")
        let descriptor = open(path, O_RDONLY)
        defer { close(descriptor) }
        let dataset = try SealedDataset(descriptor: descriptor, keys: fixture.keys)
        let mistakes = await withTaskGroup(of: Int.self) { group in
            for stripe in 0..<4 {
                group.addTask {
                    (0..<500).count { round in
                        let index = (round * 7 + stripe) % 64
                        return (try? dataset.image(index)) != fixture.images[index]
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(mistakes == 0)
    }
}
