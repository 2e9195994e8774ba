internal import Crypto
internal import FoundationEssentials
public import PliniusAttester
internal import PliniusPolicy
public import PliniusVerifier

/// Everything that the service does, whoever brings the requests: one operation after the other changes the store.
///
/// Between the requests of one exchange nothing is kept but what the client brings back, sealed. Only evidence that was found good is
/// remembered, in memory and for a short while.
public actor PolicyManager {
    /// How the manager works, where there is a choice.
    public struct Options: Sendable {
        /// How long an enclave may take from its challenge to its evidence, in seconds.
        public var challengeLife: Int64 = 120
        /// How long keys may be fetched after the evidence was found good, in seconds.
        public var resultLife: Int64 = 120
        /// Results that are remembered at once.
        public var maximumResults = 256
        /// Owners that the store takes.
        public var maximumNamespaces = 1_024
        /// Statements of one owner that may wait for approvals at once.
        public var maximumPending = 256
        /// Whose bundles of collateral are believed.
        public var collateralKeys: [CollateralKey] = []
        /// Statements of makers that were given at the start, beside the bundles.
        public var collateral = Collateral()

        public init() {}
    }

    public nonisolated let store: PolicyStore
    /// What proves to owners where the manager itself runs; `nil` if it runs unprotected.
    nonisolated let attester: Attester?
    nonisolated let options: Options
    private nonisolated let clock: @Sendable () -> Instant

    /// What owners have stated, without what changes with each run; `nil` after a change.
    private var stated: Registry?
    /// When the next statement that waits for its time counts; `nil` if it has to be looked up.
    var nextActivation: Instant?
    /// Evidence that was found good, by the token that fetches the keys.
    var results: [[UInt8]: GoodEvidence] = [:]
    /// What makes the tokens of this start of the service: the same evidence has the same token.
    let resultKey = SymmetricKey(size: .bits256)
    var bundles: CollateralStore

    /// - Parameters:
    ///   - store: Open, with the vault that it was made with.
    ///   - clock: What time it is, the system's if there is none; the store sees to it that it never goes back.
    /// - Throws: ``ManagerError`` if the store is damaged.
    public init(
        store: PolicyStore, attester: Attester? = nil, options: Options = Options(),
        clock: (@Sendable () -> Instant)? = nil
    ) throws {
        self.store = store
        self.attester = attester
        self.options = options
        self.clock = clock ?? { Instant(seconds: Int64(Date().timeIntervalSince1970)) }
        bundles = CollateralStore(trusted: options.collateralKeys)
        for record in try store.read({ try $0.collateral() }) {
            // A bundle whose signer is not believed any more is passed over; it stays in the store.
            try? bundles.add(record.content)
        }
    }

    /// The instant to go by.
    nonisolated var now: Instant { store.instant(at: clock()) }

    // MARK: - What owners have stated

    /// Statements have changed.
    func forgetStatements() { (stated, nextActivation) = (nil, nil) }

    /// What counts now, with the runs that have begun.
    func registry() throws -> Registry {
        try settle()
        var registry: Registry
        if let stated {
            registry = stated
        } else {
            registry = try store.read { try $0.statedRegistry() }
            stated = registry
        }
        (registry.runs, registry.begun) = try store.read { try $0.runs() }
        return registry
    }

    /// What the makers of platforms have said.
    var collateral: Collateral {
        var all = bundles.collateral
        all.intel += options.collateral.intel
        all.amdCertificates += options.collateral.amdCertificates
        all.amdRevocationLists += options.collateral.amdRevocationLists
        all.nvidiaRevocationLists += options.collateral.nvidiaRevocationLists
        all.endorsementAuthorities += options.collateral.endorsementAuthorities
        return all
    }
}
