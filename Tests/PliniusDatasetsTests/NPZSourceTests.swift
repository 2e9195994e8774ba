import PliniusDatasets
import Testing

@Suite("Archives of NumPy arrays")
struct NPZSourceTests {
    typealias Member = Archives.Member

    /// Three grey images of 2 × 3 in train, two of 2 colours fewer in test.
    static let grey = (0..<18).map { UInt8($0 * 7) }
    static let trainImages = Member("train_images.npy", Archives.npy("(3, 2, 3)", grey))
    static let trainLabels = Member("train_labels.npy", Archives.npy("(3, 1)", [1, 0, 2]))
    static let testImages = Member("test_images.npy", Archives.npy("(2, 1, 2, 3)", Array(1...12)))
    static let testLabels = Member("test_labels.npy", Archives.npy("(2,)", [4, 1]))
    static let members = [trainImages, trainLabels, testImages, testLabels]

    func source(_ bytes: [UInt8], _ split: NPZSource.Split = .train, classes: Int? = nil) throws -> NPZSource {
        try NPZSource(ByteFile(name: "data.npz", bytes: bytes), split: split, classes: classes)
    }

    func refusal(_ bytes: [UInt8], _ split: NPZSource.Split = .train, classes: Int? = nil) throws -> SourceError {
        try #require(throws: SourceError.self) { try all(source(bytes, split, classes: classes)) }
    }

    @Test("Stored, deflated and zip64 archives give the same samples", arguments: [false, true], [false, true])
    func reads(deflated: Bool, large: Bool) throws {
        let members = Self.members.map {
            var member = $0
            member.isDeflated = deflated
            member.hasLargeSizes = large
            return member
        }
        let train = try source(Archives.zip(members, large: large))
        #expect(train.count == 3)
        #expect(train.extents == ImageExtents(channels: 1, height: 2, width: 3))
        // The largest label is the test split's.
        #expect(train.classes == 5)
        let samples = try all(train)
        #expect(samples.map(\.label) == [1, 0, 2])
        #expect(samples.flatMap(\.pixels) == Self.grey)
        let test = try source(Archives.zip(members, large: large), .test)
        #expect(test.extents == ImageExtents(channels: 3, height: 1, width: 2))
        // Red, green and blue are put apart.
        #expect(try all(test).map(\.pixels) == [[1, 4, 2, 5, 3, 6], [7, 10, 8, 11, 9, 12]])
        #expect(try source(Archives.zip(members), classes: 3).classes == 3)
    }

    @Test("Every version of the header is read", arguments: [1, 2, 3] as [UInt8])
    func versions(version: UInt8) throws {
        let bytes = Archives.npy("(3, 2, 3)", Self.grey, version: version)
        let header = try NPYHeader(bytes, file: "a.npy")
        #expect(header.shape == [3, 2, 3] && header.elementCount == 18 && header.byteCount == bytes.count - 18)
        #expect(try NPYHeader(Archives.npy("(7,)", [], type: "\"|u1\""), file: "a").shape == [7])
        #expect(try NPYHeader(Archives.npy("()", []), file: "a").shape == [])
    }

