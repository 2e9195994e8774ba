import Glibc
import PliniusDataSealing
import PliniusMirror
import PliniusSealing
import Testing
import _PliniusTestSupport

/// Sealed results of random numbers, as bytes that a test may damage.
private struct PredictionsFixture {
    let keys = KeyHierarchy(ownerKey: SecretBytes.random(32))
    let header: PredictionsHeader
    let outputs: [[Float]]
    let file: [UInt8]
    private let folder: TemporaryDirectory

    init(count: Int = 5, outputs width: Int = 3, cipher: Cipher = .aes256GCM) throws {
        let id = randomBytes(16)
        header = PredictionsHeader(
            id: id, count: count, outputs: width, cipher: cipher, runID: randomBytes(16), iteration: 0x0102_0304,
            commit: CommitMark(sequence: 0x0506, tag: randomBytes(32)), configDigest: randomBytes(32),
            datasetID: randomBytes(16), keyCheck: keys.keyCheck(for: id))
        outputs = (0..<count).map { record in (0..<width).map { Float(record) + Float($0) / 8 } }
        file = Self.file(header, outputs, keys)
        folder = try TemporaryDirectory()
    }

    /// The file of results that a header announces.
    static func file(_ header: PredictionsHeader, _ outputs: [[Float]], _ keys: KeyHierarchy) -> [UInt8] {
        let key = keys.predictionsKey(id: header.id, cipher: header.cipher)
        return outputs.enumerated().reduce(into: header.encoded(keys)) { bytes, record in
            var message = record.element.flatMap { value in
                (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
            }
            let context = PredictionContext(header, index: record.offset)
            let tag = message.withUnsafeMutableBytes {
                key.seal(
                    UnsafeRawBufferPointer($0), into: $0, nonce: context.nonce, authenticating: context.bytes)
            }
            bytes += message + tag.bytes
        }
    }

    func place(of record: Int) -> Range<Int> { header.offset(of: record)..<header.offset(of: record + 1) }

    /// Writes the bytes to a file.
    func descriptor(of bytes: [UInt8]) throws -> CInt {
        let descriptor = Glibc.open(folder("results.sealed"), O_RDWR | O_CREAT | O_TRUNC, 0o600)
        precondition(pwrite(descriptor, bytes, bytes.count, 0) == bytes.count)
        return descriptor
    }

    /// Opens the bytes as a file.
    func open(_ bytes: [UInt8], keys: KeyHierarchy? = nil) throws -> [[Float]] {
        let descriptor = try descriptor(of: bytes)
        defer { close(descriptor) }
        let predictions = try SealedPredictions(descriptor: descriptor, keys: keys ?? self.keys)
        return try (0..<predictions.header.count).map { try predictions.outputs(ofRecord: $0) }
    }

    /// Why the bytes are refused; `nil` if they are not.
    func refusal(of bytes: [UInt8], keys: KeyHierarchy? = nil) throws -> PredictionsError? {
        do {
            _ = try open(bytes, keys: keys)
            return nil
        } catch let error as PredictionsError { return error }
    }
}

@Suite("Sealed results")
struct PredictionsTests {
    @Test("What was sealed is opened, bit for bit", arguments: Cipher.allCases)
    func roundTrip(cipher: Cipher) throws {
        let fixture = try PredictionsFixture(cipher: cipher)
        #expect(try fixture.open(fixture.file) == fixture.outputs)
        #expect(try PredictionsHeader(parsing: fixture.file) == fixture.header)
    }

