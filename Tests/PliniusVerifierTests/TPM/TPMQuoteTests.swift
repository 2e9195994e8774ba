import Crypto
import PliniusVerifier
import PliniusWire
import Testing
import _CryptoExtras

private func failures(
    _ evidence: Evidence, _ requirements: TPMRequirements = TPMRequirements(),
    _ context: Context = Context(now: Vectors.pinnedTime)
) -> [String] {
    failures { (examination: inout Examination) throws(EvidenceError) in
        _ = try examineTPM(evidence, requirements, context, &examination)
    }
}

@Suite("Quotes of a TPM")
struct TPMQuoteTests {
    private static func tpm(_ change: (inout SoftwareTPM) -> Void = { _ in }) -> SoftwareTPM {
        var tpm = SoftwareTPM(.p256(P256.Signing.PrivateKey()), .ecdsa)
        change(&tpm)
        return tpm
    }

    @Test("Every scheme and hash that a TPM signs with is checked")
    func schemes() throws {
        let rsa = try #require(SoftwareTPM.rsaKey)
        var tpms = [
            SoftwareTPM(.p256(P256.Signing.PrivateKey()), .ecdsa),
            SoftwareTPM(.p384(P384.Signing.PrivateKey()), .ecdsa, hash: 0x000C),
        ]
        for hash in [0x000B, 0x000C, 0x000D] as [UInt16] {
            tpms += [SoftwareTPM(.rsa(rsa), .rsassa, hash: hash), SoftwareTPM(.rsa(rsa), .rsapss, hash: hash)]
        }
        for var tpm in tpms {
            #expect(failures(try tpm.evidence()).isEmpty)
            // A key without a scheme of its own signs by any.
            tpm.ownScheme = nil
            #expect(failures(try tpm.evidence()).isEmpty)
            // One with another scheme does not.
            tpm.ownScheme = (tpm.scheme == .rsassa ? 0x0016 : 0x0014, tpm.hash)
            #expect(failures(try tpm.evidence()) == ["tpm.quote.signature"])
        }
    }

    @Test("A signature over SHA-1 passes only if the policy lets it")
    func sha1() throws {
        let tpm = SoftwareTPM(.rsa(try #require(SoftwareTPM.rsaKey)), .rsassa, hash: 0x0004)
        #expect(failures(try tpm.evidence()) == ["tpm.quote.hash"])
        var requirements = TPMRequirements()
        requirements.permitsSHA1 = asked(true)
        #expect(failures(try tpm.evidence(), requirements).isEmpty)
        requirements.permitsSHA1 = asked(false)
        #expect(failures(try tpm.evidence(), requirements) == ["tpm.quote.hash"])
    }

    @Test(
        "A key that could sign anything, or leave its TPM, proves nothing",
        arguments: [1, 4, 5, 16, 18])
    func missingAttribute(bit: Int) throws {
        let tpm = Self.tpm { $0.attributes &= ~(1 << bit) }
        #expect(failures(try tpm.evidence()) == ["tpm.ak.attributes"])
    }

    @Test("A key that decrypts is none for quotes")
    func decrypts() throws {
        #expect(failures(try Self.tpm { $0.attributes |= 1 << 17 }.evidence()) == ["tpm.ak.attributes"])
    }

    @Test("Only keys that were enrolled may answer, if the policy names them")
    func name() throws {
        let tpm = Self.tpm()
        var requirements = TPMRequirements()
        requirements.akNames = asked([Self.tpm().name])
        #expect(failures(try tpm.evidence(), requirements) == ["tpm.ak.name"])
        requirements.akNames?.value.insert(tpm.name)
        #expect(failures(try tpm.evidence(), requirements).isEmpty)
        requirements.akNames = asked([])
        #expect(failures(try tpm.evidence(), requirements) == ["tpm.ak.name"])
    }

    @Test("Another statement of the TPM is no quote")
    func type() throws {
        #expect(failures(try Self.tpm { $0.type = 0x8017 }.evidence()) == ["tpm.attest.type"])
        #expect(failures(try Self.tpm { $0.type = 0x801A }.evidence()) == ["tpm.attest.type"])
        #expect(failures(try Self.tpm { $0.magic = 0xFF54_4348 }.evidence()) == ["tpm.attest.magic"])
    }

    @Test("A quote answers one challenge")
    func extraData() throws {
        var requirements = TPMRequirements()
        requirements.extraData = asked([1, 2, 3])
        #expect(failures(try Self.tpm().evidence(), requirements).isEmpty)
        for other in [[], [1, 2], [1, 2, 4], [1, 2, 3, 0]] as [[UInt8]] {
            #expect(
                failures(try Self.tpm { $0.extraData = other }.evidence(), requirements) == ["tpm.quote.extra-data"])
        }
    }

    @Test("A boot or a resume since is noticed, and old firmware")
    func clock() throws {
        var requirements = TPMRequirements()
        requirements.resetCount = asked(7)
        requirements.restartCount = asked(2)
        requirements.minimumFirmware = asked(0x20)
        #expect(failures(try Self.tpm().evidence(), requirements).isEmpty)
        #expect(failures(try Self.tpm { $0.resetCount = 8 }.evidence(), requirements) == ["tpm.clock.reset-count"])
        #expect(failures(try Self.tpm { $0.restartCount = 3 }.evidence(), requirements) == ["tpm.clock.restart-count"])
        #expect(
            failures(try Self.tpm { $0.firmwareVersion = 0x1F }.evidence(), requirements) == ["tpm.firmware.version"])
    }

