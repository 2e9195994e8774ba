import Glibc

/// Why a pool cannot be made, opened or made durable.
public struct PersistenceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of failure; compare with these.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let description: String
        /// Whether a pool was refused for what is in its file, rather than for a failing machine.
        public let isRefusal: Bool

        package init(_ name: String, isRefusal: Bool = false) {
            description = name
            self.isRefusal = isRefusal
        }

        /// The descriptor is a directory, a device, a pipe.
        public static let notARegularFile = Code("notARegularFile")
        /// The file ends before the pool's first page does.
        public static let tooSmall = Code("tooSmall", isRefusal: true)
        /// The descriptor, or the file system, does not allow writing.
        public static let readOnly = Code("readOnly")
        /// The file system, or the user's quota, is full.
        public static let noSpace = Code("noSpace")
        /// The file would pass a limit of the process or of the file system.
        public static let tooLarge = Code("tooLarge")
        /// The kernel does not map the file.
        public static let mappingFailed = Code("mappingFailed")
        /// The device did not take the data: what was written last may be lost.
        public static let notDurable = Code("notDurable")
        /// The processor lacks the instruction that was asked for.
        public static let noInstruction = Code("noInstruction")
        /// Another system call failed.
        public static let system = Code("system")
    }

    /// What kind of failure.
    public let code: Code
    /// What was done, what was found, what to do.
    public let message: String

    public var description: String { message }

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Gives a failed system call its words.
    public init(_ action: String, errno number: CInt) {
        let words = unsafe String(cString: strerror(number))
        switch number {
        case ENOSPC, EDQUOT:
            self.init(.noSpace, "\(action): \(words). Free space there, or choose another place.")
        case EFBIG:
            self.init(.tooLarge, "\(action): \(words). Raise the limit (ulimit -f), or choose another file system.")
        case EROFS, EACCES, EPERM, EBADF:
            self.init(.readOnly, "\(action): \(words). The pool must be writable.")
        case EIO:
            self.init(.notDurable, "\(action): \(words). The device failed: do not trust it with another commit.")
        default:
            self.init(.system, "\(action): \(words) (errno \(number)).")
        }
    }
}
