import Crypto
import FoundationEssentials
import PliniusVerifier
import Testing

@Suite("Bundles of collateral")
struct CollateralBundleTests {
    static let edwards = CollateralSigningKey.ed25519(Curve25519.Signing.PrivateKey())
    static let nist = CollateralSigningKey.p256(P256.Signing.PrivateKey())
    static let issued = Instant(2025, 6, 20)
    static let expires = Instant(2025, 7, 20)

    static func bundle(_ serial: UInt64 = 5, series: String = "intel", content: CollateralContent = .init())
        -> CollateralBundle
    {
        CollateralBundle(series: series, serial: serial, issued: issued, expires: expires, content: content)
    }

    /// One of each kind.
    static var content: CollateralContent {
        var content = CollateralContent()
        let world = IntelWorld(.sgx, version: 3)
        content.intel = [world.collateral]
        content.amdCertificates = [[1, 2, 3], [1, 2]]
        content.amdRevocationLists = [[4]]
        content.nvidiaRevocationLists = [[8]]
        content.endorsementAuthorities = [[5, 6]]
        content.references = [
            ReferenceList(.ima, "debian", .sha256, [.init("/usr/bin/ä", Array(repeating: 7, count: 32))]),
            ReferenceList(.nvidia, "driver", .sha384, []),
        ]
        return content
    }

    @Test("A bundle is read as it was written, whoever signed it, and its content in whatever order")
    func roundTrip() throws {
        let content = Self.content
        var reordered = content
        reordered.amdCertificates.reverse()
        reordered.references.reverse()
        reordered.amdRevocationLists += content.amdRevocationLists
        for key in [Self.edwards, Self.nist] {
            let file = try Self.bundle(content: content).signed(with: key)
            let read = try CollateralBundle(file, signedBy: [Self.edwards.publicKey, Self.nist.publicKey])
            #expect(read.series == "intel" && read.serial == 5 && read.issued == Self.issued)
            #expect(read.content.intel == content.intel && Set(read.content.references) == Set(content.references))
            #expect(read.content.amdCertificates == [[1, 2], [1, 2, 3]])
            #expect(read.content.endorsementAuthorities == content.endorsementAuthorities)
            #expect(read.content.amdRevocationLists == content.amdRevocationLists)
            #expect(read.content.nvidiaRevocationLists == content.nvidiaRevocationLists)
            // All but the signature, which may differ each time.
            let again = try Self.bundle(content: reordered).signed(with: key)
            #expect(again.dropLast(64) == file.dropLast(64))
        }
    }

    @Test("Intel's statements come with two lists that can be read, or not at all")
    func intelLists() throws {
        let good = IntelWorld(.sgx, version: 3).collateral
        var content = CollateralContent()
        try content.addIntel(json: Array(JSONEncoder().encode(good)))
        for list in [\IntelCollateral.rootRevocationList, \.pckRevocationList] {
            var bad = good
            bad[keyPath: list].removeLast()
            let json = Array(try JSONEncoder().encode(bad))
            let error = try #require(throws: EvidenceError.self) { try content.addIntel(json: json) }
            #expect(error.check == "x509.crl.format")
        }
        #expect(content.intel == [good])
    }

    @Test("What a bundle may not hold is refused, whoever signed it")
    func limits() throws {
        let key = Curve25519.Signing.PrivateKey()
        let trusted = [CollateralSigningKey.ed25519(key).publicKey]
        func big(_ value: some FixedWidthInteger) -> [UInt8] { little(value).reversed() }
        func read(
            series: Int = 1, issued: Int64 = 1, _ items: [(kind: UInt8, bytes: [UInt8])] = []
        ) throws -> CollateralBundle {
            var bytes = Array("PLINIUSC".utf8) + big(UInt32(1)) + big(UInt32(series))
            bytes += [UInt8](repeating: 0x61, count: series) + big(UInt64(1)) + big(issued) + big(Int64(2))
            bytes += big(UInt32(items.count))
            for item in items { bytes += [item.kind] + big(UInt32(item.bytes.count)) + item.bytes }
            bytes += [1] + Array(key.publicKey.rawRepresentation)
            return try CollateralBundle(bytes + Array(key.signature(for: bytes)), signedBy: trusted)
        }
        func refused(_ expected: String, _ read: () throws -> CollateralBundle) throws {
            let error = try #require(throws: EvidenceError.self) { _ = try read() }
            #expect(error.check == "collateral.bundle.format" && error.expected.hasPrefix(expected))
        }
        let many = (0...UInt32(1 << 16)).map { (kind: UInt8(2), bytes: big($0)) }
        #expect(try read(many.dropLast()).content.amdCertificates.count == 65_536)
        try refused("at most 65536 items") { try read(many) }
        #expect(try read(series: 256).series.count == 256)
        try refused("a field of at most 256 bytes") { try read(series: 257) }
        #expect(try read(issued: 0).issued.seconds == 0)
        try refused("a series in UTF-8, and an expiry") { try read(issued: -1) }
        #expect(try read([(2, [1]), (2, [2]), (3, [0])]).content.amdRevocationLists == [[0]])
        for items in [[(2, [2]), (2, [1])], [(2, [1]), (2, [1])], [(3, [0]), (2, [1])]] as [[(UInt8, [UInt8])]] {
            try refused("items in rising order") { try read(items.map { (kind: $0.0, bytes: $0.1) }) }
        }
        let long = [UInt8](repeating: 0, count: CollateralBundle.maximumByteCount + 1)
        try refused("at most 67108864 bytes") { try CollateralBundle(long, signedBy: trusted) }
    }

