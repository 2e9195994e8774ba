import Crypto

/// How a TPM derives keys, and encrypts and authenticates what it wraps (TPM 2.0 Library, Part 1, sections 11.4.10 and 24).
package enum TPMDerivation {
    /// KDFa: HMAC in counter mode (NIST SP 800-108), bound to a use and to two parties.
    ///
    /// - Parameter bits: A multiple of 8.
    package static func kdfa(
        _ hash: HashAlgorithm, key: [UInt8], label: String, _ contextU: [UInt8], _ contextV: [UInt8], bits: Int
    ) -> [UInt8] {
        stretch(hash, bits) { counter in
            hmac(hash, key: key, counter + Array(label.utf8) + [0] + contextU + contextV + TPMField.big(UInt32(bits)))
        }
    }

    /// KDFe: a digest in counter mode (NIST SP 800-56A) over the secret of a key agreement and the two parties' x-coordinates.
    package static func kdfe(
        _ hash: HashAlgorithm, secret: [UInt8], label: String, _ partyU: [UInt8], _ partyV: [UInt8], bits: Int
    ) -> [UInt8] {
        stretch(hash, bits) { counter in hash.hash(counter + secret + Array(label.utf8) + [0] + partyU + partyV) }
    }

    private static func stretch(_ hash: HashAlgorithm, _ bits: Int, _ block: ([UInt8]) -> [UInt8]) -> [UInt8] {
        let count = (bits / 8 + hash.byteCount - 1) / hash.byteCount
        return Array((0..<count).flatMap { block(TPMField.big(UInt32($0 + 1))) }.prefix(bits / 8))
    }

    static func hmac(_ hash: HashAlgorithm, key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        let key = SymmetricKey(data: key)
        return switch hash {
        case .sha1: Array(HMAC<Insecure.SHA1>.authenticationCode(for: message, using: key))
        case .sha256: Array(HMAC<SHA256>.authenticationCode(for: message, using: key))
        case .sha384: Array(HMAC<SHA384>.authenticationCode(for: message, using: key))
        case .sha512: Array(HMAC<SHA512>.authenticationCode(for: message, using: key))
        }
    }
}
