internal import GRDB
internal import PliniusPolicy
public import PliniusSealing

extension StoreView {
    /// The wrapping key that the store is in.
    func generation() throws -> WrappingGeneration {
        guard let bytes = try meta("generation"), bytes.count == 36 else {
            throw ManagerError(
                .integrity, "the store's file does not say how its keys are wrapped: restore it from a backup")
        }
        let number = bytes.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        return WrappingGeneration(number: number, salt: Array(bytes.dropFirst(4)))
    }

    /// A secret key; `nil` if there is none.
    /// - Parameters:
    ///   - place: What kind of thing the key belongs to.
    ///   - id: Which one.
    /// - Throws: ``ManagerError/Code/integrity`` if it does not open there.
    public func key(_ place: String, _ id: String, in vault: Vault) throws -> SecretBytes? {
        guard let row = try row("SELECT * FROM wrapped_keys WHERE place = ? AND id = ?", [place, id]) else {
            return nil
        }
        return try vault.unwrap(
            WrappedKey(generation: try row.count("generation"), box: try row.bytes("box")),
            for: WrappedRow(table: place, id: id, version: try row.count("version")), under: try generation())
    }

    /// Whether there is a secret key, without opening it.
    public func hasKey(_ place: String, _ id: String) throws -> Bool {
        try row("SELECT version FROM wrapped_keys WHERE place = ? AND id = ?", [place, id]) != nil
    }
}

extension StoreTransaction {
    /// Keeps a secret key, wrapped; what was there before is overwritten.
    public func setKey(_ key: SecretBytes, _ place: String, _ id: String) throws {
        let old = try row("SELECT version FROM wrapped_keys WHERE place = ? AND id = ?", [place, id])
        let version = try (old?.count("version") ?? 0) + 1
        let wrapped = vault.wrap(
            key, for: WrappedRow(table: place, id: id, version: version), under: try generation())
        try change(
            "INSERT OR REPLACE INTO wrapped_keys VALUES (?, ?, ?, ?, ?)",
            [place, id, version, wrapped.generation, blob(wrapped.box)])
        note(["key", place, id], ["\(version)"])
    }

    /// Forgets a secret key.
    /// - Returns: Whether there was one.
    @discardableResult
    public func removeKey(_ place: String, _ id: String) throws -> Bool {
        note(["key", place, id], nil)
        return try change("DELETE FROM wrapped_keys WHERE place = ? AND id = ?", [place, id]) == 1
    }

    /// Wraps every key anew under a wrapping key that is drawn now, and forgets the old one.
    ///
    /// O(keys).
    /// - Returns: The number of keys.
    @discardableResult
    public func rotateWrappingKey(actor: String) throws -> Int {
        let (old, keys) = (try generation(), try rows("SELECT * FROM wrapped_keys"))
        let new = WrappingGeneration.drawn(after: old.number)
        for row in keys {
            let (place, id) = (try row.text("place"), try row.text("id"))
            let wrappedRow = WrappedRow(table: place, id: id, version: try row.count("version"))
            let key = try vault.unwrap(
                WrappedKey(generation: try row.count("generation"), box: try row.bytes("box")), for: wrappedRow,
                under: old)
            let wrapped = vault.wrap(key, for: wrappedRow, under: new)
            try change(
                "UPDATE wrapped_keys SET generation = ?, box = ? WHERE place = ? AND id = ?",
                [wrapped.generation, blob(wrapped.box), place, id])
        }
        try setGeneration(new)
        try log(
            .rotation, subject: "wrapping key", actor: actor,
            detail: ["generation": .integer(Int64(new.number)), "keys": .integer(Int64(keys.count))])
        return keys.count
    }

    func setGeneration(_ generation: WrappingGeneration) throws {
        let number = (0..<4).map { UInt8(truncatingIfNeeded: generation.number >> ($0 * 8)) }
        try setMeta("generation", number + generation.salt)
    }
}
