public import PliniusPolicy
internal import PliniusSealing
internal import PliniusVerifier

/// A statement as the service has it, and how far it counts.
public struct StatementReport: Sendable {
    public let record: StatementRecord
    public let signatures: [SignatureRecord]
    /// Who is missing, in words; empty if nobody is.
    public let missing: String
    /// The keys that signed it or approve of it.
    public let signers: [String]
}

extension PolicyManager {
    /// What an uploaded key is sealed with, as HPKE's info; the statement's hash is what HPKE authenticates.
    public static let uploadInfo = Array("perun/1/upload".utf8)

    /// Takes what an owner says, or more signatures under what was said before.
    /// - Parameters:
    ///   - canonical: The bytes that were signed.
    ///   - source: A policy as it was written; it must say what was signed.
    ///   - sealedKey: An asset's key, sealed to the service's key.
    /// - Returns: How far the statement counts; durable when this returns.
    /// - Throws: ``ManagerError`` or ``Refusal``; nothing has changed then.
    public func submit(
        _ canonical: [UInt8], signatures: [Signature], source: String? = nil, sealedKey: HPKEMessage? = nil
    ) throws -> StatementReport {
        try settle()
        let statement: Statement
        do throws(FormatError) { statement = try Statement(canonical: canonical) } catch { throw Refusal(error) }
        let hash = StatementHash(of: canonical)
        guard (1...64).contains(signatures.count) else {
            throw Refusal(
                .malformed, "statement.signatures", expected: "1 to 64 signatures", found: "\(signatures.count)")
        }
        for signature in signatures where !signature.isValid(for: hash) {
            throw Refusal(
                .forbidden, "statement.signature", expected: "a signature of \(signature.key) under \(hash)",
                found: "bytes that are none")
        }
        let key = try sealedKey.map { try uploaded($0, with: statement, hash) }
        defer { forgetStatements() }
        try store.write(at: now) { transaction in
            let intake = StatementIntake(
                statement: statement, canonical: canonical, hash: hash, transaction: transaction)
            try intake.take(signatures, source: source, key: key, options)
        }
        return try report(hash.bytes)
    }

    /// Opens an asset's key, and compares it with what the statement says of it.
    private func uploaded(_ sealed: HPKEMessage, with statement: Statement, _ hash: StatementHash) throws
        -> SecretBytes
    {
        guard case .asset(let asset) = statement.content, case .uploaded(let commitment) = asset.secret else {
            throw Refusal(
                .malformed, "statement.secret", expected: "a key with an asset that says that it is uploaded",
                found: "one with another statement")
        }
        let key = try store.vault.keyPair.open(sealed, info: Self.uploadInfo, authenticating: hash.bytes)
        guard key.count == 32, unsafe key.withBytes({ unsafe Asset.Secret.commitment(to: Array($0)) }) == commitment
        else {
            throw Refusal(
                .forbidden, "statement.secret", expected: "the key of 32 bytes that the statement commits to",
                found: "another")
        }
        return key
    }

    /// A statement, and how far it counts.
    /// - Throws: ``ManagerError/Code/notFound``.
    public func report(_ hash: [UInt8]) throws -> StatementReport {
        try settle()
        return try store.read { try $0.report(hash) }
    }

    /// Statements that wait for approvals, or for their time.
    public func pending() throws -> [StatementReport] {
        try settle()
        return try store.read { view in
            try (view.statements(.pending) + view.statements(.locked)).map { try view.report($0.hash) }
        }
    }

    /// What names of a kind mean: `namespace`, `policy`, `asset`, `platform` or `standby`.
    public func current(_ kind: String) throws -> [CurrentRecord] {
        try settle()
        return try store.read { try $0.current(kind) }
    }

    /// The statement that counts for a policy.
    /// - Throws: ``ManagerError/Code/notFound``.
    public func policy(_ name: ScopedName) throws -> (policy: OwnerPolicy, report: StatementReport) {
        try settle()
        return try store.read { view in
            guard let current = try view.current("policy", name.description) else {
                throw ManagerError(.notFound, "there is no policy \(name)")
            }
            return (try view.policy(of: current.statement), try view.report(current.statement))
        }
    }

    /// Assets as they count, with the statements that say so.
    public func assets() throws -> [(current: CurrentRecord, asset: Asset, isWithdrawn: Bool, hasKey: Bool)] {
        try settle()
        return try store.read { view in
            try view.current("asset").map { record in
                guard let last = try view.lastAsset(record.statement) else {
                    throw ManagerError(.integrity, "the asset \(record.name) cannot be read: restore the store")
                }
                return (
                    record, last.asset, last.isWithdrawn, try view.hasKey(Self.assetKeys, record.name)
                )
            }
        }
    }

