import Glibc

/// Why a pool cannot be made, opened or made durable.
public struct PersistenceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of failure; compare with these.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: String {
            case notARegularFile, notEmpty, tooSmall, readOnly, noSpace, tooLarge, mappingFailed, notDurable,
                noInstruction
            case cannotGrow, inUse
            case invalidName, otherType, noSuchRoot, notAPool, unsupportedVersion, truncated, damaged, system
        }
        private let kind: Kind

        /// The descriptor is a directory, a device, a pipe.
        public static let notARegularFile = Code(kind: .notARegularFile)
        /// A pool is made in an empty file only.
        public static let notEmpty = Code(kind: .notEmpty)
        /// The file ends before the pool's first page does.
        public static let tooSmall = Code(kind: .tooSmall)
        /// The descriptor, or the file system, does not allow writing.
        public static let readOnly = Code(kind: .readOnly)
        /// The file system, or the user's quota, is full.
        public static let noSpace = Code(kind: .noSpace)
        /// The file would pass a limit of the process or of the file system.
        public static let tooLarge = Code(kind: .tooLarge)
        /// The kernel does not map the file.
        public static let mappingFailed = Code(kind: .mappingFailed)
        /// The device did not take the data: what was written last may be lost.
        public static let notDurable = Code(kind: .notDurable)
        /// The processor lacks the instruction that was asked for.
        public static let noInstruction = Code(kind: .noInstruction)
        /// There is no address space left behind the mapping, or the size asked for is not larger.
        public static let cannotGrow = Code(kind: .cannotGrow)
        /// Another process holds the pool's lock.
        public static let inUse = Code(kind: .inUse)
        /// A root's name is empty, too long, or holds control characters.
        public static let invalidName = Code(kind: .invalidName)
        /// A root names something else than what was asked for, or a pool commits in another way.
        public static let otherType = Code(kind: .otherType)
        /// The pool names nothing like that.
        public static let noSuchRoot = Code(kind: .noSuchRoot)
        /// The file does not begin as a pool does.
        public static let notAPool = Code(kind: .notAPool)
        /// The pool has another format version.
        public static let unsupportedVersion = Code(kind: .unsupportedVersion)
        /// The file ends before its pool does.
        public static let truncated = Code(kind: .truncated)
        /// What recovery needs contradicts itself.
        public static let damaged = Code(kind: .damaged)
        /// Another system call failed.
        public static let system = Code(kind: .system)

        /// Whether a pool was refused for what is in its file, rather than for a failing machine.
        public var isRefusal: Bool {
            [.tooSmall, .otherType, .notAPool, .unsupportedVersion, .truncated, .damaged].contains(self)
        }
        public var description: String { kind.rawValue }
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
