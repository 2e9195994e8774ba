import CZlib

/// Decompresses in pieces.
@safe
final class Inflater {
    private let handle: OpaquePointer

    /// How compressed data are wrapped.
    enum Format {
        /// Not at all: blocks without header or checksum (RFC 1951).
        case deflate
        /// As a member of a gzip file, whose checksum is verified (RFC 1952).
        case gzip
    }

    /// Begins at the first byte.
    init(_ format: Format) {
        let created = unsafe format == .gzip ? czlib_inflater_create() : czlib_inflater_create_raw()
        guard let handle = unsafe created else { fatalError("no memory to decompress with") }
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

    /// Decompresses `input` into `bytes` from `start` on, as far as either goes.
    func inflate(_ input: ArraySlice<UInt8>, into bytes: inout [UInt8], from start: Int) -> Step {
        unsafe input.withUnsafeBufferPointer { input in
            unsafe bytes.withUnsafeMutableBufferPointer { bytes in
                guard var source = input.baseAddress, let base = bytes.baseAddress else {
                    return Step(used: 0, made: 0, status: CZLIB_MORE)
                }
                var sourceCount = input.count
                var destination = unsafe base + start
                var room = bytes.count - start
                let status = unsafe czlib_inflate(handle, &source, &sourceCount, &destination, &room)
                return Step(used: input.count - sourceCount, made: bytes.count - start - room, status: status)
            }
        }
    }
}
