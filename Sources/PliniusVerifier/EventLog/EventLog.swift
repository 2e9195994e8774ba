/// What firmware and boot loader say that they measured, in order; registers that a quote covers prove it, and nothing else does.
///
/// Read are the crypto-agile log (a digest for each bank) and the older one that knows SHA-1 alone, from `binary_bios_measurements` or an
/// ACPI table (TCG PC Client Platform Firmware Profile 1.06, section 10; for TDX the CCEL of the UEFI specification 2.10, section 38).
package struct EventLog: Sendable {
    /// Which registers the log's indices mean.
    package enum Kind: Sendable {
        /// The registers of a TPM, from 0.
        case tpm
        /// Those of a confidential guest: 1…4 are RTMR 0…3 of TDX, 0 is the guest's first image.
        case confidentialComputing
    }

    /// One measurement.
    package struct Event: Sendable {
        /// Its place in the log, from 0; the header is none.
        package let index: Int
        /// The register that the digest went into; -1 for a note without one.
        package let register: Int
        package let type: EventType
        /// What went into the register, for each bank.
        package let digests: [HashAlgorithm: [UInt8]]
        /// What is said to have been measured, or a description of it.
        package let data: [UInt8]
    }

    /// What no log of a real boot comes near.
    package enum Limit {
        package static let byteCount = 16 << 20
        package static let eventCount = 1 << 16
        package static let bankCount = 8
    }

    package let kind: Kind
    /// The banks that every event has a digest for.
    package let banks: Set<HashAlgorithm>
    package let events: [Event]
    /// Where the TPM was started from, which its register 0 begins with.
    package let startupLocality: UInt8

    /// Reads a log to its last byte; zeros or 0xFF after the last event are what an ACPI table is filled up with.
    /// - Throws: `bootlog.format`.
    package init(_ bytes: [UInt8], kind: Kind = .tpm) throws(EvidenceError) {
        guard bytes.count <= Limit.byteCount else {
            throw Self.malformed("at most \(Limit.byteCount) bytes", "\(bytes.count) bytes")
        }
        self.kind = kind
        var cursor = ByteCursor(bytes, format: Self.format)
        guard try !Self.isAtEnd(cursor) else { throw Self.malformed("a header", "none") }
        let first = try Self.sha1Event(&cursor, index: 0, kind)
        var events: [Event] = []
        let algorithms: [Algorithm]?
        if first.type == .noAction, first.data.starts(with: Array("Spec ID Event03\0".utf8)) {
            algorithms = try Self.algorithms(specification: first.data)
        } else {
            algorithms = nil
            let isHeader = first.type == .noAction && first.data.starts(with: Array("Spec ID Event".utf8))
            if !isHeader { events.append(first) }
        }
        while try !Self.isAtEnd(cursor) {
            guard events.count < Limit.eventCount else {
                throw Self.malformed("at most \(Limit.eventCount) events", "more")
            }
            if let algorithms {
                events.append(try Self.event(&cursor, algorithms, index: events.count, kind))
            } else {
                events.append(try Self.sha1Event(&cursor, index: events.count, kind))
            }
        }
        banks = algorithms.map { Set($0.compactMap(\.hash)) } ?? [.sha1]
        startupLocality = try Self.startupLocality(events)
        self.events = events
    }

    /// The values that the registers have if the log is right: of each register that an event went into, by its index in the log.
    package func replay(_ bank: HashAlgorithm) -> [Int: [UInt8]] {
        guard banks.contains(bank) else { return [:] }
        return events.reduce(into: [:]) { registers, event in
            guard event.type != .noAction, let digest = event.digests[bank] else { return }
            let old = registers[event.register] ?? initialValue(of: event.register, bank)
            registers[event.register] = bank.extend(old, with: digest)
        }
    }

    /// What a register holds before the first event.
    package func initialValue(of register: Int, _ bank: HashAlgorithm) -> [UInt8] {
        var value = [UInt8](repeating: 0, count: bank.byteCount)
        if kind == .tpm, register == 0 { value[value.count - 1] = startupLocality }
        return value
    }
}

// MARK: - Reading

extension EventLog {
    private static let format = "bootlog.format"

    private struct Algorithm {
        let identifier: UInt16
        let byteCount: Int
        /// `nil` for one that this build cannot compute; its digests are passed over.
        var hash: HashAlgorithm? { HashAlgorithm(rawValue: identifier) }
    }

    private static func malformed(_ expected: String, _ found: String) -> EvidenceError {
        EvidenceError(format, expected: expected, found: found)
    }

