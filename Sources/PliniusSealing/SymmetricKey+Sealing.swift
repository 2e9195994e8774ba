internal import Crypto
internal import _PliniusSupport

// swift-crypto returns what it computes in storage of its own; these two move it to where the caller wants it.
extension SymmetricKey {
    /// Seals as ``SealingKey/seal(_:into:nonce:authenticating:)`` does.
    @unsafe func seal(
        _ plaintext: UnsafeRawBufferPointer, into ciphertext: UnsafeMutableRawBufferPointer, nonce: Nonce,
        authenticating context: [UInt8]
    ) -> Tag {
        do {
            let box = try unsafe AES.GCM.seal(
                plaintext, using: self, nonce: AES.GCM.Nonce(nonce), authenticating: context)
            unsafe ciphertext.copyBytes(from: box.ciphertext)
            return Tag(storage: SIMD16(box.tag))
        } catch {
            // The key's length was checked, and no message in memory is longer than the cipher takes.
            fatalError("swift-crypto refused to seal: \(error)")
        }
    }

    /// Opens as ``SealingKey/open(_:into:nonce:authenticating:tag:)`` does; tells whether the tag fits.
    @unsafe func open(
        _ ciphertext: UnsafeRawBufferPointer, into plaintext: UnsafeMutableRawBufferPointer, nonce: Nonce,
        authenticating context: [UInt8], tag: Tag
    ) -> Bool {
        do {
            let box = try unsafe AES.GCM.SealedBox(nonce: AES.GCM.Nonce(nonce), ciphertext: ciphertext, tag: tag.bytes)
            let opened = try AES.GCM.open(box, using: self, authenticating: context)
            unsafe plaintext.copyBytes(from: opened)
            unsafe wipe(opened)
            return true
        } catch {
            unsafe wipe(plaintext)
            return false
        }
    }
}

extension AES.GCM.Nonce {
    fileprivate init(_ nonce: Nonce) throws {
        self = try unsafe nonce.withBytes { bytes throws in unsafe try Self(data: bytes) }
    }
}

/// Overwrites the storage of opened bytes, of whatever type swift-crypto returns them in.
@unsafe func wipe(_ bytes: some Collection<UInt8>) {
    let wiped: Void? = bytes.withContiguousStorageIfAvailable { storage in
        // The storage was allocated for this message and nobody else holds it: the type only promises less than is true.
        unsafe wipe(UnsafeMutableRawBufferPointer(mutating: UnsafeRawBufferPointer(storage)))
    }
    precondition(wiped != nil, "opened bytes lie where they cannot be wiped")
}
