extension Examination {
    /// How long before its expiry a bundle's finding asks for the next: two weeks, in seconds.
    private static let noticePeriod: Int64 = 14 * 86_400

    /// Checks that every bundle of collateral is in date.
    ///
    /// - `collateral.bundle.validity`: the instant lies between issue and expiry. A bundle that expires within two weeks passes, and what
    ///   was found says so.
    package mutating func checkBundles(of collateral: Collateral, at now: Instant) {
        for source in collateral.sources {
            let left = source.expires.seconds - now.seconds
            let notice =
                left >= 0 && left < Self.noticePeriod ? ": expires in \(left / 86_400) days, import the next" : ""
            check(
                "collateral.bundle.validity", source.issued <= now && now <= source.expires,
                expected: "a bundle that is in date at \(now)",
                found: "\(source.series) number \(source.serial), \(source.issued) to \(source.expires)\(notice)")
        }
    }
}
