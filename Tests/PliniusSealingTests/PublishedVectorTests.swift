import PliniusSealing
import Testing

@Suite("Published vectors")
struct PublishedVectorTests {
    @Test(
        "AES-GCM seals and opens, and refuses what must be refused",
        arguments: SealingProvider.available,
        [
            "mcgrew-viega", "nist-gcmEncryptExtIV128", "nist-gcmEncryptExtIV256", "nist-gcmDecrypt128",
            "nist-gcmDecrypt256", "wycheproof-aes-gcm",
        ]
    )
    func aesGCM(provider: SealingProvider, file: String) throws {
        let vectors = Vector.all(in: file)
        #expect(vectors.count >= 8)
        for vector in vectors {
            let key = SealingKey(vector.bytes("Key"), provider: provider)
            let nonce = Nonce(bytes: vector.bytes("IV"))
            let context = vector.bytes("AAD")
            let ciphertext = vector.bytes("CT")
            let tag = Tag(exactly: vector.bytes("Tag"))
            if vector.mustFail {
                var leftBehind: [UInt8] = []
                #expect(throws: SealingError.authenticationFailed, "\(vector.testDescription)") {
                    try key.open(ciphertext, nonce: nonce, authenticating: context, tag: tag, leaving: &leftBehind)
                }
                #expect(leftBehind.allSatisfy { $0 == 0 }, "\(vector.testDescription)")
                continue
            }
            let plaintext = vector.bytes("PT")
            let sealed = key.seal(plaintext, nonce: nonce, authenticating: context)
            #expect(sealed.ciphertext == ciphertext, "\(vector.testDescription)")
            #expect(sealed.tag == tag, "\(vector.testDescription)")
            let opened = try key.open(ciphertext, nonce: nonce, authenticating: context, tag: tag)
            #expect(opened == plaintext, "\(vector.testDescription)")
        }
    }

    @Test("HKDF-SHA-256 of RFC 5869", arguments: Vector.all(in: "rfc5869-hkdf-sha256"))
    func hkdf(vector: Vector) {
        let expected = vector.bytes("OKM")
        let derived = hkdfSHA256(
            SecretBytes(vector.bytes("IKM")), salt: vector.bytes("salt"), info: vector.bytes("info"),
            count: expected.count)
        #expect(derived.array == expected)
    }

    @Test("HMAC-SHA-256 of RFC 4231", arguments: Vector.all(in: "rfc4231-hmac-sha256"))
    func hmac(vector: Vector) {
        let (message, key) = (vector.bytes("Msg"), vector.bytes("Key"))
        #expect(hmacSHA256(message, key: SecretBytes(key)) == vector.bytes("MD"))
        // Two of the vectors have longer keys than a slot's header.
        guard key.count <= 64 else { return }
        for provider in SealingProvider.available {
            #expect(provider.hmacSHA256(message, key: SecretBytes(key)).array == vector.bytes("MD"))
        }
    }

    // FIPS 180-2, appendix B.
    @Test(
        "SHA-256 of FIPS 180",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
        ]
    )
    func sha(message: String, digest: String) {
        #expect(sha256(Array(message.utf8)) == [UInt8](hex: digest))
        for provider in SealingProvider.available {
            #expect(Array(message.utf8).withUnsafeBytes { provider.sha256($0) }.array == [UInt8](hex: digest))
        }
    }

    // FIPS 180-2, appendix C, and the digest of nothing.
    @Test(
        "SHA-512 of FIPS 180",
        arguments: [
            (
                "",
                "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"
            ),
            (
                "abc",
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
            ),
        ]
    )
    func longSHA(message: String, digest: String) {
        #expect(sha512(Array(message.utf8)) == [UInt8](hex: digest))
    }

    @Test("SHA-256 in pieces equals SHA-256 at once, and goes on after a digest was taken")
    func incrementalSHA() {
        let bytes = (0..<1_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        var digest = IncrementalSHA256()
        digest.update(Array(bytes[..<63]))
        #expect(digest.digest() == sha256(Array(bytes[..<63])))
        digest.update(Array(bytes[63..<700]))
        digest.update([])
        digest.update(Array(bytes[700...]))
        #expect(digest.digest() == sha256(bytes))
    }
}

extension Digest {
    var array: [UInt8] { indices.map { self[$0] } }
}

extension SecretBytes {
    var array: [UInt8] { withBytes { Array($0) } }
}
