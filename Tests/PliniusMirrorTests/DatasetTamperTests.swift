import Glibc
import PliniusDataSealing
import PliniusMirror
import PliniusNN
import PliniusSealing
import Testing
import _PliniusTestSupport

@Suite("Tampered data sets")
struct DatasetTamperTests {
    @Test("Every flipped byte of the header is refused, by a message that names its place")
    func header() throws {
        let fixture = try DatasetFixture(count: 1)
        for place in 0..<PublicDatasetHeader.byteCount {
            var bytes = fixture.file
            bytes[place] ^= 1 << UInt8(place % 8)
            let error = try #require(try fixture.refusal(of: bytes), "byte \(place)")
            let expected: DatasetError.Code =
                switch place {
                case ..<8: .notADataset
                case ..<12: .unsupportedVersion
                case 16..<32, 68..<84: .wrongKey
                default: .damagedHeader
                }
            #expect(error.code == expected, "byte \(place): \(error)")
            #expect(error.code.isRefusal)
        }
    }

    @Test("Every flipped byte of a record is refused, and the records beside it still open")
    func record() throws {
        let fixture = try DatasetFixture(count: 3)
        for place in fixture.place(of: 1) {
            var bytes = fixture.file
            bytes[place] ^= 1 << UInt8(place % 8)
            try fixture.withDataset(bytes) { dataset, _ in
                let error = try #require(throws: DatasetError.self) { try dataset.withRecord(1) { _, _ in } }
                #expect(error.code == .damagedRecord)
                #expect(error.record == 1)
                #expect(error.message.contains("Record 1 "))
                for index in [0, 2] {
                    #expect(try dataset.image(index) == fixture.images[index])
                }
            }
        }
    }

    @Test("Every truncation is refused with both lengths")
    func truncated() throws {
        let fixture = try DatasetFixture(count: 2)
        for length in Array(0..<8) + [8, 100, 4_063, 4_095, 4_096, 4_097] + Array(4_160..<fixture.file.count) {
            let error = try #require(try fixture.refusal(of: Array(fixture.file[..<length])), "\(length) bytes")
            #expect(error.code == (length < 8 ? .notADataset : .truncated), "\(length) bytes")
            if length >= 8 {
                #expect(error.message.contains(" \(length) bytes"))
            }
        }
    }

    @Test("Every extension is refused", arguments: [1, 15, 78, 4_096])
    func extended(count: Int) throws {
        let fixture = try DatasetFixture()
        let error = try #require(try fixture.refusal(of: fixture.file + [UInt8](repeating: 0, count: count)))
        #expect(error.code == .oversized)
        #expect(
            error.message.contains("\(fixture.file.count + count)") && error.message.contains("\(fixture.file.count)"))
    }

    @Test("Swapped, repeated and shifted records are refused where they lie")
    func moved() throws {
        let fixture = try DatasetFixture()
        var swapped = fixture.file
        swapped.replaceSubrange(fixture.place(of: 1), with: fixture.file[fixture.place(of: 5)])
        swapped.replaceSubrange(fixture.place(of: 5), with: fixture.file[fixture.place(of: 1)])
        #expect(try fixture.refusal(of: swapped)?.record == 1)
        var repeated = fixture.file
        repeated.replaceSubrange(fixture.place(of: 6), with: fixture.file[fixture.place(of: 0)])
        #expect(try fixture.refusal(of: repeated)?.record == 6)
        var shifted = fixture.file
        shifted.removeSubrange(fixture.place(of: 0))
        shifted += fixture.file[fixture.place(of: 6)]
        #expect(try fixture.refusal(of: shifted)?.record == 0)
    }

    @Test("A record of another data set of the same owner is refused")
    func otherDataset() throws {
        let fixture = try DatasetFixture()
        let page = try #require(
            DatasetFirstPage(
                count: 7, shape: fixture.header.shape, classes: fixture.header.classes, cipher: .aes256GCM,
                keys: fixture.keys))
        var record = fixture.images[3] + [123, 0] + [UInt8](repeating: 0, count: 16)
        var sealer = RecordSealer(page.header, keys: fixture.keys)
        record.withUnsafeMutableBytes { sealer.seal($0, index: 3) }
        var bytes = fixture.file
        bytes.replaceSubrange(fixture.place(of: 3), with: record)
        let error = try #require(try fixture.refusal(of: bytes))
        #expect(error.code == .damagedRecord)
        #expect(error.record == 3)
        // And a whole foreign header over these records.
        bytes = page.bytes + fixture.file.dropFirst(4_096)
        #expect(try fixture.refusal(of: bytes)?.record == 0)
    }

    @Test("Another key is named as the reason")
    func wrongKey() throws {
        let fixture = try DatasetFixture()
        let other = KeyHierarchy(ownerKey: SecretBytes.random(32))
        let error = try #require(try fixture.refusal(of: fixture.file, keys: other))
        #expect(error.code == .wrongKey)
        #expect(error.message.contains("key"))
    }

    @Test("A label that the owner's program would not have sealed is refused")
    func label() throws {
        let fixture = try DatasetFixture(count: 1, classes: 10)
        var record = fixture.images[0] + [10, 0] + [UInt8](repeating: 0, count: 16)
        var sealer = RecordSealer(fixture.header, keys: fixture.keys)
        record.withUnsafeMutableBytes { sealer.seal($0, index: 0) }
        let error = try #require(try fixture.refusal(of: Array(fixture.file[..<4_096]) + record))
        #expect(error.code == .damagedRecord)
    }

    @Test("What is no readable file is an error of the system, not a refusal")
    func unreadable() throws {
        let fixture = try DatasetFixture()
        let folder = try TemporaryDirectory()
        let directory = open(folder.path, O_RDONLY)
        let path = try folder.write(fixture.file, to: "data.sealed")
        let writeOnly = open(path, O_WRONLY)
        defer {
            close(directory)
            close(writeOnly)
        }
        for descriptor in [-1, directory, writeOnly] {
            let error = try #require(throws: DatasetError.self) {
                try SealedDataset(descriptor: descriptor, keys: fixture.keys)
            }
            #expect(error.code == .unreadable)
            #expect(!error.code.isRefusal)
        }
    }

    @Test("An index outside of the data set is a mistake of the program")
    func indexOutside() async {
        await #expect(processExitsWith: .failure) {
            let fixture = try DatasetFixture(count: 2)
            try fixture.withDataset { dataset, _ in try dataset.withRecord(2) { _, _ in } }
        }
    }
}
