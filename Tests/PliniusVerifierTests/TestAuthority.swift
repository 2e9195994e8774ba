import Crypto
import FoundationEssentials
import PliniusVerifier
import SwiftASN1
import _CryptoExtras

/// DER, written by hand, so that tests can also make what a library would refuse to.
enum TestDER {
    static func field(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        let count = content.count
        let length: [UInt8] =
            count < 128
            ? [UInt8(count)]
            : count < 256 ? [0x81, UInt8(count)] : [0x82, UInt8(count >> 8), UInt8(count & 255)]
        return [tag] + length + content
    }

    static func sequence(_ fields: [UInt8]...) -> [UInt8] { field(0x30, Array(fields.joined())) }

    static func bits(_ bytes: [UInt8]) -> [UInt8] { field(0x03, [0] + bytes) }

    static func octets(_ bytes: [UInt8]) -> [UInt8] { field(0x04, bytes) }

    /// An integer that is not negative, from its big-endian digits.
    static func integer(_ digits: [UInt8]) -> [UInt8] {
        let trimmed = Array(digits.drop { $0 == 0 })
        return field(0x02, trimmed.isEmpty || trimmed[0] >= 128 ? [0] + trimmed : trimmed)
    }

    static func integer(_ number: Int) -> [UInt8] {
        integer((0..<8).reversed().map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) })
    }

    static func identifier(_ dotted: String) -> [UInt8] {
        let parts = dotted.split(separator: ".").compactMap { Int($0) }
        var content = [UInt8(parts[0] * 40 + parts[1])]
        for part in parts.dropFirst(2) {
            var digits = [UInt8(part & 127)]
            var rest = part >> 7
            while rest > 0 {
                digits.insert(UInt8(rest & 127) | 128, at: 0)
                rest >>= 7
            }
            content += digits
        }
        return field(0x06, content)
    }

    static func name(_ commonName: String) -> [UInt8] {
        sequence(field(0x31, sequence(identifier("2.5.4.3"), field(0x0C, Array(commonName.utf8)))))
    }

    /// A GeneralizedTime, from the digits of year to second: `20250701000000`.
    static func time(_ digits: String) -> [UInt8] { field(0x18, Array(digits.utf8) + [0x5A]) }

    static func `extension`(_ identifier: String, _ value: [UInt8], critical: Bool = false) -> [UInt8] {
        sequence(self.identifier(identifier), critical ? field(0x01, [0xFF]) : [], octets(value))
    }

    static func authority(_ pathLength: Int? = nil) -> [UInt8] {
        `extension`(
            "2.5.29.19", sequence(field(0x01, [0xFF]), pathLength.map { integer($0) } ?? []), critical: true)
    }

    /// keyUsage from its first byte: 0x04 signs certificates, 0x02 lists, 0x80 anything.
    static func usage(_ flags: UInt8) -> [UInt8] {
        `extension`("2.5.29.15", field(0x03, [UInt8(flags.trailingZeroBitCount), flags]), critical: true)
    }
}

/// A key of a test, with its way of signing.
enum TestKey: Sendable {
    case p256(P256.Signing.PrivateKey)
    case p384(P384.Signing.PrivateKey)
    /// RSASSA-PSS with SHA-384, as AMD signs.
    case pss(_RSA.Signing.PrivateKey)
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    case rsa(_RSA.Signing.PrivateKey)
    /// The same with SHA-1, as nobody should.
    case sha1(_RSA.Signing.PrivateKey)

    var spki: [UInt8] {
        switch self {
        case .p256(let key): Array(key.publicKey.derRepresentation)
        case .p384(let key): Array(key.publicKey.derRepresentation)
        case .pss(let key), .rsa(let key), .sha1(let key): Array(key.publicKey.derRepresentation)
        }
    }

    static let sha384 = TestDER.sequence(TestDER.identifier("2.16.840.1.101.3.4.2.2"), [5, 0])

    static func pssAlgorithm(hash: [UInt8] = sha384, mask: [UInt8] = sha384, salt: Int = 48) -> [UInt8] {
        TestDER.sequence(
            TestDER.identifier("1.2.840.113549.1.1.10"),
            TestDER.sequence(
                TestDER.field(0xA0, hash),
                TestDER.field(0xA1, TestDER.sequence(TestDER.identifier("1.2.840.113549.1.1.8"), mask)),
                TestDER.field(0xA2, TestDER.integer(salt))))
    }

