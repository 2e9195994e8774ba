import CZlib

/// Decompresses deflate data (RFC 1951) that have neither header nor checksum, in pieces.
@safe
final class Inflater {
    private let handle: OpaquePointer

    /// Begins at the first block.
    init() {
        guard let handle = unsafe czlib_inflater_create_raw() else { fatalError("no memory to decompress with") }
        unsafe self.handle = handle
    }

    deinit { unsafe czlib_inflater_destroy(handle) }

    /// What one step did.
    struct Step {
        /// Compressed bytes that were used.
        var used: Int
        /// Bytes that were made of them.
        var made: Int
        /// `CZLIB_MORE`, `CZLIB_END` or `CZLIB_DAMAGED`.
        var status: czlib_status
    }

    /// Decompresses `input` from `place` on into `bytes` from `start` on, as far as either goes.
    func inflate(_ input: [UInt8], from place: Int, into bytes: inout [UInt8], from start: Int) -> Step {
        unsafe input.withUnsafeBufferPointer { input in
            unsafe bytes.withUnsafeMutableBufferPointer { bytes in
                guard let inputBase = input.baseAddress, let base = bytes.baseAddress else {
                    return Step(used: 0, made: 0, status: CZLIB_MORE)
                }
                var source = unsafe inputBase + place
                var sourceCount = input.count - place
                var destination = unsafe base + start
                var room = bytes.count - start
                let status = unsafe czlib_inflate(handle, &source, &sourceCount, &destination, &room)
                return Step(
                    used: input.count - place - sourceCount, made: bytes.count - start - room, status: status)
            }
        }
    }
}
