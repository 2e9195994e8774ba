import PliniusVerifier

extension Statement {
    /// Who has to agree before this statement counts.
    /// - Parameters:
    ///   - present: Who speaks for the namespace now; `nil` if it is new.
    ///   - governing: For a policy, the one that it replaces; for an asset, the policy of the asset that it replaces, so that nobody takes an
    ///     asset from under a policy that could not change the policy itself.
    /// - Returns: `nil` for approvals and vetoes, which say what their signers say.
    /// - Throws: `FormatError` with the check `statement.namespace` if nobody speaks for the namespace.
    public func consent(present: Namespace?, governing: OwnerPolicy? = nil) throws(FormatError) -> Board? {
        if case .namespace(let first) = content, present == nil {
            // Whoever is named shows that the key is at hand.
            return try Board(.allOf(first.keys.sorted().map { .key($0) }))
        }
        guard let present else {
            throw FormatError(
                "statement.namespace", expected: "an owner that has stated who speaks for it", found: namespace)
        }
        switch content {
        case .approval, .veto: return nil
        case .stop: return try Board(.atLeast(1, of: present.keys.sorted().map { .key($0) }))
        case .policy, .asset: return governing?.change.value ?? present.board
        case .namespace, .withdraw, .resume, .platform, .standby: return present.board
        }
    }

    /// Checks that this statement may take the place of what counts about its subject.
    /// - Parameters:
    ///   - present: The last statement about the subject; `nil` if there is none.
    ///   - asset: The last that was stated of the asset, also if it was withdrawn since.
    /// - Throws: `FormatError` with the check `statement.predecessor`, `statement.sequence`, `statement.withdraw`, `statement.kind`,
    ///   `statement.secret` or `statement.lineage`.
    public func checkSuccession(of present: Statement?, asset last: Asset? = nil) throws(FormatError) {
        guard let subject else { return }
        let hash = present?.subject == subject && present?.namespace == namespace ? present?.hash : nil
        guard predecessor == hash else {
            throw FormatError(
                "statement.predecessor", expected: hash?.description ?? "none, since it is the first about \(subject)",
                found: predecessor?.description ?? "none")
        }
        let number = (hash == nil ? nil : present?.sequence).map { $0.addingReportingOverflow(1).partialValue } ?? 1
        guard sequence == number else {
            throw FormatError("statement.sequence", expected: "\(number)", found: "\(sequence)")
        }
        switch content {
        case .withdraw(let asset):
            guard case .asset = present?.content else {
                throw FormatError(
                    "statement.withdraw", expected: "an asset that is there", found: "\(asset), which is not")
            }
        case .asset(let asset): try last.map { last throws(FormatError) in try asset.checkSuccession(of: last) }
        default: return
        }
    }
}

extension Asset {
    /// What an asset was made from, and its key, stay with it.
    fileprivate func checkSuccession(of last: Asset) throws(FormatError) {
        guard kind == last.kind else {
            throw FormatError("statement.kind", expected: last.kind.rawValue, found: kind.rawValue)
        }
        guard secret == last.secret else {
            throw FormatError(
                "statement.secret", expected: "the secret that the asset has; another secret is another asset",
                found: "another")
        }
        let lost = Set(last.lineage).subtracting(lineage)
        guard lost.isEmpty else {
            throw FormatError(
                "statement.lineage", expected: "what it was made from, which does not change by time",
                found: "none of \(lost.map(\.description).sorted().joined(separator: ", "))")
        }
    }
}
