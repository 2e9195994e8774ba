/// Digests that an owner expects, under a name that policies use.
public struct ReferenceList: Hashable, Sendable {
    /// What the digests are of.
    public enum Purpose: UInt8, Hashable, Sendable, CaseIterable {
        /// Files that IMA measures; labels are paths.
        case ima = 1
        /// What firmware and boot loader measure; labels begin with a register's number.
        case bootLog
        /// Measurement blocks of NVIDIA's GPUs; labels are the blocks' numbers.
        case nvidia
    }

    /// A digest, and what it is of.
    public struct Entry: Hashable, Sendable {
        public var label: String
        public var digest: [UInt8]

        public init(_ label: String, _ digest: [UInt8]) {
            self.label = label
            self.digest = digest
        }
    }

    public var purpose: Purpose
    public var name: String
    public var algorithm: HashAlgorithm
    public var entries: [Entry]

    public init(_ purpose: Purpose, _ name: String, _ algorithm: HashAlgorithm, _ entries: [Entry]) {
        self.purpose = purpose
        self.name = name
        self.algorithm = algorithm
        self.entries = entries
    }
}
