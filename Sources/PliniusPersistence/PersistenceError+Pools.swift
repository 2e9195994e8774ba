// What only a pool with a heap knows to go wrong.
extension PersistenceError.Code {
    /// A pool is made in an empty file only.
    public static let notEmpty = Self("notEmpty")
    /// There is no address space left behind the mapping, or the size asked for is not larger.
    public static let cannotGrow = Self("cannotGrow")
    /// Another process holds the pool's lock.
    public static let inUse = Self("inUse")
    /// A root's name is empty, too long, or holds control characters.
    public static let invalidName = Self("invalidName")
    /// A root names something else than what was asked for, or a pool commits in another way.
    public static let otherType = Self("otherType", isRefusal: true)
    /// The pool names nothing like that.
    public static let noSuchRoot = Self("noSuchRoot")
    /// The file does not begin as a pool does.
    public static let notAPool = Self("notAPool", isRefusal: true)
    /// The pool has another format version.
    public static let unsupportedVersion = Self("unsupportedVersion", isRefusal: true)
    /// The file ends before its pool does.
    public static let truncated = Self("truncated", isRefusal: true)
    /// What recovery needs contradicts itself.
    public static let damaged = Self("damaged", isRefusal: true)
}
