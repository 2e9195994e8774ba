import Crypto
import PliniusVerifier
import PliniusWire
import Testing
import _CryptoExtras

/// What a TPM's structures may not say; each case would be read if nobody looked at the field.
@Suite("Structures of TPMs")
struct TPMStructureTests {
    // MARK: Public areas

    private struct RSAArea {
        var cipher: [UInt8] = [0, 0x10]
        var bits: UInt16 = 2048
        var exponent: UInt32 = 0
        var modulus: [UInt8] = [0x80] + [UInt8](repeating: 0, count: 254) + [1]

        var bytes: [UInt8] {
            [0, 1, 0, 0x0B] + SoftwareTPM.big(UInt32(0x50072)) + [0, 0] + cipher + [0, 0x10] + SoftwareTPM.big(bits)
                + SoftwareTPM.big(exponent) + SoftwareTPM.sized(modulus)
        }
    }

    @Test("Keys of RSA have the length that they say, an odd modulus and an odd exponent")
    func rsa() {
        let good: [(inout RSAArea) -> Void] = [
            { _ in }, { $0.exponent = 3 }, { $0.exponent = 65537 }, { $0.cipher = [0, 6, 0, 0x80, 0, 0x43] },
            { $0.cipher = [0, 6, 1, 0, 0, 0x43] },
            {
                $0.bits = 4096
                $0.modulus = [0xFF] + [UInt8](repeating: 0, count: 510) + [1]
            },
        ]
        let bad: [(inout RSAArea) -> Void] = [
            {
                $0.bits = 1024
                $0.modulus.removeSubrange(1..<129)
            },
            { $0.bits = 2056 }, { $0.modulus.remove(at: 1) }, { $0.modulus.insert(0, at: 0) }, { $0.modulus[0] = 0x7F },
            { $0.modulus[255] = 2 }, { $0.exponent = 1 }, { $0.exponent = 2 }, { $0.exponent = 65536 },
            { $0.cipher = [0, 5, 0, 0x80, 0, 0x43] }, { $0.cipher = [0, 6, 0, 0x80, 0, 0x44] },
            { $0.cipher = [0, 6, 0, 0x81, 0, 0x43] }, { $0.cipher = [0, 6, 2, 0, 0, 0x43] },
        ]
        for (changes, isRead) in [(good, true), (bad, false)] {
            for (index, change) in changes.enumerated() {
                var area = RSAArea()
                change(&area)
                #expect(((try? TPMPublic(area.bytes, format: "test")) != nil) == isRead, "\(index), \(isRead)")
            }
        }
        let long = #expect(throws: EvidenceError.self) {
            try TPMPublic(RSAArea().bytes + [UInt8](repeating: 0, count: 1024), format: "test")
        }
        #expect(long?.expected == "at most 1024 bytes")
        let area = RSAArea().bytes
        #expect(throws: Never.self) { try TPMPublic(sized: SoftwareTPM.sized(area), format: "test") }
        #expect(throws: EvidenceError.self) { try TPMPublic(sized: SoftwareTPM.sized(area) + [0], format: "test") }
    }

    // MARK: Statements

    /// A quote with a selection of its own.
    private func attest(safe: UInt8 = 1, _ selection: [UInt8]) -> [UInt8] {
        [0xFF, 0x54, 0x43, 0x47, 0x80, 0x18, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 16) + [safe]
            + [UInt8](repeating: 0, count: 8) + selection + [0, 0]
    }

    @Test("A quote is of at most 16 banks of 32 registers, and a flag is 0 or 1")
    func selections() throws {
        func banks(_ count: UInt8, size: UInt8 = 1) -> [UInt8] {
            let bank = [0, 0x0B, size] + [UInt8](repeating: 1, count: Int(size))
            return [0, 0, 0, count] + (0..<count).flatMap { _ in bank }
        }
        for (bytes, isRead) in [
            (attest(banks(16)), true), (attest(banks(17)), false), (attest(banks(1, size: 4)), true),
            (attest(banks(1, size: 5)), false), (attest(safe: 0, banks(1)), true), (attest(safe: 2, banks(1)), false),
        ] {
            #expect(((try? TPMAttest(bytes)) != nil) == isRead)
        }
        let long = #expect(throws: EvidenceError.self) {
            try TPMAttest(attest(banks(1)) + [UInt8](repeating: 0, count: 1024))
        }
        #expect(long?.expected == "at most 1024 bytes")
    }

    // MARK: Evidence

    private func failing(
        _ evidence: Evidence, _ change: (inout TPMRequirements) -> Void = { _ in }
    ) -> [String] {
        var requirements = TPMRequirements()
        change(&requirements)
        return failures { (examination: inout Examination) throws(EvidenceError) in
            _ = try examineTPM(evidence, requirements, Context(now: Vectors.pinnedTime), &examination)
        }
    }

    @Test("A bare key, without attributes, answers only where the policy says so")
    func bareKey() throws {
        let key = try #require(SoftwareTPM.rsaKey)
        let evidence = try SoftwareTPM(.rsa(key), .rsassa).evidence().with("ak", nil)
            .with("ak-spki", Array(key.publicKey.derRepresentation))
        #expect(failing(evidence) == ["tpm.ak.attributes"])
        #expect(failing(evidence) { $0.permitsBareKey = asked(false) } == ["tpm.ak.attributes"])
        #expect(failing(evidence) { $0.permitsBareKey = asked(true) } == [])
        #expect(
            failing(evidence) {
                $0.permitsBareKey = asked(true)
                $0.akNames = asked([[0, 0x0B]])
            } == ["tpm.ak.name"])
    }

    @Test("A key signs with its own hash, and numbers are no longer than its curve's")
    func signatures() throws {
        var tpm = SoftwareTPM(.p256(P256.Signing.PrivateKey()), .ecdsa)
        let evidence = try tpm.evidence()
        tpm.ownScheme = (0x0018, 0x000C)
        #expect(failing(try tpm.evidence()) == ["tpm.quote.signature"])
        let signature = try TPMSignature(try #require(evidence["signature"]))
        let numbers = signature.numbers.map { [UInt8](repeating: 0, count: 33 - $0.count) + $0 }
        let longer = TPMSignature(signature.scheme, signature.hash, numbers).encoded
        #expect(failing(evidence.with("signature", longer)) == ["tpm.quote.signature"])
    }

    @Test("A log that the policy has rules for is there, and starts where a log can")
    func logs() throws {
        let evidence = try SoftwareTPM(.p256(P256.Signing.PrivateKey()), .ecdsa).evidence()
        let ima = { (requirements: inout TPMRequirements) in requirements.ima = asked(IMARequirements()) }
        #expect(failing(evidence, ima) == ["tpm.ima-log.present"])
        let log = evidence.with("ima-log", IMALogWriter().binary)
        for start in [UInt64(1 << 40) + 1, .max] {
            #expect(failing(log.with("ima-start", little(start)), ima) == ["tpm.ima-log.start"])
        }
        for bytes in [[], [0], little(UInt64(0)) + [0]] as [[UInt8]] {
            #expect(failing(log.with("ima-start", bytes), ima) == ["tpm.ima-log.start"])
        }
    }
}
