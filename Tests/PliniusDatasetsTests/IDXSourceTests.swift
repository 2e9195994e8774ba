import Foundation
import PliniusDatasets
import Testing
import _PliniusTestSupport

@Suite("IDX files")
struct IDXSourceTests {
    @Test("Plain and gzip files give the same samples", arguments: [false, true])
    func reads(compressed: Bool) throws {
        let files = try IDXFiles()
        let paths = try files.write(compressed: compressed)
        let source = try IDXSource(images: paths.images, labels: paths.labels)
        #expect(source.count == 5)
        #expect(source.extents == ImageExtents(channels: 1, height: 2, width: 3))
        #expect(source.classes == 10)
        let samples = try all(source)
        #expect(samples.map(\.label) == [7, 0, 9, 3, 3])
        #expect(samples.flatMap(\.pixels) == files.images.suffix(30))
        // The end stays the end.
        var pixels: [UInt8] = []
        #expect(try source.next(into: &pixels) == nil)
    }

    @Test("MNIST is read whole", .enabled(if: testData != nil, "PLINIUS_DATA names no folder"))
    func mnist() throws {
        let folder = try #require(testData) + "/mnist"
        let source = try IDXSource(
            images: "\(folder)/t10k-images-idx3-ubyte.gz", labels: "\(folder)/t10k-labels-idx1-ubyte.gz")
        #expect(source.count == 10_000)
        #expect(source.extents == ImageExtents(channels: 1, height: 28, width: 28))
        let samples = try all(source)
        #expect(samples.count == 10_000)
        #expect(samples.prefix(10).map(\.label) == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9])
        // What the test images' mean is known to be.
        let sum = samples.reduce(0) { sum, sample in sum + sample.pixels.reduce(0) { $0 + Int($1) } }
        let mean = Double(sum) / 7_840_000 / 255
        #expect(abs(mean - 0.1325) < 0.0001)
    }

    // MARK: Refusals

    @Test("Each wrong byte of a magic number is refused, in either file", arguments: 0..<8)
    func magic(place: Int) throws {
        var files = try IDXFiles()
        if place < 4 {
            files.images[place] ^= 0x10
        } else {
            files.labels[place - 4] ^= 0x10
        }
        let error = try refusal(of: files)
        #expect(error.code == .wrongFormat)
        #expect(error.position == 0)
        #expect(error.file.hasSuffix(place < 4 ? "images" : "labels"))
        #expect(error.message.contains(place < 4 ? "0x00000803" : "0x00000801"))
    }

