import Crypto
import FoundationEssentials
import PliniusVerifier
import PliniusWire
import Testing
import _CryptoExtras

/// A TPM beside another platform: what its quote binds, and that the key that quoted is where the maker's certificate says.
///
/// The TPM's half of a credential is done here, by the words of the TPM 2.0 library (part 1, 24 and C.6.1).
@Suite("A TPM beside another platform")
struct ActivationTests {
    private static let program = [UInt8](repeating: 7, count: 32)
    private static let now = Instant(2026, 1, 1)
    private let maker: TestAuthority
    private let signer = Curve25519.Signing.PrivateKey()
    private let endorsement = P256.Signing.PrivateKey()
    private let quoting = SoftwareTPM(.p256(P256.Signing.PrivateKey()), .ecdsa)
    private let challenge = IssuedChallenge(now: Self.now, life: 60)

    init() throws { maker = try TestAuthority("Maker", .p256(P256.Signing.PrivateKey())) }

    // MARK: The machine

    /// TPMT_PUBLIC of an endorsement key.
    private func area(_ key: P256.Signing.PrivateKey) -> [UInt8] {
        let point = key.publicKey.rawRepresentation
        let head = [0, 0x23, 0, 0x0B, 0, 3, 0, 0xB2] + SoftwareTPM.sized([UInt8](repeating: 9, count: 32))
        return head + [0, 6, 0, 0x80, 0, 0x43, 0, 0x10, 0, 3, 0, 0x10] + SoftwareTPM.sized(point.prefix(32))
            + SoftwareTPM.sized(point.suffix(32))
    }

    private func pending(_ key: P256.Signing.PrivateKey, _ quoting: SoftwareTPM) throws -> PendingActivation {
        try PendingActivation(
            Enrolment(endorsementCertificate: [], endorsementKey: area(key), attestationKey: quoting.area))
    }

