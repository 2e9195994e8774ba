import Crypto
import PliniusVerifier
import Testing

/// Files as Intel's service answers with them, and as others keep them.
private struct ServiceFiles {
    let set: IntelCollateral

    init(_ world: IntelWorld) { set = world.collateral }

    static func answer(_ member: String, _ text: String, _ signature: [UInt8]) -> String {
        #"{"\#(member)":\#(text),"signature":"\#(IntelWorld.hex(signature))"}"#
    }

    var info: String { Self.answer("tcbInfo", set.tcbInfo, set.tcbInfoSignature) }
    var identity: String { Self.answer("enclaveIdentity", set.qeIdentity, set.qeIdentitySignature) }

    /// An answer with the headers that `curl -i` keeps, the chain with a percent sign for each byte that no header may have.
    func withHeaders(_ name: String, _ body: [UInt8], chain: String, line: String = "\r\n") -> [UInt8] {
        var encoded = ""
        for byte in chain.utf8 {
            let isPlain = byte > 0x20 && byte != UInt8(ascii: "%") && byte != UInt8(ascii: "+")
            encoded += isPlain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        let lines = [
            "HTTP/1.1 200 OK", "Request-ID: 7", "\(name): \(encoded)", "Content-Type: application/json", "", "",
        ]
        return Array(lines.joined(separator: line).utf8) + body
    }
}

@Suite("Makers' files")
struct CollateralImportTests {
    private static func content(
        _ files: [[UInt8]], onto old: CollateralContent = CollateralContent()
    ) throws(EvidenceError) -> CollateralContent {
        var read = CollateralImport()
        for file in files { try read.add(file) }
        return try read.content(onto: old)
    }

    private static func check(_ files: [[UInt8]], onto old: CollateralContent = CollateralContent()) -> String? {
        do throws(EvidenceError) {
            _ = try content(files, onto: old)
            return nil
        } catch { return error.check }
    }