    /// The standbys that owners name, and whether the root key is sealed for them: every owner has to name it whose keys are here.
    public func standbys() throws -> [(current: CurrentRecord, sealingKey: [UInt8], isSealed: Bool)] {
        try settle()
        return try store.read { view in
            try view.current("standby").map { record in
                guard case .standby(let standby) = try view.parsed(record.statement)?.content else {
                    throw ManagerError(.integrity, "the standby \(record.name) cannot be read: restore the store")
                }
                return (record, standby.sealingKey, try view.standby(standby.sealingKey) != nil)
            }
        }
    }

    /// Makes statements count whose time has come.
    func settle() throws {
        let now = now
        if nextActivation == nil {
            let times = try store.read { try $0.statements(.locked) }.compactMap(\.lockedUntil)
            nextActivation = times.min() ?? Instant(seconds: .max)
        }
        guard let next = nextActivation, next <= now else { return }
        defer { forgetStatements() }
        try store.write(at: now) { transaction in
            let due = try transaction.statements(.locked).filter { ($0.lockedUntil ?? now) <= now }
            for record in due.sorted(by: { ($0.lockedUntil ?? now) < ($1.lockedUntil ?? now) }) {
                guard let statement = try transaction.parsed(record.hash), let hash = StatementHash(bytes: record.hash)
                else { continue }
                let intake = StatementIntake(
                    statement: statement, canonical: record.content, hash: hash, transaction: transaction)
                try intake.settle()
            }
        }
    }
}

extension StoreView {
    /// Everything that arrived about a statement.
    func approvals(of hash: StatementHash, _ namespace: String) throws -> Approvals {
        var events: [(received: Instant, key: String, isVeto: Bool)] = []
        for signature in try signatures(under: hash.bytes) {
            events.append((signature.received, signature.key, false))
        }
        for (type, isVeto) in [("approval", false), ("veto", true)] {
            for record in try statements(type: type, namespace: namespace, subject: hash.description) {
                for signature in try signatures(under: record.hash) {
                    events.append((signature.received, signature.key, isVeto))
                }
            }
        }
        var approvals = Approvals(of: hash)
        // Of one second a veto counts first: whoever is in doubt waits.
        let ordered = events.sorted {
            ($0.received.seconds, $0.isVeto ? 0 : 1, $0.key) < ($1.received.seconds, $1.isVeto ? 0 : 1, $1.key)
        }
        for event in ordered {
            guard let key = OwnerKey(event.key) else {
                throw ManagerError(.integrity, "the store has a signature by no key: restore it from a backup")
            }
            approvals.note(key, isVeto: event.isVeto, received: event.received)
        }
        return approvals
    }

    /// Who has to agree to a statement before it counts; `nil` where nobody has to.
    func consent(to statement: Statement) throws -> Board? {
        var governing: OwnerPolicy?
        switch statement.content {
        case .policy(let name, _):
            governing = try current("policy", "\(statement.namespace)/\(name)").map { try policy(of: $0.statement) }
        case .asset(let asset):
            if let record = try current("asset", asset.name.description),
                let old = try lastAsset(record.statement)?.asset.policy,
                let policy = try current("policy", old.description)
            {
                governing = try self.policy(of: policy.statement)
            }
        default: break
        }
        let present = try speakers(statement.namespace)
        do throws(FormatError) { return try statement.consent(present: present, governing: governing) } catch {
            throw Refusal(error, .forbidden)
        }
    }

    /// Who speaks for an owner now.
    func speakers(_ namespace: String) throws -> Statement.Namespace? {
        guard let record = try current("namespace", namespace), let statement = try parsed(record.statement),
            case .namespace(let speakers) = statement.content
        else { return nil }
        return speakers
    }

    /// What an asset was last stated to be, and whether it was withdrawn since.
    func lastAsset(_ hash: [UInt8]) throws -> (asset: Asset, isWithdrawn: Bool)? {
        guard let statement = try parsed(hash) else { return nil }
        switch statement.content {
        case .asset(let asset): return (asset, false)
        case .withdraw: return try statement.predecessor.flatMap { try lastAsset($0.bytes) }.map { ($0.asset, true) }
        default: return nil
        }
    }

    func report(_ hash: [UInt8]) throws -> StatementReport {
        guard let record = try statement(hash), let statement = try parsed(hash), let name = StatementHash(bytes: hash)
        else { throw ManagerError(.notFound, "there is no statement \(hash.hexadecimal)") }
        let approvals = try approvals(of: name, record.namespace)
        let agreed = Set(approvals.events.filter { !$0.isVeto }.map(\.key))
        let missing = record.status == .pending ? try consent(to: statement)?.rule.missing(agreed) ?? "" : ""
        return StatementReport(
            record: record, signatures: try signatures(under: hash), missing: missing,
            signers: agreed.map(\.description).sorted())
    }
}
