import Crypto
import PliniusVerifier
import Testing
import _CryptoExtras

@Suite("Secrets for one TPM")
struct TPMCredentialTests {
    @Test("The public operation of RSA undoes a signature")
    func power() throws {
        for size in [2048, 3072, 4096] {
            let key = try _RSA.Signing.PrivateKey(keySize: .init(bitCount: size))
            let numbers = try key.publicKey.getKeyPrimitives()
            let exponent = numbers.publicExponent.reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
            let digest = SHA256.hash(data: [1, 2, 3] as [UInt8])
            let signature = try key.signature(for: digest, padding: .insecurePKCS1v1_5).rawRepresentation
            let plain = try #require(
                ModularPower.power(Array(signature), exponent, modulus: Array(numbers.modulus)))
            // EMSA-PKCS1-v1_5: 00 01 FF … 00, the DigestInfo of SHA-256, the digest (RFC 8017, section 9.2).
            let information: [UInt8] = [
                0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
                0x04,
                0x20,
            ]
            let padding = [UInt8](repeating: 0xFF, count: size / 8 - 3 - information.count - 32)
            #expect(plain == [0, 1] + padding + [0] + information + digest)
        }
    }

    @Test("Small powers, computed otherwise", arguments: [3, 17, 257, 65537] as [UInt32])
    func smallPowers(exponent: UInt32) {
        for modulus in [0xFFFB, 0x8001, 0xABCD, 0x0101] as [UInt64] {
            for base in [0, 1, 2, 0x0100, modulus - 1] {
                var expected: UInt64 = 1
                for _ in 0..<exponent { expected = expected * base % modulus }
                let bytes = [UInt8(base >> 8), UInt8(base & 0xFF)]
                let found = ModularPower.power(bytes, exponent, modulus: [UInt8(modulus >> 8), UInt8(modulus & 0xFF)])
                #expect(found == [UInt8(expected >> 8), UInt8(expected & 0xFF)], "\(base)^\(exponent) mod \(modulus)")
            }
        }
    }

    @Test("What is no residue of an odd modulus is refused")
    func badNumbers() {
        #expect(ModularPower.power([1, 2], 3, modulus: [1, 2]) == nil)
        #expect(ModularPower.power([1, 1], 3, modulus: [2, 2]) == nil)
        #expect(ModularPower.power([3, 1], 3, modulus: [3, 1]) == nil)
        #expect(ModularPower.power([1], 3, modulus: [3, 1]) == nil)
        #expect(ModularPower.power([0, 1], 3, modulus: [0, 3]) == nil)
        #expect(ModularPower.power([0, 1], 0, modulus: [1, 3]) == nil)
        #expect(ModularPower.power([], 3, modulus: []) == nil)
    }

    @Test("OAEP without a label is what swift-crypto decrypts")
    func oaep() throws {
        let key = try _RSA.Encryption.PrivateKey(keySize: .bits2048)
        let numbers = try key.publicKey.getKeyPrimitives()
        for message in [[], [7], [UInt8](repeating: 0, count: 32), [UInt8](repeating: 1, count: 190)] {
            let padded = try #require(
                OAEP.encode(message, label: [], .sha256, randomness: [UInt8](repeating: 3, count: 32), byteCount: 256))
            let sealed = try #require(ModularPower.power(padded, 65537, modulus: Array(numbers.modulus)))
            #expect(Array(try key.decrypt(sealed, padding: .PKCS1_OAEP_SHA256)) == message)
        }
        let long = [UInt8](repeating: 1, count: 191)
        #expect(
            OAEP.encode(long, label: [], .sha256, randomness: [UInt8](repeating: 3, count: 32), byteCount: 256) == nil)
    }

    @Test("No two wrappings of one secret are alike")
    func fresh() throws {
        var tpm = SoftwareTPM(.rsa(try #require(SoftwareTPM.rsaKey)), .rsassa)
        tpm.ownScheme = nil
        tpm.attributes = 0x300B2
        var area = tpm.area
        area.replaceSubrange(10..<12, with: [0, 6, 0, 0x80, 0, 0x43])
        let wrapped = try (0..<2).map { _ in
            try TPMCredential(wrapping: [1, 2, 3], for: area, attestationKey: [0, 0x0B])
        }
        #expect(wrapped[0].encryptedSeed != wrapped[1].encryptedSeed && wrapped[0].blob != wrapped[1].blob)
    }

    @Test("A key that is none for wrapping, and a secret that is too long, are refused")
    func refusals() throws {
        var tpm = SoftwareTPM(.p256(P256.Signing.PrivateKey()), .ecdsa)
        func check(_ area: [UInt8], _ secret: [UInt8]) -> String? {
            do throws(EvidenceError) {
                _ = try TPMCredential(wrapping: secret, for: area, attestationKey: [0, 0x0B])
                return nil
            } catch {
                return error.check
            }
        }
        #expect(check(tpm.area, [1]) == "tpm.ek.template")
        tpm.attributes = 0x300B2
        #expect(check(tpm.area, [1]) == "tpm.ek.template")
        // With AES-128 in CFB mode as its cipher, and no scheme.
        var area = tpm.area
        area.replaceSubrange(10..<16, with: [0, 6, 0, 0x80, 0, 0x43, 0, 0x10])
        #expect(check(area, [1]) == nil)
        // It also signs, or is not restricted, or does not decrypt.
        for attributes in [0x700B2, 0x200B2, 0x100B2] as [UInt32] {
            var other = area
            other.replaceSubrange(4..<8, with: SoftwareTPM.big(attributes))
            #expect(check(other, [1]) == "tpm.ek.template")
        }
        #expect(check(area, []) == "tpm.credential.secret")
        #expect(check(area, [UInt8](repeating: 1, count: 33)) == "tpm.credential.secret")
        #expect(check(Array(area.dropLast()), [1]) == "tpm.ek.format")
        area[area.count - 1] ^= 1
        #expect(check(area, [1]) == "tpm.ek.format")
    }
}