    var algorithm: [UInt8] {
        switch self {
        case .p256: TestDER.sequence(TestDER.identifier("1.2.840.10045.4.3.2"))
        case .p384: TestDER.sequence(TestDER.identifier("1.2.840.10045.4.3.3"))
        case .pss: Self.pssAlgorithm()
        case .rsa: TestDER.sequence(TestDER.identifier("1.2.840.113549.1.1.11"), [5, 0])
        case .sha1: TestDER.sequence(TestDER.identifier("1.2.840.113549.1.1.5"), [5, 0])
        }
    }

    func sign(_ message: [UInt8]) throws -> [UInt8] {
        switch self {
        case .p256(let key): Array(try key.signature(for: message).derRepresentation)
        case .p384(let key): Array(try key.signature(for: message).derRepresentation)
        case .pss(let key):
            Array(try key.signature(for: SHA384.hash(data: message), padding: .PSS).rawRepresentation)
        case .rsa(let key):
            Array(try key.signature(for: SHA256.hash(data: message), padding: .insecurePKCS1v1_5).rawRepresentation)
        case .sha1(let key):
            Array(
                try key.signature(for: Insecure.SHA1.hash(data: message), padding: .insecurePKCS1v1_5)
                    .rawRepresentation)
        }
    }

    /// What is signed, how, and the signature.
    func signed(_ content: [UInt8], algorithm: [UInt8]? = nil) throws -> [UInt8] {
        TestDER.sequence(content, algorithm ?? self.algorithm, TestDER.bits(try sign(content)))
    }
}

/// An authority of a test: certifies, and takes back.
struct TestAuthority: Sendable {
    var name: String
    var key: TestKey
    /// Its own certificate.
    var certificate: [UInt8] = []

    /// A root, signed by itself.
    init(_ name: String, _ key: TestKey, extensions: [[UInt8]] = [TestDER.authority(), TestDER.usage(0x06)]) throws {
        (self.name, self.key) = (name, key)
        certificate = try certify(name, key, serial: [1], extensions: extensions)
    }

    /// An authority under another.
    init(
        _ name: String, _ key: TestKey, under issuer: TestAuthority, serial: [UInt8] = [2],
        from: String = "20200101000000", to: String = "20400101000000",
        extensions: [[UInt8]] = [TestDER.authority(), TestDER.usage(0x06)]
    ) throws {
        (self.name, self.key) = (name, key)
        certificate = try issuer.certify(name, key, serial: serial, from: from, to: to, extensions: extensions)
    }

    func certify(
        _ subject: String, _ subjectKey: TestKey, serial: [UInt8] = [7], from: String = "20200101000000",
        to: String = "20400101000000", extensions: [[UInt8]] = [], algorithm: [UInt8]? = nil
    ) throws -> [UInt8] {
        let content = TestDER.sequence(
            TestDER.field(0xA0, TestDER.integer(2)), TestDER.integer(serial), algorithm ?? key.algorithm,
            TestDER.name(name), TestDER.sequence(TestDER.time(from), TestDER.time(to)), TestDER.name(subject),
            subjectKey.spki,
            extensions.isEmpty
                ? [] : TestDER.field(0xA3, TestDER.field(0x30, Array(extensions.joined()))))
        return try key.signed(content, algorithm: algorithm)
    }

    func revoke(
        _ serials: [[UInt8]], from: String = "20250601000000", to: String = "20250801000000",
        extensions: [[UInt8]] = [], entryExtensions: [UInt8] = [], hasNextUpdate: Bool = true
    ) throws -> [UInt8] {
        let entries = serials.flatMap {
            TestDER.sequence(TestDER.integer($0), TestDER.time("20250601000000"), entryExtensions)
        }
        return try key.signed(
            TestDER.sequence(
                TestDER.integer(1), key.algorithm, TestDER.name(name), TestDER.time(from),
                hasNextUpdate ? TestDER.time(to) : [], entries.isEmpty ? [] : TestDER.field(0x30, entries),
                extensions.isEmpty
                    ? [] : TestDER.field(0xA0, TestDER.field(0x30, Array(extensions.joined())))))
    }
}

/// Keys that are slow to make, made once.
enum TestKeys {
    static let rsa = (0..<3).compactMap { _ in try? _RSA.Signing.PrivateKey(keySize: .bits2048) }
}

/// A PEM file of certificates.
func testPEM(_ certificates: [[UInt8]]) -> [UInt8] {
    certificates.flatMap { Array((PEMDocument(type: "CERTIFICATE", derBytes: $0).pemString + "\n").utf8) }
}
