/// What a policy asks of everything that a kernel measured.
public struct IMARequirements: Sendable {
    /// A list that holds for some time: while an update is rolled out, the old one and the new one do.
    public struct Generation: Sendable {
        /// For findings.
        public var name: String
        public var list: IMAAllowList
        /// Reference lists whose files are allowed as well, by their names.
        public var references: [String] = []
        /// When it begins to hold; always did, if `nil`.
        public var notBefore: Instant?
        /// When it ends to hold; never, if `nil`.
        ///
        /// Files of a generation that ended have to be gone from the log, by a restart.
        public var notAfter: Instant?

        public init(name: String, list: IMAAllowList, notBefore: Instant? = nil, notAfter: Instant? = nil) {
            self.name = name
            self.list = list
            self.notBefore = notBefore
            self.notAfter = notAfter
        }
    }

    /// Lists of files; a file that one of those that hold has is allowed.
    public var generations: Setting<[Generation]>?
    /// Whose signed files are allowed (`ima-sig`).
    public var signers: Setting<[IMASigner]>?
    /// Files that are not judged at all, such as data below `/var/tmp`.
    public var excluded: Setting<[Pattern]>?
    /// Files that the kernel may have seen being written while it measured them; what they held is unknown.
    public var toleratedViolations: Setting<[Pattern]>?
    /// Lets SHA-1 alone bind the log or a file, for kernels that measure with nothing else.
    public var permitsSHA1: Setting<Bool>?
    /// Lets a log pass whose first entry is not the digest of the quote's boot registers.
    public var permitsUnboundBoot: Setting<Bool>?
    /// How many entries a quote may be behind its log, 1000 unless set; the next quote has to prove them.
    public var maximumPending: Setting<Int>?

    public init() {}
}
