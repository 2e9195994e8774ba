import PliniusDatasets
import Testing
import _PliniusTestSupport

private func table(_ text: String, _ name: String = "table") throws -> NumberTable {
    try NumberTable(ByteFile(name: name, bytes: Array(text.utf8)))
}

@Suite("Tables of numbers, and regression")
struct RegressionSourceTests {
    @Test(
        "Rows are read whatever separates them, with names of columns or without",
        arguments: [
            ("1,2.5\n-3,4e1\n", [[1, 2.5], [-3, 40]]), ("a,b\n1, 2.5 \n-3,4e1", [[1, 2.5], [-3, 40]]),
            ("\n1;2.5\r\n\r\n-3;40\r\n", [[1, 2.5], [-3, 40]]), ("1\t2.5\n-3\t40", [[1, 2.5], [-3, 40]]),
            (" 1   2.5\n-3 40  \n\n", [[1, 2.5], [-3, 40]]), ("7", [[7]]), ("x\n7\n8", [[7], [8]]),
        ] as [(String, [[Float]])])
    func tables(text: String, rows: [[Float]]) throws {
        let table = try table(text)
        #expect(table.count == rows.count && table.columns == rows[0].count)
        var found: [[Float]] = []
        while let row = try table.next() { found.append(row) }
        #expect(found == rows)
    }

    @Test(
        "What is no table is refused by line",
        arguments: [
            ("", "0 rows"), ("a,b\n", "0 rows"), ("1,2\n3\n", "line 2"), ("1,2\n3,4,5", "line 2"), ("1,\n", "line 1"),
            ("1,x\n2,3", "line 1"), ("a\nb\n", "line 2"), ("1\nnan\n", "line 2"), ("inf", "line 1"), ("1e39", "line 1"),
            ("1\n\n2\n3,\n", "line 4"), ("1\n\u{0}\n", "line 2"), ("\"1\",\"2\"\n1,2\n\"3\",4", "line 3"),
        ])
    func badTables(text: String, word: String) throws {
        let error = try #require(throws: SourceError.self) {
            let table = try table(text)
            while try table.next() != nil {}
        }
        #expect(error.message.contains(word) && error.file == "table", "\(error)")
    }

    @Test("Lines beyond a limit are refused, and long files are read in blocks")
    func blocks() throws {
        let long = (0..<40_000).map { "\($0),\($0 % 7)" }.joined(separator: "\n")
        let table = try table(long)
        #expect(table.count == 40_000)
        var sum: Float = 0
        while let row = try table.next() { sum += row[1] }
        #expect(sum == Float((0..<40_000).reduce(0) { $0 + $1 % 7 }))
        let endless = ByteFile(name: "table", bytes: [UInt8](repeating: 49, count: 1 << 20 + 1))
        #expect(try #require(throws: SourceError.self) { try NumberTable(endless) }.code == .oversized)
        let wide = [String](repeating: "1", count: 65_537).joined(separator: ",")
        #expect(throws: SourceError.self) { try self.table(wide) }
        let noText = ByteFile(name: "table", bytes: [49, 10, 0xFF, 10])
        #expect(try #require(throws: SourceError.self) { try NumberTable(noText) }.message.contains("line 2"))
    }

    private func table(_ text: String) throws -> NumberTable {
        try NumberTable(ByteFile(name: "table", bytes: Array(text.utf8)))
    }

    @Test("Rows of small numbers become images of one row, and targets floats")
    func features() throws {
        let source = try RegressionSource(features: table("0,255,7\n1,2,3"), targets: table("y\n0.5\n-2"))
        #expect(source.extents == ImageExtents(channels: 1, height: 1, width: 3))
        #expect(source.truth == .regression(targets: 1) && source.classes == 0)
        let found = try records(source)
        #expect(found.map(\.pixels) == [[0, 255, 7], [1, 2, 3]] && found.map(\.truth) == [floats(0.5), floats(-2)])
    }

    @Test(
        "Features that are no bytes, and tables that do not belong together, are refused",
        arguments: [
            ("1,256\n", "1\n", "256"), ("1,-1\n", "1\n", "-1"), ("1,0.5\n", "1\n", "0.5"),
            ("1\n2\n", "1\n", "there are 1 rows"),
            ("1\n", "1\n2\n", "there are 2 rows"),
        ])
    func badFeatures(features: String, targets: String, word: String) throws {
        let error = try #require(throws: SourceError.self) {
            try records(RegressionSource(features: table(features), targets: table(targets)))
        }
        #expect(error.message.contains(word), "\(error)")
    }

    @Test("Images of a list have a row of targets each")
    func images() throws {
        let folder = try ImageFolder(["1.png": Images.flat(1), "2.png": Images.flat(2, width: 5, height: 3)])
        let list = ByteFile(name: "list", bytes: Array("2.png\n1.png\n".utf8))
        let source = try RegressionSource(
            list: list, targets: table("1,2\n3,4\n"), root: folder.folder.path, channels: 3, size: (2, 2))
        #expect(source.truth == .regression(targets: 2))
        let found = try records(source)
        #expect(found.map(\.pixels) == [2, 1].map { [UInt8](repeating: $0, count: 12) })
        #expect(found.map(\.truth) == [floats(1, 2), floats(3, 4)])
        let error = try #require(throws: SourceError.self) {
            try RegressionSource(list: list, targets: table("1\n"), root: folder.folder.path, channels: 3, size: (2, 2))
        }
        #expect(error.code == .mismatch)
    }
}

@Suite("Text in windows")
struct TextSourceTests {
    @Test("Windows overlap by one character, and what fills none is left out")
    func windows() throws {
        let source = try TextSource(ByteFile(name: "text", bytes: Array("abcdefgh".utf8)), steps: 3, classes: 128)
        #expect(source.count == 2 && source.unusedByteCount == 1 && source.classes == 128)
        #expect(source.truth == .text(steps: 3) && source.extents == ImageExtents(channels: 1, height: 1, width: 4))
        let found = try records(source)
        #expect(found.map { String(decoding: $0.pixels, as: UTF8.self) } == ["abcd", "defg"])
        #expect(found.allSatisfy { $0.truth.isEmpty })
        let whole = try TextSource(ByteFile(name: "text", bytes: [0, 255, 3]), steps: 2, classes: 256)
        #expect(whole.unusedByteCount == 0)
        #expect(try records(whole).map(\.pixels) == [[0, 255, 3]])
    }

    @Test("Texts without a window, bytes beyond the classes, and windows that cannot be are refused")
    func refused() throws {
        func refusal(_ bytes: [UInt8], _ steps: Int, _ classes: Int) throws -> SourceError {
            try #require(throws: SourceError.self) {
                try records(TextSource(ByteFile(name: "text", bytes: bytes), steps: steps, classes: classes))
            }
        }
        #expect(try refusal([], 1, 256).code == .truncated)
        #expect(try refusal([1, 2, 3], 3, 256).message.contains("3 bytes"))
        let beyond = try refusal([1, 2, 3, 128, 5], 2, 128)
        #expect(beyond.code == .labelOutOfRange && beyond.position == 3 && beyond.message.contains("128"))
        for (steps, classes) in [(0, 256), (-1, 256), (65_536, 256), (1, 1), (1, 257)] {
            #expect(try refusal([1, 2, 3], steps, classes).code == .unsupported)
        }
    }
}
