import FoundationEssentials
import PliniusVerifier
import Testing

@Suite("Logs of IMA")
struct IMALogTests {
    private static let entries: [IMALogWriter.Entry] = [
        .init(), .init(template: "ima", algorithm: "sha1", digest: [UInt8](repeating: 3, count: 20)),
        .init(template: "ima-sig"), .init(template: "ima-sig", signature: [3, 2, 4, 1, 2, 3, 4, 0, 0]),
        .init(template: "ima-modsig", signature: [3]),
        .init(template: "ima-buf", path: "kexec-cmdline", buffer: [1, 2]),
        .init(template: "ima-ngv2", algorithm: "ima:sha256"), .init(template: "ima-sigv2", algorithm: "verity:sha256"),
        .init(isViolation: true),
    ]

    @Test("Both forms hold the same entries, of every template")
    func forms() throws {
        var writer = IMALogWriter()
        writer.entries = Self.entries
        let binary = try IMALog(binary: writer.binary)
        let ascii = try IMALog(ascii: writer.ascii)
        #expect(binary.entries == ascii.entries)
        for (index, (entry, written)) in zip(binary.entries, writer.entries).enumerated() {
            #expect(entry.line == index + 1 && entry.data == written.data && entry.template == written.template)
            #expect(entry.content?.path == written.path && entry.content?.digest.bytes == written.digest)
            #expect(entry.content?.digest.algorithm == written.algorithm)
            #expect(entry.content?.signature == written.signature && entry.isViolation == written.isViolation)
            #expect(entry.content?.buffer == (written.template == "ima-buf" ? written.buffer : nil))
        }
        #expect(binary.entries.count == writer.entries.count)
    }

    @Test("Lines are counted from what was left out")
    func start() throws {
        let log = try IMALog(binary: IMALogWriter().binary, start: 41)
        #expect(log.start == 41 && log.entries[0].line == 42)
        #expect(throws: EvidenceError.self) { try IMALog(binary: [], start: -1) }
        #expect(try IMALog(binary: []).entries.isEmpty && IMALog(ascii: []).entries.isEmpty)
    }

    @Test("A log cut off anywhere but between two entries is refused")
    func truncation() {
        var writer = IMALogWriter()
        writer.entries = Self.entries
        let ends = writer.entries.indices.map { writer.entries.prefix($0).map(\.binary.count).reduce(0, +) }
        for count in 0..<writer.binary.count {
            let isWhole = (try? IMALog(binary: Array(writer.binary.prefix(count)))) != nil
            #expect(isWhole == ends.contains(count), "\(count) bytes")
        }
        for count in 1..<writer.ascii.count where writer.ascii[count - 1] != 10 {
            #expect(throws: EvidenceError.self) { try IMALog(ascii: Array(writer.ascii.prefix(count))) }
        }
    }

    @Test("A template that is not known has no content in the binary form, and no meaning in the other")
    func unknownTemplate() throws {
        let entry = IMALogWriter.Entry(template: "ima-new")
        let log = try IMALog(binary: entry.binary)
        #expect(log.entries[0].content == nil && log.entries[0].data == entry.data)
        #expect(throws: EvidenceError.self) { try IMALog(ascii: Array(entry.ascii.utf8)) }
    }

    @Test(
        "Fields that are not what their template says are refused",
        arguments: [
            [4, 0, 0, 0, 1, 2, 3, 4, 1, 0, 0, 0, 0], [3, 0, 0, 0, 0x61, 0x3A, 0, 2, 0, 0, 0, 0x61, 0x62],
            [3, 0, 0, 0, 0x61, 0x3A, 0, 3, 0, 0, 0, 0x61, 0, 0], [3, 0, 0, 0, 0x61, 0x3A, 0],
            [3, 0, 0, 0, 0x61, 0x3A, 0, 1, 0, 0, 0, 0, 9], [0, 0, 0, 0, 1, 0, 0, 0, 0], [],
            [0xFF, 0xFF, 0xFF, 0xFF, 0x61, 0x3A, 0, 1, 0, 0, 0, 0],
            [4, 0, 0, 0, 0x61, 0x62, 0, 9, 2, 0, 0, 0, 0x61, 0],
        ] as [[UInt8]])
    func badFields(data: [UInt8]) {
        let bytes =
            little(UInt32(10)) + digest(.sha1, data) + little(UInt32(6)) + Array("ima-ng".utf8)
            + little(UInt32(data.count)) + data
        let error = #expect(throws: EvidenceError.self) { try IMALog(binary: bytes) }
        #expect(error?.check == "ima.log.format")
    }

