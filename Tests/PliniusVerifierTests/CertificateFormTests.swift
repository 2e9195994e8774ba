import Crypto
import PliniusVerifier
import SwiftASN1
import Testing

/// What is read of certificates and lists is read strictly: two readers of one structure must not see two things.
@Suite("Forms of certificates and lists")
struct CertificateFormTests {
    private static let algorithm = TestKey.pssAlgorithm()
    private static let subjectKey = TestKey.p256(P256.Signing.PrivateKey()).spki

    /// The fields of a certificate by RSASSA-PSS, which nobody but this verifier reads; its signature is none.
    fileprivate struct Form {
        var version = TestDER.field(0xA0, TestDER.integer(2))
        var serial = TestDER.integer(7)
        var inner = algorithm
        var extensions = [TestDER.authority()]
        var outer = algorithm
        var signature = TestDER.bits([1, 2, 3])

        var certificate: [UInt8] {
            let content = TestDER.sequence(
                version, serial, inner, TestDER.name("issuer"),
                TestDER.sequence(TestDER.time("20250101000000"), TestDER.time("20260101000000")),
                TestDER.name("subject"), subjectKey,
                extensions.isEmpty ? [] : TestDER.field(0xA3, TestDER.field(0x30, Array(extensions.joined()))))
            return TestDER.sequence(content, outer, signature)
        }

        var list: [UInt8] {
            let content = TestDER.sequence(
                version, inner, TestDER.name("issuer"), TestDER.time("20250101000000"), TestDER.time("20260101000000"),
                extensions.isEmpty ? [] : TestDER.field(0xA0, Array(extensions.joined())))
            return TestDER.sequence(content, outer, signature)
        }
    }

    private static let otherAlgorithm = TestKey.pssAlgorithm(
        hash: sha256, mask: sha256, salt: 32)
    private static let sha256 = TestDER.sequence(TestDER.identifier("2.16.840.1.101.3.4.2.1"), [5, 0])

    @Test("A certificate of another form is refused")
    func certificates() throws {
        #expect(throws: Never.self) { try ParsedCertificate(der: Form().certificate) }
        let wrong: [(String, (inout Form) -> Void)] = [
            ("algorithm", { $0.inner = Self.otherAlgorithm }),
            ("odd bits", { $0.signature = TestDER.field(3, [1, 2, 4]) }),
            ("version 2 with extensions", { $0.version = TestDER.field(0xA0, TestDER.integer(1)) }),
            ("version 1 with extensions", { $0.version = [] }),
            ("an extension twice", { $0.extensions = [TestDER.authority(), TestDER.authority(0)] }),
            ("a serial number of 33 bytes", { $0.serial = TestDER.field(2, [UInt8](repeating: 1, count: 33)) }),
            ("no serial number", { $0.serial = TestDER.field(2, []) }),
            ("trailer 2", { $0.setAlgorithm(trailer: TestDER.field(0xA3, TestDER.integer(2))) }),
        ]
        for (name, change) in wrong {
            var form = Form()
            change(&form)
            let error = #expect(throws: EvidenceError.self, "\(name)") { try ParsedCertificate(der: form.certificate) }
            #expect(error?.check == "x509.certificate.format")
        }
        // The trailer's default may be written out, and an old certificate needs no extensions.
        for change in [
            { (form: inout Form) in form.setAlgorithm(trailer: TestDER.field(0xA3, TestDER.integer(1))) },
            { (form: inout Form) in
                form.version = []
                form.extensions = []
            },
            { (form: inout Form) in form.serial = TestDER.field(2, [UInt8](repeating: 1, count: 32)) },
        ] {
            var form = Form()
            change(&form)
            #expect(throws: Never.self) { try ParsedCertificate(der: form.certificate) }
        }
    }

    @Test("A list of another form is refused")
    func lists() throws {
        var good = Form()
        good.version = TestDER.integer(1)
        good.extensions = [TestDER.sequence(TestDER.extension("2.5.29.20", TestDER.integer(1)))]
        #expect(throws: Never.self) { try RevocationList(der: good.list) }
        let wrong: [(String, (inout Form) -> Void)] = [
            ("algorithm", { $0.inner = Self.otherAlgorithm }),
            ("version 1", { $0.version = TestDER.integer(0) }),
            ("version 3", { $0.version = TestDER.integer(2) }),
            ("extensions twice", { $0.extensions += $0.extensions }),
            ("odd bits", { $0.signature = TestDER.field(3, [1, 2, 4]) }),
        ]
        for (name, change) in wrong {
            var form = good
            change(&form)
            let error = #expect(throws: EvidenceError.self, "\(name)") { try RevocationList(der: form.list) }
            #expect(error?.check == "x509.crl.format")
        }
    }

    @Test("An algorithm's parameters are absent or NULL", arguments: ["1.2.840.10045.4.3.2", "1.2.840.113549.1.1.11"])
    func parameters(identifier: String) throws {
        for (parameters, isRead) in [([], true), ([5, 0], true), (TestDER.integer(1), false)] as [([UInt8], Bool)] {
            var form = Form()
            form.version = TestDER.integer(1)
            form.extensions = []
            form.inner = TestDER.sequence(TestDER.identifier(identifier), parameters)
            form.outer = form.inner
            #expect(((try? RevocationList(der: form.list)) != nil) == isRead)
        }
    }

    @Test("What is too long is not looked at")
    func lengths() throws {
        let long = [UInt8](repeating: 0x30, count: (4 << 20) + 1)
        for read in [
            { _ = try ParsedCertificate(der: Array(long.prefix((64 << 10) + 1))) },
            { _ = try ParsedCertificate.parse(pem: Array(long.prefix((2 << 20) + 1))) },
            { _ = try RevocationList(der: long) },
        ] {
            let error = #expect(throws: EvidenceError.self) { try read() }
            #expect(error?.expected.contains("at most") == true, "\(error?.description ?? "")")
        }
        let root = try TestAuthority("root", .p256(P256.Signing.PrivateKey()))
        #expect(try ParsedCertificate.parse(pem: testPEM(Array(repeating: root.certificate, count: 32))).count == 32)
        #expect(throws: EvidenceError.self) {
            try ParsedCertificate.parse(pem: testPEM(Array(repeating: root.certificate, count: 33)))
        }
    }
}

extension CertificateFormTests.Form {
    /// RSASSA-PSS with SHA-384, in both places, with a field behind the salt.
    fileprivate mutating func setAlgorithm(trailer: [UInt8]) {
        let sha384 = TestKey.sha384
        inner = TestDER.sequence(
            TestDER.identifier("1.2.840.113549.1.1.10"),
            TestDER.sequence(
                TestDER.field(0xA0, sha384),
                TestDER.field(0xA1, TestDER.sequence(TestDER.identifier("1.2.840.113549.1.1.8"), sha384)),
                TestDER.field(0xA2, TestDER.integer(48)), trailer))
        outer = inner
    }
}
