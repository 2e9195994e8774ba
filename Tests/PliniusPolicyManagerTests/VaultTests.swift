import PliniusPolicyManager
import PliniusSealing
import Testing

@Suite("The vault")
struct VaultTests {
    private static func vault(_ byte: UInt8 = 1) throws -> Vault {
        try Vault(root: SecretBytes([UInt8](repeating: byte, count: 32)))
    }

    private static let row = WrappedRow(table: "asset", id: "hospital-a/scans", version: 1)
    private static let generation = WrappingGeneration(number: 1, salt: [UInt8](repeating: 9, count: 32))

    @Test("A root has 32 bytes", arguments: [0, 16, 31, 33, 64]) func rootLength(count: Int) {
        expectError(.malformed, "32 bytes") { try Vault(root: SecretBytes([UInt8](repeating: 0, count: count))) }
    }

    @Test("A key comes back from its row, from other bytes each time") func roundTrip() throws {
        let vault = try Self.vault()
        for count in [0, 1, 32, 300] {
            let key = SecretBytes.random(count)
            let wrapped = vault.wrap(key, for: Self.row, under: Self.generation)
            #expect(wrapped.box.count == 28 + count + 16)
            #expect(try vault.unwrap(wrapped, for: Self.row, under: Self.generation).isEqual(to: key))
            #expect(try Self.vault().unwrap(wrapped, for: Self.row, under: Self.generation).isEqual(to: key))
            #expect(vault.wrap(key, for: Self.row, under: Self.generation).box.prefix(28) != wrapped.box.prefix(28))
        }
    }

    @Test("A key opens in its row alone") func otherRows() throws {
        let vault = try Self.vault()
        let wrapped = vault.wrap(SecretBytes.random(32), for: Self.row, under: Self.generation)
        for row in [
            WrappedRow(table: "model", id: "hospital-a/scans", version: 1),
            WrappedRow(table: "asset", id: "hospital-b/scans", version: 1),
            WrappedRow(table: "asset", id: "hospital-a/scans", version: 2),
            // The same letters, cut elsewhere.
            WrappedRow(table: "assethospital-a", id: "/scans", version: 1),
            WrappedRow(table: "asset", id: "hospital-a/scans1", version: 1),
        ] {
            expectError(.integrity, row.description) { try vault.unwrap(wrapped, for: row, under: Self.generation) }
        }
        let others = [
            WrappingGeneration(number: 2, salt: Self.generation.salt),
            WrappingGeneration(number: 1, salt: [UInt8](repeating: 8, count: 32)),
        ]
        for other in others {
            expectError(.integrity) { try vault.unwrap(wrapped, for: Self.row, under: other) }
        }
        expectError(.integrity, "another root key") {
            try Self.vault(2).unwrap(wrapped, for: Self.row, under: Self.generation)
        }
    }

    @Test("A wrapped key that is altered anywhere does not open") func altered() throws {
        let vault = try Self.vault()
        let wrapped = vault.wrap(SecretBytes.random(32), for: Self.row, under: Self.generation)
        for place in wrapped.box.indices {
            var box = wrapped.box
            box[place] ^= 0x80
            expectError(.integrity) {
                try vault.unwrap(WrappedKey(generation: 1, box: box), for: Self.row, under: Self.generation)
            }
        }
        for count in 0..<wrapped.box.count {
            let box = Array(wrapped.box.prefix(count))
            expectError(.integrity) {
                try vault.unwrap(WrappedKey(generation: 1, box: box), for: Self.row, under: Self.generation)
            }
        }
    }

    @Test("A cookie opens here, for its use, after a restart too") func cookies() throws {
        let vault = try Self.vault()
        let content = Array("all that a challenge needs".utf8)
        let cookie = vault.sealCookie(content, for: "challenge")
        #expect(try vault.openCookie(cookie, for: "challenge") == content)
        #expect(try Self.vault().openCookie(cookie, for: "challenge") == content)
        #expect(!cookie.contains(Array("challenge".utf8)))
        #expect(try vault.openCookie(vault.sealCookie([], for: "x"), for: "x").isEmpty)
        expectError(.forbidden) { try vault.openCookie(cookie, for: "result") }
        expectError(.forbidden) { try Self.vault(2).openCookie(cookie, for: "challenge") }
        expectError(.forbidden) { try vault.openCookie([], for: "challenge") }
        for place in cookie.indices {
            var altered = cookie
            altered[place] ^= 1
            expectError(.forbidden) { try vault.openCookie(altered, for: "challenge") }
        }
    }

    @Test("A cookie is no wrapped key, and no key is a cookie") func purposes() throws {
        let vault = try Self.vault()
        let use = "asset"
        let cookie = vault.sealCookie([1, 2, 3], for: use)
        let generation = WrappingGeneration(number: 1, salt: [])
        expectError(.integrity) {
            try vault.unwrap(WrappedKey(generation: 1, box: cookie), for: Self.row, under: generation)
        }
        let wrapped = vault.wrap(SecretBytes([1, 2, 3]), for: Self.row, under: generation)
        expectError(.forbidden) { try vault.openCookie(wrapped.box, for: use) }
    }

    @Test("The public keys follow from the root, and say nothing of each other") func publicKeys() throws {
        #expect(try Self.vault().signer.publicKey == Self.vault().signer.publicKey)
        #expect(try Self.vault().keyPair.publicKey == Self.vault().keyPair.publicKey)
        #expect(try Self.vault().signer.publicKey != Self.vault(2).signer.publicKey)
        #expect(try Self.vault().keyPair.publicKey != Self.vault(2).keyPair.publicKey)
    }

    @Test("A secret that was sealed to the service opens for what it was sealed for") func exchange() throws {
        let vault = try Self.vault()
        let secret = SecretBytes.random(32)
        let message = try HPKEMessage(
            sealing: secret, to: vault.keyPair.publicKey, info: [1], authenticating: [2])
        #expect(try vault.keyPair.open(message, info: [1], authenticating: [2]).isEqual(to: secret))
        expectError(.forbidden) { try vault.keyPair.open(message, info: [2], authenticating: [2]) }
        expectError(.forbidden) { try vault.keyPair.open(message, info: [1], authenticating: [1]) }
        expectError(.forbidden) { try Self.vault(2).keyPair.open(message, info: [1], authenticating: [2]) }
        for (key, text) in [
            ([], message.ciphertext), (message.encapsulatedKey, []),
            ([UInt8](repeating: 0, count: 32), message.ciphertext),
            (message.encapsulatedKey, message.ciphertext.reversed()),
        ] {
            expectError(.forbidden) {
                try vault.keyPair.open(
                    HPKEMessage(encapsulatedKey: key, ciphertext: text), info: [1], authenticating: [2])
            }
        }
    }
}

extension [UInt8] {
    fileprivate func contains(_ part: [UInt8]) -> Bool {
        indices.contains { self[$0...].starts(with: part) }
    }
}
