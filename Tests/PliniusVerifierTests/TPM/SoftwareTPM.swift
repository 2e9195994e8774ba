import Crypto
import PliniusVerifier
import PliniusWire
import _CryptoExtras

/// A TPM of the tests' own making, for what published evidence does not show.
///
/// It writes its structures by hand.
struct SoftwareTPM {
    enum Key {
        case rsa(_RSA.Signing.PrivateKey)
        case p256(P256.Signing.PrivateKey)
        case p384(P384.Signing.PrivateKey)
    }

    /// RSASSA, RSAPSS or ECDSA.
    enum Scheme: UInt16 {
        case rsassa = 0x0014
        case rsapss = 0x0016
        case ecdsa = 0x0018
    }

    /// fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, restricted, sign.
    static let attributes: UInt32 = 0x50072
    static let rsaKey = try? _RSA.Signing.PrivateKey(keySize: .bits2048)

    var key: Key
    var scheme: Scheme
    /// By its number: 0x0B for SHA-256.
    var hash: UInt16 = 0x000B
    var attributes = Self.attributes
    /// The scheme that the public area names, `nil` for none.
    var ownScheme: (UInt16, UInt16)?
    var type: UInt16 = 0x8018
    var magic: UInt32 = 0xFF54_4347
    var extraData: [UInt8] = [1, 2, 3]
    var resetCount: UInt32 = 7
    var restartCount: UInt32 = 2
    var firmwareVersion: UInt64 = 0x20
    /// In the order of the quote.
    var banks: [(UInt16, [UInt8: [UInt8]])] = [(0x000B, [0: [UInt8](repeating: 9, count: 32)])]

    init(_ key: Key, _ scheme: Scheme, hash: UInt16 = 0x000B) {
        self.key = key
        self.scheme = scheme
        self.hash = hash
        ownScheme = (scheme.rawValue, hash)
    }

