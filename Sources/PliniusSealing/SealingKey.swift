internal import CIPSecMB
internal import Crypto
internal import _PliniusSupport

/// One AES-GCM key, expanded once, wiped at the end, usable from several threads at a time.
///
/// Sealing and opening copy nothing and allocate nothing under ``SealingProvider/intelIPSecMB``.
@safe
public final class SealingKey {
    /// The cipher that the key is for.
    public let cipher: Cipher
    /// Who computes.
    public let provider: SealingProvider
    private let backend: Backend

    private enum Backend {
        case intelIPSecMB(PrivateMemory)
        case swiftCrypto(SymmetricKey)
    }

    /// Expands a key of `cipher.keyByteCount` bytes.
    public init(_ key: SecretBytes, cipher: Cipher, provider: SealingProvider = .preferred) {
        precondition(
            key.count == cipher.keyByteCount, "\(cipher) takes \(cipher.keyByteCount) key bytes, not \(key.count)")
        precondition(provider.isAvailable, "\(provider) is not available here: use the preferred provider")
        self.cipher = cipher
        self.provider = provider
        switch provider {
        case .intelIPSecMB:
            let expanded = PrivateMemory(byteCount: cipsecmb_key_size())
            unsafe key.withBytes { bytes in
                unsafe cipsecmb_expand(
                    expanded.bytes.address, bytes.address.assumingMemoryBound(to: UInt8.self), bytes.count)
            }
            backend = .intelIPSecMB(expanded)
        case .swiftCrypto:
            backend = .swiftCrypto(key.symmetricKey)
        }
    }

    /// Seals a message.
    /// - Parameters:
    ///   - plaintext: The message; private memory.
    ///   - ciphertext: Where the same number of bytes is written, `plaintext` itself if you like.
    ///   - nonce: A number that this key has never sealed with.
    ///   - context: What else the tag binds.
    @unsafe public func seal(
        _ plaintext: UnsafeRawBufferPointer, into ciphertext: UnsafeMutableRawBufferPointer, nonce: Nonce,
        authenticating context: [UInt8]
    ) -> Tag {
        precondition(ciphertext.count == plaintext.count, "ciphertext and plaintext differ in length")
        switch backend {
        case .intelIPSecMB(let key):
            var tag = SIMD16<UInt8>()
            unsafe nonce.withBytes { nonce in
                unsafe context.withUnsafeBytes { context in
                    unsafe withUnsafeMutableBytes(of: &tag) { tag in
                        unsafe cipsecmb_seal(
                            key.bytes.address, ciphertext.octets, plaintext.octets, plaintext.count, nonce.octets,
                            context.octets, context.count, tag.octets)
                    }
                }
            }
            return Tag(storage: tag)
        case .swiftCrypto(let key):
            return unsafe key.seal(plaintext, into: ciphertext, nonce: nonce, authenticating: context)
        }
    }

    /// Opens a message.
    /// - Parameters:
    ///   - ciphertext: The sealed bytes, in private memory: in a shared mapping they could change while they are read.
    ///   - plaintext: Where the same number of bytes is written, `ciphertext` itself if you like.
    /// - Throws: ``SealingError/authenticationFailed``; `plaintext` is wiped then.
    @unsafe public func open(
        _ ciphertext: UnsafeRawBufferPointer, into plaintext: UnsafeMutableRawBufferPointer, nonce: Nonce,
        authenticating context: [UInt8], tag: Tag
    ) throws(SealingError) {
        precondition(ciphertext.count == plaintext.count, "ciphertext and plaintext differ in length")
        let opened =
            switch backend {
            case .intelIPSecMB(let key):
                unsafe nonce.withBytes { nonce in
                    unsafe context.withUnsafeBytes { context in
                        unsafe withUnsafeBytes(of: tag.storage) { tag in
                            unsafe cipsecmb_open(
                                key.bytes.address, plaintext.octets, ciphertext.octets, ciphertext.count,
                                nonce.octets, context.octets, context.count, tag.octets)
                        }
                    }
                }
            case .swiftCrypto(let key):
                unsafe key.open(ciphertext, into: plaintext, nonce: nonce, authenticating: context, tag: tag)
            }
        if !opened { throw .authenticationFailed }
    }
}

// Nothing changes after `init`, and both backends only read the key.
extension SealingKey: @unchecked Sendable {}
