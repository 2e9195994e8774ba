import PliniusDatasets
import Testing
import _PliniusTestSupport

@Suite("CIFAR's binary files")
struct CIFARSourceTests {
    static func image(_ seed: Int) -> [UInt8] { (0..<3072).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ seed &* 7) } }

    @Test("Records are read from all files in their order")
    func reads() throws {
        let files = [
            ByteFile(name: "a", bytes: [9] + Self.image(0) + [0] + Self.image(1)),
            ByteFile(name: "b", bytes: [3] + Self.image(2)),
        ]
        let source = try CIFARSource(files, .cifar10)
        #expect(source.count == 3 && source.classes == 10)
        #expect(source.extents == ImageExtents(channels: 3, height: 32, width: 32))
        let samples = try all(source)
        #expect(samples.map(\.label) == [9, 0, 3])
        #expect(samples.map(\.pixels) == (0..<3).map(Self.image))
    }

    @Test(
        "CIFAR-100 has a coarse and a fine label",
        arguments: [(CIFARSource.Variant.cifar100, 99), (.cifar100Coarse, 19)])
    func hundred(variant: CIFARSource.Variant, label: Int) throws {
        let source = try CIFARSource([ByteFile(name: "a", bytes: [19, 99] + Self.image(5))], variant)
        #expect(source.classes == label + 1)
        let samples = try all(source)
        #expect(samples.map(\.label) == [label] && samples[0].pixels == Self.image(5))
    }

    @Test("A folder gives its training or its test files, and a missing one is named")
    func folder() throws {
        let folder = try TemporaryDirectory()
        for index in 1...5 { try folder.write([UInt8(index)] + Self.image(index), to: "data_batch_\(index).bin") }
        try folder.write([8] + Self.image(8), to: "test_batch.bin")
        #expect(try all(CIFARSource(folder: folder.path, test: false, .cifar10)).map(\.label) == [1, 2, 3, 4, 5])
        #expect(try all(CIFARSource(folder: folder.path, test: true, .cifar10)).map(\.label) == [8])
        let error = try #require(throws: SourceError.self) {
            try CIFARSource(folder: folder.path, test: false, .cifar100)
        }
        #expect(error.code == .unreadable && error.file.hasSuffix("train.bin"))
    }

    @Test("A file that has no whole records is refused")
    func truncated() throws {
        let whole = [1] + Self.image(0)
        for length in Array(0..<100) + Array(3_000..<3_073) {
            let file = ByteFile(name: "a", bytes: Array(whole[..<length]))
            #expect(try #require(throws: SourceError.self) { try CIFARSource([file], .cifar10) }.code == .wrongFormat)
        }
        let file = ByteFile(name: "a", bytes: whole + [1])
        #expect(try #require(throws: SourceError.self) { try CIFARSource([file], .cifar10) }.code == .wrongFormat)
    }

    @Test(
        "A label beyond the classes is refused at its byte",
        arguments: [
            (CIFARSource.Variant.cifar10, [10], 0), (.cifar100, [20, 0], 0), (.cifar100, [0, 100], 1),
            (.cifar100Coarse, [0, 100], 1),
        ] as [(CIFARSource.Variant, [UInt8], Int)])
    func labels(variant: CIFARSource.Variant, labels: [UInt8], position: Int) throws {
        let source = try CIFARSource([ByteFile(name: "a", bytes: labels + Self.image(0))], variant)
        let error = try #require(throws: SourceError.self) { try all(source) }
        #expect(error.code == .labelOutOfRange && error.position == position)
    }

    @Test("A folder, a missing file and a pipe are no files")
    func unreadable() throws {
        let folder = try TemporaryDirectory()
        for path in [folder.path, folder("nothing"), "/dev/null"] {
            #expect(try #require(throws: SourceError.self) { try ByteFile(path) }.code == .unreadable)
        }
    }
}