    @Test("Exchanged files are refused with the suspicion")
    func exchanged() throws {
        let paths = try IDXFiles().write()
        let error = try #require(throws: SourceError.self) {
            try IDXSource(images: paths.labels, labels: paths.images)
        }
        #expect(error.code == .wrongFormat)
        #expect(error.message.contains("exchanged"))
    }

    @Test("An image more or less than labels is refused before anything is read", arguments: [4, 6])
    func counts(labels: UInt8) throws {
        var files = try IDXFiles()
        files.labels[7] = labels
        let error = try refusal(of: files)
        #expect(error.code == .mismatch)
        #expect(error.message.contains("\(labels) labels") && error.message.contains("5 images"))
    }

    @Test(
        "An extent of zero or beyond reason is refused where it stands",
        arguments: [(4, 0), (8, 0), (12, 0), (8, 255), (12, 255)])
    func extents(place: Int, value: UInt8) throws {
        var files = try IDXFiles()
        files.images.replaceSubrange(place..<place + 4, with: [value, value, value, value])
        let error = try refusal(of: files)
        #expect(error.code == .wrongFormat)
        #expect(error.position == place)
    }

    @Test("Images that fit no memory are refused")
    func hugeImages() throws {
        var files = try IDXFiles()
        files.images.replaceSubrange(8..<16, with: [0, 0, 0x80, 0, 0, 0, 0x80, 0])
        let error = try refusal(of: files)
        #expect(error.code == .wrongFormat)
        #expect(error.message.contains("32768"))
    }

    @Test("Each truncation of the images is refused at its place", arguments: [false, true])
    func truncatedImages(compressed: Bool) throws {
        let whole = try IDXFiles()
        for length in 0..<whole.images.count {
            var files = whole
            files.images = Array(whole.images[..<length])
            let error = try refusal(of: files, compressed: compressed && length % 8 == 0)
            #expect(error.code == .truncated)
            #expect(error.file.contains("images"))
        }
    }

    @Test("Each truncation of the labels is refused at its place")
    func truncatedLabels() throws {
        let whole = try IDXFiles()
        for length in 0..<whole.labels.count {
            var files = whole
            files.labels = Array(whole.labels[..<length])
            let error = try refusal(of: files)
            #expect(error.code == .truncated)
            #expect(error.file.contains("labels"))
            #expect(try #require(error.position) <= length)
        }
    }

    @Test("A byte too many is refused, in either file", arguments: [false, true], [false, true])
    func oversized(inLabels: Bool, compressed: Bool) throws {
        var files = try IDXFiles()
        if inLabels {
            files.labels.append(1)
        } else {
            files.images.append(1)
        }
        let error = try refusal(of: files, compressed: compressed)
        #expect(error.code == .oversized)
        #expect(error.position == (inLabels ? 13 : 46))
    }

    @Test("A label beyond the classes is refused at its byte")
    func labelOutOfRange() throws {
        let files = try IDXFiles()
        let error = try refusal(of: files, classes: 9)
        #expect(error.code == .labelOutOfRange)
        #expect(error.position == 10)
        #expect(error.message.contains("label 2 is 9") && error.message.contains("9 classes"))
    }

    @Test("A missing file is named")
    func missing() throws {
        let paths = try IDXFiles().write()
        let error = try #require(throws: SourceError.self) {
            try IDXSource(images: paths.images + ".not", labels: paths.labels)
        }
        #expect(error.code == .unreadable)
        #expect(error.description.contains("images.not: No such file"))
        #expect(
            try #require(throws: SourceError.self) { try IDXSource(images: "/", labels: paths.labels) }.code
                == .unreadable)
    }

    // MARK: gzip

    @Test("Each truncation of a gzip file is refused")
    func truncatedGzip() throws {
        let paths = try IDXFiles().write(compressed: true)
        let folder = try TemporaryDirectory()
        let whole = try bytes(paths.images)
        for length in 2..<whole.count {
            let path = try folder.write(whole[..<length], to: "images.gz")
            let error = try #require(throws: SourceError.self, "\(length) bytes") {
                try all(IDXSource(images: path, labels: paths.labels))
            }
            #expect(error.code == .truncated, "\(length) bytes: \(error)")
        }
    }

    @Test("Each flipped bit of compressed data or checksum is refused")
    func damagedGzip() throws {
        let paths = try IDXFiles().write(compressed: true)
        let folder = try TemporaryDirectory()
        let whole = try bytes(paths.images)
        let reference = try all(IDXSource(images: paths.images, labels: paths.labels)).map(\.pixels)
        var refusals = 0
        for bit in 16..<whole.count * 8 {
            var damaged = whole
            damaged[bit / 8] ^= 1 << (bit % 8)
            let path = try folder.write(damaged, to: "images.gz")
            do {
                // A flipped time stamp or file name of the gzip header is no damage; a wrong image would be.
                #expect(try all(IDXSource(images: path, labels: paths.labels)).map(\.pixels) == reference, "bit \(bit)")
            } catch is SourceError {
                refusals += 1
            }
        }
        // All of the data and the trailer, and most of the header.
        #expect(refusals > (whole.count - 30) * 8)
    }

    @Test("Garbage behind gzip data, a second member too, is refused")
    func trailingGarbage() throws {
        let paths = try IDXFiles().write(compressed: true)
        let folder = try TemporaryDirectory()
        let whole = try bytes(paths.images)
        for tail in [[0], Array("garbage".utf8), whole] {
            let path = try folder.write(whole + tail, to: "images.gz")
            let error = try #require(throws: SourceError.self) {
                try all(IDXSource(images: path, labels: paths.labels))
            }
            #expect(error.code == .oversized)
        }
    }

    @Test("Garbage under the name of a gzip file is refused as what it is")
    func garbage() throws {
        let paths = try IDXFiles().write()
        let folder = try TemporaryDirectory()
        let path = try folder.write([0x1F, 0x8B] + (0..<200).map { _ in UInt8.random(in: 128...255) }, to: "images.gz")
        let error = try #require(throws: SourceError.self) { try IDXSource(images: path, labels: paths.labels) }
        #expect(error.code == .damaged)
        #expect(error.message.contains("gzip"))
        let text = try folder.write(Array("<html>not found</html>".utf8), to: "images.gz")
        #expect(
            try #require(throws: SourceError.self) { try IDXSource(images: text, labels: paths.labels) }.code
                == .wrongFormat)
    }

    @Test("A file of many blocks is read through, plain and gzip", arguments: [false, true])
    func manyBlocks(compressed: Bool) throws {
        var files = try IDXFiles()
        let count = 700
        files.images = [0, 0, 8, 3, 0, 0, 2, 188, 0, 0, 0, 31, 0, 0, 0, 17]
        files.images += (0..<count * 31 * 17).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }
        files.labels = [0, 0, 8, 1, 0, 0, 2, 188] + (0..<count).map { UInt8($0 % 10) }
        let paths = try files.write(compressed: compressed)
        let samples = try all(IDXSource(images: paths.images, labels: paths.labels))
        #expect(samples.map(\.label) == (0..<count).map { $0 % 10 })
        #expect(samples.flatMap(\.pixels) == Array(files.images[16...]))
    }

    private func refusal(of files: IDXFiles, classes: Int = 10, compressed: Bool = false) throws -> SourceError {
        let paths = try files.write(compressed: compressed)
        return try #require(throws: SourceError.self) {
            try all(IDXSource(images: paths.images, labels: paths.labels, classes: classes))
        }
    }

    private func bytes(_ path: String) throws -> [UInt8] {
        try [UInt8](Data(contentsOf: URL(filePath: path)))
    }
}

/// Every sample of a source.
@discardableResult
func all(_ source: some SampleSource) throws -> [(pixels: [UInt8], label: Int)] {
    var samples: [(pixels: [UInt8], label: Int)] = []
    var pixels: [UInt8] = []
    while let label = try source.next(into: &pixels) {
        samples.append((pixels, label))
    }
    return samples
}
