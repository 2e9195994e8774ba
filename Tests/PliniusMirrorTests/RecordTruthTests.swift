import PliniusDataSealing
import PliniusMirror
import PliniusNN
import PliniusSealing
import Testing
import _PliniusTestSupport

/// A data set whose truth is not a label, and what its records are to become.
struct TruthCase: CustomTestStringConvertible, Sendable {
    let truth: RecordTruth
    var shape = Shape(channels: 1, height: 2, width: 3)
    let classes: Int
    let records: [[UInt8]]
    /// What the form is, and the floats of every record.
    let forms: [(form: TruthForm, room: Int?, floats: [[Float]])]

    var testDescription: String { "\(truth)" }

    static func bytes(_ numbers: Float...) -> [UInt8] { numbers.flatMap { bytes($0.bitPattern) } }
    static func bytes(_ number: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }
    static func box(_ label: UInt32, _ x: Float, _ y: Float, _ width: Float, _ height: Float) -> [UInt8] {
        bytes(label) + bytes(x, y, width, height)
    }

    static let regression = TruthCase(
        truth: RecordTruth(.regression, 3), classes: 0,
        records: [bytes(1.5, -2, 0), bytes(-0, 3e38, .leastNonzeroMagnitude)],
        forms: [(.plain, nil, [[1.5, -2, 0], [-0, 3e38, .leastNonzeroMagnitude]])])

    static let boxes = TruthCase(
        truth: RecordTruth(.boxes, 2), classes: 3,
        records: [
            [2, 0, 0, 0] + box(2, 0.5, 0.25, 0.5, 1) + box(0, 1, 0, 0.125, 0.0625),
            [0, 0, 0, 0] + [UInt8](repeating: 0, count: 40),
            // Both centres lie in the same cell of a grid of 2 x 2.
            [2, 0, 0, 0] + box(1, 0.75, 0.875, 0.25, 0.25) + box(2, 1, 1, 0.5, 0.5),
        ],
        forms: [
            (
                .plain, 15,
                [
                    [0.5, 0.25, 0.5, 1, 2, 1, 0, 0.125, 0.0625, 0, 0, 0, 0, 0, 0], [Float](repeating: 0, count: 15),
                    [0.75, 0.875, 0.25, 0.25, 1, 1, 1, 0.5, 0.5, 2, 0, 0, 0, 0, 0],
                ]
            ),
            (
                .cells(side: 2), nil,
                [
                    // 0.5 is the border of the second column; the second box is in the same cell, and comes too late.
                    zeros(8) + [1, 0, 0, 1, 0, 0.5, 0.5, 1] + zeros(16), zeros(32),
                    zeros(24) + [1, 0, 1, 0, 0.5, 0.75, 0.25, 0.25],
                ]
            ),
            (
                .cells(side: 4), nil,
                [
                    zeros(8 * 3) + [1, 1, 0, 0, 1, 0, 0.125, 0.0625] + zeros(8 * 2)
                        + [1, 0, 0, 1, 0, 0, 0.5, 1] + zeros(8 * 9),
                    zeros(128), zeros(8 * 15) + [1, 0, 1, 0, 0, 0.5, 0.25, 0.25],
                ]
            ),
        ])

    static let mask = TruthCase(
        truth: RecordTruth(.mask, 1, 4), classes: 3,
        records: [[0, 2, 255, 2], [255, 255, 255, 255], [1, 0, 2, 1]],
        forms: [
            (
                .plain, nil,
                [
                    [1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1], zeros(12), [0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0],
                ]
            ),
            (
                .instances, 18,
                [
                    [0, 1, 0, 0, 0, 2, 0, 1, 0, 1, -1] + zeros(7), [-1] + zeros(17),
                    [0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 2, 0, 0, 1, 0, -1, 0, 0],
                ]
            ),
        ])

    static func zeros(_ count: Int) -> [Float] { [Float](repeating: 0, count: count) }

    static let all = [regression, boxes, mask]

    func fixture(_ records: [[UInt8]]? = nil) throws -> DatasetFixture {
        let records = records ?? self.records
        return try DatasetFixture(
            images: records.map { _ in randomBytes(shape.count) }, shape: shape, classes: classes, truth: truth,
            truths: records)
    }
}

