import Crypto
import FoundationEssentials
import PliniusVerifier
import SwiftASN1
import Testing
import X509
import _CryptoExtras

@Suite("Chains of certificates")
struct ChainTests {
    static let now = Instant(2025, 7, 1)

    /// What to break, and the check that has to say so; `nil` for what has to pass.
    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var failing: String?
        var change: @Sendable (inout Parts) throws -> Void

        init(_ name: String, _ failing: String?, _ change: @escaping @Sendable (inout Parts) throws -> Void) {
            (testDescription, self.failing, self.change) = (name, failing.map { "test.\($0)" }, change)
        }
    }

    /// A root, an authority and a leaf, with their lists.
    struct Parts {
        var root: TestAuthority
        var authority: TestAuthority
        var leaf: [UInt8]
        var leafKey = TestKey.p256(P256.Signing.PrivateKey())
        var others: [[UInt8]] = []
        var lists: [[UInt8]]?
        var anchors: [[UInt8]]
        var now = ChainTests.now

        init(_ kind: Kind) throws {
            root = try TestAuthority("root", kind.key(0))
            authority = try TestAuthority("authority", kind.key(1), under: root)
            leaf = try authority.certify("leaf", leafKey)
            lists = [try root.revoke([]), try authority.revoke([])]
            anchors = [root.certificate]
        }
    }

    enum Kind: CaseIterable {
        case p256, p384, pss, rsa

        func key(_ number: Int) -> TestKey {
            switch self {
            case .p256: .p256(P256.Signing.PrivateKey())
            case .p384: .p384(P384.Signing.PrivateKey())
            case .pss: .pss(TestKeys.rsa[number])
            case .rsa: .rsa(TestKeys.rsa[number])
            }
        }
    }

    /// The names of the checks that failed.
    private func judge(_ parts: Parts) throws -> (failed: [String], chain: [ParsedCertificate]?) {
        var examination = Examination()
        let chain = examination.checkChain(
            "test", leaf: try ParsedCertificate(der: parts.leaf),
            intermediates: try ([parts.authority.certificate] + parts.others).map { try ParsedCertificate(der: $0) },
            anchors: parts.anchors, revocationLists: try parts.lists?.map { try RevocationList(der: $0) },
            at: parts.now)
        #expect((chain != nil) == examination.hasPassed)
        return (examination.findings.filter { $0.outcome == .failed }.map(\.check), chain)
    }

    @Test("A whole chain passes, whatever its keys", arguments: Kind.allCases)
    func whole(kind: Kind) throws {
        let parts = try Parts(kind)
        let (failed, chain) = try judge(parts)
        #expect(failed.isEmpty)
        #expect(chain?.map(\.der) == [parts.leaf, parts.authority.certificate, parts.root.certificate])
        #expect(chain?.map(\.commonName) == ["leaf", "authority", "root"])
    }

    static let cases: [Case] = [
        Case("no lists are asked for", nil) { $0.lists = nil },
        Case("the anchor is among the others as well", nil) { $0.others = [$0.root.certificate] },
        Case("the first second of the leaf", nil) {
            $0.leaf = try $0.authority.certify("leaf", $0.leafKey, from: "20250701000000")
        },
        Case("the last second of the leaf", nil) {
            $0.leaf = try $0.authority.certify("leaf", $0.leafKey, to: "20250701000000")
        },
        Case("a leaf that never ends", nil) {
            $0.leaf = try $0.authority.certify("leaf", $0.leafKey, to: "99991231235959")
        },
        Case("an authority of the same name with another key", nil) {
            $0.others = [
                try TestAuthority("authority", .p256(P256.Signing.PrivateKey()), under: $0.root).certificate
            ]
        },
        Case("an anchor of the same name with another key, and the right one", nil) {
            $0.anchors.insert(try TestAuthority("root", .p256(P256.Signing.PrivateKey())).certificate, at: 0)
        },
        Case("an unknown extension that is not critical", nil) {
            $0.leaf = try $0.authority.certify(
                "leaf", $0.leafKey, extensions: [TestDER.extension("1.2.3.4", [5, 0])])
        },
        Case("an authority that allows none below it, and has none", nil) {
            $0.authority = try TestAuthority(
                "authority", $0.authority.key, under: $0.root,
                extensions: [TestDER.authority(0), TestDER.usage(0x06)])
        },
        Case("an authority that may sign no lists needs none", nil) {
            $0.authority = try TestAuthority(
                "authority", $0.authority.key, under: $0.root,
                extensions: [TestDER.authority(), TestDER.usage(0x04)])
            $0.lists = [try $0.root.revoke([])]
        },
        Case("another list is out of date", nil) {
            $0.lists?.append(try $0.root.revoke([], from: "20240101000000", to: "20240201000000"))
        },
        Case("the authority is missing", "chain") { $0.authority.certificate = $0.root.certificate },
        Case("another issuer's name", "chain") {
            $0.leaf = try TestAuthority("stranger", $0.authority.key, under: $0.root).certify("leaf", $0.leafKey)
        },
        Case("another anchor", "chain") {
            $0.anchors = [try TestAuthority("other root", .p256(P256.Signing.PrivateKey())).certificate]
        },
        Case("no anchor", "chain") { $0.anchors = [] },
        Case("an anchor that is none", "chain") { $0.anchors = [[1, 2, 3]] },
        Case("two authorities that certify each other", "chain") {
            var first = $0.authority
            let second = try TestAuthority("second", .p256(P256.Signing.PrivateKey()), under: first)
            first.certificate = try second.certify("authority", first.key, extensions: [TestDER.authority()])
            $0.authority = first
            $0.others = [second.certificate]
            $0.leaf = try first.certify("leaf", $0.leafKey)
        },
        Case("more certificates than a chain may have", "chain") {
            var last = $0.authority
            for number in 0..<8 {
                last = try TestAuthority("authority \(number)", .p256(P256.Signing.PrivateKey()), under: last)
                $0.others.append(last.certificate)
            }
            $0.leaf = try last.certify("leaf", $0.leafKey)
        },
        Case("an anchor of the same name with another key", "signature") {
            $0.anchors = [try TestAuthority("root", .p256(P256.Signing.PrivateKey())).certificate]
            $0.lists = nil
        },
        Case("the wrong key", "signature") {
            var impostor = $0.authority
            impostor.key = .p256(P256.Signing.PrivateKey())
            $0.leaf = try impostor.certify("leaf", $0.leafKey)
        },
        Case("a changed leaf", "signature") {
            let last = $0.leaf.count - 1
            $0.leaf[last] ^= 1
        },
        Case("a second before the leaf", "validity") {
            $0.leaf = try $0.authority.certify("leaf", $0.leafKey, from: "20250701000001")
        },
        Case("a second after the leaf", "validity") {
            $0.leaf = try $0.authority.certify("leaf", $0.leafKey, to: "20250630235959")
        },
        Case("an authority that is out of date", "validity") {
            $0.authority = try TestAuthority(
                "authority", $0.authority.key, under: $0.root, to: "20250101000000")
        },
        Case("an anchor that is out of date", "validity") {
            $0.now = Instant(2041, 1, 1)
            $0.leaf = try $0.authority.certify("leaf", $0.leafKey, to: "99991231235959")
            $0.authority = try TestAuthority(
                "authority", $0.authority.key, under: $0.root, to: "99991231235959")
            $0.lists = nil
        },
        Case("no authority", "constraints") {
            $0.authority = try TestAuthority(
                "authority", $0.authority.key, under: $0.root, extensions: [TestDER.usage(0x06)])
        },
        Case("an authority that says it is none", "constraints") {
            $0.authority = try TestAuthority(
                "authority", $0.authority.key, under: $0.root,
                extensions: [TestDER.extension("2.5.29.19", TestDER.sequence(), critical: true)])
        },
        Case("an authority that may not sign certificates", "constraints") {
            $0.authority = try TestAuthority(
                "authority", $0.authority.key, under: $0.root,
                extensions: [TestDER.authority(), TestDER.usage(0x02)])
        },
        Case("a use of keys that cannot be read", "constraints") {
            $0.authority = try TestAuthority(
                "authority", $0.authority.key, under: $0.root,
                extensions: [TestDER.authority(), TestDER.extension("2.5.29.15", [5, 0], critical: true)])
        },
        Case("more authorities than the first allows", "constraints") {
            $0.authority = try TestAuthority(
                "authority", $0.authority.key, under: $0.root,
                extensions: [TestDER.authority(0), TestDER.usage(0x06)])
            let second = try TestAuthority("second", .p256(P256.Signing.PrivateKey()), under: $0.authority)
            $0.others = [second.certificate]
            $0.leaf = try second.certify("leaf", $0.leafKey)
            $0.lists?.append(try second.revoke([]))
        },
        Case("a critical extension that nobody knows", "constraints") {
            $0.leaf = try $0.authority.certify(
                "leaf", $0.leafKey, extensions: [TestDER.extension("1.2.3.4", [5, 0], critical: true)])
        },
        Case("a critical extension of the authority that nobody knows", "constraints") {
            $0.authority = try TestAuthority(
                "authority", $0.authority.key, under: $0.root,
                extensions: [
                    TestDER.authority(), TestDER.usage(0x06), TestDER.extension("2.5.29.30", [5, 0], critical: true),
                ])
        },
        Case("no lists at all", "revocation") { $0.lists = [] },
        Case("no list of the authority", "revocation") { $0.lists = [try $0.root.revoke([])] },
        Case("no list of the root", "revocation") { $0.lists = [try $0.authority.revoke([])] },
        Case("a revoked leaf", "revocation") {
            $0.lists = [try $0.root.revoke([]), try $0.authority.revoke([[3], [7]])]
        },
        Case("a revoked authority", "revocation") {
            $0.lists = [try $0.root.revoke([[2]]), try $0.authority.revoke([])]
        },
        Case("a list that is out of date revokes nevertheless", "revocation") {
            $0.lists?.append(try $0.root.revoke([[2]], from: "20240101000000", to: "20240201000000"))
        },
        Case("a stale list", "revocation") {
            $0.lists = [try $0.root.revoke([], to: "20250630235959"), try $0.authority.revoke([])]
        },
        Case("a list of the future", "revocation") {
            $0.lists = [try $0.root.revoke([], from: "20250701000001"), try $0.authority.revoke([])]
        },
        Case("a list by the wrong key", "revocation") {
            var impostor = $0.root
            impostor.key = .p256(P256.Signing.PrivateKey())
            $0.lists = [try impostor.revoke([]), try $0.authority.revoke([])]
        },
        Case("a list by way of SHA-1", "revocation") {
            var old = $0.root
            old.key = .sha1(TestKeys.rsa[0])
            $0.root = try TestAuthority("root", .rsa(TestKeys.rsa[0]))
            $0.anchors = [$0.root.certificate]
            $0.authority = try TestAuthority("authority", $0.authority.key, under: $0.root)
            $0.lists = [try old.revoke([]), try $0.authority.revoke([])]
        },
        Case("a list of another issuer", "revocation") {
            var other = $0.root
            other.name = "other"
            $0.lists = [try other.revoke([]), try $0.authority.revoke([])]
        },
    ]

    @Test("What is broken is named", arguments: cases)
    func broken(example: Case) throws {
        var parts = try Parts(.p256)
        try example.change(&parts)
        #expect(try judge(parts).failed == [example.failing].compactMap { $0 })
    }

    @Test("Where makers name their lists, only a certificate that names none and has none needs none")
    func namedLists() throws {
        let point = TestDER.extension("2.5.29.31", TestDER.sequence())
        for (names, lists, passes): (Bool, (TestAuthority) throws -> [[UInt8]], Bool) in [
            (false, { _ in [] }, true), (true, { _ in [] }, false), (true, { [try $0.revoke([])] }, true),
            (false, { [try $0.revoke([[7]])] }, false),
            (false, { [try $0.revoke([], to: "20250630235959")] }, false),
        ] {
            let root = try TestAuthority("root", .p256(P256.Signing.PrivateKey()))
            let leaf = try root.certify(
                "leaf", .p256(P256.Signing.PrivateKey()), extensions: names ? [point] : [])
            var examination = Examination()
            let chain = examination.checkChain(
                "test", leaf: try ParsedCertificate(der: leaf), intermediates: [], anchors: [root.certificate],
                revocationLists: try lists(root).map { try RevocationList(der: $0) }, listsAreNamed: true, at: Self.now)
            #expect((chain != nil) == passes)
            #expect(
                examination.findings.filter { $0.outcome == .failed }.map(\.check)
                    == (passes ? [] : ["test.revocation"]))
        }
    }

    @Test("RSASSA-PSS counts with its own parameters alone")
    func parameters() throws {
        let root = try TestAuthority("root", .pss(TestKeys.rsa[0]))
        let sha256 = TestDER.sequence(TestDER.identifier("2.16.840.1.101.3.4.2.1"), [5, 0])
        let leafKey = TestKey.p384(P384.Signing.PrivateKey())
        #expect(throws: Never.self) { try ParsedCertificate(der: try root.certify("leaf", leafKey)) }
        for algorithm in [
            TestKey.pssAlgorithm(hash: sha256), TestKey.pssAlgorithm(mask: sha256), TestKey.pssAlgorithm(salt: 47),
            TestDER.sequence(TestDER.identifier("1.2.840.113549.1.1.10"), TestDER.sequence()),
            TestDER.sequence(TestDER.identifier("1.2.840.113549.1.1.10")),
        ] {
            let certificate = try root.certify("leaf", leafKey, algorithm: algorithm)
            let error = try #require(throws: EvidenceError.self) { try ParsedCertificate(der: certificate) }
            #expect(error.check == "x509.certificate.format")
        }
        // All parameters agree, but the signature was made with others.
        let other = try root.certify(
            "leaf", leafKey, algorithm: TestKey.pssAlgorithm(hash: sha256, mask: sha256, salt: 32))
        var parts = try Parts(.pss)
        (parts.leaf, parts.anchors, parts.lists) = (other, [root.certificate], nil)
        #expect(try judge(parts).failed == ["test.signature"])
    }

    @Test("swift-certificates reads the same from what both read", arguments: [Kind.p256, .p384, .rsa])
    func oracle(kind: Kind) throws {
        let parts = try Parts(kind)
        for der in [parts.leaf, parts.authority.certificate, parts.root.certificate] {
            let ours = try ParsedCertificate(der: der)
            let theirs = try Certificate(derEncoded: der)
            #expect(ours.serialNumber == Array(theirs.serialNumber.bytes))
            var serializer = DER.Serializer()
            try serializer.serialize(theirs.issuer)
            #expect(ours.issuer == serializer.serializedBytes)
            #expect(Double(ours.notBefore.seconds) == theirs.notValidBefore.timeIntervalSince1970)
            #expect(Double(ours.notAfter.seconds) == theirs.notValidAfter.timeIntervalSince1970)
        }
    }

    @Test("Dates of both forms, and instants as text")
    func dates() throws {
        #expect(Instant(1970, 1, 1).seconds == 0)
        #expect(Instant(2000, 2, 29, 23, 59, 59).seconds == 951_868_799)
        #expect(Instant(9999, 12, 31, 23, 59, 59).seconds == 253_402_300_799)
        for (seconds, text): (Int64, String) in [
            (0, "1970-01-01T00:00:00Z"), (-1, "1969-12-31T23:59:59Z"), (951_868_799, "2000-02-29T23:59:59Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"), (1_751_328_000, "2025-07-01T00:00:00Z"),
        ] {
            #expect(Instant(seconds: seconds).description == text)
        }
    }

    @Test("A list that is not of all certificates, or promises no next, is refused")
    func lists() throws {
        let root = try TestAuthority("root", .p256(P256.Signing.PrivateKey()))
        let number = TestDER.extension("2.5.29.20", TestDER.integer(1))
        let reason = TestDER.sequence(TestDER.extension("2.5.29.21", [0x0A, 1, 1]))
        let list = try RevocationList(der: root.revoke([[3], [4, 5]], extensions: [number], entryExtensions: reason))
        #expect(list.revokedSerials == [[3], [4, 5]])
        #expect((list.thisUpdate, list.nextUpdate) == (Instant(2025, 6, 1), Instant(2025, 8, 1)))
        for wrong in [
            try root.revoke([], extensions: [TestDER.extension("2.5.29.28", [0x30, 0], critical: true)]),
            try root.revoke([], extensions: [TestDER.extension("2.5.29.27", TestDER.integer(1), critical: true)]),
            try root.revoke(
                [[3]],
                entryExtensions: TestDER.sequence(TestDER.extension("2.5.29.29", [0x30, 0], critical: true))),
            try root.revoke([], hasNextUpdate: false),
            root.certificate,
        ] {
            #expect(
                try #require(throws: EvidenceError.self) { try RevocationList(der: wrong) }.check == "x509.crl.format")
        }
    }

    @Test("No part and no change of a certificate or a list makes a reader trap")
    func damage() throws {
        let root = try TestAuthority("root", .pss(TestKeys.rsa[0]))
        let list = try root.revoke([[3]])
        for count in 0..<root.certificate.count {
            #expect(throws: EvidenceError.self) { try ParsedCertificate(der: Array(root.certificate.prefix(count))) }
        }
        for count in 0..<list.count {
            #expect(throws: EvidenceError.self) { try RevocationList(der: Array(list.prefix(count))) }
        }
        #expect(throws: EvidenceError.self) { try ParsedCertificate(der: root.certificate + [0]) }
        for position in root.certificate.indices {
            var changed = root.certificate
            changed[position] ^= 0x55
            _ = try? ParsedCertificate(der: changed)
        }
        for position in list.indices {
            var changed = list
            changed[position] ^= 0x55
            _ = try? RevocationList(der: changed)
        }
    }

    @Test("PEM with zero bytes, white space and carriage returns around it; nothing that holds none")
    func pem() throws {
        let root = try TestAuthority("root", .p256(P256.Signing.PrivateKey()))
        let text = PEMDocument(type: "CERTIFICATE", derBytes: root.certificate).pemString
        for variant in [
            text, text + "\n\u{0}", text + text, " \n" + text + " \n", text.replacing("\n", with: "\r\n"),
        ] {
            let parsed = try ParsedCertificate.parse(pem: Array(variant.utf8))
            #expect(parsed.allSatisfy { $0.der == root.certificate } && !parsed.isEmpty)
        }
        for wrong in ["", "\u{0}", "CERTIFICATE", String(text.dropLast(40))] {
            #expect(throws: EvidenceError.self) { try ParsedCertificate.parse(pem: Array(wrong.utf8)) }
        }
    }
}