    @Test(
        "Lines that are not entries are refused",
        arguments: [
            "\n", "10\n", "11 0000000000000000000000000000000000000000 ima-ng sha1:00 /x\n",
            "10 00 ima-ng sha1:00 /x\n", "10 000000000000000000000000000000000000000g ima-ng sha1:00 /x\n",
            "10 0000000000000000000000000000000000000000 ima-ng sha1 /x\n",
            "10 0000000000000000000000000000000000000000 ima-ng sha1:0 /x\n",
            "10 0000000000000000000000000000000000000000 ima-ng sha1:00 /x y\n",
            "10 0000000000000000000000000000000000000000 ima-sig sha1:00 /x\n",
            "10 0000000000000000000000000000000000000000 ima 00 /x\n",
        ])
    func badLines(text: String) {
        let error = #expect(throws: EvidenceError.self) { try IMALog(ascii: Array(text.utf8)) }
        #expect(error?.check == "ima.log.format")
    }

    @Test("Sizes are counted before anything is read")
    func limits() {
        let large = [UInt8](repeating: 0, count: IMALog.Limit.byteCount + 1)
        let error = #expect(throws: EvidenceError.self) { try IMALog(binary: large) }
        #expect(error?.expected == "at most \(IMALog.Limit.byteCount) bytes")
        #expect(throws: EvidenceError.self) { try IMALog(ascii: large) }
    }

    @Test("Another register, and lengths beyond every entry, are refused")
    func badHeads() {
        let entry = IMALogWriter.Entry().binary
        #expect(throws: EvidenceError.self) { try IMALog(binary: [11] + entry.dropFirst()) }
        for place in [24, 28 + 6] {
            var long = entry
            long[place + 3] = 0x7F
            #expect(throws: EvidenceError.self) { try IMALog(binary: long) }
        }
        // A template's name is read as far as one may be, known or not.
        for count in [64, 65] {
            let name = [UInt8](repeating: 0x61, count: count)
            let bytes = little(UInt32(10)) + digest(.sha1, []) + little(UInt32(count)) + name + little(UInt32(0))
            #expect(((try? IMALog(binary: bytes)) != nil) == (count == 64))
        }
    }

    @Test("Bytes at random are refused, and nothing else happens")
    func random() {
        for round in 0..<300 {
            let bytes = (0..<Int.random(in: 1..<300)).map { _ in UInt8.random(in: 0...255) }
            let head = little(UInt32(10)) + digest(.sha1, []) + little(UInt32(7)) + Array("ima-sig".utf8)
            #expect(throws: EvidenceError.self) {
                try IMALog(binary: round.isMultiple(of: 2) ? bytes : head + bytes + [1])
            }
            #expect(throws: EvidenceError.self) { try IMALog(ascii: bytes) }
        }
    }
}

@Suite("Lists for IMA")
struct IMAAllowListTests {
    @Test("What is learnt from a log is sorted, reads back, and holds what was measured alone")
    func learn() throws {
        var writer = IMALogWriter(files: [("/usr/bin/b", "b"), ("/usr/bin/a", "a"), ("/usr/bin/a", "another")])
        writer.entries.append(.init(path: "/violated", isViolation: true))
        writer.entries.append(
            .init(template: "ima-buf", path: "kexec-cmdline", digest: digest(.sha256, [7]), buffer: [7]))
        writer.entries.append(.init(path: "/two\nlines"))
        let list = IMAAllowList(learningFrom: try IMALog(binary: writer.binary))
        #expect(list.files.keys.sorted() == ["/usr/bin/a", "/usr/bin/b"] && list.files["/usr/bin/a"]?.count == 2)
        #expect(Array(list.buffers.keys) == ["kexec-cmdline"])
        #expect(try IMAAllowList(text: list.description) == list)
        #expect(try IMAAllowList(text: "# a note\n\n" + list.description) == list)
        let lines = list.description.split(separator: "\n")
        #expect(lines.count == 4 && lines[2].hasSuffix(" /usr/bin/b") && lines[3].hasPrefix("buffer sha256:"))
    }

