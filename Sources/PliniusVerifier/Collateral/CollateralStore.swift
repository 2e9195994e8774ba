/// The bundles that an owner imported: the newest of each series of each signer.
public struct CollateralStore: Sendable {
    /// A series of bundles.
    struct Series: Hashable, Sendable {
        var signer: CollateralKey
        var name: String
    }

    /// Whose bundles are believed.
    public let trusted: [CollateralKey]
    private var bundles: [Series: (bundle: CollateralBundle, file: [UInt8])] = [:]

    /// A store that believes these keys, without any bundle.
    public init(trusted: [CollateralKey]) { self.trusted = trusted }

    /// Takes a bundle over, instead of the one that it follows.
    /// - Throws: `collateral.bundle.serial`, if there is a newer one, or another one of the same number; what the bundle is refused for.
    ///   The store is as it was then.
    public mutating func add(_ file: [UInt8]) throws(EvidenceError) {
        let (bundle, signer) = try CollateralBundle.open(file, signedBy: trusted)
        let series = Series(signer: signer, name: bundle.series)
        if let present = bundles[series]?.bundle {
            guard bundle.serial > present.serial || bundle == present else {
                throw EvidenceError(
                    "collateral.bundle.serial",
                    expected: "a bundle of series \(bundle.series) after number \(present.serial)",
                    found: bundle.serial == present.serial
                        ? "another one with number \(bundle.serial)" : "number \(bundle.serial), from before")
            }
        }
        bundles[series] = (bundle, file)
    }

    /// The files that make up the store, in order of their series: adding them to an empty one gives this one.
    public var files: [[UInt8]] { ordered.map(\.file) }

    private var ordered: [(bundle: CollateralBundle, file: [UInt8])] {
        bundles.sorted { ($0.key.name, $0.key.signer.description) < ($1.key.name, $1.key.signer.description) }
            .map(\.value)
    }

    /// All that the bundles say, those issued last at the end.
    public var collateral: Collateral {
        var all = Collateral()
        for (bundle, _) in ordered.sorted(by: { $0.bundle.issued < $1.bundle.issued }) {
            let content = bundle.content
            all.intel += content.intel
            all.amdCertificates += content.amdCertificates
            all.amdRevocationLists += content.amdRevocationLists
            all.nvidiaRevocationLists += content.nvidiaRevocationLists
            all.endorsementAuthorities += content.endorsementAuthorities
            all.endorsementIntermediates += content.endorsementIntermediates
            all.references += content.references
            all.sources.append(
                Collateral.Source(
                    series: bundle.series, serial: bundle.serial, issued: bundle.issued, expires: bundle.expires))
        }
        return all
    }
}
