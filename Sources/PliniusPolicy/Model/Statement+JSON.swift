import PliniusVerifier

extension Statement {
    /// The word that says in the canonical bytes what a statement is.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        case namespace, policy, asset, withdraw, approval, veto, stop, resume, platform, standby
    }

    public var kind: Kind {
        switch content {
        case .namespace: .namespace
        case .policy: .policy
        case .asset: .asset
        case .withdraw: .withdraw
        case .approval: .approval
        case .veto: .veto
        case .stop: .stop
        case .resume: .resume
        case .platform: .platform
        case .standby: .standby
        }
    }

    /// The canonical bytes.
    public var encoded: [UInt8] { json.encoded }

    public var json: CanonicalJSON {
        var members = content.members
        members["type"] = .string(kind.rawValue)
        members["namespace"] = .string(namespace)
        members["issued"] = .integer(issued.seconds)
        members["sequence"] = .integer(sequence)
        members["predecessor"] = .string(predecessor?.description ?? "")
        return .object(members)
    }

    /// Reads canonical bytes to their last.
    /// - Throws: `FormatError` with the check `json.…` or `statement.…`: what is unknown, absent or out of bounds is refused.
    public init(canonical bytes: [UInt8]) throws(FormatError) {
        try self.init(CanonicalJSON(canonical: bytes, atMost: Self.maximumByteCount))
    }

    init(_ json: CanonicalJSON) throws(FormatError) {
        var reader = try ObjectReader(json, check: "statement")
        let kind = try reader.take(
            "type", "one of \(Kind.allCases.map(\.rawValue).joined(separator: ", "))"
        ) { $0.text.flatMap { Kind(rawValue: $0) } }
        namespace = try reader.name("namespace")
        issued = Instant(seconds: try reader.integer("issued", 0...Self.latest))
        sequence = try reader.integer("sequence", 1...Int64.max)
        predecessor = try reader.take("predecessor", "a hash, or nothing") { json -> StatementHash?? in
            guard let text = json.text else { return nil }
            return text.isEmpty ? .some(nil) : StatementHash(text).map { .some($0) }
        }
        content = try Content(kind, namespace, &reader)
        try reader.finish()
        let isFirst = sequence == 1 || subject == nil
        guard (predecessor == nil) == isFirst else {
            throw FormatError(
                "statement.predecessor",
                expected: isFirst
                    ? "none for a first statement, or one that replaces nothing" : "the hash of the one before",
                found: predecessor?.description ?? "none")
        }
    }

    /// The end of the year 9999.
    private static let latest: Int64 = 253_402_300_799
}

extension ObjectReader {
    /// A name that may stand in a namespace, or be one.
    fileprivate mutating func name(_ member: String) throws(FormatError) -> String {
        try take(member, "a name of a–z, 0–9, -, _ and .") { json in
            json.text.flatMap { ScopedName.isName($0) ? $0 : nil }
        }
    }

    fileprivate mutating func hash(_ member: String) throws(FormatError) -> StatementHash {
        try take(member, "a hash of 64 hexadecimal digits") { json in json.text.flatMap { StatementHash($0) } }
    }

    /// A text for people: one line.
    fileprivate mutating func line(_ member: String) throws(FormatError) -> String {
        try take(member, "a line of at most 256 bytes") { json in
            guard let text = json.text, text.utf8.count <= 256 else { return nil }
            return text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F } ? text : nil
        }
    }
}

extension Statement.Content {
    fileprivate var members: [String: CanonicalJSON] {
        switch self {
        case .namespace(let namespace):
            [
                "board": namespace.board.json,
                "keys": .array(namespace.keys.sorted().map { .string($0.description) }),
            ]
        case .policy(let name, let document): ["policy": .string(name), "document": document]
        case .asset(let asset): asset.members
        case .withdraw(let asset): ["asset": .string(asset)]
        case .approval(let subject), .veto(let subject): ["subject": .string(subject.description)]
        case .stop(let stop): ["scope": stop.scope.json, "reason": .string(stop.reason)]
        case .resume(let stop): ["stop": .string(stop.description)]
        case .platform(let platform):
            [
                "id": .string(hexadecimal(platform.id)), "region": .string(platform.region),
                "host": .string(platform.host),
            ]
        case .standby(let standby):
            ["name": .string(standby.name), "sealing-key": .string(hexadecimal(standby.sealingKey))]
        }
    }

