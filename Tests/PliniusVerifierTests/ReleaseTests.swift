import Crypto
import FoundationEssentials
import PliniusVerifier
import PliniusWire
import Testing

/// Bundles as a whole: what is bound to what, what a challenge asks, and what comes out of it.
@Suite struct ReleaseTests {
    private static let signer = Curve25519.Signing.PrivateKey()
    private static let recipient = Curve25519.KeyAgreement.PrivateKey()
    private static let program = [UInt8](repeating: 7, count: 32)
    private static let now = Instant(seconds: 1_800_000_000)

    private let challenge = IssuedChallenge(now: Self.now, life: 60)

    private func policy(_ change: (inout String) -> Void = { _ in }) throws -> Policy {
        var yaml = """
            version: 1
            name: release
            level: test
            purposes: [train]
            evidence: [simulated]
            configs: ["\(hex([UInt8](repeating: 3, count: 32)))"]
            datasets: ["\(hex([UInt8](repeating: 4, count: 16)))"]
            simulated:
              measurement: ["\(hex(Self.program))"]

            """
        change(&yaml)
        return try Policy(yaml: yaml, file: "policy.yaml") { _ in [] }
    }

    private func data(_ change: (inout RuntimeData) -> Void = { _ in }) -> RuntimeData {
        var data = RuntimeData()
        data.nonce = challenge.challenge.nonce
        data.publicKey = Array(Self.recipient.publicKey.rawRepresentation)
        data.configDigest = [UInt8](repeating: 3, count: 32)
        data.datasetIDs = [[UInt8](repeating: 4, count: 16)]
        data.runName = "default"
        change(&data)
        return data
    }

    /// Evidence that binds `data`.
    private func bundle(_ data: RuntimeData) throws -> EvidenceBundle {
        let report =
            Array("PLINSIM1".utf8) + [1, 0, 0, 0] + Array(SHA512.hash(data: data.encoded)) + Self.program
        return EvidenceBundle(
            runtimeData: data.encoded,
            evidence: [
                Evidence(
                    .simulated,
                    [
                        "report": report, "signature": Array(try Self.signer.signature(for: report)),
                        "key": Array(Self.signer.publicKey.rawRepresentation),
                    ])
            ])
    }

