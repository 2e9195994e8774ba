internal import CIPSecMB
internal import Crypto

/// The 32 bytes of a SHA-256 digest or an HMAC-SHA-256, in place: an array of them would have to be allocated.
public typealias Digest = SIMD32<UInt8>

// A digest's bytes are copied at once: as a sequence it does not say how many they are, and the array of it would grow as it is filled.

/// The SHA-256 digest of `bytes`, 32 bytes.
public func sha256(_ bytes: [UInt8]) -> [UInt8] {
    unsafe SHA256.hash(data: bytes).withUnsafeBytes { unsafe Array($0) }
}

/// The SHA-512 digest of `bytes`, 64 bytes.
public func sha512(_ bytes: [UInt8]) -> [UInt8] {
    unsafe SHA512.hash(data: bytes).withUnsafeBytes { unsafe Array($0) }
}

/// A SHA-256 digest of bytes that come in pieces.
public struct IncrementalSHA256 {
    private var state = SHA256()

    /// Starts with no bytes.
    public init() {}

    /// Takes in the next bytes.
    public mutating func update(_ bytes: [UInt8]) {
        state.update(data: bytes)
    }

    /// The digest of everything so far, 32 bytes; more may follow.
    public func digest() -> [UInt8] {
        unsafe state.finalize().withUnsafeBytes { unsafe Array($0) }
    }
}

/// HMAC-SHA-256 (RFC 2104), 32 bytes.
package func hmacSHA256(_ bytes: [UInt8], key: SecretBytes) -> [UInt8] {
    unsafe HMAC<SHA256>.authenticationCode(for: bytes, using: key.symmetricKey).withUnsafeBytes { unsafe Array($0) }
}

extension SealingProvider {
    /// The SHA-256 digest of `bytes`; ``intelIPSecMB`` allocates nothing for it.
    @unsafe package func sha256(_ bytes: UnsafeRawBufferPointer) -> Digest {
        guard self == .intelIPSecMB else { return unsafe Digest(PliniusSealing.sha256(Array(bytes))) }
        var digest = Digest()
        unsafe withUnsafeMutableBytes(of: &digest) { unsafe cipsecmb_sha256(bytes.octets, bytes.count, $0.octets) }
        return digest
    }

    /// HMAC-SHA-256 (RFC 2104) of at most 512 bytes under a key of at most 64; ``intelIPSecMB`` allocates nothing for it.
    package func hmacSHA256(_ bytes: [UInt8], key: SecretBytes) -> Digest {
        guard self == .intelIPSecMB else { return Digest(PliniusSealing.hmacSHA256(bytes, key: key)) }
        var code = Digest()
        unsafe withUnsafeMutableBytes(of: &code) { code in
            unsafe key.withBytes { key in
                unsafe bytes.withUnsafeBytes {
                    unsafe cipsecmb_hmac_sha256(key.octets, key.count, $0.octets, $0.count, code.octets)
                }
            }
        }
        return code
    }
}

/// HKDF-SHA-256 (RFC 5869), extract and expand.
package func hkdfSHA256(_ key: SecretBytes, salt: [UInt8], info: [UInt8], count: Int) -> SecretBytes {
    let derived = HKDF<SHA256>.deriveKey(
        inputKeyMaterial: key.symmetricKey, salt: salt, info: info, outputByteCount: count)
    return unsafe SecretBytes(count: count) { destination in
        unsafe derived.withUnsafeBytes { unsafe destination.copyMemory(from: $0) }
    }
}

extension SecretBytes {
    /// A copy in swift-crypto's own wiped storage.
    var symmetricKey: SymmetricKey {
        unsafe withBytes { unsafe SymmetricKey(data: $0) }
    }
}
