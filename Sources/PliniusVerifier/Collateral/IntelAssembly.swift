/// Sets of Intel's statements, out of single ones and older sets.
struct IntelAssembly {
    private var sets: [IntelCollateral]
    private var root: RevocationList?
    private var pck: [RevocationList] = []
    private var identities: [String: (statement: IntelServiceFile, chain: String)] = [:]
    private var infos: [(statement: IntelServiceFile, chain: String)] = []
    private var count = 0

    /// - Parameter old: Sets that new statements go into, and that lend what new ones lack.
    init(old: [IntelCollateral]) { sets = old }

    mutating func add(root list: RevocationList) throws(EvidenceError) {
        count += 1
        if let root { try Self.refuse(list, olderThan: root) }
        root = list
    }

    mutating func add(pck list: RevocationList) throws(EvidenceError) {
        count += 1
        for present in pck where present.issuer == list.issuer { try Self.refuse(list, olderThan: present) }
        pck.removeAll { $0.issuer == list.issuer }
        pck.append(list)
    }

    mutating func add(_ statement: IntelServiceFile, _ chain: String) throws(EvidenceError) {
        count += 1
        if statement.isIdentity {
            if let present = identities[statement.id]?.statement { try Self.refuse(statement, olderThan: present) }
            identities[statement.id] = (statement, chain)
        } else {
            for (present, _) in infos where present.isOfSame(as: statement) {
                try Self.refuse(statement, olderThan: present)
            }
            infos.removeAll { $0.statement.isOfSame(as: statement) }
            infos.append((statement, chain))
        }
    }

    /// The older sets with what is newer in place, and new sets for what they had nothing of.
    func result() throws(EvidenceError) -> [IntelCollateral] {
        guard count > 0 else { return sets }
        var all: [IntelCollateral] = []
        var open = infos
        for set in sets {
            all.append(try renewed(set))
            open.removeAll { info in (try? set.info)?.isOfSame(as: info.statement) == true }
        }
        for (info, chain) in open { all += try newSets(info, chain) }
        guard !all.isEmpty else { throw Self.missing("TCB info", "Intel's other files") }
        return all
    }

    private func renewed(_ old: IntelCollateral) throws(EvidenceError) -> IntelCollateral {
        var set = old
        let info = try old.info
        if let (new, chain) = infos.first(where: { $0.statement.isOfSame(as: info) }) {
            try Self.refuse(new, olderThan: info)
            (set.tcbInfo, set.tcbInfoSignature, set.tcbInfoIssuerChain) = (new.text, new.signature, chain)
        }
        if let (new, chain) = identities[info.identityID] {
            try Self.refuse(new, olderThan: old.identity)
            (set.qeIdentity, set.qeIdentitySignature, set.qeIdentityIssuerChain) = (new.text, new.signature, chain)
        }
        if let root {
            try Self.refuse(root, olderThan: RevocationList(der: old.rootRevocationList))
            set.rootRevocationList = root.der
        }
        let present = try RevocationList(der: old.pckRevocationList)
        if let list = pck.first(where: { $0.issuer == present.issuer }) {
            try Self.refuse(list, olderThan: present)
            set.pckRevocationList = list.der
        }
        return set
    }

    /// A set for each authority whose list there is: the family's platforms may be certified by any of them.
    private func newSets(_ info: IntelServiceFile, _ chain: String) throws(EvidenceError) -> [IntelCollateral] {
        let name = "TCB info \(info.id) of FMSPC \(hexadecimal(info.family))"
        let lender = sets.last { (try? $0.info)?.identityID == info.identityID }
        let identity: (text: String, signature: [UInt8], chain: String)
        if let (new, chain) = identities[info.identityID] {
            identity = (new.text, new.signature, chain)
        } else if let lender {
            identity = (lender.qeIdentity, lender.qeIdentitySignature, lender.qeIdentityIssuerChain)
        } else {
            throw Self.missing("the identity \(info.identityID)", name)
        }
        guard let rootList = root?.der ?? sets.last?.rootRevocationList else {
            throw Self.missing("the revocation list of Intel's root", name)
        }
        let lists = pck.isEmpty ? Array(Set(sets.map(\.pckRevocationList))) : pck.map(\.der)
        guard !lists.isEmpty else {
            throw Self.missing("a revocation list of an authority for platforms (PCK)", name)
        }
        return lists.map { list in
            IntelCollateral(
                rootRevocationList: rootList, pckRevocationList: list, tcbInfoIssuerChain: chain, tcbInfo: info.text,
                tcbInfoSignature: info.signature, qeIdentityIssuerChain: identity.chain, qeIdentity: identity.text,
                qeIdentitySignature: identity.signature)
        }
    }

    private static func missing(_ what: String, _ beside: String) -> EvidenceError {
        EvidenceError(
            "collateral.import.intel", expected: "\(what) beside \(beside)", found: "none: import them together")
    }

    /// A whole set in the place of an older one about the same, or beside the others.
    static func merge(_ new: IntelCollateral, onto old: [IntelCollateral]) throws(EvidenceError) -> [IntelCollateral] {
        let info = try new.info
        let issuer = try RevocationList(der: new.pckRevocationList).issuer
        var all = old
        for set in old where (try? set.info)?.isOfSame(as: info) == true {
            guard (try? RevocationList(der: set.pckRevocationList))?.issuer == issuer else { continue }
            try refuse(info, olderThan: set.info)
            try refuse(new.identity, olderThan: set.identity)
            try refuse(
                RevocationList(der: new.rootRevocationList), olderThan: RevocationList(der: set.rootRevocationList))
            try refuse(
                RevocationList(der: new.pckRevocationList), olderThan: RevocationList(der: set.pckRevocationList))
            all.removeAll { $0 == set }
        }
        return all + [new]
    }

    // MARK: Rollback

    private static func refuse(
        _ new: IntelServiceFile, olderThan old: IntelServiceFile
    ) throws(EvidenceError) {
        try refuse(
            new.isNewer < old.isNewer, new.id, "number \(new.evaluationNumber) of \(new.issued)",
            "number \(old.evaluationNumber) of \(old.issued)")
    }

    private static func refuse(_ new: RevocationList, olderThan old: RevocationList) throws(EvidenceError) {
        try refuse(new.thisUpdate < old.thisUpdate, "a revocation list", "\(new.thisUpdate)", "\(old.thisUpdate)")
    }

    static func refuse(_ isOlder: Bool, _ what: String, _ new: String, _ old: String) throws(EvidenceError) {
        guard isOlder else { return }
        throw EvidenceError(
            "collateral.import.rollback", expected: "\(what) that is not older than the one there is, \(old)",
            found: "an older one, \(new)")
    }
}

extension IntelServiceFile {
    /// What the identity that goes with TCB info calls itself.
    var identityID: String { id == IntelTEE.tdx.tcbInfoID ? IntelTEE.tdx.qeIdentityID : IntelTEE.sgx.qeIdentityID }

    /// Whether both are TCB info on one family.
    func isOfSame(as other: IntelServiceFile) -> Bool { id == other.id && family == other.family }
}

extension IntelCollateral {
    var info: IntelServiceFile {
        get throws(EvidenceError) { try IntelServiceFile(text: tcbInfo, signature: tcbInfoSignature) }
    }

    var identity: IntelServiceFile {
        get throws(EvidenceError) { try IntelServiceFile(text: qeIdentity, signature: qeIdentitySignature) }
    }
}
