import Crypto
import PliniusVerifier
import PliniusWire

/// A guest of SEV-SNP under a maker of the test's own, whose parts can be changed one by one.
struct SNPTestGuest {
    var root = "ARK-Turin"
    var authority = "SEV-Turin"
    var authorityExtensions = [TestDER.authority(0), TestDER.usage(0x04)]
    var leaf = "SEV-VCEK"
    var productName = "Turin-B0"
    /// The versions that the certificate is for, by the last numbers of the extensions.
    var versions = ["3.9": 1, "3.1": 2, "3.2": 0, "3.3": 4, "3.8": 200]
    var hardwareID: [UInt8]? = Array(1...8)
    var cloud: String?
    var leafTo = "20300101000000"
    var signsWithStrangeKey = false
    var changesAfterSigning: [Int] = []
    var asPEM = false
    var omitsCertificates = false
    var revoked: [[UInt8]] = []
    var hasLists = true
    var requirements = SNPRequirements()
    var report = [UInt8](repeating: 0, count: 1184)

    static let line = PolicyLine("snp", line: 7)

    /// A guest that passes: version 5, Turin, signed by the chip's key.
    init() {
        self[0, 4] = [5, 0, 0, 0]
        self[4, 4] = [3, 0, 0, 0]
        self[8, 8] = [55, 1, 3, 0, 0, 0, 0, 0]
        self[0x10, 16] = Array(repeating: 0xF0, count: 16)
        self[0x20, 16] = Array(repeating: 0x1D, count: 16)
        self[0x34, 4] = [1, 0, 0, 0]
        self[0x38, 8] = [1, 2, 0, 5, 0, 0, 0, 201]
        self[0x40, 8] = [0x25, 0, 0, 0, 0, 0, 0, 0]
        self[0x48, 4] = [1, 0, 0, 0]
        self[0x50, 64] = Array(0..<64)
        self[0x90, 48] = Array(repeating: 0xAA, count: 48)
        self[0xC0, 32] = Array(repeating: 0xBB, count: 32)
        self[0xE0, 48] = Array(repeating: 0xCC, count: 48)
        self[0x110, 48] = Array(repeating: 0xDD, count: 48)
        self[0x140, 32] = Array(repeating: 0x11, count: 32)
        self[0x160, 32] = Array(repeating: 0xFF, count: 32)
        self[0x180, 8] = [1, 2, 0, 4, 0, 0, 0, 200]
        self[0x188, 3] = [0x1A, 0x02, 0x01]
        self[0x1A0, 8] = Array(1...8)
        self[0x1E0, 8] = [1, 2, 0, 4, 0, 0, 0, 200]
        self[0x1E8, 8] = [1, 58, 1, 0, 1, 57, 1, 0]
        self[0x1F0, 8] = [1, 2, 0, 3, 0, 0, 0, 199]
        self[0x1F8, 8] = [3, 0, 0, 0, 0, 0, 0, 0]
        self[0x200, 8] = [7, 0, 0, 0, 0, 0, 0, 0]
    }

    subscript(offset: Int, count: Int) -> [UInt8] {
        get { Array(report[offset..<(offset + count)]) }
        set { report.replaceSubrange(offset..<(offset + count), with: newValue) }
    }

    /// The evidence, and what to judge it with.
    func made() throws -> (evidence: Evidence, context: Context) {
        let ark = try TestAuthority(root, .pss(TestKeys.rsa[0]))
        let ask = try TestAuthority(authority, .pss(TestKeys.rsa[1]), under: ark, extensions: authorityExtensions)
        let key = P384.Signing.PrivateKey()
        var extensions = [
            TestDER.extension("1.3.6.1.4.1.3704.1.2", TestDER.field(0x16, Array(productName.utf8)))
        ]
        for (number, version) in versions.sorted(by: { $0.key < $1.key }) {
            extensions.append(TestDER.extension("1.3.6.1.4.1.3704.1.\(number)", TestDER.integer(version)))
        }
        if let hardwareID { extensions.append(TestDER.extension("1.3.6.1.4.1.3704.1.4", hardwareID)) }
        if let cloud {
            extensions.append(
                TestDER.extension("1.3.6.1.4.1.3704.1.5", TestDER.field(0x16, Array(cloud.utf8))))
        }
        let certificate = try ask.certify(leaf, .p384(key), serial: [0], to: leafTo, extensions: extensions)
        var bytes = report
        let signer = signsWithStrangeKey ? P384.Signing.PrivateKey() : key
        let signature = Array(try signer.signature(for: Array(bytes.prefix(0x2A0))).rawRepresentation)
        bytes.replaceSubrange(0x2A0..<(0x2A0 + 48), with: signature.prefix(48).reversed())
        bytes.replaceSubrange((0x2A0 + 72)..<(0x2A0 + 120), with: signature.suffix(48).reversed())
        for offset in changesAfterSigning { bytes[offset] ^= 1 }
        var parts = ["report": bytes]
        if !omitsCertificates {
            parts["certificates"] =
                asPEM
                ? testPEM([certificate, ask.certificate, ark.certificate])
                : Self.table([
                    ("63da758de6644564adc5f4b93be8accd", certificate),
                    ("4ab7b379bbac4fe4a02f05aef327c782", ask.certificate),
                    ("c0b406a4a803495297433fb6014cd0ae", ark.certificate),
                    ("00112233445566778899aabbccddeeff", [1, 2, 3]),
                ])
        }
        var context = Context(now: Vectors.pinnedTime)
        context.anchors.amd.append(ark.certificate)
        if hasLists { context.collateral.amdRevocationLists = [try ark.revoke(revoked)] }
        return (Evidence(.snp, parts), context)
    }

    /// A table of the GHCB specification.
    static func table(_ entries: [(name: String, bytes: [UInt8])]) -> [UInt8] {
        var head: [UInt8] = []
        var body: [UInt8] = []
        for (name, bytes) in entries {
            let digits = name.compactMap(\.hexDigitValue)
            head += stride(from: 0, to: 32, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
            head += little((entries.count + 1) * 24 + body.count) + little(bytes.count)
            body += bytes
        }
        return head + [UInt8](repeating: 0, count: 24) + body
    }

    private static func little(_ number: Int) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }
}
