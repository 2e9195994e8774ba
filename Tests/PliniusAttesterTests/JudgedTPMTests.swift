import PliniusAttester
import PliniusSealing
import PliniusTPM
import PliniusVerifier
import PliniusWire
import Testing
import _PliniusTestSupport

@Suite(
    "What the attester shows of a TPM, as the verifier judges it",
    .enabled(if: SoftwareTPM.isAvailable, "\(SoftwareTPM.missing)"))
struct JudgedTPMTests {
    let runtimeData = Array("runtime data".utf8)

    func attester(_ tpm: SoftwareTPM, _ machine: FileKernel, _ name: String = "tpm") throws -> Attester {
        var paths = machine.paths
        paths.tpm = tpm.configuration
        return try Attester(named: name, paths, machine.kernel)
    }

    /// What a quote's extra data has to be, by ``EvidenceBundle``.
    func extraData(_ other: [UInt8]? = nil) -> [UInt8] {
        sha256(Array("plinius/1/tpm".utf8) + sha512(runtimeData) + (other.map(sha256) ?? []))
    }

    /// The first check that fails, `nil` if all pass.
    func judge(_ evidence: Evidence, extraData: [UInt8], akName: [UInt8]? = nil) -> String? {
        var requirements = TPMRequirements()
        let line = PolicyLine("tpm", line: 1)
        requirements.extraData = Setting(extraData, line)
        if let akName { requirements.akNames = Setting([akName], line) }
        var examination = Examination()
        do throws(EvidenceError) {
            let claims = try examineTPM(
                evidence, requirements, Context(now: Instant(seconds: 1_751_328_000)), &examination)
            if let failure = examination.findings.lazy.compactMap(\.firstFailure).first?.check { return failure }
            #expect(claims.boundData == extraData)
            return nil
        } catch { return error.check }
    }

    @Test("A quote holds for its challenge and its key, and for no other", arguments: TPMKeyAlgorithm.allCases)
    func quote(algorithm: TPMKeyAlgorithm) throws {
        let tpm = try SoftwareTPM()
        defer { tpm.stop() }
        var options = EvidenceOptions()
        options.keyAlgorithm = algorithm
        let evidence = try attester(tpm, FileKernel()).evidence(for: runtimeData, options: options)[0]
        let name = [0, 0x0B] + sha256(try #require(evidence["ak"]))
        #expect(judge(evidence, extraData: extraData(), akName: name) == nil)
        #expect(judge(evidence, extraData: extraData([])) != nil)
        #expect(judge(evidence, extraData: extraData(), akName: [0, 0x0B] + sha256([])) != nil)
    }

    @Test("A quote beside a simulation names it, and goes with no other", arguments: ["simulated+tpm", "sev-snp+tpm"])
    func composite(name: String) throws {
        let tpm = try SoftwareTPM()
        defer { tpm.stop() }
        let machine = try FileKernel()
        let attester = try attester(tpm, machine, name)
        let evidence = try attester.evidence(for: runtimeData)
        let report = try #require(evidence[0]["report"])
        #expect(judge(evidence[1], extraData: extraData(report)) == nil)
        #expect(judge(evidence[1], extraData: extraData()) != nil, "not without it")
        var other = report
        other[0] ^= 1
        #expect(judge(evidence[1], extraData: extraData(other)) != nil, "not with another")
    }

    @Test(
        "A secret that the verifier wrapped comes back from this TPM and this key alone",
        arguments: TPMKeyAlgorithm.allCases, TPMKeyAlgorithm.allCases)
    func credential(endorsement: TPMKeyAlgorithm, attestation: TPMKeyAlgorithm) throws {
        let tpm = try SoftwareTPM()
        defer { tpm.stop() }
        let attester = try attester(tpm, FileKernel())
        var options = EvidenceOptions()
        options.keyAlgorithm = attestation
        let key = try #require(try attester.evidence(for: runtimeData, options: options)[0]["ak"])
        let secret = randomBytes(32)
        let wrapped = try TPMCredential(
            wrapping: secret, for: try TPM(tpm.configuration).endorsementKey(endorsement).publicArea,
            attestationKey: [0, 0x0B] + sha256(key))
        func activate(
            _ attester: Attester, _ credential: TPMCredential, _ options: EvidenceOptions
        ) throws -> SecretBytes {
            try attester.activate(
                credential: credential.blob, encryptedSeed: credential.encryptedSeed, endorsement: endorsement,
                options: options)
        }
        #expect(try activate(attester, wrapped, options).isEqual(to: SecretBytes(secret)))

        var otherKey = options
        otherKey.keyAlgorithm = attestation == .rsa ? .ecc : .rsa
        #expect(throws: AttestationError.self) { try activate(attester, wrapped, otherKey) }
        let other = try SoftwareTPM()
        defer { other.stop() }
        let otherAttester = try self.attester(other, FileKernel())
        #expect(throws: AttestationError.self) { try activate(otherAttester, wrapped, options) }
    }
}