    @Test(
        "A header that is not one of plain bytes is refused by name",
        arguments: [
            ("{'descr': '|O', 'fortran_order': False, 'shape': (3, 2, 3), }", "pickled"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2, 3), }", "<f4"),
            ("{'descr': '<i8', 'fortran_order': False, 'shape': (3, 2, 3), }", "<i8"),
            ("{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (3, 2, 3), }", "fields"),
            ("{'descr': '|u1', 'fortran_order': True, 'shape': (3, 2, 3), }", "Fortran"),
            ("{'descr': '|u1', 'fortran_order': 0, 'shape': (3, 2, 3), }", "True or False"),
            ("{'descr': '|u1', 'fortran_order': False, 'shape': 3, }", "\"(\""),
            ("{'descr': '|u1', 'fortran_order': False, 'shape': (3), }", "comma"),
            ("{'descr': '|u1', 'fortran_order': False, 'shape': (-3, 2), }", "number"),
            ("{'descr': '|u1', 'fortran_order': False, 'shape': (1234567890123456,), }", "digits"),
            ("{'descr': '|u1', 'fortran_order': False, 'shape': (999999999999999, 999999999999999), }", "limits"),
            ("{'descr': '|u1', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", "8 extents"),
            ("{'descr': '|u1', 'fortran_order': False, }", "missing"),
            ("{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (3,), }", "twice"),
            ("{'descr': '|u1', 'fortran_order': False, 'shape': (3,), 'more': 'x'}", "\"more\""),
            ("{'descr': '|u1', 'fortran_order': False, 'shape': (3,), } + 1", "follows"),
            ("{'descr': '|u1', 'fortran_order': False, 'shape': (__import__('os'),), }", "number"),
            ("{'descr: 1", "end"), ("", "\"{\""), ("{", "string"),
        ])
    func headers(dictionary: String, word: String) throws {
        let error = try #require(throws: SourceError.self) {
            try NPYHeader(Archives.npy(dictionary: dictionary, Self.grey), file: "a.npy")
        }
        #expect(error.description.contains(word), "\(error)")
        let archive = Archives.zip([Member("train_images.npy", Archives.npy(dictionary: dictionary, Self.grey))])
        #expect(try refusal(archive).description.contains(word))
    }

    @Test("A version or a length of the header beyond what is known is refused")
    func prefixes() throws {
        var bytes = Archives.npy("(3, 2, 3)", Self.grey, version: 2)
        bytes[11] = 0x7F
        #expect(try #require(throws: SourceError.self) { try NPYHeader(bytes, file: "a") }.code == .oversized)
        bytes[6] = 4
        #expect(try #require(throws: SourceError.self) { try NPYHeader(bytes, file: "a") }.code == .unsupported)
        bytes[0] = 0x92
        #expect(try #require(throws: SourceError.self) { try NPYHeader(bytes, file: "a") }.code == .wrongFormat)
    }

    @Test("Each truncation is refused", arguments: [false, true])
    func truncated(large: Bool) throws {
        let whole = Archives.zip([Self.trainImages, Self.trainLabels], large: large)
        for length in 0..<whole.count { _ = try refusal(Array(whole[..<length])) }
        let header = Archives.npy("(3, 2, 3)", [])
        for length in 0..<header.count {
            _ = try #require(throws: SourceError.self) { try NPYHeader(Array(header[..<length]), file: "a") }
        }
    }

    @Test("A flipped bit of images or labels is refused by the checksum", arguments: [false, true])
    func damaged(deflated: Bool) throws {
        let members = [Self.trainImages, Self.trainLabels].map { Member($0.name, $0.bytes, deflated: deflated) }
        let whole = Archives.zip(members)
        for part in [Self.grey[...], [1, 0, 2]] {
            let place = try #require(whole.indices.first { whole[$0...].starts(with: part) })
            for bit in 0..<part.count * 8 {
                var bytes = whole
                bytes[place + bit / 8] ^= 1 << (bit % 8)
                #expect(try refusal(bytes).code == .damaged)
            }
        }
    }

    @Test("No flipped bit of an archive is a trap, and none gives other images")
    func flipped() throws {
        let whole = Archives.zip([Self.trainImages, Self.trainLabels], large: true)
        for bit in 0..<whole.count * 8 {
            var bytes = whole
            bytes[bit / 8] ^= 1 << (bit % 8)
            guard let samples = try? all(source(bytes)) else { continue }
            #expect(samples.flatMap(\.pixels) == Self.grey && samples.map(\.label) == [1, 0, 2], "bit \(bit)")
        }
    }

    @Test("Archives that claim too much, or what no archive of arrays is, are refused by name")
    func bombs() throws {
        func refuse(_ word: String, _ change: (inout [Member]) -> Void) throws {
            var members = Self.members
            change(&members)
            let error = try refusal(Archives.zip(members))
            #expect(error.description.contains(word), "\(error)")
        }
        try refuse("which they cannot") { $0[0].size = .max - 1 }
        try refuse("which they cannot") {
            $0[0].isDeflated = true
            $0[0].size = .max - 1
        }
        // More or fewer bytes than said.
        try refuse("the archive says") {
            $0[0].isDeflated = true
            $0[0].size = UInt32($0[0].bytes.count + 1)
        }
        try refuse("go on") {
            $0[0].isDeflated = true
            $0[0].bytes.append(7)
            $0[0].size = UInt32($0[0].bytes.count - 1)
        }
        try refuse("end in image 2 of 3") {
            $0[0].isDeflated = true
            $0[0].size = UInt32($0[0].bytes.count)
            $0[0].bytes.removeLast()
        }
        try refuse("encrypted") { $0[0].flags = 1 }
        try refuse("method 12") { $0[0].method = 12 }
        try refuse("two members \"train_labels.npy\"") { $0.append($0[1]) }
        try refuse("checksum") { $0[1].checksum = 1 }
        try refuse("no member \"train_labels.npy\"") { $0.remove(at: 1) }
        try refuse("not one of images") { $0[0] = Member($0[0].name, Archives.npy("(3, 2, 3, 4)", Array(0..<72))) }
        try refuse("not one of images") { $0[0] = Member($0[0].name, Archives.npy("(3, 0, 3)", [])) }
        try refuse("not one of images") { $0[0] = Member($0[0].name, Archives.npy("(18,)", Self.grey)) }
        try refuse("several labels") { $0[1] = Member($0[1].name, Archives.npy("(3, 2)", Array(0..<6))) }
        try refuse("4 labels, and 3 images") { $0[1] = Member($0[1].name, Archives.npy("(4,)", Array(0..<4))) }
        #expect(try refusal(Archives.zip(Self.members), classes: 2).code == .labelOutOfRange)
        #expect(try refusal(Archives.zip(Self.members), .validation).code == .mismatch)
        #expect(try refusal(Array("no archive, but a text that is long enough".utf8)).code == .wrongFormat)
        let many = (0...1_024).map { Member("\($0)", []) }
        #expect(try refusal(Archives.zip(many)).code == .oversized)
    }

    @Test("Members inside one another are refused")
    func overlapping() throws {
        var bytes = Archives.zip(Self.members)
        // The offset of the second entry is that of the first.
        let first = try #require(bytes.indices.first { bytes[$0...].starts(with: [0x50, 0x4B, 1, 2]) })
        let second = first + 46 + Self.trainImages.name.utf8.count
        for index in 42..<46 { bytes[second + index] = bytes[first + index] }
        #expect(try refusal(bytes).message.contains("reaches into"))
    }
}