    private func context(after seconds: Int64 = 0) -> Context {
        var anchors = TrustAnchors()
        anchors.simulated = [Array(Self.signer.publicKey.rawRepresentation)]
        return Context(now: Instant(seconds: Self.now.seconds + seconds), anchors: anchors)
    }

    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test func whatPassesIsVerifiedAndAKeyIsSealedToIt() throws {
        let verdict = try UnverifiedEvidence(bundle(data())).verdict(under: policy(), for: challenge, in: context())
        #expect(verdict.hasPassed && verdict.refusal == nil, "\(verdict.text)")
        let evidence = try #require(verdict.evidence)
        #expect(evidence.runtimeData == data())
        #expect(evidence.claims[.simulated]?.measurements.values.contains(hex(Self.program)) == true)

        var transcript = Transcript()
        transcript.append(Frame(type: 1, payload: [2]))
        let key = Array<UInt8>(1...32)
        let terms = GrantTerms(purposes: [.train], keys: [GrantTerms.Key(), GrantTerms.Key(dataset: Array(0..<16))])
        let sealed = try KeyGrant.seal([key, key.reversed()], under: terms, to: evidence, over: transcript)
        // Opened as the enclave does, by RFC 9180's own words.
        var recipient = try HPKE.Recipient(
            privateKey: Self.recipient,
            ciphersuite: .init(kem: .Curve25519_HKDF_SHA256, kdf: .HKDF_SHA256, aead: .AES_GCM_256),
            info: Data("plinius/2/grant".utf8), encapsulatedKey: Data(sealed.grant.encapsulatedKey))
        let digest = Array(SHA256.hash(data: transcript.bytes))
        #expect(sealed.grant.transcript == digest)
        let content = Array(try recipient.open(sealed.grant.ciphertext, authenticating: digest))
        #expect(
            Array(content.dropLast(32))
                == [UInt8(terms.encoded.count), 0, 0, 0] + terms.encoded + key + key.reversed())
        #expect(content.count == terms.contentByteCount)
        let receiptKey = SymmetricKey(data: content.suffix(32))
        let proof = Array(HMAC<SHA256>.authenticationCode(for: digest, using: receiptKey))
        #expect(sealed.isConfirmed(by: Receipt(proof: proof), over: transcript))
        #expect(!sealed.isConfirmed(by: Receipt(proof: proof), over: Transcript()))
        #expect(!sealed.isConfirmed(by: Receipt(proof: proof.reversed()), over: transcript))
        #expect(!sealed.isConfirmed(by: Receipt(proof: []), over: transcript))
        // No two grants are alike, and none is confirmed by the receipt of another.
        let again = try KeyGrant.seal([key, key.reversed()], under: terms, to: evidence, over: transcript)
        #expect(again.grant != sealed.grant)
        #expect(!again.isConfirmed(by: Receipt(proof: proof), over: transcript))
    }

    @Test func aKeyMayBeKeptAsThePolicySaysForTrainingAlone() throws {
        func restart(_ lines: String, _ purpose: RuntimeData.Purpose = .train) throws -> GrantTerms.Restart? {
            let policy = try policy {
                $0 = $0.replacing("purposes: [train]", with: "purposes: [train, test]") + lines
            }
            let verdict = try UnverifiedEvidence(bundle(data { $0.purpose = purpose })).verdict(
                under: policy, for: challenge, in: context())
            return try #require(verdict.evidence, "\(verdict.text)").restart
        }
        let point = Array(P256.Signing.PrivateKey().publicKey.rawRepresentation)
        let permitted = "restart:\n  keepKey: true\n"
        #expect(try restart("") == nil && restart("restart:\n  keepKey: false\n") == nil)
        #expect(
            try restart(permitted)
                == GrantTerms.Restart(registers: [0, 1, 2, 3, 4, 5, 6, 7, 14], allowsSimulation: true))
        #expect(
            try restart(permitted + "  registers: [4]\n  approvalKey: \(hex(point))\n")
                == GrantTerms.Restart(registers: [4], approvalKey: point, allowsSimulation: true))
        #expect(try restart(permitted, .test) == nil)
    }

    @Test func aKeyThatIsNoneGetsNothing() throws {
        for (suite, length) in [(RuntimeData.Suite.x25519, 31), (.p256, 65), (.p256, 0)] {
            let data = data {
                $0.suite = suite
                $0.publicKey = [UInt8](repeating: 0, count: length)
            }
            let verdict = try UnverifiedEvidence(bundle(data)).verdict(
                under: policy(), for: challenge, in: context())
            let evidence = try #require(verdict.evidence)
            let terms = GrantTerms(purposes: [.train], keys: [GrantTerms.Key()])
            let key = [UInt8](repeating: 1, count: 32)
            #expect { try KeyGrant.seal([key], under: terms, to: evidence, over: Transcript()) } throws: {
                ($0 as? EvidenceError)?.check == "release.key"
            }
        }
    }

    @Test func storedEvidenceIsJudgedAndReleasesNothing() throws {
        let verdict = try UnverifiedEvidence(bundle(data())).verdict(under: policy(), in: context(after: 1_000_000))
        #expect(verdict.hasPassed)
        #expect(verdict.evidence == nil)
    }

    @Test func challengesAgeAndAreNotAnsweredBeforehand() throws {
        for (seconds, passes) in [(Int64(0), true), (60, true), (61, false), (-1, false)] {
            let verdict = try UnverifiedEvidence(bundle(data())).verdict(
                under: policy(), for: challenge, in: context(after: seconds))
            #expect((verdict.evidence != nil) == passes)
            #expect(verdict.firstFailure?.check == (passes ? nil : "bundle.expiry"))
        }
        let one = IssuedChallenge(now: Self.now)
        #expect(one.challenge.nonce.count == 32 && one.challenge.nonce != challenge.challenge.nonce)
    }

    /// Each line of a refusal is one that the owner can act on: the check, and the line of the policy that asked.
    @Test func whatThePolicyDoesNotGrantIsRefusedByItsLine() throws {
        let refused: [(String, RuntimeData, Int?)] = [
            ("bundle.nonce", data { $0.nonce = [UInt8](repeating: 0, count: 32) }, nil),
            ("bundle.purpose", data { $0.purpose = .export }, 4),
            ("bundle.config", data { $0.configDigest = [] }, 6),
            ("bundle.data-set", data { $0.datasetIDs[0][0] = 5 }, 7),
            ("bundle.data-set", data { $0.datasetIDs = [] }, 7),
            ("bundle.data-set", data { $0.datasetIDs.append([UInt8](repeating: 5, count: 16)) }, 7),
        ]
        for (check, data, line) in refused {
            let verdict = try UnverifiedEvidence(bundle(data)).verdict(under: policy(), for: challenge, in: context())
            #expect(verdict.evidence == nil && !verdict.hasPassed)
            #expect(verdict.firstFailure?.check == check)
            #expect(verdict.firstFailure?.policyLine?.line == line)
            #expect(verdict.refusal?.contains(check) == true)
            #expect(verdict.text.contains("    FAILED   \(check)"))
        }
        let any = try policy { $0 = $0.replacing(hex([UInt8](repeating: 4, count: 16)), with: "any") }
        let other = try UnverifiedEvidence(bundle(data { $0.datasetIDs = [] })).verdict(
            under: any, for: challenge, in: context())
        #expect(other.evidence != nil, "\(other.text)")
    }

    @Test func aPolicyMayNameTheRunsThatGoOn() throws {
        let named = try policy { $0 += "runs: [default, \"night shift\"]\n" }
        for (run, passes) in [("default", true), ("night shift", true), ("night", false), ("", false)] {
            let bundle = try bundle(data { $0.runName = run })
            let verdict = UnverifiedEvidence(bundle).verdict(under: named, for: challenge, in: context())
            #expect((verdict.evidence != nil) == passes, "\(verdict.text)")
            #expect(verdict.firstFailure?.check == (passes ? nil : "bundle.run"))
            #expect(verdict.firstFailure?.policyLine?.line == (passes ? nil : 10))
            #expect(UnverifiedEvidence(bundle).verdict(under: named, in: context()).hasPassed == passes)
            let any = try UnverifiedEvidence(bundle).verdict(under: policy(), for: challenge, in: context())
            #expect(any.evidence != nil, "a policy that names none lets any go on")
        }
    }

    @Test func bundlesOfCollateralAreInDateOrNothingIsReleased() throws {
        let window = (Self.now.seconds - 10, Self.now.seconds + 30)
        for (seconds, passes) in [(Int64(0), true), (30, true), (31, false), (-11, false)] {
            var context = context(after: seconds)
            context.collateral.sources = [
                Collateral.Source(
                    series: "weekly", serial: 3, issued: Instant(seconds: window.0), expires: Instant(seconds: window.1)
                )
            ]
            let issued = IssuedChallenge(challenge.challenge, issued: context.now, life: 60)
            let verdict = try UnverifiedEvidence(bundle(data())).verdict(under: policy(), for: issued, in: context)
            #expect((verdict.evidence != nil) == passes, "\(verdict.text)")
            #expect(verdict.firstFailure?.check == (passes ? nil : "collateral.bundle.validity"))
        }
    }

    @Test func theBundleHasTheEvidenceOfThePolicyAndNoOther() throws {
        let good = try bundle(data())
        var bundles: [(String, EvidenceBundle)] = [
            ("bundle.kinds", EvidenceBundle(runtimeData: good.runtimeData, evidence: [])),
            ("bundle.kinds", EvidenceBundle(runtimeData: good.runtimeData, evidence: good.evidence + good.evidence)),
            (
                "bundle.kinds",
                EvidenceBundle(runtimeData: good.runtimeData, evidence: good.evidence + [Evidence(.sgx, [:])])
            ),
            ("bundle.format", EvidenceBundle(runtimeData: [], evidence: good.evidence)),
            ("bundle.format", EvidenceBundle(runtimeData: good.runtimeData + [0], evidence: good.evidence)),
        ]
        // Every byte of the runtime data is bound, whatever it decodes to.
        for index in good.runtimeData.indices {
            var bytes = good.runtimeData
            bytes[index] ^= 0x20
            bundles.append(("", EvidenceBundle(runtimeData: bytes, evidence: good.evidence)))
        }
        for (check, bundle) in bundles {
            let verdict = try UnverifiedEvidence(bundle).verdict(under: policy(), for: challenge, in: context())
            #expect(verdict.evidence == nil && !verdict.hasPassed)
            if check.isEmpty {
                #expect(verdict.text.contains("FAILED   simulated.binding.report-data"), "\(verdict.text)")
            } else {
                #expect(verdict.firstFailure?.check == check)
            }
        }
    }

    @Test func aChangedBitAnywhereInTheEvidenceIsRefused() throws {
        let good = try bundle(data())
        for (part, content) in good.evidence[0].parts.enumerated() {
            for index in content.bytes.indices {
                var changed = good
                changed.evidence[0].parts[part].bytes[index] ^= 1
                let verdict = try UnverifiedEvidence(changed).verdict(under: policy(), for: challenge, in: context())
                #expect(verdict.evidence == nil, "byte \(index) of \(content.name)")
            }
        }
    }

    @Test func anActivationTakesTheSecretOfItsOwnExchange() throws {
        // Keys of no TPM are no keys.
        let nonsense = try Enrolment(endorsementCertificate: [], endorsementKey: [1], attestationKey: [2])
        #expect(throws: EvidenceError.self) { try PendingActivation(nonsense) }
        let named = try policy {
            $0 =
                $0.replacing("evidence: [simulated]", with: "evidence: [simulated, tpm]")
                + "tpm:\n  akNames: [\"000b\(hex(Self.program))\"]\n  endorsement: true\n"
        }
        #expect(!named.needsActivation, "a name that the owner knows takes no proof")
        let certified = try policy {
            $0 =
                $0.replacing("evidence: [simulated]", with: "evidence: [simulated, tpm]")
                + "tpm:\n  endorsement: true\n"
        }
        #expect(certified.needsActivation)
        #expect(try !policy().needsActivation)
    }
}
