import Crypto
import FoundationEssentials
import PliniusSealing
import Testing

@Suite("HPKE")
struct HPKETests {
    /// A secret on its way, as its sender made it.
    struct Message {
        var encapsulatedKey: [UInt8]
        var ciphertext: [UInt8]

        /// Seals as an owner does, who uses swift-crypto.
        init(_ secret: [UInt8], to publicKey: [UInt8], info: [UInt8], authenticating context: [UInt8]) throws {
            var sender = try HPKE.Sender(
                recipientKey: Curve25519.KeyAgreement.PublicKey(rawRepresentation: publicKey),
                ciphersuite: .init(kem: .Curve25519_HKDF_SHA256, kdf: .HKDF_SHA256, aead: .AES_GCM_256),
                info: Data(info))
            encapsulatedKey = Array(sender.encapsulatedKey)
            ciphertext = try Array(sender.seal(secret, authenticating: context))
        }

        func opened(by pair: HPKEKeyPair, info: [UInt8], authenticating context: [UInt8]) throws -> [UInt8] {
            try pair.open(ciphertext, encapsulatedKey: encapsulatedKey, info: info, authenticating: context).array
        }
    }

    @Test("Opens the message of RFC 9180")
    func published() throws {
        let vector = Vector.all(in: "rfc9180-hpke")[0]
        let pair = try #require(HPKEKeyPair(privateKey: vector.bytes("skRm")))
        #expect(pair.publicKey == vector.bytes("pkRm"))
        let opened = try pair.open(
            vector.bytes("ct"), encapsulatedKey: vector.bytes("enc"), info: vector.bytes("info"),
            authenticating: vector.bytes("aad"))
        #expect(opened.array == vector.bytes("pt"))
        #expect(HPKEKeyPair(privateKey: [1]) == nil)
    }

    @Test("What is sealed to a key opens with it, whatever its length", arguments: [0, 1, 32, 5_000])
    func roundTrip(count: Int) throws {
        let pair = HPKEKeyPair()
        #expect(pair.publicKey.count == HPKEKeyPair.keyByteCount)
        let secret = randomBytes(count)
        let message = try Message(secret, to: pair.publicKey, info: [1, 2], authenticating: [3])
        #expect(message.ciphertext.count == count + 16)
        #expect(message.encapsulatedKey.count == HPKEKeyPair.keyByteCount)
        #expect(try message.opened(by: pair, info: [1, 2], authenticating: [3]) == secret)
    }

    @Test("Another key, other bytes, another purpose or another context opens nothing")
    func refusal() throws {
        let pair = HPKEKeyPair()
        let info: [UInt8] = [1, 2, 3]
        let context: [UInt8] = [4]
        let message = try Message(randomBytes(32), to: pair.publicKey, info: info, authenticating: context)

        func isRefused(
            by pair: HPKEKeyPair, _ message: Message, info: [UInt8], _ context: [UInt8],
            _ location: SourceLocation = #_sourceLocation
        ) {
            #expect(throws: SealingError.authenticationFailed, sourceLocation: location) {
                try message.opened(by: pair, info: info, authenticating: context)
            }
        }
        isRefused(by: HPKEKeyPair(), message, info: info, context)
        isRefused(by: pair, message, info: [1, 2], context)
        isRefused(by: pair, message, info: info, [])
        for bit in 0..<message.ciphertext.count * 8 {
            var changed = message
            changed.ciphertext[bit / 8] ^= 1 << (bit % 8)
            isRefused(by: pair, changed, info: info, context)
        }
        for byte in message.encapsulatedKey.indices {
            var changed = message
            changed.encapsulatedKey[byte] ^= 1
            isRefused(by: pair, changed, info: info, context)
        }
        for count in Array(0..<message.encapsulatedKey.count) + [33, 65] {
            var other = message
            other.encapsulatedKey = Array((message.encapsulatedKey + [UInt8](repeating: 0, count: 33)).prefix(count))
            isRefused(by: pair, other, info: info, context)
        }
        for count in 0..<message.ciphertext.count {
            var short = message
            short.ciphertext.removeLast(message.ciphertext.count - count)
            isRefused(by: pair, short, info: info, context)
        }
    }

    // The points of small order of RFC 7748's curve, with their usual encodings (1, 0, two of order 8, p-1, p, p+1), and what RFC 9180's
    // formulas, written down anew in Python, seal with a shared secret of zeros for each: what anybody could send.
    static let everybodysMessages = [
        (
            "0100000000000000000000000000000000000000000000000000000000000000",
            "4daf858bbc46c615928f4a5fe9ef88a8852d220c01881c4beb0b40ae39d7b4"
        ),
        (
            "0000000000000000000000000000000000000000000000000000000000000000",
            "7939f13fec12fee44f23ef6ee28488e6b1d0bfc9c9b8b7d79b02db332818bf"
        ),
        (
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
            "df0f88d4676639b7f0be3aa16dd2795e7c877f6734651c97e7fa3e9e69b6cc"
        ),
        (
            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
            "43527a482b58fad1d2e41b76e86e0e820b0e86694eecc4b3987de2962b793e"
        ),
        (
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "2c07c49abd0eff673e2a9b1fa359a3deccdbae8483671a01a2ec5a585619ef"
        ),
        (
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "3ae40a95c2702d7f063d22c4177299569f1d0084e4d87297651d98c07c1962"
        ),
        (
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "5de3fe201d30fce260889068a9e18f6143e6d0195b1e386d5deba001c76a3c"
        ),
    ]

    @Test("A message under the secret that everybody knows is refused", arguments: everybodysMessages)
    func everybodysSecret(point: String, ciphertext: String) throws {
        let pair = try #require(HPKEKeyPair(privateKey: Vector.all(in: "rfc9180-hpke")[0].bytes("skRm")))
        #expect(throws: SealingError.authenticationFailed) {
            try pair.open(
                [UInt8](hex: ciphertext), encapsulatedKey: [UInt8](hex: point), info: [], authenticating: [])
        }
    }
}