    @Test("The file is laid out byte for byte as documented")
    func layout() throws {
        let fixture = try PredictionsFixture(cipher: .aes128GCM)
        let (file, header) = (fixture.file, fixture.header)
        #expect(file.count == 256 + 5 * (3 * 4 + 16) && file.count == header.fileByteCount)
        #expect(Array(file[..<16]) == Array("PLINPRED".utf8) + [1, 0, 0, 0, 0, 1, 0, 0])
        let numbers: [UInt8] = [5, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0]
        #expect(Array(file[16..<48]) == header.id + numbers)
        #expect(Array(file[48..<80]) == header.runID + [4, 3, 2, 1, 0, 0, 0, 0, 6, 5, 0, 0, 0, 0, 0, 0])
        #expect(Array(file[80..<160]) == header.commit.tag + header.configDigest + header.datasetID)
        #expect(Array(file[160..<176]) == fixture.keys.keyCheck(for: header.id))
        #expect(file[176..<224].allSatisfy { $0 == 0 })
        #expect(
            Array(file[224..<256]) == fixture.keys.predictionsHeaderMAC(id: header.id, over: Array(file[..<224])))
        let context = PredictionContext(header, index: 258)
        #expect(
            context.bytes
                == Array("plinius prediction".utf8) + header.id + [2, 1, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0])
        #expect(context.nonce == Nonce(stream: 0, counter: 258))
    }

    @Test("Every flipped byte of the header is refused, by a message that says what it is")
    func header() throws {
        let fixture = try PredictionsFixture(count: 1)
        for place in 0..<PredictionsHeader.byteCount {
            for bit in [0, 7] {
                var bytes = fixture.file
                bytes[place] ^= 1 << UInt8(bit)
                let error = try #require(try fixture.refusal(of: bytes), "byte \(place)")
                let expected: PredictionsError.Code =
                    switch place {
                    case ..<8: .notPredictions
                    case ..<12: .unsupportedVersion
                    case 16..<32, 160..<176: .wrongKey
                    default: .damagedHeader
                    }
                #expect(error.code == expected, "byte \(place): \(error)")
                #expect(error.code.isRefusal)
            }
        }
    }

    @Test("Characters have a format of their own, which says what it holds")
    func characters() throws {
        let fixture = try PredictionsFixture(count: 2)
        var header = fixture.header
        header.content = .characters
        header.outputs = 12
        // The same bytes as three numbers; nothing else of a record's place tells them apart, so the context does.
        let bytes = Array("Twelve chars".utf8)
        let floats = stride(from: 0, to: 12, by: 4).map { place in
            Float(bitPattern: bytes[place..<place + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) })
        }
        let file = PredictionsFixture.file(header, [floats, floats], fixture.keys)
        #expect(file.count == 256 + 2 * (12 + 16) && header.fileByteCount == file.count)
        #expect(Array(file[8..<12]) == [2, 0, 0, 0] && Array(file[44..<48]) == [2, 1, 0, 0])
        #expect(try PredictionsHeader(parsing: file) == header)
        let descriptor = try fixture.descriptor(of: file)
        defer { close(descriptor) }
        let opened = try SealedPredictions(descriptor: descriptor, keys: fixture.keys)
        #expect(try (0..<2).map { try opened.characters(ofRecord: $0) } == [bytes, bytes])
        // Kinds that there are not, and kinds of the other format.
        for (version, kind) in [(1, 1), (2, 0), (2, 2)] as [(UInt8, UInt8)] {
            var changed = file
            (changed[8], changed[45]) = (version, kind)
            #expect(try fixture.refusal(of: changed)?.code == .damagedHeader)
        }
        var newer = file
        newer[8] = 3
        #expect(try fixture.refusal(of: newer)?.code == .unsupportedVersion)
    }

    @Test("Every flipped byte of a result is refused, and names it")
    func record() throws {
        let fixture = try PredictionsFixture()
        for place in fixture.place(of: 2) {
            var bytes = fixture.file
            bytes[place] ^= 1 << UInt8(place % 8)
            let error = try #require(try fixture.refusal(of: bytes), "byte \(place)")
            #expect(error.code == .damagedRecord && error.record == 2 && error.message.contains("Result 2 "))
        }
    }

    @Test("Every length but the right one is refused")
    func length() throws {
        let fixture = try PredictionsFixture()
        for length in fixture.file.indices {
            let error = try #require(try fixture.refusal(of: Array(fixture.file[..<length])), "\(length) bytes")
            #expect(error.code == (length < 8 ? .notPredictions : .truncated), "\(length) bytes")
            if length >= 8 { #expect(error.message.contains(" \(length) bytes")) }
        }
        for count in [1, 28, 4096] {
            let more = fixture.file + [UInt8](repeating: 0, count: count)
            #expect(try fixture.refusal(of: more)?.code == .oversized)
        }
        // A prediction that was cut off has no header yet.
        let headless = [UInt8](repeating: 0, count: 256) + fixture.file[256...]
        #expect(try fixture.refusal(of: headless)?.code == .notPredictions)
    }

    @Test("Results in another order, or from another file, are refused where they lie")
    func moved() throws {
        let fixture = try PredictionsFixture()
        var swapped = fixture.file
        swapped.replaceSubrange(fixture.place(of: 1), with: fixture.file[fixture.place(of: 3)])
        swapped.replaceSubrange(fixture.place(of: 3), with: fixture.file[fixture.place(of: 1)])
        #expect(try fixture.refusal(of: swapped)?.record == 1)
        var other = fixture.header
        other.id = randomBytes(16)
        other.keyCheck = fixture.keys.keyCheck(for: other.id)
        let foreign = PredictionsFixture.file(other, fixture.outputs, fixture.keys)
        #expect(try fixture.open(foreign) == fixture.outputs)
        var mixed = fixture.file
        mixed.replaceSubrange(fixture.place(of: 4), with: foreign[fixture.place(of: 4)])
        #expect(try fixture.refusal(of: mixed)?.record == 4)
        #expect(try fixture.refusal(of: Array(foreign[..<256]) + fixture.file[256...])?.record == 0)
        // Fewer of them, under a header that says so: the owner's own program alone can make it.
        var fewer = fixture.header
        fewer.outputs = 2
        let shorter = fewer.encoded(fixture.keys) + [UInt8](repeating: 0, count: 5 * 24)
        #expect(try fixture.refusal(of: shorter)?.record == 0)
    }

    @Test("Another key is named as the reason")
    func wrongKey() throws {
        let fixture = try PredictionsFixture()
        let error = try #require(
            try fixture.refusal(of: fixture.file, keys: KeyHierarchy(ownerKey: SecretBytes.random(32))))
        #expect(error.code == .wrongKey && error.message.contains("another key"))
    }

    @Test("A header that claims what no prediction has is refused before any size is computed")
    func limits() throws {
        let fixture = try PredictionsFixture()
        func refusal(_ change: (inout PredictionsHeader) -> Void) -> PredictionsError? {
            var header = fixture.header
            change(&header)
            do {
                _ = try PredictionsHeader(parsing: header.encoded(fixture.keys))
                return nil
            } catch { return error }
        }
        for count in [0, 1 << 36 + 1, Int.max] { #expect(refusal { $0.count = count }?.code == .damagedHeader) }
        for outputs in [0, 1 << 24 + 1, Int(UInt32.max)] {
            #expect(refusal { $0.outputs = outputs }?.code == .damagedHeader)
        }
        #expect(refusal { ($0.count, $0.outputs) = (1 << 36, 1 << 24) } == nil)
    }

    @Test("What is no readable file is an error of the system, not a refusal")
    func unreadable() throws {
        let fixture = try PredictionsFixture()
        let folder = try TemporaryDirectory()
        let directory = open(folder.path, O_RDONLY)
        defer { close(directory) }
        for descriptor in [-1, directory] {
            let error = try #require(throws: PredictionsError.self) {
                try SealedPredictions(descriptor: descriptor, keys: fixture.keys)
            }
            #expect(error.code == .unreadable && !error.code.isRefusal)
        }
    }
}