    /// Whether nothing but filling is left: all zeros or all 0xFF.
    ///
    /// No event begins with twelve such bytes, since it has a type or a digest.
    /// - Throws: The format's error, if the filling ends before the log does.
    private static func isAtEnd(_ cursor: ByteCursor) throws(EvidenceError) -> Bool {
        guard let first = cursor.rest.first else { return true }
        guard first == 0 || first == 0xFF, cursor.rest.prefix(12).allSatisfy({ $0 == first }) else { return false }
        guard cursor.rest.allSatisfy({ $0 == first }) else {
            throw malformed("0x\(hexadecimal([first])) from byte \(cursor.offset) to the end", "other bytes")
        }
        return true
    }

    /// Where an event belongs, and its type; a note may say 0xFFFFFFFF, for no register at all.
    private static func place(_ cursor: inout ByteCursor, _ kind: Kind) throws(EvidenceError) -> (Int, EventType) {
        let index = try cursor.little(UInt32.self)
        let type = EventType(rawValue: try cursor.little())
        if type == .noAction, index == .max { return (-1, type) }
        let last: UInt32 = kind == .tpm ? 23 : 4
        guard index <= last else { throw malformed("a register from 0 to \(last)", "register \(index)") }
        return (Int(index), type)
    }

    private static func data(_ cursor: inout ByteCursor) throws(EvidenceError) -> [UInt8] {
        try cursor.bytes(Int(cursor.little(UInt32.self)))
    }

    /// The layout of TPM 1.2, which the header of every log keeps.
    private static func sha1Event(_ cursor: inout ByteCursor, index: Int, _ kind: Kind) throws(EvidenceError) -> Event {
        let (register, type) = try place(&cursor, kind)
        let digest = try cursor.bytes(HashAlgorithm.sha1.byteCount)
        return Event(index: index, register: register, type: type, digests: [.sha1: digest], data: try data(&cursor))
    }

    private static func event(
        _ cursor: inout ByteCursor, _ algorithms: [Algorithm], index: Int, _ kind: Kind
    ) throws(EvidenceError) -> Event {
        let (register, type) = try place(&cursor, kind)
        let count = try cursor.little(UInt32.self)
        guard count == UInt32(algorithms.count) else {
            throw malformed("\(algorithms.count) digests, as the header says, in event \(index)", "\(count)")
        }
        var seen: Set<UInt16> = []
        var digests: [HashAlgorithm: [UInt8]] = [:]
        for _ in algorithms {
            let identifier = try cursor.little(UInt16.self)
            guard let algorithm = algorithms.first(where: { $0.identifier == identifier }),
                seen.insert(identifier).inserted
            else {
                throw malformed(
                    "one digest for each algorithm of the header in event \(index)",
                    "one of algorithm 0x\(String(identifier, radix: 16))")
            }
            let digest = try cursor.bytes(algorithm.byteCount)
            if let hash = algorithm.hash { digests[hash] = digest }
        }
        return Event(index: index, register: register, type: type, digests: digests, data: try data(&cursor))
    }

    /// The header: which digests follow, and how long they are.
    private static func algorithms(specification bytes: [UInt8]) throws(EvidenceError) -> [Algorithm] {
        var cursor = ByteCursor(bytes, format: format)
        // The signature, the platform's class, the version and the width of UINTN.
        _ = try cursor.bytes(16 + 4 + 4)
        let count = try cursor.little(UInt32.self)
        guard (1...UInt32(Limit.bankCount)).contains(count) else {
            throw malformed("1 to \(Limit.bankCount) algorithms in the header", "\(count)")
        }
        var algorithms: [Algorithm] = []
        for _ in 0..<count {
            let algorithm = Algorithm(identifier: try cursor.little(), byteCount: Int(try cursor.little(UInt16.self)))
            guard (1...128).contains(algorithm.byteCount),
                algorithm.hash.map({ $0.byteCount == algorithm.byteCount }) ?? true,
                !algorithms.contains(where: { $0.identifier == algorithm.identifier })
            else {
                throw malformed(
                    "different algorithms in the header, each with its own length",
                    "algorithm 0x\(String(algorithm.identifier, radix: 16)) with \(algorithm.byteCount) bytes")
            }
            algorithms.append(algorithm)
        }
        _ = try cursor.bytes(Int(cursor.little(UInt8.self)))
        try cursor.finish()
        return algorithms
    }

    /// From the note of that name, which stands before anything goes into register 0.
    private static func startupLocality(_ events: [Event]) throws(EvidenceError) -> UInt8 {
        let signature = Array("StartupLocality\0".utf8)
        let notes = events.filter { $0.type == .noAction && $0.register == 0 && $0.data.starts(with: signature) }
        guard let note = notes.first else { return 0 }
        let firstMeasurement = events.first { $0.type != .noAction && $0.register == 0 }
        guard notes.count == 1, note.index < firstMeasurement?.index ?? .max, note.data.count == signature.count + 1,
            let locality = note.data.last, locality <= 4
        else {
            throw malformed(
                "one locality from 0 to 4, before the first measurement of register 0",
                "\(notes.count) of them, the first as event \(note.index) with data \(hexadecimal(note.data))")
        }
        return locality
    }
}
