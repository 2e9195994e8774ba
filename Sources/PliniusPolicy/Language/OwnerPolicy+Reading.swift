public import PliniusVerifier
import PliniusWire

extension OwnerPolicy {
    /// Every key that a policy may have, as the reader itself asks for it, in the order of their paths.
    public static var keys: [PolicyKey] {
        let reading = PolicyReading(file: "", isCatalogue: true) { _ in [] }
        var map = PolicyMap(reading, nil)
        _ = Fields(&map)
        return reading.keys.sorted()
    }

    /// Reads a policy file.
    /// - Parameters:
    ///   - file: Its name, for errors.
    ///   - resource: Reads a file that the policy names.
    /// - Throws: Everything that is wrong with it, line by line.
    public init(
        yaml: String, file: String, resource: @escaping (String) throws -> [UInt8]
    ) throws(PolicyErrors) {
        var document = PolicyDocument(file: file)
        try document.checkAliases(yaml)
        let node = try Policy.parse(yaml, file)
        try document.read(node)
        var room = PolicyDocument.maximumFileBytes
        let fields = try Fields.read(node, file: file) { name in
            if let known = document.files[name] { return known }
            let bytes = try resource(name)
            room -= bytes.count
            guard room >= 0 else {
                throw FormatError(
                    "policy.files", expected: "at most \(PolicyDocument.maximumFileBytes) bytes in all files",
                    found: "more")
            }
            document.files[name] = bytes
            return bytes
        }
        self.init(fields, document.json, document.lines)
    }

    /// Reads what was hashed and signed; lines are not known then.
    /// - Parameter file: What errors call it.
    /// - Throws: Everything that is wrong with it: a file that nothing names is, too.
    public init(document json: CanonicalJSON, file: String) throws(PolicyErrors) {
        var document = PolicyDocument(file: file)
        let files = try document.takeApart(json)
        var unused = Set(files.keys)
        let fields = try Fields.read(try document.node, file: file) { name in
            guard let bytes = files[name] else {
                throw FormatError("policy.files", expected: "the file among files", found: "none")
            }
            unused.remove(name)
            return bytes
        }
        if let name = unused.min() { throw document.errors("files", "files that the policy names", "\(name) as well") }
        self.init(fields, json, [:])
    }

    /// Reads what was signed together with the file that it was made from, so that findings know lines.
    /// - Parameter source: The file.
    /// - Throws: Everything that is wrong with either; `policy` if the file says something else.
    public init(document json: CanonicalJSON, source: String, file: String) throws(PolicyErrors) {
        var document = PolicyDocument(file: file)
        let files = try document.takeApart(json)
        let policy = try OwnerPolicy(yaml: source, file: file) { name in
            guard let bytes = files[name] else {
                throw FormatError("policy.files", expected: "the file among files", found: "none")
            }
            return bytes
        }
        guard policy.document == json else {
            throw document.errors("policy", "a file that says what was signed", "one that says something else")
        }
        self = policy
    }

    /// Reads the policy that a statement is about.
    /// - Parameters:
    ///   - source: The file that it was made from, if it is at hand.
    /// - Throws: Everything that is wrong with it; `policy` if the document bears another name than the statement.
    /// - Returns: `nil` if the statement is about something else.
    public init?(_ statement: Statement, source: String? = nil) throws(PolicyErrors) {
        guard case .policy(let own, let document) = statement.content else { return nil }
        let name = "\(statement.namespace)/\(own)"
        let policy =
            if let source {
                try OwnerPolicy(document: document, source: source, file: name)
            } else {
                try OwnerPolicy(document: document, file: name)
            }
        guard "\(policy.name.value)" == name else {
            throw PolicyDocument(file: name).errors(
                "policy", "the name that the statement has, \(name)", "\(policy.name.value)",
                line: policy.name.line.line)
        }
        self = policy
    }

    private init(_ fields: Fields, _ document: CanonicalJSON, _ lines: [String: Int]) {
        self.init(
            name: fields.name, change: fields.change, uses: fields.uses, document: document,
            digest: document.digest, lines: lines)
    }
}

/// What a policy file has.
private struct Fields {
    var name: Setting<ScopedName>
    var change: Setting<Board>
    var uses: [OwnerPolicy.Use]

