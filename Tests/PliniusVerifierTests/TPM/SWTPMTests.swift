import PliniusVerifier
import PliniusWire
import Testing

private func failures(
    _ evidence: Evidence, _ requirements: TPMRequirements = TPMRequirements()
) -> [String] {
    failures { (examination: inout Examination) throws(EvidenceError) in
        _ = try examineTPM(evidence, requirements, Context(now: Vectors.pinnedTime), &examination)
    }
}

private func claims(_ evidence: Evidence) throws -> TPMClaims {
    var examination = Examination()
    return try examineTPM(evidence, TPMRequirements(), Context(now: Vectors.pinnedTime), &examination)
}

@Suite("An emulated TPM", .serialized, .enabled(if: SWTPM.isThere, SWTPM.reason))
struct SWTPMTests {
    @Test("Quotes of all schemes, over several banks at once, hold")
    func schemes() throws {
        let tpm = try SWTPM()
        for (key, algorithm, scheme, hash) in [
            ("ssa", "rsa", "rsassa", "sha256"), ("pss", "rsa", "rsapss", "sha256"),
            ("ecdsa", "ecc256", "ecdsa", "sha256"),
            ("pss384", "rsa", "rsapss", "sha384"), ("ecdsa384", "ecc384", "ecdsa", "sha384"),
        ] {
            try tpm.makeKey(key, algorithm, scheme, hash: hash)
            let evidence = try tpm.quote(
                key, "sha512:1+sha256:0,7,16+sha1:10,0+sha384:23", scheme: scheme, hash: hash)
            var requirements = TPMRequirements()
            requirements.extraData = asked([0xAB, 0xCD])
            requirements.selection = [.sha512: asked([1]), .sha256: asked([7, 16]), .sha384: asked([23])]
            requirements.registers = [.sha1: [10: asked([[UInt8](repeating: 0, count: 20)])]]
            requirements.akNames = asked([try TPMPublic(sized: tpm.bytes("\(key).pub"), format: "ak").name])
            #expect(failures(evidence, requirements).isEmpty, "\(key)")
            requirements.extraData = asked([0xAB, 0xCE])
            #expect(failures(evidence, requirements) == ["tpm.quote.extra-data"], "\(key)")
        }
    }

