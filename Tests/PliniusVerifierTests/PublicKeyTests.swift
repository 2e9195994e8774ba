import Crypto
import FoundationEssentials
import PliniusVerifier
import Testing
import _CryptoExtras

@Suite("Public keys")
struct PublicKeyTests {
    private static let message: [UInt8] = Array("what is signed".utf8)

    /// A key with every kind of signature that it makes over the message.
    private struct Signer {
        var name: String
        var spki: [UInt8]
        var signatures: [(SignatureAlgorithm, [UInt8])]
    }

    private func signers() throws -> [Signer] {
        let message = Self.message
        let p256 = P256.Signing.PrivateKey()
        let p384 = P384.Signing.PrivateKey()
        let p521 = P521.Signing.PrivateKey()
        let rsa = TestKeys.rsa[0]
        let edwards = Curve25519.Signing.PrivateKey()
        let small = try p256.signature(for: SHA256.hash(data: message))
        let middle = try p384.signature(for: SHA384.hash(data: message))
        let large = try p521.signature(for: SHA512.hash(data: message))
        let spki = Array(rsa.publicKey.derRepresentation)
        return [
            Signer(
                name: "P-256", spki: Array(p256.publicKey.derRepresentation),
                signatures: [
                    (.ecdsa(.sha256), Array(small.derRepresentation)),
                    (.ecdsaRaw(.sha256), Array(small.rawRepresentation)),
                ]),
            Signer(
                name: "P-384", spki: Array(p384.publicKey.derRepresentation),
                signatures: [
                    (.ecdsa(.sha384), Array(middle.derRepresentation)),
                    (.ecdsaRaw(.sha384), Array(middle.rawRepresentation)),
                ]),
            Signer(
                name: "P-521", spki: Array(p521.publicKey.derRepresentation),
                signatures: [
                    (.ecdsa(.sha512), Array(large.derRepresentation)),
                    (.ecdsaRaw(.sha512), Array(large.rawRepresentation)),
                ]),
            Signer(
                name: "RSA", spki: spki,
                signatures: [
                    (
                        .rsaPKCS1(.sha1),
                        Array(
                            try rsa.signature(
                                for: Insecure.SHA1.hash(data: message), padding: .insecurePKCS1v1_5
                            ).rawRepresentation)
                    ),
                    (
                        .rsaPKCS1(.sha256),
                        Array(
                            try rsa.signature(for: SHA256.hash(data: message), padding: .insecurePKCS1v1_5)
                                .rawRepresentation)
                    ),
                    (
                        .rsaPSS(.sha384),
                        Array(try rsa.signature(for: SHA384.hash(data: message), padding: .PSS).rawRepresentation)
                    ),
                ]),
            Signer(
                name: "Ed25519",
                spki: TestDER.sequence(
                    TestDER.sequence(TestDER.identifier("1.3.101.112")),
                    TestDER.bits(Array(edwards.publicKey.rawRepresentation))),
                signatures: [(.ed25519, Array(try edwards.signature(for: message)))]),
        ]
    }

    @Test("A signature counts with its own key, kind, hash and message alone")
    func signatures() throws {
        let signers = try signers()
        let all = signers.flatMap { signer in signer.signatures.map { (signer.name, $0.0, $0.1) } }
        for signer in signers {
            let key = try PublicKey(spki: signer.spki)
            for (name, algorithm, signature) in all {
                for (_, other, _) in all {
                    let isIts = name == signer.name && other == algorithm
                    #expect(key.isValid(signature, over: Self.message, other) == isIts, "\(name) by \(signer.name)")
                }
                #expect(!key.isValid(signature, over: Self.message + [0], algorithm))
                #expect(!key.isValid(Array(signature.dropLast()), over: Self.message, algorithm))
                #expect(!key.isValid(signature + [0], over: Self.message, algorithm))
                #expect(!key.isValid([], over: Self.message, algorithm))
            }
        }
    }

