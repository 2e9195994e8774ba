extension Board {
    /// `{"rule": …, "time-lock": seconds, "veto": [key, …]}`; a rule is `{"key": text}`, `{"all-of": [rule, …]}` or
    /// `{"at-least": number, "of": [rule, …]}`.
    public var json: CanonicalJSON {
        [
            "rule": rule.json, "time-lock": .integer(timeLock),
            "veto": .array(veto.sorted().map { .string($0.description) }),
        ]
    }

    /// Reads what ``json`` writes.
    /// - Throws: `FormatError` with the check `board.…`.
    public init(_ json: CanonicalJSON) throws(FormatError) {
        var reader = try ObjectReader(json, check: "board")
        let rule = try Rule(reader.any("rule"), depth: 1)
        let timeLock = try reader.integer("time-lock", 0...Self.maximumTimeLock)
        let veto = try reader.list(
            "veto", atMost: Self.maximumKeys, "keys such as ed25519:…, in order, each once", OwnerKey.read)
        try reader.finish()
        guard veto == Set(veto).sorted() else {
            throw FormatError("board.veto", expected: "keys in order, each once", found: "another order, or one twice")
        }
        try self.init(rule, veto: Set(veto), timeLock: timeLock)
    }
}

extension Board.Rule {
    var json: CanonicalJSON {
        switch self {
        case .key(let key): ["key": .string(key.description)]
        case .allOf(let rules): ["all-of": .array(rules.map(\.json))]
        case .atLeast(let count, let rules): ["at-least": .integer(Int64(count)), "of": .array(rules.map(\.json))]
        }
    }

    init(_ json: CanonicalJSON, depth: Int) throws(FormatError) {
        guard depth <= Board.maximumDepth else {
            throw FormatError(
                "board.depth", expected: "at most \(Board.maximumDepth) rules in each other", found: "more")
        }
        var reader = try ObjectReader(json, check: "board")
        if reader.has("key") {
            self = .key(try reader.take("key", "a key such as ed25519:…", OwnerKey.read))
        } else if reader.has("all-of") {
            self = .allOf(try Self.rules(try reader.any("all-of"), depth: depth))
        } else {
            let count = Int(try reader.integer("at-least", 1...Int64(Board.maximumKeys)))
            self = .atLeast(count, of: try Self.rules(try reader.any("of"), depth: depth))
        }
        try reader.finish()
    }

    private static func rules(_ json: CanonicalJSON, depth: Int) throws(FormatError) -> [Self] {
        guard let entries = json.entries, entries.count <= Board.maximumKeys else {
            throw FormatError(
                "board.member", expected: "a list of at most \(Board.maximumKeys) rules", found: json.kind)
        }
        var rules: [Self] = []
        for entry in entries { rules.append(try Self(entry, depth: depth + 1)) }
        return rules
    }
}