    fileprivate init(
        _ kind: Statement.Kind, _ namespace: String, _ reader: inout ObjectReader
    ) throws(FormatError) {
        switch kind {
        case .namespace:
            let board = try Board(reader.any("board"))
            let keys = try reader.list(
                "keys", atMost: Statement.Namespace.maximumKeys, "keys such as ed25519:…", OwnerKey.read)
            guard !keys.isEmpty, keys == Set(keys).sorted() else {
                throw reader.refusal(
                    "keys", expected: "keys in order, each once", found: "none, another order, or one twice")
            }
            // The first statement is signed by all its keys, which has to be enough for its own board.
            guard board.keys.isSubset(of: keys) else {
                throw reader.refusal("keys", expected: "every key of the board's rule", found: "a rule with others")
            }
            self = .namespace(Statement.Namespace(board: board, keys: Set(keys)))
        case .policy:
            let name = try reader.name("policy")
            self = .policy(
                name: name, document: try reader.take("document", "an object") { $0.members == nil ? nil : $0 })
        case .asset: self = .asset(try Asset(namespace, &reader))
        case .withdraw: self = .withdraw(asset: try reader.name("asset"))
        case .approval: self = .approval(subject: try reader.hash("subject"))
        case .veto: self = .veto(subject: try reader.hash("subject"))
        case .stop:
            let scope = try Statement.Stop.Scope(reader.any("scope"))
            self = .stop(Statement.Stop(scope, reason: try reader.line("reason")))
        case .resume: self = .resume(stop: try reader.hash("stop"))
        case .platform:
            let id = try reader.take("id", "the name of a TPM's key, or a chip's identifier, in hexadecimal") { json in
                json.text.flatMap { text in
                    Statement.Platform.idByteCounts.lazy.compactMap { lowerCaseBytes(text, count: $0) }.first
                }
            }
            let region = try reader.name("region")
            self = .platform(Statement.Platform(id: id, region: region, host: try reader.line("host")))
        case .standby:
            let name = try reader.name("name")
            self = .standby(Statement.Standby(name: name, sealingKey: try reader.bytes("sealing-key", count: 32)))
        }
    }
}

extension Statement.Stop.Scope {
    fileprivate var json: CanonicalJSON {
        switch self {
        case .namespace: ["namespace": true]
        case .asset(let name): ["asset": .string(name)]
        case .run(let run): ["run": .string(run.description)]
        }
    }

    fileprivate init(_ json: CanonicalJSON) throws(FormatError) {
        var reader = try ObjectReader(json, check: "statement.scope")
        if reader.has("asset") {
            self = .asset(try reader.name("asset"))
        } else if reader.has("run") {
            self = .run(
                try reader.take("run", "a run such as namespace/asset#run") { $0.text.flatMap { Run($0) } })
        } else {
            _ = try reader.take("namespace", "true") { $0.truth == true ? true : nil }
            self = .namespace
        }
        try reader.finish()
    }
}

extension Asset {
    fileprivate var members: [String: CanonicalJSON] {
        let secret: CanonicalJSON =
            switch secret {
            case .none: "none"
            case .generated: "generated"
            case .uploaded(let commitment): .string(hexadecimal(commitment))
            }
        return [
            "asset": .string(name.name), "kind": .string(kind.rawValue), "identity": .string(identity),
            "policy": .string(policy?.name ?? ""), "lineage": .array(lineage.map { .string($0.description) }),
            "secret": secret,
        ]
    }

    fileprivate init(_ namespace: String, _ reader: inout ObjectReader) throws(FormatError) {
        let own = try reader.name("asset")
        let kind = try reader.take(
            "kind", "one of \(Kind.allCases.map(\.rawValue).joined(separator: ", "))"
        ) { $0.text.flatMap { Kind(rawValue: $0) } }
        let identity = try reader.take("identity", kind.identityDescription) { json in
            json.text.flatMap { kind.isIdentity($0) ? $0 : nil }
        }
        let policy = try reader.take("policy", "a policy's name, or nothing") { json -> ScopedName?? in
            guard let text = json.text else { return nil }
            return text.isEmpty ? .some(nil) : ScopedName(namespace: namespace, name: text).map { .some($0) }
        }
        let lineage = try reader.list("lineage", atMost: Self.maximumLineage, "assets such as owner/name") { json in
            json.text.flatMap { ScopedName($0) }
        }
        let secret = try reader.take("secret", "none, generated, or a commitment of 64 hexadecimal digits") {
            json -> Secret? in
            switch json.text {
            case "none": Secret.none
            case "generated": .generated
            case let text?: lowerCaseBytes(text, count: 32).map { .uploaded($0) }
            case nil: nil
            }
        }
        guard let name = ScopedName(namespace: namespace, name: own), Set(lineage).count == lineage.count,
            !lineage.contains(name)
        else {
            throw reader.refusal(
                "lineage", expected: "other assets, each once",
                found: lineage.map(\.description).joined(separator: ", "))
        }
        self.init(
            name: name, kind: kind, identity: identity, policy: policy, lineage: lineage, secret: secret)
    }
}
