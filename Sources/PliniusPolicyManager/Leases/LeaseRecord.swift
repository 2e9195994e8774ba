public import PliniusVerifier

/// The leave that one run has to go on with the keys that it was granted.
public struct LeaseRecord: Hashable, Sendable {
    public enum State: String, Hashable, Sendable, CaseIterable {
        case live
        /// A newer lease of the same run took over.
        case superseded
        /// Ended before its time.
        case revoked
        /// Not renewed in time.
        case expired
    }

    /// The length of ``id``.
    public static let idByteCount = 16

    /// Random.
    public let id: [UInt8]
    /// `namespace/asset#run`; at most one lease of a run is live.
    public let run: String
    public let purpose: String
    /// How long it lasts from its beginning, or from its renewal.
    public let seconds: UInt32
    /// How many iterations the enclave may do between two renewals.
    public let iterations: UInt64
    /// The assets that were granted, and what comes out.
    public let assets: Set<String>
    /// What the evidence said that must not change; the service's own bytes.
    public var facts: [UInt8]
    public let begun: Instant
    public var renewed: Instant
    public var expires: Instant
    public var renewals: Int
    public var state: State
    /// Why it is not live any more.
    public var reason: String?

    /// A lease that begins now.
    public init(
        id: [UInt8], run: String, purpose: String, seconds: UInt32, iterations: UInt64, assets: Set<String>,
        facts: [UInt8], at now: Instant
    ) {
        self.init(
            id: id, run: run, purpose: purpose, seconds: seconds, iterations: iterations, assets: assets, facts: facts,
            begun: now, renewed: now, expires: now + seconds, renewals: 0, state: .live, reason: nil)
    }

    init(
        id: [UInt8], run: String, purpose: String, seconds: UInt32, iterations: UInt64, assets: Set<String>,
        facts: [UInt8], begun: Instant, renewed: Instant, expires: Instant, renewals: Int, state: State, reason: String?
    ) {
        self.id = id
        self.run = run
        self.purpose = purpose
        self.seconds = seconds
        self.iterations = iterations
        self.assets = assets
        self.facts = facts
        self.begun = begun
        self.renewed = renewed
        self.expires = expires
        self.renewals = renewals
        self.state = state
        self.reason = reason
    }
}

/// Why a lease ended before its time: the check that failed, as verdicts name theirs.
public struct Revocation: Hashable, Sendable, CustomStringConvertible {
    /// The check: `stop.asset`, `tpm.reset-count`, `ima.files`.
    public let check: String
    public let expected: String
    public let found: String

    public init(_ check: String, expected: String, found: String) {
        self.check = check
        self.expected = expected
        self.found = found
    }

    public var description: String { "\(check): expected \(expected), found \(found)" }
}

extension Instant {
    /// So many seconds later; the end of time if there is none.
    static func + (instant: Instant, seconds: UInt32) -> Instant {
        let (sum, isOver) = instant.seconds.addingReportingOverflow(Int64(seconds))
        return Instant(seconds: isOver ? .max : sum)
    }
}
