import CryptoExtras

/// RSASSA-PSS with the longest salt that fits (RFC 8017, sections 8.1.2 and 9.1.2).
///
/// swift-crypto takes salts that are as long as the digest alone. So do TPMs that follow FIPS 186-4; the others fill all of the space with
/// salt (TPM 2.0 Library, Part 1, section B.7). Any other length is refused.
package enum LongestSaltPSS {
    /// Whether a signature over a message holds; the exponent has at most 32 bits.
    package static func isValid(
        _ signature: [UInt8], over message: [UInt8], _ hash: HashAlgorithm, modulus: [UInt8], exponent: UInt32
    ) -> Bool {
        guard let first = modulus.first, first != 0,
            let encoded = ModularPower.power(signature, exponent, modulus: modulus)
        else { return false }
        // The encoded message is a bit shorter than the modulus, which may make it a byte shorter.
        let bitCount = modulus.count * 8 - first.leadingZeroBitCount - 1
        let byteCount = (bitCount + 7) / 8
        let unused = 8 * byteCount - bitCount
        let blockCount = byteCount - hash.byteCount - 1
        guard encoded.prefix(encoded.count - byteCount).allSatisfy({ $0 == 0 }), encoded.last == 0xBC, blockCount > 1
        else { return false }
        let bytes = encoded.suffix(byteCount)
        let masked = Array(bytes.prefix(blockCount))
        let digest = Array(bytes.dropFirst(blockCount).prefix(hash.byteCount))
        guard masked[0] >> (8 - unused) == 0 else { return false }
        var block = OAEP.exclusiveOr(masked, OAEP.mask(digest, hash, blockCount))
        block[0] &= 0xFF >> unused
        // No byte of filling is left before the salt.
        guard block[0] == 1 else { return false }
        return digest == hash.hash([UInt8](repeating: 0, count: 8) + hash.hash(message) + block.dropFirst())
    }
}

extension PublicKey {
    /// Whether an RSASSA-PSS signature with the longest salt that fits holds.
    func isValidWithLongestSalt(_ signature: [UInt8], over message: [UInt8], _ hash: HashAlgorithm) -> Bool {
        guard case .rsa(let key) = self, let numbers = try? key.getKeyPrimitives(),
            numbers.publicExponent.count <= 4
        else { return false }
        let exponent = numbers.publicExponent.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return LongestSaltPSS.isValid(
            signature, over: message, hash, modulus: Array(numbers.modulus), exponent: exponent)
    }
}