    @Test("Registers are judged by value, in several banks, and those that the policy needs are covered")
    func registers() throws {
        let values: [(UInt16, [UInt8: [UInt8]])] = [
            (0x000C, [7: [UInt8](repeating: 3, count: 48)]),
            (0x0004, [0: [UInt8](repeating: 1, count: 20), 23: [UInt8](repeating: 2, count: 20)]),
        ]
        let evidence = try Self.tpm { $0.banks = values }.evidence()
        var requirements = TPMRequirements()
        requirements.selection = [.sha384: asked([7])]
        requirements.registers = [.sha1: [23: asked([[UInt8](repeating: 2, count: 20)])]]
        #expect(failures(evidence, requirements).isEmpty)
        requirements.registers[.sha1]?[0] = asked([[UInt8](repeating: 2, count: 20)])
        #expect(failures(evidence, requirements) == ["tpm.pcr.sha1.0"])
        requirements.registers = [.sha256: [7: asked([[UInt8](repeating: 3, count: 32)])]]
        #expect(failures(evidence, requirements) == ["tpm.pcr.sha256.7"])
        requirements.registers = [:]
        requirements.selection = [.sha384: asked([7, 8])]
        #expect(failures(evidence, requirements) == ["tpm.quote.selection"])

        var examination = Examination()
        let claims = try examineTPM(evidence, TPMRequirements(), Context(now: Vectors.pinnedTime), &examination)
        #expect(claims.measurements["pcr.sha384.7"] == String(repeating: "03", count: 48))
        #expect(claims.measurements.count == 3 && claims.boundData == [1, 2, 3])
    }

    @Test("Values that were not quoted are refused, and so are quoted ones that are missing")
    func values() throws {
        let tpm = Self.tpm {
            $0.banks = [(0x000B, [1: [UInt8](repeating: 3, count: 32), 2: [UInt8](repeating: 4, count: 32)])]
        }
        let evidence = try tpm.evidence()
        let one = PCRValues([.init(bank: 0x0B, index: 1): [UInt8](repeating: 3, count: 32)])
        #expect(failures(evidence.with("pcrs", one.encoded)) == ["tpm.pcrs.quoted"])
        var more = try PCRValues(decoding: tpm.registers)
        more.values[.init(bank: 0x0B, index: 3)] = [UInt8](repeating: 3, count: 32)
        #expect(failures(evidence.with("pcrs", more.encoded)) == ["tpm.pcrs.quoted"])
        var other = try PCRValues(decoding: tpm.registers)
        other.values[.init(bank: 0x0B, index: 2)] = [UInt8](repeating: 5, count: 32)
        #expect(failures(evidence.with("pcrs", other.encoded)) == ["tpm.quote.pcr-digest"])
        other.values[.init(bank: 0x0B, index: 2)] = [5]
        #expect(failures(evidence.with("pcrs", other.encoded)) == ["tpm.pcrs.format"])
        other.values[.init(bank: 0x0B, index: 2)] = nil
        other.values[.init(bank: 0x12, index: 2)] = [UInt8](repeating: 4, count: 32)
        #expect(failures(evidence.with("pcrs", other.encoded)) == ["tpm.pcrs.format"])
    }

    @Test(
        "What is missing is named",
        arguments: [
            ("attest", "tpm.attest.format"), ("signature", "tpm.signature.format"), ("ak", "tpm.ak.format"),
            ("pcrs", "tpm.pcrs.format"),
        ])
    func missing(part: String, check: String) throws {
        #expect(failures(try Self.tpm().evidence().with(part, nil)) == [check])
    }