    static func big(_ value: some FixedWidthInteger) -> [UInt8] {
        stride(from: value.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    static func sized(_ bytes: some Collection<UInt8>) -> [UInt8] { big(UInt16(bytes.count)) + bytes }

    static func digest(_ hash: UInt16, _ bytes: [UInt8]) -> [UInt8] {
        switch hash {
        case 0x0004: Array(Insecure.SHA1.hash(data: bytes))
        case 0x000C: Array(SHA384.hash(data: bytes))
        case 0x000D: Array(SHA512.hash(data: bytes))
        default: Array(SHA256.hash(data: bytes))
        }
    }

    /// TPMT_PUBLIC.
    var area: [UInt8] {
        let scheme = ownScheme.map { Self.big($0.0) + Self.big($0.1) } ?? [0, 0x10]
        let head: (UInt16) -> [UInt8] = { type in
            Self.big(type) + [0, 0x0B] + Self.big(attributes) + [0, 0] + [0, 0x10] + scheme
        }
        switch key {
        case .rsa(let key):
            let modulus = (try? Array(key.publicKey.getKeyPrimitives().modulus)) ?? []
            return head(0x0001) + Self.big(UInt16(8 * modulus.count)) + [0, 0, 0, 0] + Self.sized(modulus)
        case .p256(let key):
            let point = key.publicKey.rawRepresentation
            return head(0x0023) + [0, 3, 0, 0x10] + Self.sized(point.prefix(32)) + Self.sized(point.suffix(32))
        case .p384(let key):
            let point = key.publicKey.rawRepresentation
            return head(0x0023) + [0, 4, 0, 0x10] + Self.sized(point.prefix(48)) + Self.sized(point.suffix(48))
        }
    }

    var name: [UInt8] { [0, 0x0B] + Self.digest(0x000B, area) }

    /// TPMS_ATTEST.
    var attest: [UInt8] {
        var bytes = Self.big(magic) + Self.big(type) + Self.sized([0, 0x0B] + [UInt8](repeating: 5, count: 32))
        bytes += Self.sized(extraData) + Self.big(UInt64(1000)) + Self.big(resetCount) + Self.big(restartCount) + [1]
        bytes += Self.big(firmwareVersion)
        guard type == 0x8018 else {
            return bytes + Self.sized(name) + Self.sized([UInt8](repeating: 6, count: 32))
        }
        bytes += Self.big(UInt32(banks.count))
        for (bank, values) in banks {
            var map: [UInt8] = [0, 0, 0]
            for index in values.keys { map[Int(index / 8)] |= 1 << (index % 8) }
            bytes += Self.big(bank) + [3] + map
        }
        let values = banks.flatMap { bank in bank.1.sorted { $0.key < $1.key }.flatMap(\.value) }
        return bytes + Self.sized(Self.digest(hash, values))
    }

    /// TPMT_SIGNATURE.
    func sign(_ message: [UInt8]) throws -> [UInt8] {
        let head = Self.big(scheme.rawValue) + Self.big(hash)
        switch (hash, key) {
        case (0x0004, .rsa(let key)): return try head + rsa(key, Insecure.SHA1.hash(data: message))
        case (0x000C, .rsa(let key)): return try head + rsa(key, SHA384.hash(data: message))
        case (0x000D, .rsa(let key)): return try head + rsa(key, SHA512.hash(data: message))
        case (_, .rsa(let key)): return try head + rsa(key, SHA256.hash(data: message))
        case (_, .p256(let key)):
            let raw = try key.signature(for: SHA256.hash(data: message)).rawRepresentation
            return head + number(raw.prefix(32)) + number(raw.suffix(32))
        case (_, .p384(let key)):
            let raw = try key.signature(for: SHA384.hash(data: message)).rawRepresentation
            return head + number(raw.prefix(48)) + number(raw.suffix(48))
        }
    }

    private func rsa(_ key: _RSA.Signing.PrivateKey, _ digest: some Digest) throws -> [UInt8] {
        let padding: _RSA.Signing.Padding = scheme == .rsassa ? .insecurePKCS1v1_5 : .PSS
        return Self.sized(try key.signature(for: digest, padding: padding).rawRepresentation)
    }

    /// Without leading zeros, as some TPMs have it.
    private func number(_ bytes: some Collection<UInt8>) -> [UInt8] { Self.sized(Array(bytes.drop { $0 == 0 })) }

    /// The part `pcrs`.
    var registers: [UInt8] {
        PCRValues(
            banks.reduce(into: [:]) { all, bank in
                for (index, value) in bank.1 { all[.init(bank: bank.0, index: index)] = value }
            }
        ).encoded
    }

    func evidence() throws -> Evidence {
        let attest = attest
        return Evidence(.tpm, ["ak": area, "attest": attest, "signature": try sign(attest), "pcrs": registers])
    }
}

/// A value that a made-up policy sets.
func asked<Value>(_ value: Value, _ setting: String = "test") -> Setting<Value> { Setting(value, PolicyLine(setting)) }

/// The names of the checks that failed, the one that a refusal names first; empty if all passed.
func failures(_ judge: (inout Examination) throws(EvidenceError) -> Void) -> [String] {
    var examination = Examination()
    _ = examination.group("verdict") { (inner: inout Examination) throws(EvidenceError) in try judge(&inner) }
    func names(_ finding: Finding) -> [String] {
        guard finding.outcome == .failed else { return [] }
        return finding.parts.isEmpty ? [finding.check] : finding.parts.flatMap(names)
    }
    return examination.findings.flatMap(names)
}

extension Evidence {
    /// The same with another part.
    func with(_ name: String, _ bytes: [UInt8]?) -> Evidence {
        var parts = Dictionary(uniqueKeysWithValues: parts.map { ($0.name, $0.bytes) })
        parts[name] = bytes
        return Evidence(kind, parts)
    }

    /// The same with some bits of a part changed.
    func flipping(_ name: String, at offset: Int, _ bits: UInt8) throws -> Evidence {
        var bytes = self[name] ?? []
        bytes[offset] ^= bits
        return with(name, bytes)
    }
}

/// The bytes of a part that one check, or one of several, protects.
struct ProtectedField: CustomStringConvertible, Sendable {
    let part: String
    let range: Range<Int>
    let checks: Set<String>
    /// Change every bit, not one in each byte.
    var everyBit = true

    var description: String { "\(part)[\(range)]" }

    /// The offsets and bits to change.
    var changes: [(Int, UInt8)] {
        range.flatMap { offset in
            everyBit ? (0..<8).map { (offset, UInt8(1) << $0) } : [(offset, UInt8(1) << (offset % 8))]
        }
    }
}