    @Test("A register that was extended since changes the next verdict")
    func extended() throws {
        let tpm = try SWTPM()
        try tpm.makeKey("ak", "rsa", "rsassa")
        let before = try tpm.quote("ak", "sha256:4,5")
        var requirements = TPMRequirements()
        let registers = try claims(before).registers[.sha256]
        requirements.registers = [
            .sha256: [4: asked([try #require(registers?[4])]), 5: asked([try #require(registers?[5])])]
        ]
        #expect(failures(before, requirements).isEmpty)
        try tpm.extend(4, [[("sha256", [UInt8](repeating: 1, count: 32))]])
        let after = try tpm.quote("ak", "sha256:4,5")
        #expect(failures(after, requirements) == ["tpm.pcr.sha256.4"])
        #expect(failures(after.with("pcrs", before["pcrs"]), requirements) == ["tpm.quote.pcr-digest"])
    }

    @Test("A boot since is noticed, and so is a start with a kept state")
    func reboot() throws {
        let tpm = try SWTPM()
        try tpm.makeKey("ak", "rsa", "rsassa")
        let first = try claims(try tpm.quote("ak", "sha256:0"))
        var requirements = TPMRequirements()
        requirements.resetCount = asked(first.resetCount)
        requirements.restartCount = asked(first.restartCount)
        #expect(failures(try tpm.quote("ak", "sha256:0"), requirements).isEmpty)
        // Keys of an earlier start are loaded from their contexts only if the TPM kept its state.
        try tpm.reboot(keepsState: true)
        #expect(failures(try tpm.quote("ak", "sha256:0"), requirements) == ["tpm.clock.restart-count"])
        try tpm.reboot()
        try tpm.run("tpm2_createek", ["-c", "ek.ctx", "-G", "rsa", "-u", "ek.pub", "-f", "tss"])
        try tpm.makeKey("new", "rsa", "rsassa")
        #expect(failures(try tpm.quote("new", "sha256:0"), requirements).contains("tpm.clock.reset-count"))
    }

    @Test(
        "A secret that was wrapped here is given back there, for RSA and for both curves",
        arguments: ["rsa", "ecc256", "ecc384"])
    func credential(algorithm: String) throws {
        let tpm = try SWTPM()
        let parent: String
        if algorithm == "ecc384" {
            // The one that the emulator's maker certified; its template lies above those that tools make.
            parent = "0x81010016"
            try tpm.run("tpm2_readpublic", ["-c", parent, "-o", "parent.pub", "-f", "tss"])
        } else {
            parent = "parent.ctx"
            let name = algorithm == "rsa" ? "rsa" : "ecc"
            try tpm.run("tpm2_createek", ["-c", parent, "-G", name, "-u", "parent.pub", "-f", "tss"])
        }
        try tpm.makeKey("ak", "rsa", "rsassa")
        let ek = try TPMPublic(sized: tpm.bytes("parent.pub"), format: "tpm.ek.format")
        let ak = try TPMPublic(sized: tpm.bytes("ak.pub"), format: "tpm.ak.format")

        for secret in [[7], [UInt8](repeating: 0xA5, count: ek.nameAlgorithm.byteCount)] {
            let credential = try TPMCredential(wrapping: secret, for: ek.bytes, attestationKey: ak.name)
            #expect(try activate(credential, tpm, parent) == secret)
        }
        // For another key's name the TPM refuses it, and so it does with any bit changed.
        var other = ak.name
        other[5] ^= 1
        let foreign = try TPMCredential(wrapping: [7], for: ek.bytes, attestationKey: other)
        #expect(throws: SWTPM.Failure.self) { try activate(foreign, tpm, parent) }
    }

    /// What TPM2_ActivateCredential returns.
    private func activate(_ credential: TPMCredential, _ tpm: SWTPM, _ parent: String) throws -> [UInt8] {
        // The tools' own header, then both structures.
        try tpm.write([0xBA, 0xDC, 0xC0, 0xDE, 0, 0, 0, 1] + credential.blob + credential.encryptedSeed, "credential")
        var authorization: [String] = []
        if parent.hasSuffix(".ctx") {
            try tpm.run("tpm2_startauthsession", ["--policy-session", "-S", "session.ctx"])
            try tpm.run("tpm2_policysecret", ["-S", "session.ctx", "-c", "e"])
            authorization = ["-P", "session:session.ctx"]
        }
        defer { if !authorization.isEmpty { _ = try? tpm.run("tpm2_flushcontext", ["session.ctx"]) } }
        do {
            try tpm.run(
                "tpm2_activatecredential",
                ["-c", "ak.ctx", "-C", parent, "-i", "credential", "-o", "secret"] + authorization)
        } catch {
            _ = try? tpm.run("tpm2_flushcontext", ["-t"])
            throw error
        }
        return try tpm.bytes("secret")
    }

    @Test(
        "The maker's certificate leads to its authority, and belongs to the endorsement key",
        arguments: [("0x1c00002", "0x81010001"), ("0x1c00016", "0x81010016")])
    func endorsement(index: String, handle: String) throws {
        let tpm = try SWTPM()
        try tpm.run("tpm2_nvread", [index, "-o", "certificate"])
        try tpm.run("tpm2_readpublic", ["-c", handle, "-o", "ek.pub", "-f", "tss"])
        let certificate = try tpm.bytes("certificate")
        let ek = try TPMPublic(sized: tpm.bytes("ek.pub"), format: "tpm.ek.format")
        let authorities = try (
            ParsedCertificate.parse(pem: tpm.bytes("swtpm-localca-rootca-cert.pem")),
            ParsedCertificate.parse(pem: tpm.bytes("issuercert.pem"))
        )
        // The certificates are as old as this test.
        let now = try ParsedCertificate(der: certificate).notBefore
        var context = Context(now: now)
        context.anchors.endorsement = authorities.0.map(\.der)
        let intermediates = authorities.1.map(\.der)
        context.collateral.endorsementIntermediates = intermediates

        func failing(_ certificate: [UInt8], _ ek: TPMPublic, _ context: Context) -> [String] {
            failures { (examination: inout Examination) throws(EvidenceError) in
                _ = try examineEndorsement(
                    certificate: certificate, ek: ek, context, askedBy: nil, &examination)
            }
        }
        #expect(failing(certificate, ek, context).isEmpty)
        #expect(failing(certificate + [UInt8](repeating: 0xFF, count: 300), ek, context).isEmpty)
        #expect(failing(certificate + [0xFF, 0], ek, context) == ["tpm.ek.format"])
        #expect(failing(certificate, ek, Context(now: now)).first == "tpm.ek.chain")
        var past = context
        past.now.seconds -= 86_400
        #expect(failing(certificate, ek, past) == ["tpm.ek.validity"])
        var forged = certificate
        forged[certificate.count - 1] ^= 1
        #expect(failing(forged, ek, context) == ["tpm.ek.signature"])
        try tpm.makeKey("ak", "rsa", "rsassa")
        let ak = try TPMPublic(sized: tpm.bytes("ak.pub"), format: "tpm.ak.format")
        #expect(failing(certificate, ak, context) == ["tpm.ek.public", "tpm.ek.template"])
        #expect(failing(authorities.1[0].der, ek, context).contains("tpm.ek.purpose"))

        // As part of a quote's evidence, with the authority that signed it as the anchor.
        var requirements = TPMRequirements()
        requirements.endorsement = asked(true)
        context.anchors.endorsement = intermediates
        context.collateral.endorsementIntermediates = []
        let evidence = try tpm.quote("ak", "sha256:0").with("ek-certificate", certificate)
        let found = failures { (examination: inout Examination) throws(EvidenceError) in
            _ = try examineTPM(evidence, requirements, context, &examination)
        }
        #expect(found.isEmpty)
    }
}
