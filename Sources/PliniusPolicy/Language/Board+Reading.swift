import PliniusVerifier

extension Board {
    /// Reads a rule with its vetoes and its time lock.
    init?(_ map: inout PolicyMap) {
        let rule = Rule(&map, depth: 1)
        let veto = map.maps("veto") { section in
            section.require("key", "whose veto counts", section.key("key"))?.value
        }
        let lock = map.scalar("time-lock", "duration such as 90s, 30m, 12h or 1d") { Self.seconds($0) }
        guard let rule else { return nil }
        do throws(FormatError) {
            let keys = Set(veto?.value ?? [])
            if let veto, keys.count < veto.value.count {
                map.refuse("veto", veto.line.line, "each key once", "one twice")
            }
            try self.init(rule, veto: keys, timeLock: lock?.value ?? 0)
        } catch {
            map.refuse(error.expected, error.found)
            return nil
        }
    }

    /// `1d` and the like.
    private static func seconds(_ text: String) -> Int64? {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), let number = Int64(text.dropLast()), number > 0,
            "\(number)" == text.dropLast(), number <= maximumTimeLock / unit
        else { return nil }
        return number * unit
    }
}

extension Board.Rule {
    /// Reads `key`, `all-of`, or `at-least` with `of`.
    fileprivate init?(_ map: inout PolicyMap, depth: Int) {
        // Rules stand in rules for ever, where nothing is read and only keys are asked for.
        func inner(_ map: inout PolicyMap) -> Self? {
            guard !map.isCatalogue else { return nil }
            guard depth < Board.maximumDepth else {
                map.refuse("at most \(Board.maximumDepth) rules in each other", "more")
                return nil
            }
            return Self(&map, depth: depth + 1)
        }
        let key = map.key("key")
        let all = map.maps("all-of") { inner(&$0) }
        let count = map.integer("at-least", 1...Board.maximumKeys)
        let some = map.maps("of") { inner(&$0) }
        let forms = ["key", "all-of", "at-least"].filter { map.has($0) }
        guard forms.count == 1, map.has("of") == map.has("at-least") else {
            map.refuse(
                "one rule: key, all-of, or at-least with of",
                forms.isEmpty ? "none" : (forms + (map.has("of") ? ["of"] : [])).joined(separator: ", "))
            return nil
        }
        if let key {
            self = .key(key.value)
        } else if let all {
            self = .allOf(all.value)
        } else if let count, let some {
            self = .atLeast(count.value, of: some.value)
        } else {
            return nil
        }
    }
}

extension PolicyMap {
    fileprivate mutating func key(_ name: String) -> Setting<OwnerKey>? {
        scalar(name, "key such as ed25519:… or p256:…") { OwnerKey($0) }
    }
}
