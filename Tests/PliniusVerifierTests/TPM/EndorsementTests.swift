import Crypto
import PliniusVerifier
import Testing

@Suite("Certificates of endorsement keys")
struct EndorsementTests {
    private let root: TestAuthority
    private let family: TestAuthority
    private let device: TestAuthority
    private let certificate: [UInt8]

    init() throws {
        func key() -> TestKey { .p256(P256.Signing.PrivateKey()) }
        root = try TestAuthority("Maker", key())
        family = try TestAuthority("Family", key(), under: root)
        device = try TestAuthority("Device", key(), under: family)
        let purpose = TestDER.extension("2.5.29.37", TestDER.sequence(TestDER.identifier("2.23.133.8.1")))
        certificate = try device.certify("TPM", key(), extensions: [purpose])
    }

    private func failing(anchors: [[UInt8]], intermediates: [[UInt8]]) -> [String] {
        var context = Context(now: Vectors.pinnedTime)
        context.anchors.endorsement = anchors
        context.collateral.endorsementIntermediates = intermediates
        return failures { (examination: inout Examination) throws(EvidenceError) in
            _ = try examineEndorsement(
                certificate: certificate, ek: nil, context, askedBy: nil, &examination)
        }
    }

    @Test("Intermediates lead to the maker, in any order, among any number of others")
    func chain() throws {
        let both = [family.certificate, device.certificate]
        #expect(failing(anchors: [root.certificate], intermediates: both) == [])
        #expect(failing(anchors: [root.certificate], intermediates: both.reversed()) == [])
        let others = try (0..<40).map { number in
            try TestAuthority("Other \(number)", .p256(P256.Signing.PrivateKey()), under: root).certificate
        }
        #expect(failing(anchors: [root.certificate], intermediates: others + [[0x30, 0]] + both) == [])
        // Whoever names an intermediate as an anchor needs nothing above it.
        #expect(failing(anchors: [device.certificate], intermediates: []) == [])
        for missing in 0...1 {
            #expect(failing(anchors: [root.certificate], intermediates: [both[missing]]) == ["tpm.ek.chain"])
        }
    }

    @Test("An intermediate is believed only as far as it leads to an anchor")
    func unbelieved() throws {
        let stranger = try TestAuthority("Stranger", .p256(P256.Signing.PrivateKey()))
        let all = [family.certificate, device.certificate, root.certificate]
        #expect(failing(anchors: [stranger.certificate], intermediates: all) == ["tpm.ek.chain"])
        #expect(failing(anchors: [], intermediates: all) == ["tpm.ek.chain"])
        // Names alone prove nothing.
        let forged = try TestAuthority("Family", .p256(P256.Signing.PrivateKey()), under: stranger)
        let found = failing(anchors: [root.certificate], intermediates: [forged.certificate, device.certificate])
        #expect(found.first == "tpm.ek.chain", "\(found)")
        let weak = try TestAuthority(
            "Device", device.key, under: family, extensions: [TestDER.usage(0x80)])
        #expect(
            failing(anchors: [root.certificate], intermediates: [family.certificate, weak.certificate])
                == ["tpm.ek.constraints"])
    }
}