    /// What the TPM of an endorsement key gives back for one of its keys; `nil` if the credential is for another.
    private func secret(
        in credential: Credential, _ key: P256.Signing.PrivateKey, name: [UInt8]
    ) throws -> [UInt8]? {
        func code(_ key: [UInt8], _ message: [UInt8]) -> [UInt8] {
            Array(HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: key)))
        }
        let point = Array(credential.encryptedSecret.dropFirst(4).prefix(32) + credential.encryptedSecret.suffix(32))
        let agreement = try P256.KeyAgreement.PrivateKey(rawRepresentation: key.rawRepresentation)
        let shared = try agreement.sharedSecretFromKeyAgreement(with: .init(rawRepresentation: point))
        let secret = shared.withUnsafeBytes { Array($0) }
        let seed = Array(
            SHA256.hash(
                data: [0, 0, 0, 1] + secret + Array("IDENTITY\0".utf8) + point.prefix(32)
                    + key.publicKey.rawRepresentation.prefix(32)))
        let integrity = code(seed, [0, 0, 0, 1] + Array("INTEGRITY\0".utf8) + [0, 0, 1, 0])
        let identity = Array(credential.identityObject.dropFirst(2 + 2 + 32))
        guard Array(credential.identityObject[4..<36]) == code(integrity, identity + name) else { return nil }
        let cipher = code(seed, [0, 0, 0, 1] + Array("STORAGE\0".utf8) + name + [0, 0, 0, 0x80]).prefix(16)
        let vector = try AES._CFB.IV(ivBytes: [UInt8](repeating: 0, count: 16))
        let plain = Array(try AES._CFB.decrypt(identity, using: SymmetricKey(data: cipher), iv: vector))
        return plain.starts(with: [0, 32]) && plain.count == 34 ? Array(plain.dropFirst(2)) : nil
    }

    private static var transcript: Transcript {
        var transcript = Transcript()
        transcript.append(Frame(type: 1, payload: [2]))
        return transcript
    }

    private func proof(_ secret: [UInt8], over transcript: Transcript = transcript) -> [UInt8] {
        Array(
            HMAC<SHA256>.authenticationCode(
                for: Array(SHA256.hash(data: transcript.bytes)), using: SymmetricKey(data: secret)))
    }

    private func activated(_ key: P256.Signing.PrivateKey, _ quoting: SoftwareTPM) throws -> ActivatedKey? {
        let pending = try self.pending(key, quoting)
        let secret = try #require(try self.secret(in: pending.credential, key, name: quoting.name))
        return pending.key(provenBy: proof(secret), over: Self.transcript)
    }

    // MARK: Credentials

    @Test("A secret comes back from the TPM that it is for, for the key that it is for, and proves one exchange")
    func activation() throws {
        let pending = try self.pending(endorsement, quoting)
        let secret = try #require(try self.secret(in: pending.credential, endorsement, name: quoting.name))
        var other = quoting.name
        other[33] ^= 1
        #expect(try self.secret(in: pending.credential, endorsement, name: other) == nil)
        #expect(try self.secret(in: pending.credential, P256.Signing.PrivateKey(), name: quoting.name) == nil)
        #expect(pending.key(provenBy: proof(secret), over: Self.transcript) != nil)
        #expect(pending.key(provenBy: proof(secret), over: Transcript()) == nil)
        #expect(pending.key(provenBy: proof(secret).reversed(), over: Self.transcript) == nil)
        #expect(pending.key(provenBy: [], over: Self.transcript) == nil)
        // No two secrets are alike.
        let again = try self.pending(endorsement, quoting)
        #expect(try self.secret(in: again.credential, endorsement, name: quoting.name) != secret)
        #expect(again.key(provenBy: proof(secret), over: Self.transcript) == nil)
    }

    // MARK: Bundles

    private func policy(_ more: String = "") throws -> Policy {
        let program = Self.program.map { "0\($0)" }.joined()
        return try Policy(
            yaml: "version: 1\nname: n\nlevel: test\npurposes: train\nevidence: [simulated, tpm]\nconfigs: any\n"
                + "datasets: any\nsimulated:\n  measurement: [\"\(program)\"]\ntpm:\n  endorsement: true\n\(more)",
            file: "policy.yaml"
        ) { _ in [] }
    }

    private var context: Context {
        var anchors = TrustAnchors()
        anchors.simulated = [Array(signer.publicKey.rawRepresentation)]
        anchors.endorsement = [maker.certificate]
        return Context(now: Self.now, anchors: anchors)
    }

    /// A simulated report over the runtime data, and a quote over both, or over the runtime data alone.
    private func bundle(bindingReport: Bool = true) throws -> EvidenceBundle {
        var data = RuntimeData()
        data.nonce = challenge.challenge.nonce
        data.publicKey = [UInt8](repeating: 1, count: 32)
        let digest = Array(SHA512.hash(data: data.encoded))
        let report = Array("PLINSIM1".utf8) + [1, 0, 0, 0] + digest + Self.program
        var tpm = quoting
        let other = bindingReport ? Array(SHA256.hash(data: report)) : []
        tpm.extraData = Array(SHA256.hash(data: Array("plinius/1/tpm".utf8) + digest + other))
        let purpose = TestDER.extension("2.5.29.37", TestDER.sequence(TestDER.identifier("2.23.133.8.1")))
        let certificate = try maker.certify("TPM", .p256(endorsement), extensions: [purpose])
        return EvidenceBundle(
            runtimeData: data.encoded,
            evidence: [
                Evidence(
                    .simulated,
                    [
                        "report": report, "signature": Array(try signer.signature(for: report)),
                        "key": Array(signer.publicKey.rawRepresentation),
                    ]), try tpm.evidence().with("ek-certificate", certificate),
            ])
    }

    private func failed(_ bundle: EvidenceBundle, _ policy: Policy, _ activated: ActivatedKey?) -> [String] {
        let verdict = UnverifiedEvidence(bundle).verdict(
            under: policy, for: challenge, activated: activated, in: context)
        #expect((verdict.evidence != nil) == verdict.hasPassed)
        func leaves(_ finding: Finding) -> [Finding] {
            finding.parts.isEmpty ? [finding] : finding.parts.flatMap(leaves)
        }
        return verdict.findings.flatMap(leaves).filter { $0.outcome == .failed }.map(\.check)
    }

    @Test("Only a key that is activated in the TPM of the certificate counts")
    func release() throws {
        let (bundle, policy) = (try self.bundle(), try self.policy())
        #expect(failed(bundle, policy, try activated(endorsement, quoting)) == [])
        #expect(failed(bundle, policy, nil) == ["tpm.activation.proof"])
        let stranger = SoftwareTPM(.p256(P256.Signing.PrivateKey()), .ecdsa)
        #expect(failed(bundle, policy, try activated(endorsement, stranger)) == ["tpm.activation.key"])
        #expect(failed(bundle, policy, try activated(P256.Signing.PrivateKey(), quoting)) == ["tpm.ek.public"])
        // Stored evidence answers nobody, so that nothing can be given back.
        #expect(UnverifiedEvidence(bundle).verdict(under: policy, in: context).hasPassed)
    }

    @Test("The quote binds the other platform's report, so that the two are of one machine")
    func binding() throws {
        let found = try failed(bundle(bindingReport: false), policy(), activated(endorsement, quoting))
        #expect(found == ["tpm.binding.report-data"])
    }

    @Test("What a policy asks of files it asks of the TPM's log")
    func files() throws {
        let policy = try self.policy("ima:\n  generations: [{name: n, lists: []}]\n")
        #expect(failed(try bundle(), policy, try activated(endorsement, quoting)) == ["tpm.ima-log.present"])
    }
}
