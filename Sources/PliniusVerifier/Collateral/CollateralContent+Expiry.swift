extension CollateralContent {
    /// What is the first that its maker calls out of date, and when; `nil` if nothing in it says.
    public var firstExpiry: (what: String, instant: Instant)? {
        var all: [(what: String, instant: Instant)] = []
        for set in intel {
            for text in [set.tcbInfo, set.qeIdentity] {
                guard let head = try? IntelServiceFile.Head(text: text) else { continue }
                all.append(("Intel's statement \(head.id)", head.nextUpdate.instant))
            }
        }
        let lists =
            intel.flatMap { [("Intel", $0.rootRevocationList), ("Intel", $0.pckRevocationList)] }
            + amdRevocationLists.map { ("AMD", $0) } + nvidiaRevocationLists.map { ("NVIDIA", $0) }
        for (maker, der) in lists {
            guard let list = try? RevocationList(der: der) else { continue }
            all.append(("a revocation list of \(maker)'s", list.nextUpdate))
        }
        return all.min { $0.instant < $1.instant }
    }
}