    private static func octets(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test(
        "Intel's single files give the set that quotes are judged with, in every form", arguments: [IntelTEE.sgx, .tdx])
    func single(tee: IntelTEE) throws {
        let files = ServiceFiles(IntelWorld(tee, version: 4))
        let set = files.set
        let chain = set.tcbInfoIssuerChain
        let plain = [
            Self.octets(files.info), Self.octets(files.identity), Self.octets(chain), set.rootRevocationList,
            set.pckRevocationList,
        ]
        #expect(try Self.content(plain).intel == [set])
        #expect(try Self.content(plain.reversed()).intel == [set])
        for line in ["\r\n", "\n"] {
            let answers = [
                files.withHeaders("TCB-Info-Issuer-Chain", Self.octets(files.info), chain: chain, line: line),
                files.withHeaders(
                    "SGX-Enclave-Identity-Issuer-Chain", Self.octets(files.identity), chain: chain, line: line),
                Self.octets(IntelWorld.pem(set.rootRevocationList, "X509 CRL")),
                Self.octets(IntelWorld.hex(set.pckRevocationList) + "\n"),
            ]
            #expect(try Self.content(answers).intel == [set])
            // The headers in a file of their own.
            let apart = [files.withHeaders("TCB-Info-Issuer-Chain", [], chain: chain, line: line)] + plain
            #expect(try Self.content(apart.filter { $0 != Self.octets(chain) }).intel == [set])
        }
    }

    @Test("What is missing beside one of Intel's files is named, and so is a text that nobody signed")
    func missing() throws {
        let files = ServiceFiles(IntelWorld(.sgx, version: 3))
        let set = files.set
        let all = [
            Self.octets(files.info), Self.octets(files.identity), Self.octets(set.tcbInfoIssuerChain),
            set.rootRevocationList, set.pckRevocationList,
        ]
        for index in all.indices {
            var some = all
            some.remove(at: index)
            #expect(Self.check(some) == "collateral.import.intel", "without file \(index)")
        }
        var changed = all
        changed[0] = Self.octets(files.info.replacing(#""version":3"#, with: #""version": 3"#))
        #expect(Self.check(changed) == "collateral.import.signature")
        changed[0] = Self.octets(files.info.replacing(#""tcbInfo":"#, with: #""tcbInfos":"#))
        #expect(Self.check(changed) == "intel.collateral.format")
        changed[0] = Self.octets(files.info.replacing(#","signature":""#, with: #","signature":"00"#))
        #expect(Self.check(changed) == "intel.collateral.format")
    }

    @Test("A newer statement takes the old one's place, an older one is refused, and the rest stays")
    func update() throws {
        var world = IntelWorld(.sgx, version: 3)
        let old = try Self.content([Self.octets(world.collateral.json)])
        let before = try #require(old.intel.first)
        let chain = Self.octets(before.tcbInfoIssuerChain)

        world.infoEvaluation = 18
        let newer = ServiceFiles(world)
        var new = try Self.content([Self.octets(newer.info), chain], onto: old)
        #expect(new.intel.count == 1 && new.intel.first?.tcbInfo == newer.set.tcbInfo)
        #expect(new.intel.first?.qeIdentity == before.qeIdentity)
        #expect(new.intel.first?.pckRevocationList == before.pckRevocationList)
        #expect(Self.check([Self.octets(ServiceFiles(IntelWorld(.tdx, version: 4)).info)], onto: new) != nil)

        world.infoEvaluation = 17
        let older = ServiceFiles(world)
        #expect(Self.check([Self.octets(older.info), chain], onto: new) == "collateral.import.rollback")
        #expect(Self.check([Self.octets(older.set.json)], onto: new) == "collateral.import.rollback")
        #expect(Self.check([Self.octets(newer.info), Self.octets(older.info), chain]) == "collateral.import.rollback")

        // Another family is lent what it lacks.
        world.infoFMSPC = [1, 2, 3, 4, 5, 6]
        let other = ServiceFiles(world)
        new = try Self.content([Self.octets(other.info), chain], onto: old)
        #expect(new.intel.map(\.tcbInfo) == [before.tcbInfo, other.set.tcbInfo])
        #expect(new.intel.last?.qeIdentity == before.qeIdentity)

        world.identityEvaluation = 16
        #expect(
            Self.check([Self.octets(ServiceFiles(world).identity), chain], onto: old) == "collateral.import.rollback")
    }

    @Test("Revocation lists: the newer stays, the older is refused, each maker's own are told apart")
    func revocationLists() throws {
        var world = IntelWorld(.sgx, version: 3)
        let old = try Self.content([Self.octets(world.collateral.json)])
        world.revocationWindow = ("250620000000Z", "250720000000Z")
        let (root, pck) = (world.revocationList(world.root, []), world.revocationList(world.authority, [[9]]))
        let new = try Self.content([root, pck], onto: old)
        #expect(new.intel.first?.rootRevocationList == root && new.intel.first?.pckRevocationList == pck)
        #expect(new.intel.first?.tcbInfo == old.intel.first?.tcbInfo)
        world.revocationWindow = ("250610000000Z", "250720000000Z")
        for list in [world.revocationList(world.root, []), world.revocationList(world.authority, [])] {
            #expect(Self.check([list], onto: new) == "collateral.import.rollback")
        }
        #expect(new.firstExpiry?.instant == Instant(2025, 7, 15))

        let maker = try TestAuthority("ARK-Milan", .p256(P256.Signing.PrivateKey()))
        let first = try maker.revoke([[1]])
        let second = try maker.revoke([[1], [2]], from: "20250620000000")
        let gpu = try TestAuthority("NVIDIA Device Identity CA", .p256(P256.Signing.PrivateKey())).revoke([])
        let lists = try Self.content([first, gpu])
        #expect(lists.amdRevocationLists == [first] && lists.nvidiaRevocationLists == [gpu])
        #expect(try Self.content([second], onto: lists).amdRevocationLists == [second])
        #expect(Self.check([first], onto: try Self.content([second])) == "collateral.import.rollback")
    }

    @Test("Certificates go where they are looked for, and only who brings them makes one an anchor")
    func certificates() throws {
        func authority(_ name: String, under issuer: TestAuthority? = nil) throws -> TestAuthority {
            let key = TestKey.p256(P256.Signing.PrivateKey())
            return try issuer.map { try TestAuthority(name, key, under: $0) } ?? TestAuthority(name, key)
        }
        let amd = try authority("ARK-Milan")
        let chip = try authority("SEV-Milan", under: amd)
        let maker = try authority("Maker")
        let family = try authority("Family", under: maker)
        var read = CollateralImport()
        try read.add(testPEM([chip.certificate, amd.certificate]))
        try read.add(family.certificate)
        try read.addEndorsementAuthorities(maker.certificate)
        let content = try read.content()
        #expect(content.amdCertificates == [chip.certificate, amd.certificate])
        #expect(content.endorsementIntermediates == [family.certificate])
        #expect(content.endorsementAuthorities == [maker.certificate])
        let key = CollateralBundleTests.edwards
        let file = try CollateralBundleTests.bundle(content: content).signed(with: key)
        var store = CollateralStore(trusted: [key.publicKey])
        try store.add(file)
        #expect(store.collateral.endorsementIntermediates == [family.certificate])
        let leaf = try maker.certify("TPM", .p256(P256.Signing.PrivateKey()))
        #expect(Self.check([leaf]) == "collateral.import.format")
    }

    @Test("What is no maker's file is refused, and no piece of one stops anything")
    func malformed() throws {
        for file in [
            [], [0x30], [0x30, 0x82, 0xFF, 0xFF], Self.octets("hello"), Self.octets("{"), Self.octets("3"),
            Self.octets("-----BEGIN CERTIFICATE-----\n"), Self.octets("-----BEGIN KEY-----\nAAAA\n-----END KEY-----\n"),
            Self.octets("HTTP/1.1 200 OK\n\nhello"), Self.octets("HTTP/1.1 200 OK\nissuer-chain: %zz%0\n\n"),
        ] as [[UInt8]] {
            #expect(Self.check([file]) != nil, "\(file)")
        }
        let files = ServiceFiles(IntelWorld(.sgx, version: 3))
        let answer = files.withHeaders(
            "TCB-Info-Issuer-Chain", Self.octets(files.info), chain: files.set.tcbInfoIssuerChain)
        for count in stride(from: 0, to: answer.count, by: 7) { _ = Self.check([Array(answer.prefix(count))]) }
        #expect(Self.check([Array(answer.dropLast())]) != nil)
    }

    @Test("Bundles that expire within two weeks are warned of, until they have")
    func warnings() throws {
        var collateral = Collateral()
        let (issued, expires) = (CollateralBundleTests.issued, CollateralBundleTests.expires)
        collateral.sources = [Collateral.Source(series: "intel", serial: 7, issued: issued, expires: expires)]
        for (days, isWarned) in [(15, false), (14, false), (13, true), (1, true), (0, true), (-1, false)] {
            let now = Instant(seconds: expires.seconds - Int64(days) * 86_400)
            let warnings = collateral.warnings(at: now)
            #expect(warnings.isEmpty != isWarned, "\(days) days before")
            #expect(!isWarned || warnings[0].contains("intel number 7 expires in \(days) days"))
            var examination = Examination()
            examination.checkBundles(of: collateral, at: now)
            #expect(examination.hasPassed == (days >= 0))
            #expect(examination.findings[0].found.contains("import the next") == isWarned)
        }
    }

    @Test("Reference values are lines of digests with what they are of")
    func references() throws {
        let digest = String(repeating: "ab", count: 48)
        let list = try ReferenceList(.nvidia, "gpu", text: "# firmware\n\nsha384:\(digest) 1\nsha384:\(digest) 254\n")
        #expect(list.algorithm == .sha384 && list.entries.map(\.label) == ["1", "254"])
        #expect(list.entries[0].digest == [UInt8](repeating: 0xAB, count: 48))
        let path = try ReferenceList(.ima, "os", text: "sha384:\(digest) /a b")
        #expect(path.entries.map(\.label) == ["/a b"])
        for (purpose, text) in [
            (.nvidia, "sha384:\(digest) 0"), (.nvidia, "sha384:\(digest) 255"), (.nvidia, "sha384:\(digest)"),
            (.nvidia, "sha384:ab 1"), (.nvidia, "md5:ab 1"), (.nvidia, ""), (.nvidia, "# nothing"),
            (.bootLog, "sha384:\(digest) 24"), (.bootLog, "sha384:\(digest) shim"), (.ima, "sha384:\(digest) "),
            (.ima, "sha384:\(digest) /a\nsha1:\(String(repeating: "ab", count: 20)) /b"),
            (.ima, "ima:sha384:\(digest) /a"),
        ] as [(ReferenceList.Purpose, String)] {
            #expect(throws: EvidenceError.self, "\(purpose) \(text)") { try ReferenceList(purpose, "x", text: text) }
        }
        #expect(throws: EvidenceError.self) { try ReferenceList(.ima, "", text: "sha384:\(digest) /a") }
    }
}

extension IntelCollateral {
    /// The form that caches of collateral exchange.
    fileprivate var json: String {
        func quoted(_ text: String) -> String {
            "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n") + "\""
        }
        let fields = [
            ("root_ca_crl", IntelWorld.hex(rootRevocationList)), ("pck_crl", IntelWorld.hex(pckRevocationList)),
            ("tcb_info_issuer_chain", tcbInfoIssuerChain), ("tcb_info", tcbInfo),
            ("tcb_info_signature", IntelWorld.hex(tcbInfoSignature)),
            ("qe_identity_issuer_chain", qeIdentityIssuerChain), ("qe_identity", qeIdentity),
            ("qe_identity_signature", IntelWorld.hex(qeIdentitySignature)),
        ]
        return "{" + fields.map { "\"\($0)\":\(quoted($1))" }.joined(separator: ",") + "}"
    }
}
