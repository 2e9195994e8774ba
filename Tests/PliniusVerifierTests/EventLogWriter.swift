import Crypto
import PliniusVerifier

/// The digest by swift-crypto itself, so that tests do not ask the code that they test.
func digest(_ algorithm: HashAlgorithm, _ bytes: [UInt8]) -> [UInt8] {
    switch algorithm {
    case .sha1: Array(Insecure.SHA1.hash(data: bytes))
    case .sha256: Array(SHA256.hash(data: bytes))
    case .sha384: Array(SHA384.hash(data: bytes))
    case .sha512: Array(SHA512.hash(data: bytes))
    }
}

/// The least significant byte first.
func little(_ value: some FixedWidthInteger) -> [UInt8] {
    stride(from: 0, to: type(of: value).bitWidth, by: 8).map { UInt8(truncatingIfNeeded: value >> $0) }
}

/// Writes boot logs, and keeps the registers that they lead to.
struct EventLogWriter {
    private(set) var bytes: [UInt8] = []
    private(set) var registers: [HashAlgorithm: [Int: [UInt8]]] = [:]
    let banks: [HashAlgorithm]
    private let isCryptoAgile: Bool

    /// A log with the header of the crypto-agile format.
    init(_ banks: [HashAlgorithm] = [.sha256]) {
        self.banks = banks
        isCryptoAgile = true
        bytes = Self.header(algorithms: banks.map { ($0.rawValue, UInt16($0.byteCount)) })
    }

    private init(banks: [HashAlgorithm]) {
        self.banks = banks
        isCryptoAgile = false
    }

    /// A log of the format that knows SHA-1 alone.
    static var sha1Only: EventLogWriter { EventLogWriter(banks: [.sha1]) }

    static func header(algorithms: [(UInt16, UInt16)], vendor: [UInt8] = []) -> [UInt8] {
        let specification =
            Array("Spec ID Event03\0".utf8) + little(UInt32(0)) + [0, 2, 0, 2] + little(UInt32(algorithms.count))
            + algorithms.flatMap { little($0.0) + little($0.1) } + [UInt8(vendor.count)] + vendor
        return little(UInt32(0)) + little(UInt32(3)) + [UInt8](repeating: 0, count: 20)
            + little(UInt32(specification.count)) + specification
    }

    /// An event that measures its data, or something else.
    mutating func add(
        _ register: Int, _ type: EventType, _ data: [UInt8], measuring measured: [UInt8]? = nil,
        start: [UInt8]? = nil
    ) {
        bytes += little(UInt32(register)) + little(type.rawValue)
        if isCryptoAgile { bytes += little(UInt32(banks.count)) }
        for bank in banks {
            let value =
                type == .noAction ? [UInt8](repeating: 0, count: bank.byteCount) : digest(bank, measured ?? data)
            bytes += (isCryptoAgile ? little(bank.rawValue) : []) + value
            guard type != .noAction else { continue }
            let old = registers[bank]?[register] ?? start ?? [UInt8](repeating: 0, count: bank.byteCount)
            registers[bank, default: [:]][register] = digest(bank, old + value)
        }
        bytes += little(UInt32(data.count)) + data
    }

    mutating func add(_ register: Int, _ type: EventType, text: String, measuring measured: String? = nil) {
        add(register, type, Array(text.utf8), measuring: measured.map { Array($0.utf8) })
    }

    /// The separators of the registers that a TPM's firmware closes.
    mutating func separate(_ closed: some Sequence<Int> = 0...7) {
        for register in closed { add(register, .separator, [0, 0, 0, 0]) }
    }

    /// A variable of the firmware (UEFI_VARIABLE_DATA).
    static func variable(_ namespace: [UInt8], _ name: String, _ value: [UInt8]) -> [UInt8] {
        namespace + little(UInt64(name.utf16.count)) + little(UInt64(value.count)) + name.utf16.flatMap { little($0) }
            + value
    }

    /// A list of signatures, each behind an owner of 16 bytes.
    static func signatures(_ kind: [UInt8], _ entries: [[UInt8]]) -> [UInt8] {
        let size = 16 + (entries.first?.count ?? 0)
        return kind + little(UInt32(28 + size * entries.count)) + little(UInt32(0)) + little(UInt32(size))
            + entries.flatMap { [UInt8](repeating: 7, count: 16) + $0 }
    }

    static let certificateKind: [UInt8] = [
        0xA1, 0x59, 0xC0, 0xA5, 0xE4, 0x94, 0xA7, 0x4A, 0x87, 0xB5, 0xAB, 0x15, 0x5C, 0x2B, 0xF0, 0x72,
    ]
    static let digestKind: [UInt8] = [
        0x26, 0x16, 0xC4, 0xC1, 0x4C, 0x50, 0x92, 0x40, 0xAC, 0xA9, 0x41, 0xF9, 0x36, 0x93, 0x43, 0x28,
    ]
}

extension Examination {
    /// The names of the checks that failed, deepest first, in order.
    var failures: [String] {
        func collect(_ finding: Finding) -> [String] {
            finding.outcome != .failed
                ? [] : finding.parts.isEmpty ? [finding.check] : finding.parts.flatMap(collect)
        }
        return findings.flatMap(collect)
    }

    /// The names of the checks that a line of the policy let pass.
    var tolerated: [String] { findings.filter { $0.outcome == .tolerated }.map(\.check) }
}
