/// Where the judging of one machine's log stands, from one quote to the next; a machine that was started again begins without one.
public struct IMAState: Hashable, Sendable, Codable {
    /// How a kernel extends a bank other than SHA-1's.
    public enum Rule: String, Hashable, Sendable, Codable, CaseIterable {
        /// By the bank's own hash of the template data; Linux 5.8 and later.
        case ownHash
        /// By the SHA-1 of the template data with zeros behind it.
        case paddedSHA1
    }

    /// A register's value by one rule; both stay possible until an entry tells them apart.
    public struct Running: Hashable, Sendable, Codable {
        public internal(set) var bank: UInt16
        public internal(set) var rule: Rule
        public internal(set) var value: [UInt8]
    }

    /// How many entries a quote has proved.
    public internal(set) var provedCount = 0
    /// The registers after those.
    public internal(set) var running: [Running] = []
    /// Of each later entry the SHA-256 of template hash, template and data: judged, and to be proved by the next quote.
    public internal(set) var pending: [[UInt8]] = []

    /// The next entry that a log has to hold, counted from 0: what may be left out of it.
    public var nextStart: Int { provedCount }
}
