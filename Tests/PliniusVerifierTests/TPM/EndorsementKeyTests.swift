import Crypto
import PliniusVerifier
import Testing

/// An endorsement key and its maker's certificate, each of which a test can change.
@Suite("Endorsement keys")
struct EndorsementKeyTests {
    private struct Form {
        var root: TestAuthority
        var key = P256.Signing.PrivateKey()
        var certified: P256.Signing.PrivateKey?
        /// fixedTPM, fixedParent, sensitiveDataOrigin, adminWithPolicy, restricted, decrypt.
        var attributes: UInt32 = 0x300B2
        var policy = [UInt8](repeating: 9, count: 32)
        var cipher: [UInt8] = [0, 6, 0, 0x80, 0, 0x43]
        var purpose: String? = "2.23.133.8.1"
        var filling: [UInt8] = []

        init() throws { root = try TestAuthority("Maker", .p256(P256.Signing.PrivateKey())) }

        var area: [UInt8] {
            let point = key.publicKey.rawRepresentation
            let head = [0, 0x23, 0, 0x0B] + SoftwareTPM.big(attributes) + SoftwareTPM.sized(policy) + cipher
            return head + [0, 0x10, 0, 3, 0, 0x10] + SoftwareTPM.sized(point.prefix(32))
                + SoftwareTPM.sized(point.suffix(32))
        }

        func failing() throws -> [String] {
            let extensions = purpose.map {
                [TestDER.extension("2.5.29.37", TestDER.sequence(TestDER.identifier($0)))]
            }
            // Long enough for a length of two bytes, as a TPM keeps it.
            let name = String(repeating: "TPM", count: 40)
            let certificate = try root.certify(name, .p256(certified ?? key), extensions: extensions ?? []) + filling
            let ek = try TPMPublic(area, format: "tpm.ek.format")
            var context = Context(now: Vectors.pinnedTime)
            context.anchors.endorsement = [root.certificate]
            return failures { (examination: inout Examination) throws(EvidenceError) in
                _ = try examineEndorsement(
                    certificate: certificate, ek: ek, context, askedBy: nil, &examination)
            }
        }
    }

    @Test("A key of the TCG's profile with its maker's certificate passes, whatever fills the TPM's memory behind it")
    func good() throws {
        var form = try Form()
        #expect(try form.failing() == [])
        for filling in [[0, 0, 0], [0xFF, 0xFF]] as [[UInt8]] {
            form.filling = filling
            #expect(try form.failing() == [])
        }
    }

    @Test("What is wrong with it is named")
    func bad() throws {
        let cases: [(String, (inout Form) -> Void)] = [
            ("tpm.ek.public", { $0.certified = P256.Signing.PrivateKey() }), ("tpm.ek.purpose", { $0.purpose = nil }),
            ("tpm.ek.purpose", { $0.purpose = "2.23.133.8.3" }), ("tpm.ek.template", { $0.policy = [] }),
            ("tpm.ek.template", { $0.cipher = [0, 0x10] }), ("tpm.ek.template", { $0.attributes |= 1 << 18 }),
            ("tpm.ek.format", { $0.filling = [0, 1] }), ("tpm.ek.format", { $0.filling = [0xFF, 0] }),
        ]
        let bits = [1, 4, 5, 16, 17].map { bit in
            ("tpm.ek.template", { (form: inout Form) in form.attributes &= ~(1 << bit) })
        }
        for (check, change) in cases + bits {
            var form = try Form()
            change(&form)
            #expect(try form.failing() == [check])
        }
    }
}
