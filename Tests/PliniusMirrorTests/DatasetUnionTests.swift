import Glibc
import PliniusMirror
import PliniusNN
import PliniusSealing
import Testing
import _PliniusTestSupport

@Suite("Unions of sealed data sets")
struct DatasetUnionTests {
    /// Opens the bytes of several data sets, each under its own key, as one.
    private func withUnion<R>(
        _ files: [(fixture: DatasetFixture, bytes: [UInt8])], _ body: (DatasetUnion) throws -> R
    ) throws -> R {
        let folder = try TemporaryDirectory()
        let descriptors = try files.enumerated().map { index, file in
            open(try folder.write(file.bytes, to: "\(index).sealed"), O_RDONLY)
        }
        defer { for descriptor in descriptors { close(descriptor) } }
        return try body(
            DatasetUnion(
                try zip(files, descriptors).map { file, descriptor in
                    try SealedDataset(descriptor: descriptor, keys: file.fixture.keys)
                }))
    }

    private func batch(of union: DatasetUnion, _ indices: [Int]) throws -> (images: [Float], truth: [Float]) {
        var images = [Float](repeating: -7, count: indices.count * union.imageCount)
        var truth = [Float](repeating: -7, count: indices.count * union.classes)
        try images.withUnsafeMutableBufferPointer { images in
            try truth.withUnsafeMutableBufferPointer { truth in
                try SampleReader(union).openBatch(indices, images: images, truth: truth) { _ in union.fitting }
            }
        }
        return (images, truth)
    }

    @Test("The records of the first come first, then those of the next, whatever key and cipher each has")
    func order() throws {
        let fixtures = [
            try DatasetFixture(count: 3), try DatasetFixture(count: 1, cipher: .aes128GCM),
            try DatasetFixture(count: 5),
        ]
        let images = fixtures.flatMap(\.images)
        let labels = fixtures.flatMap(\.labels)
        try withUnion(fixtures.map { ($0, $0.file) }) { union in
            #expect(union.count == 9)
            #expect(union.imageCount == 60 && union.classes == 300)
            let indices = [8, 0, 2, 3, 4, 3, 7, 1, 5, 6]
            let found = try batch(of: union, indices)
            #expect(found.images == indices.flatMap { images[$0].map { Float($0) / 255 } })
            #expect(found.truth == indices.flatMap { index in (0..<300).map { $0 == labels[index] ? Float(1) : 0 } })
        }
    }

    @Test("One data set keeps its id; that of several is a digest of theirs in their order")
    func identity() {
        let first = (0..<16).map(UInt8.init)
        let second = (16..<32).map(UInt8.init)
        #expect(DatasetUnion.id(of: [first]) == first)
        // The first 16 bytes of SHA-256("plinius data sets" ‖ ids), by Python's hashlib.
        for (ids, digest) in [
            ([first, second], "87577def3ab332327562f1fa2737e942"),
            ([second, first], "741ab40b5bb49ca052fd4f1866e3ae01"),
            ([first, second, first], "33eb0308eefe0dc6f859db5bbdb3f701"),
        ] {
            #expect(
                DatasetUnion.id(of: ids).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
                    == digest)
        }
    }

    @Test("A damaged record is named with its data set, and the records of the others still open")
    func damage() throws {
        let first = try DatasetFixture(count: 4)
        let second = try DatasetFixture(count: 3)
        var damaged = second.file
        damaged[second.place(of: 1).lowerBound] ^= 1
        try withUnion([(first, first.file), (second, damaged)]) { union in
            let error = try #require(throws: DatasetError.self) { try batch(of: union, [0, 5]) }
            #expect(error.code == .damagedRecord)
            #expect(error.record == 1)
            #expect(error.message.contains("In data set 2 of 2: Record 1 "), "\(error)")
            #expect(try batch(of: union, [3, 4]).images.prefix(60) == first.images[3].map { Float($0) / 255 }[...])
        }
    }

    @Test("A single data set's errors are what they are without a union")
    func damageOfOne() throws {
        let fixture = try DatasetFixture(count: 2)
        var damaged = fixture.file
        damaged[fixture.place(of: 1).lowerBound] ^= 1
        try withUnion([(fixture, damaged)]) { union in
            let error = try #require(throws: DatasetError.self) { try batch(of: union, [1]) }
            #expect(error.message.hasPrefix("Record 1 of the sealed data set does not verify"), "\(error)")
        }
    }

    @Test("Shapes that differ, too many data sets and indices outside are mistakes of the program")
    func mistakes() async {
        await #expect(processExitsWith: .failure) {
            let tests = DatasetUnionTests()
            let (one, other) = (try DatasetFixture(count: 1), try DatasetFixture(count: 1, classes: 301))
            try tests.withUnion([(one, one.file), (other, other.file)]) { _ in }
        }
        await #expect(processExitsWith: .failure) {
            let fixture = try DatasetFixture(count: 1)
            try DatasetUnionTests().withUnion(
                [(DatasetFixture, [UInt8])](repeating: (fixture, fixture.file), count: 17)
            ) { _ in }
        }
        await #expect(processExitsWith: .failure) {
            let tests = DatasetUnionTests()
            let fixture = try DatasetFixture(count: 1)
            try tests.withUnion([(fixture, fixture.file)]) { _ = try tests.batch(of: $0, [1]) }
        }
    }
}
