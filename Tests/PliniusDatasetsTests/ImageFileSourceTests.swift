import Foundation
import PliniusDatasets
import Testing
import _PliniusFuzzing
import _PliniusTestSupport

/// A folder of folders of images.
struct ImageFolder {
    let folder: TemporaryDirectory

    init(_ files: [String: [UInt8]]) throws {
        folder = try TemporaryDirectory()
        for (name, bytes) in files { try add(name, bytes) }
    }

    func add(_ name: String, _ bytes: [UInt8]) throws {
        try FileManager.default.createDirectory(
            at: URL(filePath: folder(name)).deletingLastPathComponent(), withIntermediateDirectories: true)
        try folder.write(bytes, to: name)
    }

    func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: folder(name), withDestinationPath: target)
    }

    func source(channels: Int = 1, size: (Int, Int)? = nil, skippingBad: Bool = false) throws -> ImageFileSource {
        try ImageFileSource(
            LabelledFiles(folder: folder.path), channels: channels,
            size: size.map { (height: $0.0, width: $0.1) }, skippingBad: skippingBad)
    }

    func refusal() throws -> SourceError {
        try #require(throws: SourceError.self) { try all(source()) }
    }
}

@Suite("Folders and lists of images")
struct ImageFileSourceTests {
    static let files = [
        "b/2.png": Images.flat(3), "b/10.png": Images.flat(2), "a/x.PNG": Images.flat(1), "Z/1.png": Images.flat(0),
        "b/.hidden": [1, 2, 3], ".git": [],
    ]

    // MARK: Folders

    @Test("Classes and files are taken in the order of their bytes")
    func folder() throws {
        let source = try ImageFolder(Self.files).source()
        #expect(source.names.names == ["Z", "a", "b"])
        #expect(source.classes == 3 && source.count == 4)
        #expect(source.extents == ImageExtents(channels: 1, height: 2, width: 2))
        let samples = try all(source)
        #expect(samples.map(\.label) == [0, 1, 2, 2])
        #expect(samples.map(\.pixels) == (0..<4).map { [UInt8](repeating: $0, count: 4) })
        #expect(source.skipped.isEmpty)
    }

    @Test("Colours, grey, PNG and JPEG become the same size and channels")
    func mixed() throws {
        let folder = try ImageFolder([
            "a/1.jpg": SampleJPEG.colours, "a/2.png": Images.flat(9, width: 5, height: 3), "b/1.jpeg": SampleJPEG.grey,
        ])
        let source = try folder.source(channels: 3, size: (4, 6))
        #expect(source.extents == ImageExtents(channels: 3, height: 4, width: 6))
        let samples = try all(source)
        #expect(samples.map(\.pixels.count) == [72, 72, 72])
        #expect(samples[1].pixels == [UInt8](repeating: 9, count: 72))
        #expect(try #require(throws: SourceError.self) { try folder.source(size: (0, 6)) }.code == .oversized)
        #expect(try #require(throws: SourceError.self) { try folder.source(size: (65_536, 65_536)) }.code == .oversized)
        #expect(try #require(throws: SourceError.self) { try folder.source(channels: 2) }.code == .unsupported)
    }