    @Test("What the policy demands has to be there")
    func demanded() throws {
        var requirements = TPMRequirements()
        requirements.bootLog = asked(BootLogRequirements())
        #expect(failures(try Self.tpm().evidence(), requirements) == ["tpm.uefi-log.present"])
        requirements.bootLog = nil
        requirements.endorsement = asked(true)
        #expect(failures(try Self.tpm().evidence(), requirements) == ["tpm.ek.present"])
    }

    @Test("Logs that nobody asks for are left alone; those that somebody does are read to their last byte")
    func logs() throws {
        let evidence = try Self.tpm().evidence()
        let entry: [UInt8] = [10, 0, 0, 0] + [UInt8](repeating: 0, count: 20)
        for (part, check) in [("uefi-log", "bootlog.format"), ("ima-log", "ima.log.format")] {
            for log in [[], [1, 2, 3], entry] as [[UInt8]] {
                #expect(failures(evidence.with(part, log)).isEmpty)
                var requirements = TPMRequirements()
                if part == "uefi-log" { requirements.bootLog = asked(BootLogRequirements()) }
                if part == "ima-log" { requirements.ima = asked(IMARequirements()) }
                let found = failures(evidence.with(part, log), requirements)
                #expect(log.isEmpty ? !found.isEmpty : found == [check], "\(part): \(found)")
            }
        }
        var examination = Examination()
        let claims = try examineTPM(
            evidence.with("ima-log", entry), TPMRequirements(), Context(now: Vectors.pinnedTime), &examination)
        #expect(claims.imaState == nil)
    }

    @Test("No piece of a structure is one, and nothing follows it")
    func truncations() throws {
        let tpm = Self.tpm()
        let evidence = try tpm.evidence()
        for (part, checks) in [
            ("attest", ["tpm.attest.format", "tpm.attest.magic"]), ("signature", ["tpm.signature.format"]),
            ("ak", ["tpm.ak.format"]), ("pcrs", ["tpm.pcrs.format", "tpm.pcrs.quoted"]),
        ] {
            let bytes = try #require(evidence[part])
            for count in bytes.indices {
                let found = failures(evidence.with(part, Array(bytes.prefix(count))))
                #expect(found.count == 1 && checks.contains(found[0]), "\(part) cut to \(count) bytes: \(found)")
            }
            let found = failures(evidence.with(part, bytes + [0]))
            #expect(found.count == 1 && checks.contains(found[0]), "\(part) and a byte more: \(found)")
        }
    }

    @Test("Bytes without sense are refused, and stop nothing")
    func noise() throws {
        var generator = SystemRandomNumberGenerator()
        let evidence = try Self.tpm().evidence()
        for part in ["attest", "signature", "ak", "pcrs"] {
            let bytes = try #require(evidence[part])
            for _ in 0..<200 {
                var changed = bytes
                for _ in 0..<Int.random(in: 1...6, using: &generator) {
                    changed[Int.random(in: changed.indices, using: &generator)] = .random(
                        in: 0...255, using: &generator)
                }
                // An area without a name that the policy knows may differ in what the checks let free.
                let passes = failures(evidence.with(part, changed)).isEmpty
                #expect(part == "ak" || changed == bytes || !passes)
            }
        }
    }
}

@Suite("Published quotes of TPMs", .enabled(if: Vectors.areThere, Vectors.reason))
struct TPMVectorTests {
    private static func gce() throws -> [Evidence] {
        try GCEAttestation.read(Vectors.bytes("tpm/gce-cos-85-nonce9009.pb"))
    }

    private static func keylime() throws -> Evidence {
        try TPMToolsQuote.read(
            key: Vectors.bytes("tpm/keylime/ak.pub"), attest: Vectors.bytes("tpm/keylime/quote.out"),
            signature: Vectors.bytes("tpm/keylime/quotesig.out"), registers: Vectors.bytes("tpm/keylime/quotepcr.out"))
    }

    private static func swtpm() throws -> Evidence {
        try TrusteeTPMEvidence.read(Vectors.bytes("tpm/swtpm-evidence.json"))
    }