    static func read(
        _ node: PolicyNode?, file: String, _ resource: (String) throws -> [UInt8]
    ) throws(PolicyErrors) -> Fields {
        // The reading ends before this returns, and with it every use of the closure.
        let result: Result<Fields, PolicyErrors> = withoutActuallyEscaping(resource) { resource in
            let reading = PolicyReading(file: file, resource: resource)
            var map = PolicyMap(reading, node)
            let fields = Fields(&map)
            map.finish()
            do throws(PolicyErrors) { return .success(try reading.finish(fields)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    init?(_ map: inout PolicyMap) {
        let version = map.require(
            "version", "the format's version, \(OwnerPolicy.formatVersion)",
            map.integer("version", OwnerPolicy.formatVersion...OwnerPolicy.formatVersion))
        let name = map.require(
            "policy", "the policy's name, such as owner/name",
            map.scalar("policy", "name such as owner/name") { ScopedName($0) })
        let change = map.require(
            "change", "who has to agree to another policy", map.map("change") { Board(&$0) })
        let uses = map.require(
            "uses", "what assets may be used for", map.maps("uses") { Entry(use: OwnerPolicy.Use(&$0, name)) })
        if let uses, !(1...OwnerPolicy.maximumUses).contains(uses.value.count) {
            map.refuse("uses", uses.line.line, "1 to \(OwnerPolicy.maximumUses) uses", "\(uses.value.count)")
        }
        guard version != nil, let name, let change, let board = change.value, let uses else { return nil }
        let read = uses.value.compactMap(\.use)
        for use in read where read.count(where: { $0.id == use.id }) > 1 {
            map.refuse(
                "uses", use.line.line, "another name than that of another use, since runs are counted by it", use.id)
        }
        self.name = name
        self.change = Setting(board, change.line)
        self.uses = read
    }

    /// A use, or one with errors, which is one all the same.
    private struct Entry: Sendable {
        var use: OwnerPolicy.Use?
    }
}

extension OwnerPolicy.Use {
    fileprivate init?(_ map: inout PolicyMap, _ policy: Setting<ScopedName>?) {
        let own = policy?.value.namespace
        let name = map.scalar("name", Self.nameType) { ScopedName.isName($0) ? $0 : nil }
        let purposes = Dictionary(uniqueKeysWithValues: RuntimeData.Purpose.allCases.map { ("\($0)", $0) })
        let purpose = map.require("purpose", "what the assets are used for", map.choice("purpose", purposes))
        let levels = Dictionary(uniqueKeysWithValues: SecurityLevel.allCases.map { ($0.rawValue, $0) })
        let level = map.require("level", "how well a run has to be protected", map.choice("level", levels))
        let executors = Dictionary(uniqueKeysWithValues: GrantTerms.Executor.allCases.map { ("\($0)", $0) })
        let executor = map.choice("executor", executors)
        let partners = map.list("partners", "assets of others such as owner/name or owner/*") {
            OwnerPolicy.Partner($0)
        }
        let outcome = map.require(
            "outcome", "the namespace that owns what comes out",
            map.scalar("outcome", "name of a namespace") { ScopedName.isName($0) ? $0 : nil })
        let runs = map.require(
            "runs", "how many runs may begin, or unlimited",
            map.scalar("runs", "integer from 1 to 1000000, or unlimited") { text -> Int?? in
                if text == "unlimited" { return .some(nil) }
                return PolicyMap.index(text, 1...1_000_000).map { .some($0) }
            })
        let window = map.require(
            "window", "when runs may be, or always", map.map("window", orWord: "always") { OwnerPolicy.Window(&$0) })
        let regions = map.require(
            "regions", "where machines may stand, or any",
            map.list("regions", "name of a region, owner/name for one that another owner vouches for, or any") {
                text -> ScopedName?? in
                if text == "any" { return .some(nil) }
                // Without a namespace it is the owner's own word that counts.
                let full = text.contains("/") ? text : "\(own ?? "owner")/\(text)"
                return ScopedName(full).map { .some($0) }
            })
        let lease = map.require(
            "lease", "how long keys may be used until new evidence is asked for", map.map("lease") { LeaseTerms(&$0) })
        let environment = map.require(
            "environment", "what the surroundings have to prove",
            map.map("environment") { section in
                var head = Policy.Head()
                head.name = policy.map { Setting("\($0.value)", $0.line) }
                head.level = level
                head.purposes = purpose.map { Setting([$0.value], $0.line) }
                head.configDigests = purpose.map { Setting(nil, $0.line) }
                head.datasets = purpose.map { Setting(nil, $0.line) }
                return Policy(environment: &section, head)
            })
        if let regions, regions.value.contains(nil), regions.value.count > 1 {
            map.refuse("regions", regions.line.line, "either any or a list", "both")
        }
        if purpose?.value == .infer, level?.value == .trustedSystem {
            map.refuse(
                "level", level?.line.line, "another level: to infer, networks are released to a TEE only",
                SecurityLevel.trustedSystem.rawValue)
        }
        guard let purpose, let level, let outcome, let runs, let window, let regions, let lease, let environment,
            let policy = environment.value, let terms = lease.value
        else { return nil }
        var frame: OwnerPolicy.Window?
        if let section = window.value {
            guard let read = section else { return nil }
            frame = read
        }
        self.init(
            id: name?.value ?? "\(purpose.value)", line: PolicyLine(map.path, line: map.line), purpose: purpose,
            level: level, partners: partners ?? Setting([], PolicyLine(map.path(of: "partners"), line: map.line)),
            outcome: outcome, runs: runs, window: Setting(frame, window.line),
            regions: Setting(regions.value.contains(nil) ? nil : Set(regions.value.compactMap { $0 }), regions.line),
            lease: Setting(terms, lease.line), executor: executor, environment: policy)
    }

    private static let nameType = "name of a–z, 0–9, -, _ and ."
}

extension OwnerPolicy.Window {
    fileprivate init?(_ map: inout PolicyMap) {
        let from = map.require("from", "the first instant that belongs to it", map.instant("from"))
        let until = map.require("until", "the first instant that does not", map.instant("until"))
        guard let from, let until else { return nil }
        guard from.value < until.value else {
            map.refuse("until", until.line.line, "an instant behind \(from.value)", "\(until.value)")
            return nil
        }
        self.init(from: from.value, until: until.value)
    }
}

extension LeaseTerms {
    fileprivate init?(_ map: inout PolicyMap) {
        let seconds = map.require(
            "seconds", "how long it lasts", map.integer("seconds", 1...LeaseTerms.maximumSeconds))
        let iterations = map.require(
            "iterations", "how many updates it is good for", map.integer("iterations", 1...UInt64(Int64.max)))
        guard let seconds, let iterations else { return nil }
        self.init(seconds: seconds.value, iterations: iterations.value)
    }
}