    @Test("Given names number the classes, and a folder of another name is refused")
    func names() throws {
        let folder = try ImageFolder(Self.files)
        let names = try ClassNames(ByteFile(name: "names", bytes: Array("b\nnone\na\nZ\n".utf8)))
        let files = try LabelledFiles(folder: folder.folder.path, names: names)
        #expect(files.files.map(\.label) == [3, 2, 0, 0])
        let fewer = try ClassNames(ByteFile(name: "names", bytes: Array("b\nZ\n".utf8)))
        let error = try #require(throws: SourceError.self) {
            try LabelledFiles(folder: folder.folder.path, names: fewer)
        }
        #expect(error.code == .mismatch && error.description.contains("\"a\""))
    }

    @Test("What is not in order in a folder is refused by name")
    func strangers() throws {
        func refuse(_ word: String, _ code: SourceError.Code, _ change: (ImageFolder) throws -> Void) throws {
            let folder = try ImageFolder(Self.files)
            try change(folder)
            let error = try folder.refusal()
            #expect(error.code == code && error.description.contains(word), "\(error)")
        }
        try refuse("/a/notes.txt", .wrongFormat) { try $0.add("a/notes.txt", [1]) }
        try refuse("/readme.png", .wrongFormat) { try $0.add("readme.png", Images.flat(1)) }
        try refuse("/a/more", .wrongFormat) { try $0.add("a/more/1.png", Images.flat(1)) }
        try refuse("/a/0.png", .truncated) { try $0.add("a/0.png", Images.flat(1).dropLast(3)) }
        try refuse("/a/0.png", .wrongFormat) { try $0.add("a/0.png", [1, 2, 3, 4]) }
        try refuse("/a/0.png", .mismatch) { try $0.add("a/0.png", Images.flat(1, width: 3)) }
        try refuse("symbolic link", .unreadable) { try $0.link("a/0.png", to: "/etc/passwd") }
        try refuse("symbolic link", .unreadable) { try $0.link("a/0.png", to: "x.PNG") }
        try refuse("symbolic link", .wrongFormat) { try $0.link("outside", to: "/etc") }
        let empty = try TemporaryDirectory()
        #expect(throws: SourceError.self) { try LabelledFiles(folder: empty.path) }
        #expect(
            try #require(throws: SourceError.self) { try LabelledFiles(folder: empty("no")) }.code == .unreadable)
    }

    @Test("Bad images are passed over if asked, counted and named")
    func skipped() throws {
        let folder = try ImageFolder(Self.files)
        try folder.add("a/0.png", Array(Images.flat(1).dropLast(3)))
        try folder.add("a/y.txt", [1])
        try folder.add("b/bad.jpg", Array(SampleJPEG.grey.dropLast(2)))
        try folder.link("b/link.png", to: "2.png")
        let source = try folder.source(skippingBad: true)
        #expect(source.count == 4)
        #expect(try all(source).map(\.label) == [0, 1, 2, 2])
        let names = Set(source.skipped.map { URL(filePath: $0.file).lastPathComponent })
        #expect(names == ["0.png", "y.txt", "bad.jpg", "link.png"] && source.skipped.count == 4)
        let none = try ImageFolder(["a/1.png": [1], "b/1.png": [2]])
        #expect(try #require(throws: SourceError.self) { try none.source(skippingBad: true) }.code == .mismatch)
    }

    // MARK: Lists

    @Test(
        "A path means the class that it names as a whole word, and no other",
        arguments: [
            ("train/cat/1.png", ["cat"]), ("train/category/7.png", []), ("train/7_cat.png", ["cat"]),
            ("train/50000_truck.png", ["truck"]), ("train/3_fire_truck.png", ["fire_truck"]),
            ("train/3_fire-truck.png", ["truck"]), ("train/trucks.png", []), ("10/x.png", ["10"]),
            ("digits/10.png", ["10"]), ("digits/110.png", []), ("digits/1_10.png", ["1", "10"]),
            // The folder decides, whatever the file is called.
            ("cat/dog.png", ["cat"]), ("cat/train/dog.png", ["cat", "dog"]), ("/srv/cat/dog/1.png", ["dog"]),
            ("/cat/cat_1.png", ["cat"]), ("dog cat.png", ["cat", "dog"]), ("n01.440/n01.440_3.JPEG", ["n01.440"]),
            ("x/n01.440.JPEG", ["n01.440"]), ("", []), ("/", []), ("x/.cat", ["cat"]), ("x/katze_cat", ["cat"]),
        ])
    func labels(path: String, expected: [String]) throws {
        let names = try ClassNames(
            ByteFile(name: "names", bytes: Array("cat\ndog\ntruck\nfire_truck\n1\n10\nn01.440\n".utf8)))
        let list = ByteFile(name: "list", bytes: Array("\(path)\n".utf8))
        if expected.count == 1 {
            let files = try LabelledFiles(list: list, names: names).files
            #expect(files.map { names.names[$0.label] } == expected)
        } else {
            let error = try #require(throws: SourceError.self) { try LabelledFiles(list: list, names: names) }
            for name in expected { #expect(error.message.contains("\"\(name)\""), "\(error)") }
            #expect(path.utf8.count < 2 || error.code == (expected.isEmpty ? .mismatch : .ambiguous))
        }
    }

    @Test("A list is read with its blank lines and Windows's line ends, relative to a folder if asked")
    func list() throws {
        let folder = try ImageFolder(["cat/1.png": Images.flat(5), "dog/2.png": Images.flat(6)])
        try folder.link("cat/link.png", to: "1.png")
        let text = "cat/1.png\r\n\r\n  dog/2.png\n\(folder.folder("cat/link.png"))\ndog/2.png"
        let names = try ClassNames(ByteFile(name: "names", bytes: Array("dog\r\ncat\r\n\r\n".utf8)))
        let files = try LabelledFiles(
            list: ByteFile(name: "list", bytes: Array(text.utf8)), names: names, root: folder.folder.path)
        let samples = try all(ImageFileSource(files, channels: 1))
        // A link that the owner lists is the owner's wish.
        #expect(samples.map(\.label) == [1, 0, 1, 0])
        #expect(samples.map { $0.pixels[0] } == [5, 6, 5, 6])
    }

    @Test(
        "Lists and names that cannot be are refused by line",
        arguments: [
            ("a.png", "a\nb\na\n", "two classes"), ("a.png", "a\n\nb\n", "line 2 is blank"), ("a.png", "", "0 classes"),
            ("", "a\nb\n", "0 images"), ("\n\n", "a\nb\n", "0 images"), ("a.png\nb/\u{0}.png\n", "a\nb", "line 2"),
            ("a.png\nc.png\n", "a\nb", "line 2"),
        ])
    func badText(list: String, names: String, word: String) throws {
        let error = try #require(throws: SourceError.self) {
            try LabelledFiles(
                list: ByteFile(name: "list", bytes: Array(list.utf8)),
                names: ClassNames(ByteFile(name: "names", bytes: Array(names.utf8))))
        }
        #expect(error.description.contains(word), "\(error)")
    }

    @Test("Text that is none, and lines beyond a path's length, are refused")
    func noText() throws {
        for bytes in [[0xFF, 0xFE], [UInt8](repeating: 97, count: 5_000)] as [[UInt8]] {
            let error = try #require(throws: SourceError.self) { try ClassNames(ByteFile(name: "n", bytes: bytes)) }
            #expect(error.code == .wrongFormat && error.message.contains("line 1"))
        }
    }
}
