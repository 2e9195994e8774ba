import CImageCodecs
import Glibc

/// A decoded image.
public struct DecodedImage: Hashable, Sendable {
    public let width: Int
    public let height: Int
    /// 1 for grey, 3 for red, green and blue.
    public let channels: Int
    /// Rows of pixels of `channels` bytes.
    public let pixels: [UInt8]
}

/// What an image may cost.
public struct ImageLimits: Hashable, Sendable {
    /// The largest width or height.
    public var side = 65_535
    /// The most pixels.
    public var pixels = 1 << 26
    /// The most bytes of the file.
    public var byteCount = 1 << 26
    /// The longest that decoding may take.
    public var milliseconds = 20_000

    /// Limits that photographs keep.
    public init() {}
}

/// Decodes PNG and JPEG images in a process of its own, which can read and write one socket and do nothing else.
///
/// A seccomp filter kills that process for any other system call but those that give it memory; no file is open in it. Its answers
/// are checked like a file's bytes. It begins as a copy of this process: make a decoder before there are secrets.
@safe
public final class ImageDecoder {
    /// What an image may cost.
    public let limits: ImageLimits
    private let handle: OpaquePointer

    /// Starts the process.
    /// - Throws: ``SourceError``, `.unreadable`, if the system confines no process.
    public init(limits: ImageLimits = ImageLimits()) throws(SourceError) {
        self.limits = limits
        guard let handle = unsafe cimage_decoder_start(limits.forCodecs) else {
            throw SourceError(
                .unreadable, "decoder of images",
                "no process without rights could be started: \(unsafe String(cString: strerror(errno))). "
                    + "The kernel has to have seccomp filters, and permit them here.")
        }
        unsafe self.handle = handle
    }

    deinit { unsafe cimage_decoder_stop(handle) }

    /// The process; `nil` after it crashed or was too slow.
    public var processIdentifier: Int? {
        let process = unsafe cimage_decoder_process(handle)
        return process > 0 ? Int(process) : nil
    }

    /// Decodes an image: 8 bits a channel, transparency dropped, nothing turned.
    /// - Parameter name: The file that errors name.
    /// - Throws: ``SourceError``
    public func decode(_ bytes: [UInt8], name: String) throws(SourceError) -> DecodedImage {
        let milliseconds = CInt(clamping: limits.milliseconds)
        return try unsafe Self.decode(bytes, name: name, limits: limits) {
            unsafe cimage_decoder_decode(handle, $0, $1, milliseconds, $2)
        }
    }

    /// Decodes an image in this process: for tests, and where the whole process is confined.
    /// - Throws: ``SourceError``
    public static func decodeUnconfined(
        _ bytes: [UInt8], name: String, limits: ImageLimits = ImageLimits()
    ) throws(SourceError) -> DecodedImage {
        try unsafe decode(bytes, name: name, limits: limits) { unsafe cimage_decode($0, $1, limits.forCodecs, $2) }
    }

    // MARK: -

    private static func decode(
        _ bytes: [UInt8], name: String, limits: ImageLimits,
        by decode: (UnsafePointer<UInt8>, Int, UnsafeMutablePointer<cimage>) -> cimage_status
    ) throws(SourceError) -> DecodedImage {
        guard bytes.count <= limits.byteCount else {
            throw SourceError(
                .oversized, name, "the file has \(bytes.count) bytes, \(limits.byteCount) are the limit of an image")
        }
        var image = unsafe cimage()
        defer { unsafe cimage_free(&image) }
        let status = unsafe bytes.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return CIMAGE_UNKNOWN }
            return unsafe decode(base, bytes.count, &image)
        }
        guard status == CIMAGE_OK, let pixels = unsafe image.pixels else {
            throw unsafe failure(status, name, text(image))
        }
        let (width, height, channels) = unsafe (Int(image.width), Int(image.height), Int(image.channels))
        return DecodedImage(
            width: width, height: height, channels: channels,
            pixels: unsafe Array(UnsafeBufferPointer(start: pixels, count: width * height * channels)))
    }

    private static func text(_ image: cimage) -> String {
        unsafe withUnsafeBytes(of: image.message) { unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    private static func failure(_ status: cimage_status, _ name: String, _ said: String) -> SourceError {
        let said = said.isEmpty ? "" : ": \(said)"
        return switch status {
        case CIMAGE_UNKNOWN: SourceError(.wrongFormat, name, "the file is neither PNG nor JPEG, whatever it is called")
        case CIMAGE_TRUNCATED: SourceError(.truncated, name, "the image ends too early\(said)")
        case CIMAGE_TOO_LARGE: SourceError(.oversized, name, "the image is too large\(said)")
        case CIMAGE_UNSUPPORTED: SourceError(.unsupported, name, "the image is of an unknown kind\(said)")
        case CIMAGE_TOO_SLOW: SourceError(.oversized, name, "decoding takes too long, and was stopped")
        case CIMAGE_NO_MEMORY: SourceError(.oversized, name, "there is no memory for the image\(said)")
        case CIMAGE_CRASHED: SourceError(.damaged, name, "the decoder died of the image, or broke its rules")
        default: SourceError(.damaged, name, "the image is damaged\(said)")
        }
    }
}

extension ImageLimits {
    fileprivate var forCodecs: cimage_limits {
        cimage_limits(side: UInt32(clamping: side), pixels: UInt64(clamping: pixels))
    }
}