@Suite("Makers' certificates", .enabled(if: Vectors.areThere, Vectors.reason))
struct MakersCertificatesTests {
    private struct Collateral: Decodable {
        enum CodingKeys: String, CodingKey {
            case chain = "pck_crl_issuer_chain"
            case rootList = "root_ca_crl"
            case list = "pck_crl"
        }

        var chain: String
        var rootList: String
        var list: String
    }

    @Test("Intel's authority holds at the pinned time, and not once its root's list is stale")
    func intel() throws {
        let collateral = try JSONDecoder().decode(
            Collateral.self, from: Data(Vectors.bytes("sgx/quote-v3.collateral.json")))
        let certificates = try ParsedCertificate.parse(pem: Array(collateral.chain.utf8))
        let lists = try [collateral.rootList, collateral.list].map { try RevocationList(der: bytes($0)) }
        #expect(certificates.map(\.commonName) == ["Intel SGX PCK Processor CA", "Intel SGX Root CA"])
        #expect(lists[1].issuer == certificates[0].subject && lists[1].isSigned(by: certificates[0].publicKey))
        for (now, failing) in [(Vectors.pinnedTime, nil), (Instant(2026, 4, 4), "intel.revocation")] {
            var examination = Examination()
            let chain = examination.checkChain(
                "intel", leaf: certificates[0], intermediates: [], anchors: [certificates[1].der],
                revocationLists: lists, at: now)
            #expect((chain != nil) == (failing == nil))
            #expect(examination.findings.first { $0.outcome == .failed }?.check == failing)
        }
    }

    private func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = hexadecimal.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
