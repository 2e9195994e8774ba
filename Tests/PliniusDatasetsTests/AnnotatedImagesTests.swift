import Foundation
import PliniusDatasets
import Testing
import _PliniusFuzzing
import _PliniusTestSupport

/// The little-endian bytes of numbers.
func floats(_ numbers: Float...) -> [UInt8] { numbers.flatMap { words($0.bitPattern) } }

func words(_ numbers: UInt32...) -> [UInt8] {
    numbers.flatMap { number in (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }
}

/// A list of images in a folder, with what belongs to them.
struct AnnotatedFolder {
    let folder: ImageFolder
    var names = "cat\ndog\nowl\n"

    init(_ files: [String: [UInt8]]) throws { folder = try ImageFolder(files) }

    func source(
        _ list: [String], _ annotation: AnnotatedImages.Annotation, channels: Int = 1, size: (Int, Int) = (4, 4),
        fit: ImageFit = .letterbox, skippingBad: Bool = false
    ) throws -> AnnotatedImages {
        try AnnotatedImages(
            list: ByteFile(name: "list", bytes: Array(list.joined(separator: "\n").utf8)),
            names: ClassNames(ByteFile(name: "names", bytes: Array(names.utf8))), annotation: annotation,
            root: folder.folder.path, channels: channels, size: (height: size.0, width: size.1), fit: fit,
            skippingBad: skippingBad)
    }
}

@Suite("Images with boxes or masks")
struct AnnotatedImagesTests {
    @Test(
        "The other file's path follows from the image's",
        arguments: [
            ("a/images/x.jpg", "a/labels/x.txt", "a/mask/x.png"),
            ("/JPEGImages/2007/x.y.png", "/labels/2007/x.y.txt", "/mask/2007/x.y.png"),
            ("images/images/x.JPEG", "images/labels/x.txt", "images/mask/x.png"),
            // Darknet would take these apart.
            ("images2/images/x.png", "images2/labels/x.txt", "images2/mask/x.png"),
            ("images/x.jpg.png", "labels/x.jpg.txt", "mask/x.jpg.png"),
            ("rawfiles/x.png", "rawfiles/x.txt", "rawfiles/x.png"),
            ("raw/x.png", "labels/x.txt", "raw/x.png"), ("a/images.png", "a/images.txt", "a/images.png"),
            ("x.png", "x.txt", "x.png"), ("images/x", "labels/x.txt", "mask/x.png"),
        ])
    func paths(image: String, labels: String, mask: String) {
        #expect(AnnotatedImages.path(of: .boxes(most: 1), for: image) == labels)
        #expect(AnnotatedImages.path(of: .masks, for: image) == mask)
    }

    // MARK: Boxes

    @Test("Boxes are read line by line, and move with their image into the frame")
    func boxes() throws {
        let folder = try AnnotatedFolder([
            // As wide as twice its height, and the other way round.
            "images/1.png": Images.flat(9, width: 8, height: 4),
            "labels/1.txt": Array("2 0.5 0.5 1 1\n\n0\t.25 0 0.5  1e-1\r\n".utf8),
            "2.png": Images.flat(7, width: 2, height: 4), "2.txt": [],
        ])
        let source = try folder.source(["images/1.png", "2.png"], .boxes(most: 3))
        #expect(source.truth == .boxes(most: 3) && source.classes == 3 && source.count == 2)
        let found = try records(source)
        let rows: [[UInt8]] = [128, 9, 9, 128].map { [UInt8](repeating: $0, count: 4) }
        #expect(found[0].pixels == rows.flatMap { $0 })
        #expect(
            found[0].truth == words(2, 2) + floats(0.5, 0.5, 1, 0.5) + words(0) + floats(0.25, 0.25, 0.5, 0.05)
                + [UInt8](repeating: 0, count: 20))
        #expect(found[1].pixels == [[UInt8]](repeating: [128, 7, 7, 128], count: 4).flatMap { $0 })
        #expect(found[1].truth == [UInt8](repeating: 0, count: 64))
        let stretched = try records(folder.source(["images/1.png"], .boxes(most: 2), channels: 3, fit: .stretch))
        #expect(stretched[0].pixels == [UInt8](repeating: 9, count: 48))
        #expect(
            stretched[0].truth == words(2, 2) + floats(0.5, 0.5, 1, 1) + words(0) + floats(0.25, 0, 0.5, 0.1))
    }

    @Test("An image of 100 x 50 lies in a frame of 28 x 28 from row 7 on, 14 rows high")
    func darknetsLetterbox() throws {
        let folder = try AnnotatedFolder([
            "1.png": Images.flat(9, width: 100, height: 50), "1.txt": Array("0 1 0 0.5 1".utf8),
        ])
        let record = try records(folder.source(["1.png"], .boxes(most: 1), size: (28, 28)))[0]
        let column: [UInt8] = (0..<28).map { (7..<21).contains($0) ? 9 : 128 }
        #expect((0..<28).map { record.pixels[28 * $0] } == column)
        #expect(record.truth == words(1, 0) + floats(1, 0.25, 0.5, 0.5))
    }

    @Test("A centre on the left border is moved a little, so that it does not end the list of boxes")
    func leftBorder() throws {
        let folder = try AnnotatedFolder(["1.png": Images.flat(9), "1.txt": Array("1 0 0 1 1".utf8)])
        let record = try records(folder.source(["1.png"], .boxes(most: 1), size: (65_536, 1), fit: .stretch))[0]
        #expect(record.truth == words(1, 1) + floats(0x1p-20, 0, 1, 1))
    }

    @Test(
        "What is no file of boxes is refused by line",
        arguments: [
            ("0 0.5 0.5 1", "line 1", SourceError.Code.wrongFormat), ("0 0.5 0.5 1 1 1", "line 1", .wrongFormat),
            ("\n0 .5 .5 1 1\nx 0 0 1 1", "line 3", .wrongFormat), ("0.5 0 0 1 1", "line 1", .wrongFormat),
            ("0 a 0 1 1", "line 1", .wrongFormat), ("3 0 0 1 1", "there are 3", .labelOutOfRange),
            ("-1 0 0 1 1", "class is -1", .labelOutOfRange), ("0 1.01 0 1 1", "line 1", .damaged),
            ("0 0 -0.1 1 1", "line 1", .damaged), ("0 0 0 0 1", "line 1", .damaged),
            ("0 0 0 1 1e-9", "line 1", .damaged),
            ("0 0 0 1 1.5", "line 1", .damaged), ("0 nan 0 1 1", "line 1", .damaged),
            ("0 0 0 inf 1", "line 1", .damaged),
            ("0 0 0 1 1\n0 0 0 1 1\n\n1 0 0 1 1", "line 4: there are 3 boxes", .oversized),
            ("99999999999999999999 0 0 1 1", "line 1", .wrongFormat), ("\u{0}", "line 1", .wrongFormat),
        ])
    func badBoxes(text: String, word: String, code: SourceError.Code) throws {
        let error = try #require(throws: SourceError.self) {
            try YOLOBoxes(ByteFile(name: "1.txt", bytes: Array(text.utf8)), classes: 3, most: 2)
        }
        #expect(error.code == code && error.file == "1.txt" && error.message.contains(word), "\(error)")
    }

    @Test("A missing file, a huge one, and room for no box or too many are refused")
    func badBoxFiles() throws {
        let folder = try AnnotatedFolder(["images/1.png": Images.flat(9)])
        let missing = try #require(throws: SourceError.self) {
            try records(folder.source(["images/1.png"], .boxes(most: 1)))
        }
        #expect(missing.code == .unreadable && missing.file.hasSuffix("/labels/1.txt"))
        let huge = ByteFile(name: "1.txt", bytes: [UInt8](repeating: 10, count: 1 << 20 + 1))
        #expect(
            try #require(throws: SourceError.self) { try YOLOBoxes(huge, classes: 3, most: 2) }.code == .oversized)
        for most in [0, 91, -1] {
            #expect(throws: SourceError.self) { try folder.source(["images/1.png"], .boxes(most: most)) }
        }
        #expect(throws: SourceError.self) { try folder.source([], .boxes(most: 1)) }
        #expect(throws: SourceError.self) { try folder.source(["images/1.png"], .boxes(most: 1), channels: 2) }
        #expect(throws: SourceError.self) { try folder.source(["images/1.png"], .boxes(most: 1), size: (0, 1)) }
    }

    // MARK: Masks

    @Test("Masks are read as classes, nearest to each pixel of the frame, and no class around the image")
    func masks() throws {
        let folder = try AnnotatedFolder([
            "images/1.jpg": Images.flat(9, width: 4, height: 2),
            "mask/1.png": Images.png(4, 2, rows: [[0, 1, 2, 255], [2, 2, 0, 0]]),
            "images/2.png": Images.flat(8, width: 2, height: 1), "mask/2.png": Images.png(2, 1, rows: [[0, 2]]),
        ])
        let source = try folder.source(["images/1.jpg", "images/2.png"], .masks)
        #expect(source.truth == .mask(height: 4, width: 4))
        let none = [UInt8](repeating: 255, count: 4)
        let found = try records(source)
        #expect(found[0].truth == none + [0, 1, 2, 255] + [2, 2, 0, 0] + none)
        #expect(found[1].truth == none + [0, 0, 2, 2] + [0, 0, 2, 2] + none)
        #expect(found[0].pixels == [128, 9, 9, 128].flatMap { [UInt8](repeating: $0, count: 4) })
        let stretched = try records(folder.source(["images/2.png"], .masks, fit: .stretch))
        #expect(stretched[0].truth == [[UInt8]](repeating: [0, 0, 2, 2], count: 4).flatMap { $0 })
    }

    @Test("A mask that is none, or not its image's, is refused by name")
    func badMasks() throws {
        for (mask, word, code) in [
            (
                Images.png(2, 2, colour: 2, rows: [[UInt8]](repeating: [0, 0, 0, 1, 1, 1], count: 2)), "grey PNG",
                .unsupported
            ),
            (Images.png(2, 2, depth: 16, rows: [[0, 0, 0, 1], [0, 0, 0, 1]]), "8 bits", .unsupported),
            (Images.png(2, 2, depth: 1, rows: [[0x40], [0x80]]), "8 bits", .unsupported),
            (
                Images.png(2, 2, colour: 3, palette: [0, 0, 0, 9, 9, 9], rows: [[0, 1], [1, 0]]), "grey", .unsupported
            ),
            (SampleJPEG.grey, "grey PNG", .unsupported), ([1, 2, 3], "grey PNG", .unsupported),
            (Images.flat(0, width: 3), "3 x 2 pixels, its image 2 x 2", .mismatch),
            (Images.png(2, 2, rows: [[0, 1], [3, 0]]), "row 1, column 0 is of class 3", .labelOutOfRange),
            (Images.flat(254), "row 0, column 0 is of class 254", .labelOutOfRange),
            (Array(Images.flat(0).dropLast(20)), "ends", .truncated),
        ] as [([UInt8], String, SourceError.Code)] {
            let folder = try AnnotatedFolder(["images/1.png": Images.flat(9), "mask/1.png": mask])
            let error = try #require(throws: SourceError.self) { try records(folder.source(["images/1.png"], .masks)) }
            #expect(error.code == code && error.message.contains(word), "\(error)")
            #expect(error.file.hasSuffix("/mask/1.png"))
        }
        let folder = try AnnotatedFolder(["1.png": Images.flat(0)])
        let error = try #require(throws: SourceError.self) { try records(folder.source(["1.png"], .masks)) }
        #expect(error.code == .mismatch && error.message.contains("where are the masks"))
        var one = folder
        one.names = "cat"
        #expect(throws: SourceError.self) { try one.source(["1.png"], .masks) }
    }

    // MARK: Both

    @Test("What cannot be read is passed over if asked, counted and named")
    func skipped() throws {
        let folder = try AnnotatedFolder([
            "1.png": Images.flat(1), "1.txt": Array("1 0 0 1 1".utf8), "2.png": Images.flat(2),
            "3.png": Array(Images.flat(3).dropLast(4)), "3.txt": [], "4.png": Images.flat(4),
            "4.txt": Array("7 0 0 1 1".utf8),
            "5.png": Images.flat(5), "5.txt": [],
        ])
        let list = (1...5).map { "\($0).png" }
        let source = try folder.source(list, .boxes(most: 1), size: (2, 2), skippingBad: true)
        #expect(source.count == 2)
        #expect(try records(source).map { $0.pixels[0] } == [1, 5])
        #expect(source.skipped.map { URL(filePath: $0.file).lastPathComponent } == ["2.txt", "3.png", "4.txt"])
        let none = try #require(throws: SourceError.self) {
            try folder.source(["2.png"], .boxes(most: 1), skippingBad: true)
        }
        #expect(none.code == .mismatch && none.message.contains("2.txt"))
    }
}
