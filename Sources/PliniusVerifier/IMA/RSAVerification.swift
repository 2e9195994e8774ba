/// RSASSA-PKCS1-v1_5 over a digest that is all there is of the message (RFC 8017, section 8.2.2); swift-crypto verifies messages alone.
enum RSAVerification {
    /// Whether the signature is the one that the owner of the key makes for this digest; numbers have their most significant byte first.
    static func isValid(
        _ signature: [UInt8], over digest: [UInt8], _ hash: HashAlgorithm, modulus: [UInt8], exponent: [UInt8]
    ) -> Bool {
        let modulus = Array(modulus.drop { $0 == 0 })
        let exponent = exponent.drop { $0 == 0 }
        guard exponent.count <= 4, digest.count == hash.byteCount, let prefix = digestInfo[hash] else { return false }
        let encoded = prefix + digest
        let paddingCount = modulus.count - encoded.count - 3
        guard paddingCount >= 8,
            let message = ModularPower.power(
                signature, exponent.reduce(0) { $0 << 8 | UInt32($1) }, modulus: modulus)
        else { return false }
        // What must be there is built and compared, rather than what is there parsed.
        return message == [0, 1] + [UInt8](repeating: 0xFF, count: paddingCount) + [0] + encoded
    }

    /// DigestInfo up to the digest (RFC 8017, section 9.2, note 1).
    private static let digestInfo: [HashAlgorithm: [UInt8]] = [
        .sha256: [0x30, 0x31, 0x30, 0x0D, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20],
        .sha384: [0x30, 0x41, 0x30, 0x0D, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2, 5, 0, 4, 0x30],
        .sha512: [0x30, 0x51, 0x30, 0x0D, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3, 5, 0, 4, 0x40],
    ]
}
