import Glibc

/// Draws `count` random bytes from the system: for names and salts, which are public.
///
/// Secrets are drawn by ``SecretBytes/random(_:)``, which leaves no copy.
public func randomBytes(_ count: Int) -> [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        unsafe fillWithRandomBytes(UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: count))
        initialized = count
    }
}

/// Fills memory with random bytes of the system.
@unsafe func fillWithRandomBytes(_ bytes: UnsafeMutableRawBufferPointer) {
    guard let base = bytes.baseAddress else { return }
    for start in stride(from: 0, to: bytes.count, by: 256) {
        // The call takes at most 256 bytes at a time. A key that is not random must not exist.
        let status = unsafe getentropy(base + start, min(256, bytes.count - start))
        precondition(status == 0, "the system has no random bytes: errno \(errno)")
    }
}