    @Test("Google's cloud: three banks, and a log that leads to PCR 0…9 in each")
    func google() throws {
        let quotes = try Self.gce()
        #expect(quotes.count == 3)
        for (evidence, bank) in zip(quotes, [HashAlgorithm.sha1, .sha256, .sha384]) {
            var requirements = TPMRequirements()
            requirements.extraData = asked([0x90, 0x09])
            requirements.selection = [bank: asked(Set(0...23))]
            var bootLog = BootLogRequirements()
            if bank == .sha1 { bootLog.permitsSHA1 = asked(true) }
            requirements.bootLog = asked(bootLog)
            #expect(failures(evidence, requirements) == [], "\(bank)")
            var examination = Examination()
            let claims = try examineTPM(evidence, requirements, Context(now: Vectors.pinnedTime), &examination)
            let replay = try EventLog(try #require(evidence["uefi-log"])).replay(bank)
            for index in 0...9 { #expect(claims.registers[bank]?[index] == replay[index], "\(bank) \(index)") }
            #expect(claims.registers[bank]?.count == 24 && claims.resetCount == 10)
        }
    }

    @Test("The same log without one of its events does not lead to the registers")
    func googleLog() throws {
        let evidence = try Self.gce()[1]
        let log = try #require(evidence["uefi-log"])
        var requirements = TPMRequirements()
        requirements.bootLog = asked(BootLogRequirements())
        #expect(!failures(evidence.with("uefi-log", Array(log.dropLast())), requirements).isEmpty)
        var changed = log
        changed[log.count / 2] ^= 1
        #expect(!failures(evidence.with("uefi-log", changed), requirements).isEmpty)
    }

    @Test("Keylime's files: the key has the name that was enrolled")
    func keylimeFiles() throws {
        var requirements = TPMRequirements()
        requirements.akNames = asked([try Vectors.bytes("tpm/keylime/ak.name")])
        requirements.selection = [.sha256: asked([15, 16, 22])]
        #expect(failures(try Self.keylime(), requirements).isEmpty)
        #expect(try TPMPublic(sized: Vectors.bytes("tpm/keylime/ek.pub"), format: "tpm.ek.format").policy.count == 32)
    }

    @Test("Trustee's file: a bare key passes only if the policy lets it")
    func trusteeFile() throws {
        #expect(failures(try Self.swtpm()) == ["tpm.ak.attributes"])
        var requirements = TPMRequirements()
        requirements.permitsBareKey = asked(true)
        #expect(failures(try Self.swtpm(), requirements).isEmpty)
        requirements.akNames = asked([try Vectors.bytes("tpm/keylime/ak.name")])
        #expect(failures(try Self.swtpm(), requirements) == ["tpm.ak.name"])
    }

    @Test("No quote is believed with the key, the signature or the registers of another")
    func splices() throws {
        var requirements = TPMRequirements()
        requirements.permitsBareKey = asked(true)
        let quotes = try Self.gce().map { $0.with("uefi-log", nil) } + [Self.keylime(), Self.swtpm()]
        for (first, one) in quotes.enumerated() {
            #expect(failures(one, requirements).isEmpty)
            for (second, other) in quotes.enumerated() where first != second {
                #expect(failures(one.with("signature", other["signature"]), requirements) == ["tpm.quote.signature"])
                #expect(failures(one.with("attest", other["attest"]), requirements) == ["tpm.quote.signature"])
                let found = failures(one.with("pcrs", other["pcrs"]), requirements)
                #expect(found == ["tpm.pcrs.quoted"] || found == ["tpm.quote.pcr-digest"])
                guard one["ak"] != other["ak"] else { continue }
                let foreign = one.with("ak", other["ak"]).with("ak-spki", other["ak-spki"])
                #expect(failures(foreign, requirements) == ["tpm.quote.signature"])
            }
        }
    }

    /// Which check protects which bytes of a quote with an RSA key, one bank and 24 registers or fewer.
    private static func fields(_ evidence: Evidence) throws -> [ProtectedField] {
        let attest = try #require(evidence["attest"])
        let signer = 8..<8 + Int(attest[7])
        let extra = signer.upperBound + 2..<signer.upperBound + 2 + Int(attest[signer.upperBound + 1])
        let clock = extra.upperBound..<extra.upperBound + 16
        let safe = clock.upperBound
        let firmware = safe + 1..<safe + 9
        let map = firmware.upperBound + 7..<firmware.upperBound + 10
        let digest = map.upperBound + 2..<attest.count
        let format: Set = ["tpm.attest.format", "tpm.quote.signature"]
        let signed: Set = ["tpm.quote.signature"]
        var fields = [
            ProtectedField(part: "attest", range: 0..<4, checks: ["tpm.attest.magic"]),
            ProtectedField(part: "attest", range: 4..<6, checks: ["tpm.attest.type", "tpm.attest.format"]),
            ProtectedField(part: "attest", range: 6..<8, checks: format),
            ProtectedField(part: "attest", range: signer, checks: signed),
            ProtectedField(part: "attest", range: signer.upperBound..<extra.lowerBound, checks: format),
            ProtectedField(part: "attest", range: extra, checks: signed),
            ProtectedField(part: "attest", range: clock, checks: signed),
            ProtectedField(part: "attest", range: safe..<safe + 1, checks: format),
            ProtectedField(part: "attest", range: firmware, checks: signed),
            ProtectedField(part: "attest", range: firmware.upperBound..<map.lowerBound, checks: format),
            ProtectedField(part: "attest", range: map, checks: signed),
            ProtectedField(part: "attest", range: map.upperBound..<digest.lowerBound, checks: ["tpm.attest.format"]),
            ProtectedField(part: "attest", range: digest, checks: signed),
            ProtectedField(
                part: "signature", range: 0..<4, checks: ["tpm.signature.format", "tpm.quote.signature"]),
            ProtectedField(part: "signature", range: 4..<6, checks: ["tpm.signature.format"]),
            ProtectedField(part: "signature", range: 6..<262, checks: signed, everyBit: false),
        ]
        let registers = try #require(evidence["pcrs"])
        var offset = 0
        while offset < registers.count {
            let value = offset + 4..<offset + 4 + Int(registers[offset + 3])
            fields.append(
                ProtectedField(
                    part: "pcrs", range: offset..<value.lowerBound, checks: ["tpm.pcrs.format", "tpm.pcrs.quoted"]))
            fields.append(
                ProtectedField(part: "pcrs", range: value, checks: ["tpm.quote.pcr-digest"], everyBit: false))
            offset = value.upperBound
        }
        if let key = evidence["ak"] {
            fields += [
                // Type and hash of the name; then attributes; then all that the name alone protects, down to the modulus.
                ProtectedField(part: "ak", range: 0..<4, checks: ["tpm.ak.format", "tpm.ak.name"]),
                ProtectedField(part: "ak", range: 4..<8, checks: ["tpm.ak.attributes", "tpm.ak.name"]),
                ProtectedField(part: "ak", range: 8..<24, checks: ["tpm.ak.format", "tpm.ak.name"]),
                ProtectedField(
                    part: "ak", range: 24..<key.count, checks: ["tpm.ak.format", "tpm.ak.name"], everyBit: false),
            ]
        } else {
            let key = try #require(evidence["ak-spki"])
            fields.append(
                ProtectedField(
                    part: "ak-spki", range: 0..<key.count, checks: ["x509.key.format", "tpm.quote.signature"],
                    everyBit: false))
        }
        return fields
    }

    @Test("Every field of every quote has a check that notices a change of it", arguments: [0, 1, 2, 3, 4])
    func mutations(index: Int) throws {
        let evidence = try (Self.gce() + [Self.keylime(), Self.swtpm()])[index].with("uefi-log", nil)
        var requirements = TPMRequirements()
        requirements.permitsBareKey = asked(true)
        if let key = evidence["ak"] { requirements.akNames = asked([try TPMPublic(key, format: "ak").name]) }
        #expect(failures(evidence, requirements).isEmpty)
        let fields = try Self.fields(evidence)
        for part in evidence.parts {
            let covered = fields.filter { $0.part == part.name }.map(\.range.count).reduce(0, +)
            #expect(covered == part.bytes.count, "\(part.name)")
        }
        for field in fields {
            for (offset, bits) in field.changes {
                let found = failures(try evidence.flipping(field.part, at: offset, bits), requirements)
                #expect(
                    found.first.map(field.checks.contains) == true, "\(field), byte \(offset), bits \(bits): \(found)")
            }
        }
    }

    @Test("No piece of a stored file is one, and none stops the reader")
    func storedPieces() throws {
        let google = try Vectors.bytes("tpm/gce-cos-85-nonce9009.pb")
        for count in stride(from: 0, to: google.count, by: 97) {
            let evidence = try? GCEAttestation.read(Array(google.prefix(count)))
            #expect(evidence?.count != 3 || evidence?[0]["uefi-log"] == nil || count > google.count - 1400)
        }
        let registers = try Vectors.bytes("tpm/keylime/quotepcr.out")
        for count in registers.indices {
            #expect(throws: EvidenceError.self) {
                try TPMToolsQuote.read(key: [], attest: [], signature: [], registers: Array(registers.prefix(count)))
            }
        }
        let json = try Vectors.bytes("tpm/swtpm-evidence.json")
        for count in stride(from: 0, to: json.count - 2, by: 13) {
            #expect(throws: EvidenceError.self) { try TrusteeTPMEvidence.read(Array(json.prefix(count))) }
        }
    }
}