@Suite("Data sets whose truth is not a label")
struct RecordTruthTests {
    /// Opens records as one batch, between numbers that must stay.
    private func batch(
        of dataset: SealedDataset, as form: TruthForm = .plain, room: Int? = nil, _ indices: [Int]
    ) throws -> (images: [Float], truth: [Float]) {
        let union = DatasetUnion([dataset], form: form, truthCount: room)
        var images = [Float](repeating: -7, count: indices.count * union.imageCount + 1)
        var truth = [Float](repeating: -7, count: indices.count * union.truthCount + 1)
        try images.withUnsafeMutableBufferPointer { images in
            try truth.withUnsafeMutableBufferPointer { truth in
                try SampleReader(union).openBatch(indices, images: images, truth: truth) { _ in union.fitting }
            }
        }
        #expect(images.last == -7 && truth.last == -7)
        return (images.dropLast(), truth.dropLast())
    }

    @Test("Each truth becomes the floats that Darknet's layers take", arguments: TruthCase.all)
    func forms(of: TruthCase) throws {
        let fixture = try of.fixture()
        try fixture.withDataset { dataset, _ in
            #expect(dataset.header == fixture.header && dataset.header.truth == of.truth)
            let indices = [of.records.count - 1] + Array(of.records.indices)
            for (form, room, floats) in of.forms {
                let found = try batch(of: dataset, as: form, room: room, indices)
                #expect(found.truth == indices.flatMap { floats[$0] }, "\(form)")
                #expect(found.images == indices.flatMap { fixture.images[$0].map { Float($0) / 255 } })
            }
            for (index, record) in of.records.enumerated() {
                let isSame = try dataset.withRecord(index) { Array($0) == fixture.images[index] && Array($1) == record }
                #expect(isSame)
            }
        }
    }

    @Test("Each character of a text is a sample, told by the one behind it")
    func text() throws {
        let fixture = try DatasetFixture(
            images: [[0, 2, 1], [1, 2, 0]], shape: Shape(channels: 1, height: 1, width: 3), classes: 3,
            truth: RecordTruth(.text, 2), truths: [[], []])
        #expect(fixture.header.sampleShape == Shape(channels: 3, height: 1, width: 1))
        try fixture.withDataset { dataset, _ in
            #expect(DatasetUnion([dataset]).count == 4)
            let found = try batch(of: dataset, [3, 0, 1, 2])
            #expect(found.images == [0, 0, 1] + [1, 0, 0] + [0, 0, 1] + [0, 1, 0])
            #expect(found.truth == [1, 0, 0] + [0, 0, 1] + [0, 1, 0] + [0, 0, 1])
        }
    }

    @Test("The header of format 2 is laid out byte for byte as documented, and its records are bound to it")
    func layout() throws {
        let fixture = try TruthCase.boxes.fixture()
        let file = fixture.file
        #expect(file.count == 4_096 + 3 * (6 + 44 + 16))
        #expect(Array(file[..<16]) == Array("PLINDATA".utf8) + [2, 0, 0, 0, 0, 16, 0, 0])
        #expect(Array(file[52..<68]) == [3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0])
        #expect(Array(file[84..<100]) == [2, 0, 0, 0, 44, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0])
        #expect(file[100..<4_064].allSatisfy { $0 == 0 })
        let key = fixture.keys.datasetKey(id: fixture.header.id, cipher: .aes256GCM)
        let context =
            Array("plinius record 2".utf8) + fixture.header.id + [1, 0, 0, 0, 0, 0, 0, 0]
            + [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0] + file[84..<100]
        let record = file[fixture.place(of: 1)]
        var opened = Array(record.dropLast(16))
        let tag = try #require(Tag(record.suffix(16)))
        try opened.withUnsafeMutableBytes {
            try key.open(
                UnsafeRawBufferPointer($0), into: $0, nonce: Nonce(stream: 0, counter: 1), authenticating: context,
                tag: tag)
        }
        #expect(opened == fixture.images[1] + TruthCase.boxes.records[1])
    }

