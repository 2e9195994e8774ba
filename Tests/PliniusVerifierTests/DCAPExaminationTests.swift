import Crypto
import FoundationEssentials
import PliniusVerifier
import Testing

/// Quotes of a maker with keys of the test's own.
@Suite("Judgement of DCAP quotes")
struct DCAPExaminationTests {
    @Test("A good quote of every layout passes every check", arguments: DCAPQuoteTests.layouts)
    func good(tee: IntelTEE, version: UInt16, type: UInt16) {
        let world = IntelWorld(tee, version: version, bodyType: type)
        let verdict = world.verdict()
        #expect(verdict.failures == [] && verdict.passed && verdict.tolerated.isEmpty)
        let claims = verdict.sgx?.tcb ?? verdict.tdx?.tcb
        #expect(claims?.status == .upToDate && claims?.advisories == [] && claims?.evaluationNumber == 17)
        #expect(claims?.fmspc == "00906ed50001" && claims?.ppid == [UInt8](repeating: 6, count: 16))
        let platform: [(any PlatformClaims)?] = [verdict.sgx, verdict.tdx]
        #expect(
            VerifiedEvidence.platformIdentities(of: platform.compactMap { $0 }) == [[UInt8](repeating: 6, count: 16)])
        #expect((verdict.sgx?.boundData ?? verdict.tdx?.boundData)?.count == 64)
    }

    /// A change to the world before it is signed, and the one check that has to fail for it.
    struct Change: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var failures: [String]
        var make: @Sendable (inout IntelWorld) -> Void

        init(_ name: String, _ failures: String..., make: @escaping @Sendable (inout IntelWorld) -> Void) {
            testDescription = name
            self.failures = failures
            self.make = make
        }
    }

    /// `x` stands for the environment.
    static let changes: [Change] = [
        Change("another vendor's quoting enclave", "x.quote.vendor") { $0.vendorID[15] ^= 1 },
        Change("bytes after the quote", "x.quote.padding") { $0.padding = [0, 0, 1] },
        Change("another root", "x.pck.signature") {
            $0.authority.issuer = "Intel SGX Root CA"
            $0.foreignRoot = IntelWorld.Key()
        },
        Change("a platform of another authority", "x.pck.chain") { $0.pck.issuer = "Somebody" },
        Change("a certificate that is not of a platform", "x.pck.subject") {
            $0.pck.commonName = "Intel SGX TCB Signing"
        },
        Change("an identifier of the platform of fifteen bytes", "x.pck.extension") { $0.ppid.removeLast() },
        Change("a family of five bytes", "x.pck.extension") { $0.fmspc.removeLast() },
        Change("a PCE of one byte", "x.pck.extension") { $0.pceID.removeLast() },
        Change("a certificate without the extension", "x.pck.extension") { $0.hasExtension = false },
        Change("a platform before its time", "x.pck.validity") { $0.pck.notBefore = "250702000000Z" },
        Change("a platform after its time", "x.pck.validity") { $0.pck.notAfter = "250630235959Z" },
        Change("an authority after its time", "x.pck.validity") { $0.authority.notAfter = "250630235959Z" },
        Change("an authority that is none", "x.pck.constraints") { $0.authority.isAuthority = false },
        Change("a revoked platform", "x.pck.revocation") { $0.pckRevoked = [[9], [3]] },
        Change("a revoked authority", "x.pck.revocation") { $0.rootRevoked = [[2]] },
        Change(
            "revocation lists of yesterday", "x.pck.revocation", "x.tcbinfo.signer.revocation",
            "x.qeidentity.signer.revocation"
        ) {
            $0.revocationWindow.1 = "250630235959Z"
        },
        Change(
            "revocation lists of tomorrow", "x.pck.revocation", "x.tcbinfo.signer.revocation",
            "x.qeidentity.signer.revocation"
        ) {
            $0.revocationWindow.0 = "250701000001Z"
        },
        Change("a revoked signer", "x.tcbinfo.signer.revocation", "x.qeidentity.signer.revocation") {
            $0.rootRevoked = [[4]]
        },
        Change("a signer after its time", "x.tcbinfo.signer.validity", "x.qeidentity.signer.validity") {
            $0.signer.notAfter = "250630235959Z"
        },
        Change("a signer that is no signer", "x.tcbinfo.signer.subject", "x.qeidentity.signer.subject") {
            $0.signer.commonName = "Intel SGX PCK Platform CA"
        },
        Change("TCB info of the other environment", "x.tcbinfo.kind") {
            $0.infoID = $0.infoID == "SGX" ? "TDX" : "SGX"
        },
        Change("TCB info of an older layout", "x.tcbinfo.kind") { $0.infoVersion = 2 },
        Change("TCB info of tomorrow", "x.tcbinfo.validity") { $0.infoWindow.issueDate = "2025-07-01T00:00:01Z" },
        Change("TCB info of yesterday", "x.tcbinfo.validity") { $0.infoWindow.nextUpdate = "2025-06-30T23:59:59Z" },
        Change("TCB info without a date", "x.tcbinfo.format") { $0.infoWindow.issueDate = "2025-02-29T00:00:00Z" },
        Change("TCB info of another family", "x.tcb.fmspc") { $0.infoFMSPC = [0, 0x90, 0x6E, 0xD5, 0, 2] },
        Change("TCB info of another PCE", "x.tcb.pceid") { $0.infoPCEID = [0, 1] },
        Change("a status that Intel does not know", "x.tcbinfo.format") { $0.levels[0].status = "Fine" },
        Change("an identity of the other enclave", "x.qeidentity.kind") { $0.identityID = "QVE" },
        Change("an identity of another layout", "x.qeidentity.kind") { $0.identityVersion = 1 },
        Change("an identity of tomorrow", "x.qeidentity.validity") {
            $0.identityWindow.issueDate = "2025-07-01T00:00:01Z"
        },
        Change("an identity of yesterday", "x.qeidentity.validity") {
            $0.identityWindow.nextUpdate = "2025-06-30T23:59:59Z"
        },
        Change("more than the quote's key in the quoting enclave's report", "x.qe.binding") { $0.qeReportEnd[31] = 1 },
        Change("another signer's quoting enclave", "x.qe.mrsigner") { $0.qeMRSigner[31] ^= 1 },
        Change("another product's quoting enclave", "x.qe.isvprodid") { $0.qeProductID = 2 },
        Change("another selection of state", "x.qe.miscselect") { $0.qeMiscSelect = [1, 0, 0, 0] },
        Change("a quoting enclave for debugging", "x.qe.attributes") { $0.qeAttributes[0] |= 2 },
        Change("a quoting enclave below every level", "x.qe.level") { $0.qeSVN = 3 },
        Change("a platform below every level: component", "x.tcb.level") { $0.components[15] = 4 },
        Change("a platform below every level: PCE", "x.tcb.level") { $0.pceSVN = 9 },
        Change("too few components in a level", "x.tcb.level") { $0.levels[0].sgx.removeLast() },
        Change("no level at all", "x.tcb.level") { $0.levels = [] },
        Change("a platform that is out of date", "x.tcb.status") { $0.levels[0].status = "OutOfDate" },
        Change("a revoked level", "x.tcb.status") { $0.levels[0].status = "Revoked" },
        Change("a quoting enclave that is out of date", "x.tcb.status") { $0.identityLevels[0].status = "OutOfDate" },
    ]

    @Test("Each fault of platform, quote or collateral fails its own check, and no other", arguments: changes)
    func faults(change: Change) {
        for (tee, version, type) in [(IntelTEE.sgx, UInt16(3), UInt16(0)), (.tdx, 5, 3)] {
            var world = IntelWorld(tee, version: version, bodyType: type)
            change.make(&world)
            let verdict = world.verdict()
            #expect(
                verdict.failures == change.failures.map { tee.rawValue + $0.dropFirst() } && !verdict.passed)
            #expect(verdict.sgx == nil && verdict.tdx == nil)
        }
    }

    @Test("Statements and lists count as they were signed, to the byte")
    func signedCollateral() {
        let changes: [(String, (inout IntelCollateral) -> Void)] = [
            ("tcbinfo.signature", { $0.tcbInfoSignature[63] ^= 1 }), ("tcbinfo.signature", { $0.tcbInfo += " " }),
            ("tcbinfo.signature", { $0.tcbInfoSignature = [] }),
            ("qeidentity.signature", { $0.qeIdentitySignature[63] ^= 1 }),
            ("qeidentity.signature", { $0.qeIdentity += " " }),
            ("collateral.revocation-lists", { $0.rootRevocationList.removeLast() }),
            ("collateral.revocation-lists", { $0.pckRevocationList = [] }),
        ]
        for (tee, version, type) in [(IntelTEE.sgx, UInt16(3), UInt16(0)), (.tdx, 5, 3)] {
            let world = IntelWorld(tee, version: version, bodyType: type)
            for (name, change) in changes {
                var collateral = world.collateral
                change(&collateral)
                let verdict = world.verdict(of: world.quote, collateral)
                #expect(verdict.failures == ["\(tee.rawValue).\(name)"] && !verdict.passed)
            }
        }
    }

    @Test("A text of Intel's has a megabyte at most")
    func longText() throws {
        for (count, isRead) in [(1 << 20, true), ((1 << 20) + 1, false)] {
            var collateral = IntelWorld(.sgx, version: 3).collateral
            collateral.tcbInfo = String(repeating: " ", count: count)
            let json = Array(try JSONEncoder().encode(collateral))
            #expect(((try? IntelCollateral(json: json)) != nil) == isRead)
        }
    }

    @Test("MISCSELECT is compared in the order of the report's bytes")
    func miscSelect() {
        var world = IntelWorld(.sgx, version: 3)
        world.qeMiscSelect = [1, 0, 0, 0]
        world.identityMiscSelect = [0, 0, 0, 1]
        #expect(world.verdict().failures == [])
    }

    @Test("Without collateral a quote fails by name, unless a setting lets it pass; its signatures count either way")
    func noCollateral() {
        for (tee, version, type) in DCAPQuoteTests.layouts {
            let world = IntelWorld(tee, version: version, bodyType: type)
            let name = "\(tee.rawValue).collateral.present"
            #expect(world.verdict(of: world.quote, nil).failures == [name])
            var requirements = IntelTCBRequirements()
            requirements.toleratesAbsentCollateral = .on("tcb.withoutCollateral")
            var (sgx, tdx) = (SGXRequirements(), TDXRequirements())
            (sgx.tcb, tdx.tcb) = (requirements, requirements)
            let verdict = world.verdict(of: world.quote, nil, sgx: sgx, tdx: tdx)
            #expect(verdict.passed && verdict.tolerated.map(\.check) == [name])
            #expect(verdict.tolerated.first?.policyLine == PolicyLine("tcb.withoutCollateral", line: 1))
            #expect((verdict.sgx?.tcb ?? verdict.tdx?.tcb)?.status == nil)
            // Collateral of another family is none, and what is there still counts.
            var other = world
            other.infoFMSPC = [1, 2, 3, 4, 5, 6]
            #expect(world.verdict(of: world.quote, other.collateral, sgx: sgx, tdx: tdx).passed)
            other = world
            other.levels[0].status = "OutOfDate"
            #expect(
                world.verdict(of: world.quote, other.collateral, sgx: sgx, tdx: tdx).failures
                    == ["\(tee.rawValue).tcb.status"])
            var changed = world.quote
            changed[60] ^= 1
            #expect(
                world.verdict(of: changed, nil, sgx: sgx, tdx: tdx).failures == ["\(tee.rawValue).quote.signature"])
        }
    }

    @Test("Of several families' collateral the right one is used, the one imported last of two")
    func choice() {
        var (sgx, tdx) = (IntelWorld(.sgx, version: 3), IntelWorld(.tdx, version: 4))
        tdx.root = sgx.root
        tdx.authority = sgx.authority
        tdx.signer = sgx.signer
        var other = sgx
        other.infoFMSPC = [1, 2, 3, 4, 5, 6]
        var older = sgx
        older.levels[0].status = "OutOfDate"
        var context = Context(now: IntelWorld.now, anchors: sgx.anchors)
        context.collateral.intel = [older, sgx, tdx, other].map(\.collateral)
        #expect(QuoteVerdict.sgx(sgx.quote, context).failures == [])
        #expect(QuoteVerdict.tdx(tdx.quote, context).failures == [])
        context.collateral.intel = [sgx, older].map(\.collateral)
        #expect(QuoteVerdict.sgx(sgx.quote, context).failures == ["sgx.tcb.status"])
    }

    @Test("Of one family's collateral the one of the platform's own authority is used, then the one issued last")
    func authorities() {
        let platform = IntelWorld(.sgx, version: 3)
        var processor = platform
        processor.authority = IntelWorld.Certificate(
            commonName: "Intel SGX PCK Processor CA", issuer: "Intel SGX Root CA", serial: [9], isAuthority: true)
        processor.pck.issuer = processor.authority.commonName
        // Neither a later date nor a later import makes up for another authority.
        processor.infoWindow.issueDate = "2025-06-20T00:00:00Z"
        var older = platform
        older.infoWindow.issueDate = "2025-06-14T23:59:59Z"
        older.levels[0].status = "OutOfDate"
        var unreadable = platform.collateral
        unreadable.pckRevocationList.removeLast()
        let all = [platform, processor, older].map(\.collateral) + [unreadable]
        var context = Context(now: IntelWorld.now, anchors: platform.anchors)
        for collateral in [all, all.reversed(), all.shuffled()] {
            context.collateral.intel = collateral
            #expect(QuoteVerdict.sgx(platform.quote, context).failures == [])
            #expect(QuoteVerdict.sgx(processor.quote, context).failures == [])
        }
        // The other authority's alone says nothing of this platform's certificate, and is named for it.
        context.collateral.intel = [processor.collateral]
        #expect(QuoteVerdict.sgx(platform.quote, context).failures == ["sgx.pck.revocation"])
        context.collateral.intel = [older.collateral]
        #expect(QuoteVerdict.sgx(platform.quote, context).failures == ["sgx.tcb.status"])
    }

    @Test("A quote signed by another key, or naming another, is refused")
    func keys() throws {
        for (tee, version, type) in DCAPQuoteTests.layouts {
            let world = IntelWorld(tee, version: version, bodyType: type)
            let place = world.signedByteCount + 4
            let name = tee.rawValue
            func failures(_ change: (inout [UInt8]) -> Void) -> [String] {
                var quote = world.quote
                change(&quote)
                return world.verdict(of: quote, world.collateral).failures
            }
            // The signature, and a key of which the quoting enclave knows nothing.
            #expect(failures { $0[place + 63] ^= 1 } == ["\(name).quote.signature"])
            let stranger = IntelWorld.Key()
            let header = world.header + world.description + world.body
            #expect(
                failures {
                    $0.replaceSubrange(place..<place + 64, with: IntelWorld.signature(stranger, header))
                    $0.replaceSubrange(place + 64..<place + 128, with: Array(stranger.publicKey.rawRepresentation))
                } == ["\(name).qe.binding"])
            #expect(
                failures { $0.replaceSubrange(place + 64..<place + 128, with: repeatElement(0, count: 64)) }
                    == ["\(name).qe.binding", "\(name).quote.signature"])
            let report = place + 128 + (version > 3 ? 6 : 0)
            #expect(failures { $0[report + 256 + 2] = 9 } == ["\(name).qe.signature"])
            #expect(failures { $0[report + 384 + 64 + 2] ^= 1 } == ["\(name).qe.binding"])
        }
    }

    @Test("A minimum for the evaluation number looks at both statements")
    func evaluation() {
        for number in [16, 17, 18] {
            var requirements = SGXRequirements()
            requirements.tcb.minimumEvaluationNumber = Setting(number, PolicyLine("tcb.evaluation", line: 3))
            var world = IntelWorld(.sgx, version: 3)
            #expect(
                world.verdict(sgx: requirements).failures
                    == (number > 17 ? ["sgx.tcbinfo.evaluation", "sgx.qeidentity.evaluation"] : []))
            world.infoEvaluation = 18
            #expect(
                world.verdict(sgx: requirements).failures == (number > 17 ? ["sgx.qeidentity.evaluation"] : []))
        }
    }
}