    @Test("An RSA key is the same from its numbers, and as one for encryption alone")
    func rsa() throws {
        let own = TestKeys.rsa[0].publicKey
        let numbers = try own.getKeyPrimitives()
        let signature = Array(
            try TestKeys.rsa[0].signature(for: SHA384.hash(data: Self.message), padding: .PSS).rawRepresentation)
        let forEncryption = TestDER.sequence(
            TestDER.sequence(TestDER.identifier("1.2.840.113549.1.1.7"), TestDER.sequence()),
            TestDER.bits(Array(own.pkcs1DERRepresentation)))
        for key in [
            try PublicKey(rsaModulus: Array(numbers.modulus), exponent: Array(numbers.publicExponent)),
            try PublicKey(spki: forEncryption),
        ] {
            #expect(key.isValid(signature, over: Self.message, .rsaPSS(.sha384)))
        }
        // Certificates of such keys are not what swift-certificates reads.
        let root = try TestAuthority("root", .p256(P256.Signing.PrivateKey()))
        let content = TestDER.sequence(
            TestDER.field(0xA0, TestDER.integer(2)), TestDER.integer(5), root.key.algorithm, TestDER.name("root"),
            TestDER.sequence(TestDER.time("20200101000000"), TestDER.time("20400101000000")), TestDER.name("EK"),
            forEncryption)
        let certificate = try ParsedCertificate(der: try root.key.signed(content))
        #expect(
            certificate.commonName == "EK"
                && certificate.publicKey.isValid(signature, over: Self.message, .rsaPSS(.sha384)))
    }

    @Test("What is no key is refused")
    func refused() throws {
        let p256 = Array(P256.Signing.PrivateKey().publicKey.derRepresentation)
        var offCurve = p256
        offCurve[offCurve.count - 1] ^= 1
        for wrong in [[], [0x30, 0], [0x30, 2, 5, 0], Array(p256.dropLast()), p256 + [0], offCurve] {
            let error = try #require(throws: EvidenceError.self) { try PublicKey(spki: wrong) }
            #expect(error.check == "x509.key.format")
        }
        for (modulus, exponent): ([UInt8], [UInt8]) in [
            ([], []), ([1], [1, 0, 1]), (Array(repeating: 0xFF, count: 128), [1, 0, 1]),
            (Array(repeating: 0xFF, count: 256), []),
        ] {
            #expect(throws: EvidenceError.self) { try PublicKey(rsaModulus: modulus, exponent: exponent) }
        }
    }

    @Test("A chain does not hold by way of SHA-1")
    func sha1() throws {
        let rsa = TestKeys.rsa[0]
        let root = try TestAuthority("root", .rsa(rsa))
        let algorithm = TestDER.sequence(TestDER.identifier("1.2.840.113549.1.1.5"), [5, 0])
        let content = TestDER.sequence(
            TestDER.field(0xA0, TestDER.integer(2)), TestDER.integer(5), algorithm, TestDER.name("root"),
            TestDER.sequence(TestDER.time("20200101000000"), TestDER.time("20400101000000")), TestDER.name("leaf"),
            TestKey.p256(P256.Signing.PrivateKey()).spki)
        let signature = try rsa.signature(for: Insecure.SHA1.hash(data: content), padding: .insecurePKCS1v1_5)
        let leaf = try ParsedCertificate(
            der: TestDER.sequence(content, algorithm, TestDER.bits(Array(signature.rawRepresentation))))
        let authority = try ParsedCertificate(der: root.certificate)
        #expect(leaf.isSigned(by: authority.publicKey))
        var examination = Examination()
        let chain = examination.checkChain(
            "test", leaf: leaf, intermediates: [], anchors: [root.certificate], revocationLists: nil,
            at: Vectors.pinnedTime)
        #expect(chain == nil)
        #expect(examination.findings.filter { $0.outcome == .failed }.map(\.check) == ["test.signature"])
    }
}