    @Test(
        "Lines that are not entries are refused, by their number",
        arguments: [
            "sha256:00 /x", "/x", "sha256:zz /x", "sha256: /x", "sha1:0000000000000000000000000000000000000000",
            "sha1:0000000000000000000000000000000000000000 ", "buffer kexec-cmdline",
        ])
    func badText(line: String) {
        let error = #expect(throws: EvidenceError.self) { try IMAAllowList(text: "# first\n\(line)\n") }
        #expect(error?.expected.hasSuffix("in line 2") == true)
    }
}

@Suite("Logs of IMA from real machines", .enabled(if: Vectors.areThere, Vectors.reason))
struct RealIMALogTests {
    @Test("A log of 826 entries leads to both of its registers")
    func replay() throws {
        let log = try IMALog(ascii: Vectors.bytes("ima/ascii_runtime_measurements"))
        #expect(log.entries.count == 826)
        let finals = [
            HashAlgorithm.sha1: "82231c67a69da98dc5b3aa10f6343d33109225fc",
            .sha256: "c4a065637fc6a7c55f2811dd06cb45dd037133be2b3dc5c3e6fbe6bf061db724",
        ]
        var quoted: [HashAlgorithm: [UInt8]] = [:]
        for (bank, final) in finals { quoted[bank] = bytes(final) }
        var requirements = IMARequirements()
        requirements.generations = Setting(
            [.init(name: "learnt", list: IMAAllowList(learningFrom: log))], PolicyLine("ima.generations", line: 1))
        requirements.permitsSHA1 = Setting(true, PolicyLine("ima.permitsSHA1", line: 2))
        requirements.permitsUnboundBoot = Setting(true, PolicyLine("ima.permitsUnboundBoot", line: 3))
        var examination = Examination()
        let state = try examineIMA(
            log, quoted: quoted, requirements, state: nil, at: Vectors.pinnedTime, &examination)
        #expect(examination.failures.isEmpty && examination.hasPassed)
        #expect(state.provedCount == 826 && state.pending.isEmpty)
        // Its kernel had no TPM, and SHA-1 for its files; both are said.
        #expect(examination.tolerated == ["ima.bootAggregate", "ima.entry.digest"])

        var strict = Examination()
        _ = try examineIMA(
            log, quoted: quoted, IMARequirements(), state: nil, at: Vectors.pinnedTime, &strict)
        #expect(Set(strict.failures) == ["ima.bootAggregate", "ima.entry.file"])
        let first = strict.findings.first { $0.check == "ima.entry.file" }
        #expect(first?.found == "line 2: /init sha1:19f13b42c2745066347e76454788c0fe083643f3")
    }

    @Test(
        "Binary logs are read, with bytes behind the last entry only where that is permitted",
        arguments: [
            ("ima/sml-ima-ng-sha1.b64", "ima-ng", 6), ("ima/sml-ima-sha1.b64", "ima", 12),
        ])
    func binary(file: String, template: String, count: Int) throws {
        let text = String(decoding: try Vectors.bytes(file), as: UTF8.self)
        let bytes = Array(try #require(Data(base64Encoded: text, options: .ignoreUnknownCharacters)))
        let log = try IMALog(binary: bytes, permitsTail: true)
        #expect(log.entries.count == count && log.entries.allSatisfy { $0.template == template })
        for entry in log.entries { #expect(digest(.sha1, entry.data) == entry.templateHash) }
        #expect(log.entries[0].content?.path == "boot_aggregate")
        #expect(throws: EvidenceError.self) { try IMALog(binary: bytes) }
    }

    private func bytes(_ text: String) -> [UInt8] {
        stride(from: 0, to: text.count, by: 2).compactMap { UInt8(text.dropFirst($0).prefix(2), radix: 16) }
    }
}
