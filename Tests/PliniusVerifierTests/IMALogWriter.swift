import Crypto
import CryptoExtras
import PliniusVerifier

/// What a kernel measures, and how it logs and extends that.
struct IMALogWriter {
    struct Entry {
        var template = "ima-ng"
        var path = "/bin/sh"
        var algorithm = "sha256"
        var digest = [UInt8](repeating: 0x5A, count: 32)
        var signature: [UInt8] = []
        var buffer: [UInt8] = []
        var isViolation = false

        /// What the template hash covers.
        var data: [UInt8] {
            func field(_ bytes: [UInt8]) -> [UInt8] { little(UInt32(bytes.count)) + bytes }
            let name = Array(path.utf8)
            let digestField = Array(algorithm.utf8) + [UInt8(ascii: ":"), 0] + digest
            switch template {
            case "ima": return digest + name + [UInt8](repeating: 0, count: 256 - name.count)
            case "ima-sig", "ima-sigv2": return field(digestField) + field(name + [0]) + field(signature)
            case "ima-buf": return field(digestField) + field(name + [0]) + field(buffer)
            case "ima-modsig": return field(digestField) + field(name + [0]) + field(signature) + field([]) + field([])
            default: return field(digestField) + field(name + [0])
            }
        }

        var templateHash: [UInt8] {
            isViolation ? [UInt8](repeating: 0, count: 20) : PliniusVerifierTests.digest(.sha1, data)
        }

        var binary: [UInt8] {
            let head = little(UInt32(10)) + templateHash + little(UInt32(template.utf8.count)) + Array(template.utf8)
            guard template == "ima" else { return head + little(UInt32(data.count)) + data }
            return head + digest + little(UInt32(path.utf8.count)) + Array(path.utf8)
        }

        var ascii: String {
            func text(_ bytes: [UInt8]) -> String {
                bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            }
            let head = "10 \(text(templateHash)) \(template)"
            switch template {
            case "ima": return "\(head) \(text(digest)) \(path)\n"
            case "ima-sig", "ima-sigv2": return "\(head) \(algorithm):\(text(digest)) \(path) \(text(signature))\n"
            case "ima-buf": return "\(head) \(algorithm):\(text(digest)) \(path) \(text(buffer))\n"
            case "ima-modsig": return "\(head) \(algorithm):\(text(digest)) \(path) \(text(signature))  \n"
            default: return "\(head) \(algorithm):\(text(digest)) \(path)\n"
            }
        }

        /// What goes into register 10.
        func extended(_ bank: HashAlgorithm, padded: Bool) -> [UInt8] {
            if isViolation { return [UInt8](repeating: 0xFF, count: bank.byteCount) }
            guard padded else { return PliniusVerifierTests.digest(bank, data) }
            return PliniusVerifierTests.digest(.sha1, data) + [UInt8](repeating: 0, count: bank.byteCount - 20)
        }
    }

    var entries: [Entry] = []

    /// A log that begins as every log does, with registers 0–9 all zero, and goes on with files.
    init(files: [(path: String, content: String)] = []) {
        entries = [Entry(path: "boot_aggregate", digest: digest(.sha256, [UInt8](repeating: 0, count: 320)))]
        entries += files.map { Entry(path: $0.path, digest: digest(.sha256, Array($0.content.utf8))) }
    }

    static let bootRegisters: [HashAlgorithm: [Int: [UInt8]]] = [
        .sha256: Dictionary(uniqueKeysWithValues: (0...9).map { ($0, [UInt8](repeating: 0, count: 32)) })
    ]

    var binary: [UInt8] { entries.flatMap(\.binary) }
    var ascii: [UInt8] { Array(entries.map(\.ascii).joined().utf8) }

    /// Register 10 after the first entries.
    func register(_ bank: HashAlgorithm = .sha256, after count: Int? = nil, padded: Bool = false) -> [UInt8] {
        entries.prefix(count ?? entries.count).reduce([UInt8](repeating: 0, count: bank.byteCount)) {
            digest(bank, $0 + $1.extended(bank, padded: padded))
        }
    }
}
