import PliniusVerifier
import Testing

@Suite("Boot logs")
struct EventLogTests {
    private let separator: [UInt8] = [0, 0, 0, 0]

    @Test(
        "A log leads to its registers, in each of its banks",
        arguments: [
            [HashAlgorithm.sha256], [.sha1, .sha256, .sha384, .sha512],
        ])
    func replay(banks: [HashAlgorithm]) throws {
        var writer = EventLogWriter(banks)
        writer.add(0, .firmwareVersion, text: "firmware")
        writer.add(4, .bootServicesApplication, text: "a path", measuring: "the loader")
        writer.add(0, .noAction, text: "a note")
        writer.separate()
        let log = try EventLog(writer.bytes)
        #expect(log.banks == Set(banks) && log.events.count == 11)
        for bank in banks { #expect(log.replay(bank) == writer.registers[bank]) }
        let others = Set(HashAlgorithm.allCases).subtracting(banks)
        for bank in others { #expect(log.replay(bank).isEmpty) }
    }

    @Test("The format of SHA-1 alone is read, with and without its header")
    func sha1() throws {
        var writer = EventLogWriter.sha1Only
        writer.add(0, .noAction, text: "Spec ID Event00\0")
        writer.add(2, .action, text: "something")
        #expect(try EventLog(writer.bytes).events.count == 1)
        #expect(try EventLog(writer.bytes).replay(.sha1) == writer.registers[.sha1])

        var bare = EventLogWriter.sha1Only
        bare.add(2, .action, text: "something")
        bare.add(3, .separator, separator)
        let log = try EventLog(bare.bytes)
        #expect(log.replay(.sha1) == bare.registers[.sha1] && log.events.map(\.index) == [0, 1])
    }

    @Test("Register 0 begins with the locality that the TPM was started from", arguments: [UInt8(0), 3, 4])
    func locality(_ locality: UInt8) throws {
        var writer = EventLogWriter()
        writer.add(0, .noAction, Array("StartupLocality\0".utf8) + [locality])
        writer.add(0, .firmwareVersion, [1], start: [UInt8](repeating: 0, count: 31) + [locality])
        #expect(try EventLog(writer.bytes).replay(.sha256) == writer.registers[.sha256])
    }

    @Test("A locality that comes too late, twice, or is none, is refused")
    func badLocality() {
        let note = Array("StartupLocality\0".utf8)
        var late = EventLogWriter()
        late.add(0, .firmwareVersion, [1])
        late.add(0, .noAction, note + [3])
        var twice = EventLogWriter()
        twice.add(0, .noAction, note + [3])
        twice.add(0, .noAction, note + [3])
        var tooHigh = EventLogWriter()
        tooHigh.add(0, .noAction, note + [5])
        var tooLong = EventLogWriter()
        tooLong.add(0, .noAction, note + [0, 3])
        for writer in [late, twice, tooHigh, tooLong] { refuses(writer.bytes) }
    }

    @Test("Digests of a bank that this build cannot compute are passed over")
    func unknownBank() throws {
        let header = EventLogWriter.header(algorithms: [(0x0012, 32), (0x000B, 32)], vendor: [1, 2, 3])
        let measured = digest(.sha256, [5])
        let event =
            little(UInt32(1)) + little(EventType.action.rawValue) + little(UInt32(2)) + little(UInt16(0x000B))
            + measured
            + little(UInt16(0x0012)) + [UInt8](repeating: 9, count: 32) + little(UInt32(1)) + [5]
        let log = try EventLog(header + event)
        #expect(log.banks == [.sha256])
        #expect(log.replay(.sha256) == [1: digest(.sha256, [UInt8](repeating: 0, count: 32) + measured)])
    }

    @Test(
        "What an ACPI table is filled up with ends the log, and anything behind it is refused",
        arguments: [UInt8(0), 0xFF])
    func padding(_ byte: UInt8) throws {
        var writer = EventLogWriter([.sha384])
        writer.add(1, .separator, separator)
        let padding = [UInt8](repeating: byte, count: 1000)
        let log = try EventLog(writer.bytes + padding, kind: .confidentialComputing)
        #expect(log.replay(.sha384) == writer.registers[.sha384])
        refuses(writer.bytes + padding + [3], kind: .confidentialComputing)
        refuses(writer.bytes + padding + writer.bytes, kind: .confidentialComputing)
    }

    @Test("A note may name no register; nothing else may name one that is not there")
    func noRegister() throws {
        var writer = EventLogWriter()
        writer.add(0xFFFF_FFFF, .noAction, text: "SP800-155 Event")
        #expect(try EventLog(writer.bytes).replay(.sha256).isEmpty)
        for (register, kind) in [(24, EventLog.Kind.tpm), (0xFFFF_FFFF, .tpm), (5, .confidentialComputing)] {
            var bad = EventLogWriter()
            bad.add(register, .action, [1])
            refuses(bad.bytes, kind: kind)
        }
    }

    @Test("A header that contradicts itself is refused")
    func badHeaders() {
        let tooMany = (0..<9).map { (UInt16($0 + 100), UInt16(32)) }
        for algorithms in [[], tooMany, [(0x000B, 20)], [(0x000B, 32), (0x000B, 32)], [(0x0012, 0)], [(0x0012, 129)]] {
            refuses(EventLogWriter.header(algorithms: algorithms))
        }
        var longer = EventLogWriter.header(algorithms: [(0x000B, 32)])
        longer[28] += 1
        refuses(longer + [0])
        refuses([])
        refuses([UInt8](repeating: 0, count: 64))
        refuses(
            EventLogWriter.header(algorithms: [(0x000B, 32)]) + [UInt8](repeating: 0, count: EventLog.Limit.byteCount))
    }

    @Test("An event has one digest for each algorithm of the header")
    func badDigests() {
        let header = EventLogWriter.header(algorithms: [(0x000B, 32), (0x0004, 20)])
        let sha256 = little(UInt16(0x000B)) + digest(.sha256, [])
        let sha1 = little(UInt16(0x0004)) + digest(.sha1, [])
        let sha512 = little(UInt16(0x000D)) + digest(.sha512, [])
        for (count, digests) in [
            (2, sha256 + sha256), (1, sha256), (2, sha256 + sha512), (3, sha256 + sha1 + sha1), (1, sha256 + sha1),
            (3, sha256 + sha1),
        ] {
            refuses(
                header + little(UInt32(1)) + little(UInt32(5)) + little(UInt32(count)) + digests + little(UInt32(0)))
        }
    }

    @Test("Digests prove what an event says, and without a bank nothing is proved")
    func content() throws {
        var writer = EventLogWriter()
        writer.add(4, .separator, [0, 0, 0, 0])
        writer.add(4, .bootServicesApplication, text: "path", measuring: "program")
        let events = try EventLog(writer.bytes).events
        #expect(events.map { $0.content(in: [.sha256]) } == [.proved([0, 0, 0, 0]), .elsewhere])
        for banks in [[], [.sha384], [.sha256, .sha384]] as [Set<HashAlgorithm>] {
            #expect(events.map { $0.content(in: banks) } == [.contradicted, .elsewhere])
        }
    }

    @Test("Variables and lists of signatures keep to their lengths")
    func variables() {
        let namespace = UEFIVariable.Namespace.global
        func variable(_ nameLength: UInt64, _ valueLength: UInt64, _ rest: Int) -> UEFIVariable? {
            let bytes =
                namespace + little(nameLength) + little(valueLength) + [UInt8](repeating: 0x61, count: rest)
            return UEFIVariable(bytes[...])
        }
        #expect(variable(512, 1, 1025)?.name.utf16.count == 512)
        #expect(variable(513, 1, 1027) == nil)
        for length in [4, UInt64(Int64.max), .max - 1, .max] { #expect(variable(1, length, 5) == nil) }
        for length in [3, UInt64(Int64.max), .max] { #expect(variable(length, 0, 5) == nil) }
        #expect(variable(1, 3, 5)?.isExact == true && variable(1, 2, 5)?.isExact == false)

        func list(_ listSize: UInt32, _ headerSize: UInt32, _ size: UInt32) -> [UEFISignature]? {
            UEFISignature.list(
                [UInt8](repeating: 1, count: 16) + little(listSize) + little(headerSize) + little(size)
                    + [UInt8](repeating: 2, count: 32))
        }
        #expect(list(60, 0, 16)?.count == 2 && list(60, 16, 16)?.count == 1 && list(60, 0, 32)?.count == 1)
        for (listSize, headerSize, size) in [
            (28, 0, 0), (60, 0, 0), (60, 0, 15), (0, 0, 28), (0, 0, 14), (28, 28, 28), (60, 64, 16), (60, 0, 24),
            (.max, 0, 16), (60, .max, 16), (60, 0, .max), (.max, .max, .max),
        ] as [(UInt32, UInt32, UInt32)] {
            #expect(list(listSize, headerSize, size) == nil, "\(listSize), \(headerSize), \(size)")
        }
        // What is left of a list is no list of its own.
        let kind = [UInt8](repeating: 1, count: 16)
        let inner = kind + little(UInt32(28)) + little(UInt32(0)) + little(UInt32(16))
        let outer = kind + little(UInt32(28 + 64 + 28)) + little(UInt32(0)) + little(UInt32(64))
        #expect(UEFISignature.list(inner)?.isEmpty == true)
        #expect(UEFISignature.list(outer + [UInt8](repeating: 2, count: 64) + inner) == nil)
    }

    @Test("A log cut off anywhere but between two events is refused")
    func truncation() {
        var writer = EventLogWriter([.sha1, .sha256])
        var ends: Set<Int> = [writer.bytes.count]
        for text in ["first", "second", "", "fourth"] {
            writer.add(1, .action, text: text)
            ends.insert(writer.bytes.count)
        }
        for count in 0..<writer.bytes.count {
            let isWhole = (try? EventLog(Array(writer.bytes.prefix(count)))) != nil
            #expect(isWhole == ends.contains(count), "\(count) bytes")
        }
    }

    @Test("More events than any boot has are refused")
    func tooMany() {
        var event = EventLogWriter.sha1Only
        event.add(1, .action, [])
        refuses(Array(repeatElement(event.bytes, count: EventLog.Limit.eventCount + 1).joined()))
    }

    @Test("Bytes at random are refused, and nothing else happens")
    func random() {
        var generator = SystemRandomNumberGenerator()
        let header = EventLogWriter.header(algorithms: [(0x000B, 32)])
        for round in 0..<300 {
            let bytes = (0..<Int.random(in: 0..<200, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            refuses(round.isMultiple(of: 2) ? bytes + [1] : header + [1, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 1] + bytes)
        }
    }

    private func refuses(
        _ bytes: [UInt8], kind: EventLog.Kind = .tpm, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let error = #expect(throws: EvidenceError.self, sourceLocation: sourceLocation) {
            try EventLog(bytes, kind: kind)
        }
        #expect(error?.check == "bootlog.format", sourceLocation: sourceLocation)
    }
}

@Suite("Boot logs of real machines", .enabled(if: Vectors.areThere, Vectors.reason))
struct RealEventLogTests {
    @Test(
        "A machine's log leads to the registers of its three quotes",
        arguments: [
            HashAlgorithm.sha1, .sha256, .sha384,
        ])
    func computeEngine(bank: HashAlgorithm) throws {
        let machine = try ComputeEngineVector()
        let log = try EventLog(machine.log)
        #expect(log.banks == [.sha1, .sha256, .sha384])
        let replayed = log.replay(bank)
        #expect(Set(replayed.keys) == Set(0...9))
        for register in 0...9 { #expect(replayed[register] == machine.registers[bank]?[register]) }
    }

    @Test("A trust domain's log leads to its runtime registers")
    func trustDomain() throws {
        let log = try EventLog(Vectors.bytes("tdx/ccel/ccel.bin"), kind: .confidentialComputing)
        let registers = try trustDomainRegisters()
        for register in 1...4 {
            #expect(
                log.replay(.sha384)[register] ?? log.initialValue(of: register, .sha384) == registers[register],
                "register \(register)")
        }
        #expect(log.secureBoot?.state == .disabled)
    }

    @Test("A log of a real machine cut off anywhere is refused or leads elsewhere")
    func truncation() throws {
        let machine = try ComputeEngineVector()
        let whole = try EventLog(machine.log).replay(.sha256)
        for count in stride(from: 0, to: machine.log.count, by: 97) {
            let log = try? EventLog(Array(machine.log.prefix(count)))
            #expect(log?.replay(.sha256) != whole)
        }
    }
}

/// The runtime registers in a quote of TDX: 48 bytes each from byte 328 of the body, which begins at byte 48.
///
/// By their index in the log.
func trustDomainRegisters() throws -> [Int: [UInt8]] {
    let quote = try Vectors.bytes("tdx/ccel/quote.bin")
    return (1...4).reduce(into: [:]) { registers, index in
        let start = 48 + 0x148 + 48 * (index - 1)
        registers[index] = Array(quote[start..<start + 48])
    }
}

/// A machine's evidence as its cloud stores it: a protocol buffer with quotes (2), each with values of registers (3), and a log (3).
struct ComputeEngineVector {
    let log: [UInt8]
    private(set) var registers: [HashAlgorithm: [Int: [UInt8]]] = [:]

    init() throws {
        let fields = try Self.fields(Vectors.bytes("tpm/gce-cos-85-nonce9009.pb"))
        log = try #require(fields.first { $0.number == 3 }?.bytes)
        for quote in fields where quote.number == 2 {
            let values = try Self.fields(#require(Self.fields(quote.bytes).first { $0.number == 3 }?.bytes))
            let bank = try #require(
                values.first { $0.number == 1 }.flatMap { HashAlgorithm(rawValue: UInt16($0.value)) })
            for entry in values where entry.number == 2 {
                let pair = try Self.fields(entry.bytes)
                let index = pair.first { $0.number == 1 }?.value ?? 0
                registers[bank, default: [:]][Int(index)] = pair.first { $0.number == 2 }?.bytes
            }
        }
    }

    private struct Field {
        var number: UInt64
        var value: UInt64 = 0
        var bytes: [UInt8] = []
    }

    private static func fields(_ bytes: [UInt8]) throws -> [Field] {
        var rest = bytes[...]
        func number() throws -> UInt64 {
            var value: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 64, by: 7) {
                let byte = try #require(rest.first)
                rest = rest.dropFirst()
                value |= UInt64(byte & 0x7F) << shift
                if byte < 0x80 { break }
            }
            return value
        }
        var fields: [Field] = []
        while !rest.isEmpty {
            let tag = try number()
            let value = try number()
            guard tag & 7 == 2 else {
                fields.append(Field(number: tag >> 3, value: value))
                continue
            }
            fields.append(Field(number: tag >> 3, bytes: Array(rest.prefix(Int(value)))))
            rest = rest.dropFirst(Int(value))
        }
        return fields
    }
}
