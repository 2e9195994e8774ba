extension Examination {
    /// Checks that every bundle of collateral is in date.
    ///
    /// - `collateral.bundle.validity`: the instant lies between issue and expiry. A bundle that expires within two weeks passes, and what
    ///   was found says so, as ``Collateral/warnings(at:)`` does.
    package mutating func checkBundles(of collateral: Collateral, at now: Instant) {
        for source in collateral.sources {
            let notice = source.daysLeft(at: now).map { ": expires in \($0) days, import the next" } ?? ""
            check(
                "collateral.bundle.validity", source.issued <= now && now <= source.expires,
                expected: "a bundle that is in date at \(now)",
                found: "\(source.series) number \(source.serial), \(source.issued) to \(source.expires)\(notice)")
        }
    }
}

extension Collateral {
    /// What will be out of date soon: a sentence for each bundle that expires within two weeks.
    public func warnings(at now: Instant) -> [String] {
        sources.compactMap { source in
            source.daysLeft(at: now).map { days in
                "the bundle \(source.series) number \(source.serial) expires in \(days) days, at \(source.expires): import the next"
            }
        }
    }
}

extension Collateral.Source {
    /// How long before its expiry a bundle asks for the next: two weeks, in seconds.
    private static let noticePeriod: Int64 = 14 * 86_400

    /// The whole days that are left, once they are few; `nil` before, and after the expiry.
    fileprivate func daysLeft(at now: Instant) -> Int64? {
        let left = expires.seconds - now.seconds
        return left >= 0 && left < Self.noticePeriod ? left / 86_400 : nil
    }
}