    @Test(
        "Every kind has its fields, and reading gives it back",
        arguments: [
            (RecordTruth(.regression, 65_536), 0, [1, 262_144, 65_536, 0]),
            (RecordTruth(.boxes, 90), 1, [2, 1_804, 90, 0]),
            (RecordTruth(.mask, 5, 7), 255, [3, 35, 5, 7]),
            (RecordTruth(.mask, 8_192, 8_192), 2, [3, 1 << 26, 8_192, 8_192]),
            (RecordTruth(.text, 2), 256, [4, 0, 2, 0]),
        ] as [(RecordTruth, Int, [UInt32])])
    func fields(truth: RecordTruth, classes: Int, fields: [UInt32]) throws {
        let keys = KeyHierarchy(ownerKey: SecretBytes.random(32))
        let page = try #require(
            DatasetFirstPage(
                count: 1, shape: Shape(channels: 1, height: 1, width: 3), classes: classes, truth: truth,
                cipher: .aes128GCM, keys: keys))
        #expect(Array(page.bytes[84..<100]) == fields.flatMap(TruthCase.bytes))
        #expect(try PublicDatasetHeader(parsing: page.bytes).truth == truth)
    }

    @Test(
        "What format 2 cannot hold is not described",
        arguments: [
            (RecordTruth(.regression, 0), 0), (RecordTruth(.regression, 65_537), 0), (RecordTruth(.regression, -1), 0),
            (RecordTruth(.regression, .max), 0), (RecordTruth(.regression, 1), 2), (RecordTruth(.boxes, 0), 1),
            (RecordTruth(.boxes, 91), 1),
            (RecordTruth(.boxes, .max), 1), (RecordTruth(.boxes, 1), 0), (RecordTruth(.boxes, 1), 65_537),
            (RecordTruth(.mask, 0, 1), 2),
            (RecordTruth(.mask, 1, 0), 2), (RecordTruth(.mask, 65_536, 1_025), 2),
            (RecordTruth(.mask, 65_537, 1), 2),
            (RecordTruth(.mask, .max, .max), 2), (RecordTruth(.mask, 1, 1), 1), (RecordTruth(.mask, 1, 1), 256),
            (RecordTruth(.text, 0), 2), (RecordTruth(.text, 3), 2), (RecordTruth(.text, .max), 2),
            (RecordTruth(.text, 2), 1),
            (RecordTruth(.text, 2), 257), (RecordTruth(.label), 1),
        ] as [(RecordTruth, Int)])
    func limits(truth: RecordTruth, classes: Int) {
        let keys = KeyHierarchy(ownerKey: SecretBytes.random(32))
        // Three characters, so that text of two steps fits.
        let shape = Shape(channels: 1, height: 1, width: 3)
        #expect(
            DatasetFirstPage(count: 1, shape: shape, classes: classes, truth: truth, cipher: .aes256GCM, keys: keys)
                == nil)
    }

    @Test(
        "A header that claims what format 2 has not is refused",
        arguments: [
            [0, 2, 0, 0], [5, 0, 0, 0], [1, 4, 2, 0], [1, 8, 2, 1], [2, 0, 2, 0], [3, 6, 2, 4], [4, 1, 2, 0],
            [1, 0, 1 << 30, 0], [3, 0, 1 << 16, 1 << 16], [UInt32.max, .max, .max, .max],
        ] as [[UInt32]])
    func claims(fields: [UInt32]) throws {
        var page = Array(try TruthCase.regression.fixture().file[..<4_096])
        page.replaceSubrange(84..<100, with: fields.flatMap(TruthCase.bytes))
        let error = try #require(throws: DatasetError.self) { try PublicDatasetHeader(parsing: page) }
        let isKnown = fields == [1, 8, 2, 1]
        #expect(error.code == .damagedHeader, "\(error)")
        #expect(error.message.contains(isKnown ? "claims what no data set has" : "kind \(fields[0]) "), "\(error)")
        page[8] = 3
        #expect(
            try #require(throws: DatasetError.self) { try PublicDatasetHeader(parsing: page) }.code
                == .unsupportedVersion)
    }

    @Test("Every flipped byte of what format 2 says, and of a record, is refused")
    func tampered() throws {
        let fixture = try TruthCase.boxes.fixture()
        for place in Array(56..<60) + Array(84..<104) + Array(fixture.place(of: 1)) {
            var bytes = fixture.file
            bytes[place] ^= 1 << UInt8(place % 8)
            let error = try #require(try fixture.refusal(of: bytes), "byte \(place)")
            #expect(error.code == (place < 4_096 ? .damagedHeader : .damagedRecord), "byte \(place)")
        }
    }

    @Test(
        "A truth that the owner's program would not have sealed is refused",
        arguments: [
            (TruthCase.regression, [TruthCase.bytes(1, .nan, 1), TruthCase.bytes(1, 2, -.infinity)]),
            (
                TruthCase.boxes,
                [
                    [3, 0, 0, 0] + TruthCase.box(0, 0, 0, 1, 1) + TruthCase.box(0, 0, 0, 1, 1),
                    [1, 0, 1, 0] + TruthCase.box(0, 0, 0, 1, 1) + [UInt8](repeating: 0, count: 20),
                    [1, 0, 0, 0] + TruthCase.box(3, 0, 0, 1, 1) + [UInt8](repeating: 0, count: 20),
                    [1, 0, 0, 0] + TruthCase.box(.max, 0, 0, 1, 1) + [UInt8](repeating: 0, count: 20),
                ]
                    + [
                        [1.01, 0, 1, 1], [-0.01, 0, 1, 1], [0, 1.01, 1, 1], [0, 0, 0, 1], [0, 0, 1, 0],
                        [0, 0, 1, 1.01],
                        [.nan, 0, 1, 1], [0, .nan, 1, 1], [0, 0, .nan, 1], [0, 0, 1, .nan], [.infinity, 0, 1, 1],
                    ].map { (box: [Float]) in
                        [1, 0, 0, 0] + TruthCase.box(0, box[0], box[1], box[2], box[3])
                            + [UInt8](repeating: 0, count: 20)
                    }
            ),
            (TruthCase.mask, [[0, 3, 0, 0], [0, 0, 0, 254]]),
        ])
    func hostile(of: TruthCase, records: [[UInt8]]) throws {
        for record in records {
            let fixture = try of.fixture([record])
            let error = try #require(try fixture.refusal(of: fixture.file), "\(record)")
            #expect(error.code == .damagedRecord && error.record == 0)
        }
    }

    @Test("A character beyond the classes is refused")
    func hostileText() throws {
        let fixture = try DatasetFixture(
            images: [[0, 1, 2]], shape: Shape(channels: 1, height: 1, width: 3), classes: 2,
            truth: RecordTruth(.text, 2),
            truths: [[]])
        #expect(try fixture.refusal(of: fixture.file)?.code == .damagedRecord)
    }

    @Test("A truth has no form of another kind")
    func misfits() {
        let forms: [TruthForm] = [.plain, .cells(side: 7), .instances]
        for (truth, counts) in [
            (RecordTruth(.label), [90, nil, nil]), (RecordTruth(.regression, 3), [3, nil, nil]),
            (RecordTruth(.boxes, 30), [150, 49 * 95, nil]), (RecordTruth(.mask, 2, 3), [540, nil, 630]),
            (RecordTruth(.text, 4), [90, nil, nil]),
        ] {
            #expect(forms.map { truth.floatCount($0, classes: 90) } == counts)
        }
    }

    @Test("Data sets of other truths make no union, and a form or a room that does not fit is a mistake of the program")
    func mistakes() async {
        await #expect(processExitsWith: .failure) {
            try TruthCase.boxes.fixture().withDataset { dataset, _ in _ = DatasetUnion([dataset], form: .instances) }
        }
        await #expect(processExitsWith: .failure) {
            try TruthCase.boxes.fixture().withDataset { dataset, _ in _ = DatasetUnion([dataset], truthCount: 9) }
        }
        await #expect(processExitsWith: .failure) {
            let other = TruthCase(
                truth: RecordTruth(.boxes, 3), classes: 3, records: [[UInt8](repeating: 0, count: 64)], forms: [])
            try TruthCase.boxes.fixture().withDataset { one, _ in
                try other.fixture().withDataset { two, _ in _ = DatasetUnion([one, two]) }
            }
        }
    }
}
