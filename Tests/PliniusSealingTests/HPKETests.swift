import PliniusSealing
import Testing

@Suite("HPKE")
struct HPKETests {
    static let suites: [(HPKESuite, Int)] = [(.x25519, 0), (.p256, 1)]

    @Test("Opens the messages of RFC 9180", arguments: suites)
    func published(suite: HPKESuite, index: Int) throws {
        let vector = Vector.all(in: "rfc9180-hpke")[index]
        let pair = try HPKEKeyPair(suite, privateKey: vector.bytes("skRm"))
        #expect(pair.publicKey == vector.bytes("pkRm"))
        let message = HPKEMessage(encapsulatedKey: vector.bytes("enc"), ciphertext: vector.bytes("ct"))
        let opened = try pair.open(message, info: vector.bytes("info"), authenticating: vector.bytes("aad"))
        #expect(opened.array == vector.bytes("pt"))
    }

    @Test(
        "What is sealed to a key opens with it, whatever its length", arguments: HPKESuite.allCases, [0, 1, 32, 5_000])
    func roundTrip(suite: HPKESuite, count: Int) throws {
        let pair = HPKEKeyPair(suite)
        #expect(pair.publicKey.count == suite.keyByteCount)
        let secret = SecretBytes.random(count)
        let first = try HPKEMessage(
            sealing: secret, to: pair.publicKey, suite: suite, info: [1, 2], authenticating: [3])
        #expect(first.ciphertext.count == count + 16)
        #expect(first.encapsulatedKey.count == suite.keyByteCount)
        #expect(try pair.open(first, info: [1, 2], authenticating: [3]).isEqual(to: secret))
        let second = try HPKEMessage(
            sealing: secret, to: pair.publicKey, suite: suite, info: [1, 2], authenticating: [3])
        #expect(first.encapsulatedKey != second.encapsulatedKey)
    }

    @Test("Another key, other bytes, another purpose or another context opens nothing", arguments: HPKESuite.allCases)
    func refusal(suite: HPKESuite) throws {
        let pair = HPKEKeyPair(suite)
        let secret = SecretBytes.random(32)
        let info: [UInt8] = [1, 2, 3]
        let context: [UInt8] = [4]
        let message = try HPKEMessage(
            sealing: secret, to: pair.publicKey, suite: suite, info: info, authenticating: context)

        func isRefused(
            by pair: HPKEKeyPair, _ message: HPKEMessage, info: [UInt8], _ context: [UInt8],
            _ location: SourceLocation = #_sourceLocation
        ) {
            #expect(throws: SealingError.authenticationFailed, sourceLocation: location) {
                try pair.open(message, info: info, authenticating: context)
            }
        }
        isRefused(by: HPKEKeyPair(suite), message, info: info, context)
        isRefused(by: HPKEKeyPair(suite == .p256 ? .x25519 : .p256), message, info: info, context)
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
        for count in 0..<message.encapsulatedKey.count {
            var short = message
            short.encapsulatedKey.removeLast(message.encapsulatedKey.count - count)
            isRefused(by: pair, short, info: info, context)
        }
        for count in 0..<message.ciphertext.count {
            var short = message
            short.ciphertext.removeLast(message.ciphertext.count - count)
            isRefused(by: pair, short, info: info, context)
        }
    }

    // The points of small order of RFC 7748's curve, with their usual encodings (1, 0, two of order 8, p-1, p, p+1).
    static let pointsOfSmallOrder = [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ]

    @Test("A point that has one secret with everybody takes part in nothing", arguments: pointsOfSmallOrder)
    func smallOrder(point: String) {
        #expect(throws: SealingError.notAPublicKey) {
            try HPKEMessage(
                sealing: .random(32), to: [UInt8](hex: point), suite: .x25519, info: [], authenticating: [])
        }
    }

    // Sealed by RFC 9180's formulas, written down anew in Python, with a shared secret of zeros: what anybody could send.
    @Test("A message under the secret that everybody knows is refused")
    func everybodysSecret() throws {
        let pair = try HPKEKeyPair(.x25519, privateKey: Vector.all(in: "rfc9180-hpke")[0].bytes("skRm"))
        let message = HPKEMessage(
            encapsulatedKey: [UInt8](repeating: 0, count: 32),
            ciphertext: [UInt8](hex: "7939f13fec12fee44f23ef6ee28488e6b1d0bfc9c9b8b7d79b02db332818bf"))
        #expect(throws: SealingError.authenticationFailed) { try pair.open(message, info: [], authenticating: []) }
    }

    @Test("Nothing is sealed to what is no public key")
    func notAKey() throws {
        let good = HPKEKeyPair(.p256).publicKey
        var offCurve = good
        offCurve[64] ^= 1
        let compressed = [2 + good[64] & 1] + good[1..<33]
        let cases: [(HPKESuite, [UInt8])] = [
            (.x25519, []), (.x25519, [UInt8](repeating: 9, count: 31)), (.x25519, [UInt8](repeating: 9, count: 33)),
            (.x25519, [UInt8](repeating: 0, count: 32)), (.x25519, good), (.p256, []), (.p256, offCurve),
            (.p256, compressed), (.p256, Array(good.dropLast())), (.p256, good + [0]),
            (.p256, [UInt8](repeating: 0, count: 65)), (.p256, HPKEKeyPair(.x25519).publicKey),
        ]
        for (suite, key) in cases {
            #expect(throws: SealingError.notAPublicKey, "\(suite) \(key)") {
                try HPKEMessage(sealing: .random(32), to: key, suite: suite, info: [], authenticating: [])
            }
        }
        #expect(throws: SealingError.notAPublicKey) { try HPKEKeyPair(.p256, privateKey: [1]) }
    }
}
