internal import PliniusPolicy
internal import PliniusVerifier

extension StoreView {
    /// What owners have stated, as far as it counts; runs are not in it.
    ///
    /// - Throws: ``ManagerError/Code/integrity`` for a statement that cannot be read: it could when it came.
    func statedRegistry() throws -> Registry {
        var registry = Registry()
        for record in try current("asset") {
            guard let name = ScopedName(record.name) else { throw Self.damaged(record.statement) }
            switch try content(of: record.statement) {
            case .asset(let asset): registry.assets[name] = asset
            case .withdraw: registry.withdrawn.insert(name)
            default: throw Self.damaged(record.statement)
            }
        }
        for record in try current("policy") {
            guard let name = ScopedName(record.name) else { throw Self.damaged(record.statement) }
            registry.policies[name] = try policy(of: record.statement)
        }
        for record in try current("platform") {
            guard case .platform(let platform) = try content(of: record.statement),
                let namespace = Self.namespace(of: record.name),
                let region = ScopedName(namespace: namespace, name: platform.region)
            else { throw Self.damaged(record.statement) }
            registry.platforms[platform.id, default: []].insert(region)
        }
        registry.stops = try activeStops()
        return registry
    }

    /// The stops that nobody has lifted.
    func activeStops() throws -> [Registry.ActiveStop] {
        let hashes = try rows("SELECT hash FROM statements WHERE type = 'stop' AND status = 'active' ORDER BY hash")
        return try hashes.map { row in
            let bytes = try row.bytes("hash", count: 32)
            guard let record = try statement(bytes), let hash = StatementHash(bytes: bytes),
                case .stop(let stop) = try content(of: bytes)
            else { throw Self.damaged(bytes) }
            return Registry.ActiveStop(statement: hash, namespace: record.namespace, stop: stop)
        }
    }

    /// The runs that were counted, and all that have begun.
    func runs() throws -> (counted: [Registry.Counter: Set<Run>], begun: Set<Run>) {
        var counted: [Registry.Counter: Set<Run>] = [:]
        var begun: Set<Run> = []
        for row in try rows("SELECT policy, use, run FROM runs_begun") {
            guard let policy = ScopedName(try row.text("policy")), let run = Run(try row.text("run")) else {
                throw ManagerError(.integrity, "the store has a run that none can be; restore it from a backup")
            }
            counted[Registry.Counter(policy: policy, use: try row.text("use")), default: []].insert(run)
            begun.insert(run)
        }
        return (counted, begun)
    }

    /// Reads a statement that the store has.
    func parsed(_ hash: [UInt8]) throws -> Statement? {
        guard let record = try statement(hash) else { return nil }
        do throws(FormatError) { return try Statement(canonical: record.content) } catch { throw Self.damaged(hash) }
    }

    private func content(of hash: [UInt8]) throws -> Statement.Content {
        guard let statement = try parsed(hash) else { throw Self.damaged(hash) }
        return statement.content
    }

    /// Reads a policy with the file that it was made from, if there is one.
    func policy(of hash: [UInt8]) throws -> OwnerPolicy {
        guard let record = try statement(hash), let statement = try parsed(hash),
            case .policy(let name, let document) = statement.content
        else { throw Self.damaged(hash) }
        let file = "\(statement.namespace)/\(name)"
        do throws(PolicyErrors) {
            guard let source = record.source else { return try OwnerPolicy(document: document, file: file) }
            return try OwnerPolicy(document: document, source: source, file: file)
        } catch { throw Self.damaged(hash) }
    }

    private static func damaged(_ hash: [UInt8]) -> ManagerError {
        ManagerError(
            .integrity,
            "the statement \(hash.hexadecimal) counts and cannot be read: the store was altered, or an older program has it"
        )
    }
}
