internal import GRDB
internal import PliniusPolicy

extension StoreView {
    fileprivate static let standbyPrefix = "standby."

    /// Whose store it is, as it says itself.
    func service() throws -> [UInt8] {
        guard let service = try meta("service") else {
            throw ManagerError(.integrity, "the file does not say whose store it is: it is no backup")
        }
        return service
    }

    /// The root key as it is sealed for a standby; `nil` if it is not.
    func standby(_ key: [UInt8]) throws -> HPKEMessage? {
        try meta(Self.standbyPrefix + key.hexadecimal).map { bytes in
            HPKEMessage(
                encapsulatedKey: Array(bytes.prefix(HPKEMessage.keyByteCount)),
                ciphertext: Array(bytes.dropFirst(HPKEMessage.keyByteCount)))
        }
    }

    /// The keys of the standbys that the root key is sealed for.
    func standbyKeys() throws -> [[UInt8]] {
        let names = try rows("SELECT name FROM meta WHERE name LIKE 'standby.%' ORDER BY name")
        return try names.compactMap { row in
            [UInt8](hexadecimal: String(try row.text("name").dropFirst(Self.standbyPrefix.count)))
        }
    }

    /// The owners whose keys the store has.
    func keyholders() throws -> Set<String> {
        let rows = try rows("SELECT id FROM wrapped_keys WHERE place = ?", [PolicyManager.assetKeys])
        return Set(try rows.compactMap { Self.namespace(of: try $0.text("id")) })
    }
}

extension StoreTransaction {
    /// Seals the root key for a standby that every owner names whose keys the store has, and takes it away where one does not any more.
    ///
    /// Whoever has the root key has the keys of all owners: none of them can give it away alone. Owners who come later find the standbys
    /// there, and join knowing.
    /// - Parameter key: The standby's ``VaultKeyPair/publicKey``.
    func settleStandby(_ key: [UInt8], actor: String) throws {
        var naming: Set<String> = []
        for record in try current("standby") {
            guard case .standby(let standby) = try parsed(record.statement)?.content, standby.sealingKey == key,
                let namespace = Self.namespace(of: record.name)
            else { continue }
            naming.insert(namespace)
        }
        let isNamed = try !naming.isEmpty && keyholders().isSubset(of: naming)
        guard try isNamed != (standby(key) != nil) else { return }
        let name = Self.standbyPrefix + key.hexadecimal
        if isNamed {
            let sealed = try vault.sealRoot(forStandby: key)
            try setMeta(name, sealed.encapsulatedKey + sealed.ciphertext)
        } else {
            try change("DELETE FROM meta WHERE name = ?", [name])
        }
        try log(
            .standby, subject: key.hexadecimal, actor: actor,
            detail: ["named": .bool(isNamed), "owners": .integer(Int64(naming.count))])
    }
}
