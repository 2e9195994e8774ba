import Crypto
import PliniusPolicy
import PliniusVerifier
import Testing

@Suite("Owners' keys")
struct OwnerKeyTests {
    // RFC 8032, section 7.1, test 1; the file is what OpenSSL writes of the secret.
    private static let publicHex = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    private static let file = """
        -----BEGIN PRIVATE KEY-----
        MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
        -----END PRIVATE KEY-----

        """

    @Test("A key has one text form")
    func text() throws {
        let key = try #require(OwnerKey("ed25519:\(Self.publicHex)"))
        #expect(key.kind == .ed25519 && key.bytes.count == 32 && key.description == "ed25519:\(Self.publicHex)")
        #expect(key.id == Array(SHA256.hash(data: Array("ed25519:\(Self.publicHex)".utf8))))
        let other = OwnerSigningKey.p256(P256.Signing.PrivateKey()).publicKey
        #expect(other.bytes.count == 65 && other.description.hasPrefix("p256:04"))
        #expect(OwnerKey(other.description) == other)
    }

    @Test("What is no key is none, nor is a key in another form")
    func noKeys() {
        let point = OwnerSigningKey.p256(P256.Signing.PrivateKey()).publicKey.description
        let off = String(point.dropLast(2)) + (point.hasSuffix("00") ? "01" : "00")
        for text in [
            "", "ed25519", "ed25519:", Self.publicHex, "ed25519:\(Self.publicHex.uppercased())",
            "ED25519:\(Self.publicHex)", "ed25519:\(Self.publicHex)00", "ed25519:\(Self.publicHex.dropLast(2))",
            "p256:\(Self.publicHex)", off, " " + point, point + " ", point.replacing("p256:04", with: "p256:02"),
        ] { #expect(OwnerKey(text) == nil, "\(text)") }
    }

    @Test("A key file is what OpenSSL writes, for both kinds")
    func files() throws {
        let key = try OwnerSigningKey(pem: Self.file)
        #expect(key.publicKey.description == "ed25519:\(Self.publicHex)")
        #expect(key.pem == Self.file)
        let other = OwnerSigningKey.p256(P256.Signing.PrivateKey())
        #expect(try OwnerSigningKey(pem: other.pem).publicKey == other.publicKey)
    }

    @Test("Another file is refused, and nothing of it is told")
    func noFiles() throws {
        let secret = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v"
        for file in [
            "", secret, Self.file.replacing("MC4CAQAwBQ", with: "MC4CAQAwBR"),
            Self.file.replacing("PRIVATE", with: "PUBLIC"),
        ] {
            let error = try #require(throws: FormatError.self) { _ = try OwnerSigningKey(pem: file) }
            #expect(error.check == "key.format" && !"\(error)".contains("MC4"))
        }
    }

    @Test(
        "A signature is good for its statement, its key and this purpose alone",
        arguments: [OwnerKey.Kind.ed25519, .p256])
    func signatures(kind: OwnerKey.Kind) throws {
        let key: OwnerSigningKey = kind == .ed25519 ? OwnerSigningKey() : .p256(P256.Signing.PrivateKey())
        let hash = StatementHash(of: Array("a".utf8))
        let signature = try key.sign(hash)
        #expect(signature.isValid(for: hash) && signature.bytes.count == 64 && signature.key == key.publicKey)
        #expect(!signature.isValid(for: StatementHash(of: Array("b".utf8))))
        #expect(!Signature(key: OwnerSigningKey().publicKey, bytes: signature.bytes).isValid(for: hash))
        for index in [0, 31, 32, 63] {
            var bytes = signature.bytes
            bytes[index] ^= 1
            #expect(!Signature(key: key.publicKey, bytes: bytes).isValid(for: hash))
        }
        #expect(!Signature(key: key.publicKey, bytes: []).isValid(for: hash))
        #expect(!Signature(key: key.publicKey, bytes: signature.bytes + [0]).isValid(for: hash))
        // The bytes themselves, signed without saying what for.
        if case .ed25519(let bare) = key {
            let plain = Array(try bare.signature(for: hash.bytes))
            #expect(!Signature(key: key.publicKey, bytes: plain).isValid(for: hash))
            let marked = Array(try bare.signature(for: Array("perun/1/statement\0".utf8) + hash.bytes))
            #expect(Signature(key: key.publicKey, bytes: marked).isValid(for: hash))
        }
    }
}