    @Test("A change to any bit of a bundle is refused")
    func mutation() throws {
        var content = CollateralContent()
        content.references = [ReferenceList(.bootLog, "x", .sha1, [.init("a", Array(repeating: 1, count: 20))])]
        content.amdCertificates = [[1]]
        for key in [Self.edwards, Self.nist] {
            let file = try Self.bundle(content: content).signed(with: key)
            for place in file.indices {
                for bit in 0..<8 {
                    var changed = file
                    changed[place] ^= 1 << bit
                    let error = #expect(throws: EvidenceError.self, "byte \(place), bit \(bit)") {
                        try CollateralBundle(changed, signedBy: [key.publicKey])
                    }
                    #expect(error?.check.hasPrefix("collateral.bundle.") == true)
                }
            }
            for count in file.indices {
                #expect(throws: EvidenceError.self) {
                    try CollateralBundle(Array(file.prefix(count)), signedBy: [key.publicKey])
                }
            }
            #expect(throws: EvidenceError.self) { try CollateralBundle(file + [0], signedBy: [key.publicKey]) }
        }
    }

    @Test("Each fault has its name")
    func names() throws {
        let file = try Self.bundle().signed(with: Self.edwards)
        func check(_ file: [UInt8], _ trusted: [CollateralKey] = [Self.edwards.publicKey]) -> String? {
            #expect(throws: EvidenceError.self) { try CollateralBundle(file, signedBy: trusted) }?.check
        }
        func changed(_ place: Int) -> [UInt8] {
            var changed = file
            changed[place] ^= 1
            return changed
        }
        #expect(check(changed(0)) == "collateral.bundle.format")
        #expect(check(changed(11)) == "collateral.bundle.version")
        #expect(check(changed(17)) == "collateral.bundle.signature")
        #expect(check(changed(file.count - 1)) == "collateral.bundle.signature")
        #expect(check(changed(file.count - 65)) == "collateral.bundle.signer")
        #expect(check(file, [Self.nist.publicKey]) == "collateral.bundle.signer")
        #expect(check(file, []) == "collateral.bundle.signer")
        // What is signed, and yet cannot be: kept from being made in the first place.
        var bundle = Self.bundle()
        bundle.expires = Instant(2025, 6, 19)
        #expect(throws: EvidenceError.self) { try bundle.signed(with: Self.edwards) }
        bundle.expires = Instant(seconds: .max)
        #expect(throws: EvidenceError.self) { try bundle.signed(with: Self.edwards) }
        bundle = Self.bundle(series: "")
        #expect(throws: EvidenceError.self) { try bundle.signed(with: Self.edwards) }
        bundle = Self.bundle()
        bundle.content.references = [ReferenceList(.ima, "x", .sha256, [.init("a", [1, 2])])]
        #expect(throws: EvidenceError.self) { try bundle.signed(with: Self.edwards) }
    }

    @Test("A store goes forward only, each series for itself")
    func rollback() throws {
        var store = CollateralStore(trusted: [Self.edwards.publicKey, Self.nist.publicKey])
        var content = CollateralContent()
        content.amdRevocationLists = [[1]]
        let fifth = try Self.bundle(5, content: content).signed(with: Self.edwards)
        try store.add(fifth)
        try store.add(fifth)
        func refusal(_ bundle: CollateralBundle, _ key: CollateralSigningKey = Self.edwards) throws -> String? {
            let file = try bundle.signed(with: key)
            return #expect(throws: EvidenceError.self) { try store.add(file) }?.check
        }
        #expect(try refusal(Self.bundle(4)) == "collateral.bundle.serial")
        #expect(try refusal(Self.bundle(5)) == "collateral.bundle.serial")
        #expect(store.collateral.amdRevocationLists == [[1]])
        content.amdRevocationLists = [[2]]
        try store.add(try Self.bundle(6, content: content).signed(with: Self.edwards))
        #expect(store.collateral.amdRevocationLists == [[2]])
        #expect(throws: EvidenceError.self) { try store.add(fifth) }
        // Another series and another signer count for themselves.
        content.amdRevocationLists = [[3]]
        try store.add(try Self.bundle(1, series: "amd", content: content).signed(with: Self.edwards))
        content.amdRevocationLists = [[4]]
        try store.add(try Self.bundle(1, content: content).signed(with: Self.nist))
        #expect(Set(store.collateral.amdRevocationLists) == [[2], [3], [4]])
        #expect(store.collateral.sources.map(\.serial).sorted() == [1, 1, 6])
        #expect(try refusal(Self.bundle(9), .ed25519(Curve25519.Signing.PrivateKey())) == "collateral.bundle.signer")
        // The files keep the store, and with it what it refuses.
        var copy = CollateralStore(trusted: store.trusted)
        for file in store.files { try copy.add(file) }
        #expect(copy.files == store.files)
        #expect(throws: EvidenceError.self) { try copy.add(fifth) }
    }

    @Test("What was issued last comes last, and so counts for its family")
    func order() throws {
        var store = CollateralStore(trusted: [Self.edwards.publicKey])
        var (older, newer) = (Self.bundle(series: "z"), Self.bundle(series: "a"))
        newer.issued = Instant(2025, 6, 21)
        older.content.references = [ReferenceList(.ima, "files", .sha256, [])]
        newer.content.references = [ReferenceList(.ima, "files", .sha384, [])]
        for bundle in [newer, older] { try store.add(try bundle.signed(with: Self.edwards)) }
        #expect(store.collateral.reference(.ima, "files")?.algorithm == .sha384)
        #expect(store.collateral.reference(.bootLog, "files") == nil && store.collateral.reference(.ima, "x") == nil)
    }

    @Test("An expiry is announced, and then fails")
    func validity() throws {
        var store = CollateralStore(trusted: [Self.edwards.publicKey])
        try store.add(try Self.bundle().signed(with: Self.edwards))
        func finding(_ now: Instant) -> (passed: Bool, isAnnounced: Bool) {
            var examination = Examination()
            examination.checkBundles(of: store.collateral, at: now)
            #expect(examination.findings.map(\.check) == ["collateral.bundle.validity"])
            return (examination.hasPassed, examination.findings[0].found.contains("import the next"))
        }
        #expect(finding(Instant(2025, 6, 19, 23, 59, 59)) == (false, false))
        #expect(finding(Self.issued) == (true, false))
        #expect(finding(Instant(2025, 7, 6)) == (true, false))
        #expect(finding(Instant(2025, 7, 6, 0, 0, 1)) == (true, true))
        #expect(finding(Self.expires) == (true, true))
        #expect(finding(Instant(2025, 7, 20, 0, 0, 1)) == (false, false))
    }

    @Test("A quote is judged by what a bundle carried")
    func judgement() throws {
        let world = IntelWorld(.sgx, version: 3)
        var bundle = Self.bundle()
        bundle.content.intel = [world.collateral]
        var store = CollateralStore(trusted: [Self.nist.publicKey])
        try store.add(try bundle.signed(with: Self.nist))
        let context = Context(now: IntelWorld.now, anchors: world.anchors, collateral: store.collateral)
        #expect(QuoteVerdict.sgx(world.quote, context).failures == [])
    }

    @Test("Files of makers are read before they go into a bundle, in DER and in PEM")
    func building() throws {
        let world = IntelWorld(.sgx, version: 3)
        var content = CollateralContent()
        let certificate = world.der(world.root, world.root)
        let list = world.revocationList(world.root, [])
        try content.addAMDCertificates(certificate)
        try content.addAMDCertificates(
            Array((IntelWorld.pem(certificate, "CERTIFICATE") + world.pem(world.authority, world.root)).utf8))
        try content.addEndorsementAuthorities(certificate)
        try content.addAMDRevocationList(list)
        try content.addAMDRevocationList(Array(IntelWorld.pem(list, "X509 CRL").utf8))
        #expect(content.amdCertificates.count == 3 && content.amdCertificates[0] == content.amdCertificates[1])
        try content.addNVIDIARevocationList(list)
        #expect(content.nvidiaRevocationLists == [list])
        #expect(content.amdRevocationLists == [list, list] && content.endorsementAuthorities == [certificate])
        #expect(throws: EvidenceError.self) { try content.addAMDCertificates(list) }
        #expect(throws: EvidenceError.self) { try content.addAMDRevocationList(certificate) }
        #expect(throws: EvidenceError.self) { try content.addAMDRevocationList(Array("PEM".utf8)) }
        #expect(throws: EvidenceError.self) { try content.addEndorsementAuthorities([0x30]) }
        #expect(throws: EvidenceError.self) { try content.addIntel(json: Array("{}".utf8)) }
    }

    @Test("A bundle of published collateral", .enabled(if: Vectors.areThere, Vectors.reason))
    func published() throws {
        var bundle = Self.bundle()
        try bundle.content.addIntel(json: Vectors.bytes("sgx/quote-v3.collateral.json"))
        try bundle.content.addIntel(json: Vectors.bytes("tdx/quote-v5-outdated.collateral.json"))
        try bundle.content.addAMDCertificates(Vectors.bytes("snp/roots/ask_ark_milan.pem"))
        var store = CollateralStore(trusted: [Self.edwards.publicKey])
        try store.add(try bundle.signed(with: Self.edwards))
        let context = Context(now: Vectors.pinnedTime, collateral: store.collateral)
        #expect(
            QuoteVerdict.sgx(try Vectors.bytes("sgx/quote-v3.bin"), context).failures == ["sgx.tcb.status"])
    }
}
