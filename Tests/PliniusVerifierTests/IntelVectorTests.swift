import FoundationEssentials
import PliniusVerifier
import Testing

/// Quotes of real machines.
@Suite("Published Intel quotes", .enabled(if: Vectors.areThere, Vectors.reason))
struct IntelVectorTests {
    static let line = PolicyLine("test", line: 1)

    private func context(_ collateral: String? = nil, at now: Instant = Vectors.pinnedTime) throws -> Context {
        var context = Context(now: now)
        if let collateral { context.collateral.intel = [try IntelCollateral(json: Vectors.bytes(collateral))] }
        return context
    }

    private static var withoutCollateral: IntelTCBRequirements {
        var requirements = IntelTCBRequirements()
        requirements.toleratesAbsentCollateral = Setting(true, line)
        return requirements
    }

    @Test("SGX: the quote holds, its platform needs configuration and hardened software")
    func sgx() throws {
        let quote = try Vectors.bytes("sgx/quote-v3.bin")
        let context = try context("sgx/quote-v3.collateral.json")
        let strict = QuoteVerdict.sgx(quote, context)
        #expect(strict.failures == ["sgx.tcb.status"])
        var requirements = SGXRequirements()
        requirements.tcb.tolerate = Setting([.configurationAndSWHardeningNeeded], Self.line)
        #expect(QuoteVerdict.sgx(quote, context, requirements).failures == ["sgx.tcb.status"])
        requirements.tcb.advisories = Setting(["INTEL-SA-00289", "INTEL-SA-00615"], Self.line)
        let verdict = QuoteVerdict.sgx(quote, context, requirements)
        #expect(verdict.passed && verdict.tolerated.map(\.check) == ["sgx.tcb.status"])
        let claims = try #require(verdict.sgx)
        #expect(claims.tcb.status == .configurationAndSWHardeningNeeded && !claims.isDebug)
        #expect(claims.tcb.advisories == ["INTEL-SA-00289", "INTEL-SA-00615"])
        #expect(IntelWorld.hex(claims.tcb.ppid).lowercased() == "d04ec06d4e6d92dc90d0ad3cf5ee2ddf")
        #expect(claims.tcb.fmspc == "00a067110000" && claims.tcb.evaluationNumber == 17)
        #expect(claims.boundData == Array(quote[48 + 320..<48 + 384]))
    }

    @Test("SGX: the collateral's window is closed on both sides")
    func window() throws {
        let quote = try Vectors.bytes("sgx/quote-v3.bin")
        func failures(_ now: Instant) throws -> Set<String> {
            Set(QuoteVerdict.sgx(quote, try context("sgx/quote-v3.collateral.json", at: now)).failures)
        }
        // The TCB info is from 2025-06-19T10:56:11Z to 2025-07-19T10:56:11Z; identity and lists begin and end earlier on these days.
        #expect(try failures(Instant(2025, 6, 19, 10, 56, 10)) == ["sgx.tcbinfo.validity", "sgx.tcb.status"])
        #expect(try failures(Instant(2025, 6, 19, 10, 56, 11)) == ["sgx.tcb.status"])
        #expect(try failures(Instant(2025, 7, 19, 10, 1, 18)).isSuperset(of: ["sgx.tcb.status"]))
        #expect(try failures(Instant(2025, 7, 19, 10, 1, 19)).contains("sgx.qeidentity.validity"))
        #expect(try failures(Instant(2025, 7, 19, 10, 56, 12)).contains("sgx.tcbinfo.validity"))
    }

    @Test("SGX: an enclave for debugging is refused, whose signatures hold")
    func debug() throws {
        let quote = try Vectors.bytes("sgx/quote-v3-debug-enclave.bin")
        var requirements = SGXRequirements()
        #expect(
            QuoteVerdict.sgx(quote, try context(), requirements).failures == ["sgx.collateral.present", "sgx.debug"])
        requirements.tcb = Self.withoutCollateral
        #expect(QuoteVerdict.sgx(quote, try context(), requirements).failures == ["sgx.debug"])
        requirements.toleratesDebug = Setting(true, Self.line)
        let claims = QuoteVerdict.sgx(quote, try context(), requirements).sgx
        #expect(claims?.isDebug == true && claims?.boundData.starts(with: Array("test".utf8)) == true)
    }

    @Test("TDX 1.0: the quotes hold, without collateral only if that is tolerated")
    func tdx() throws {
        let quote = try Vectors.bytes("tdx/quote-v4.bin")
        var requirements = TDXRequirements()
        // The file has a sentence after the quote, for tests such as this one.
        #expect(
            QuoteVerdict.tdx(quote, try context(), requirements).failures
                == ["tdx.quote.padding", "tdx.collateral.present"])
        requirements.tcb = Self.withoutCollateral
        #expect(QuoteVerdict.tdx(quote, try context(), requirements).failures == ["tdx.quote.padding"])
        requirements.tcb.toleratesTrailingBytes = Setting(true, Self.line)
        #expect(QuoteVerdict.tdx(quote, try context(), requirements).passed)
        let debug = try Vectors.bytes("tdx/quote-v4-debug-td.bin")
        #expect(QuoteVerdict.tdx(debug, try context(), requirements).failures == ["tdx.debug"])
        requirements.toleratesDebug = Setting(true, Self.line)
        #expect(QuoteVerdict.tdx(debug, try context(), requirements).tdx?.isDebug == true)
    }

    @Test("TDX 1.5: the platform is below every level, inside the collateral's own window")
    func outdated() throws {
        let quote = try Vectors.bytes("tdx/quote-v5-outdated.bin")
        let name = "tdx/quote-v5-outdated.collateral.json"
        // The platform's SEAM loader has SVN 3, and all three levels ask for 5. Who compares components one by one, as Intel does, finds no
        // level; who compares them like words in a dictionary finds the second, OutOfDate. No setting tolerates the former.
        var requirements = TDXRequirements()
        requirements.tcb.tolerate = Setting(Set(TCBStatus.allCases), Self.line)
        let inside = QuoteVerdict.tdx(quote, try context(name, at: Instant(2026, 3, 1)), requirements)
        #expect(inside.failures == ["tdx.tcb.level"])
        #expect(inside.finding("tdx.tcb.level")?.found.contains("03030202040100030000000000000000") == true)
        #expect(inside.finding("tdx.qe.level")?.found == "SVN 7, UpToDate")
        // Certificate and collateral were issued in 2026, after the instant that the other vectors are judged at: who is strict says so.
        let early = QuoteVerdict.tdx(quote, try context(name), requirements)
        #expect(
            early.failures == [
                "tdx.pck.validity", "tdx.pck.revocation", "tdx.tcbinfo.validity", "tdx.qeidentity.validity",
                "tdx.tcb.level",
            ])
        #expect(early.finding("tdx.tcbinfo.validity")?.found.hasPrefix("2026-02-18T10:58:51Z") == true)
    }

    @Test("TDX: the event log leads to the registers, and each change to it is noticed")
    func log() throws {
        let quote = try Vectors.bytes("tdx/ccel/quote.bin")
        let log = try Vectors.bytes("tdx/ccel/ccel.bin")
        var requirements = TDXRequirements()
        requirements.tcb = Self.withoutCollateral
        let verdict = QuoteVerdict.tdx(quote, log: log, try context(), requirements)
        #expect(verdict.passed && verdict.finding("tdx.rtmr.replay")?.outcome == .passed)
        #expect(try verdict.tdx?.boundData == Vectors.bytes("tdx/ccel/nonce.bin"))
        requirements.bootLog = BootLogRequirements()
        let judged = QuoteVerdict.tdx(quote, log: log, try context(), requirements)
        #expect(judged.finding("bootlog.register.1.replay")?.outcome == .passed)
        #expect(judged.failures.allSatisfy { $0.hasPrefix("bootlog.secureboot") })
        requirements.bootLog = nil
        // Another digest, found by its place in the log: that of the first event that goes into RTMR0.
        let parsed = try EventLog(log, kind: .confidentialComputing)
        for event in parsed.events where event.type != .noAction && (1...4).contains(event.register) {
            let digest = try #require(event.digests[.sha384])
            let place = try #require(log.firstRange(of: digest)?.lowerBound)
            var changed = log
            changed[place + 47] ^= 1
            #expect(
                QuoteVerdict.tdx(quote, log: changed, try context(), requirements).failures == ["tdx.rtmr.replay"])
            break
        }
        // A log of another machine.
        var world = IntelWorld(.tdx, version: 4)
        #expect(world.verdict().passed)
        world.body[0x148] = 1
        var foreign = Context(now: IntelWorld.now, anchors: world.anchors)
        foreign.collateral.intel = [world.collateral]
        #expect(QuoteVerdict.tdx(world.quote, log: log, foreign).failures == ["tdx.rtmr.replay"])
        #expect(QuoteVerdict.tdx(quote, log: [1, 2, 3], try context(), requirements).failures == ["bootlog.format"])
    }

    // MARK: Mutation

    /// What lies at an offset of a quote, and the check that has to notice a change there.
    struct Field: Sendable {
        var range: Range<Int>
        var check: String
    }

    /// The fields of a quote, found by the layout alone.
    static func fields(_ quote: [UInt8], tee: String) -> [Field] {
        let version = Int(quote[0])
        let start = version == 5 ? 54 : 48
        let isDomain = tee == "tdx"
        let body = !isDomain ? 384 : version == 5 && quote[48] == 3 ? 648 : 584
        let end = start + body
        var fields = [
            Field(range: 0..<8, check: "quote.format"), Field(range: 8..<12, check: "quote.signature"),
            Field(range: 12..<28, check: "quote.vendor"), Field(range: 28..<48, check: "quote.signature"),
        ]
        if version == 5 { fields.append(Field(range: 48..<54, check: "quote.format")) }
        let starts =
            isDomain
            ? [0, 16, 64, 112, 120, 128, 136, 184, 232, 280, 328, 376, 424, 472, 520, 584, 600, 648]
            : [0, 16, 20, 32, 48, 64, 96, 128, 160, 192, 256, 258, 260, 262, 304, 320, 384]
        for (first, last) in zip(starts, starts.dropFirst()) where last <= body {
            fields.append(Field(range: start + first..<start + last, check: "quote.signature"))
        }
        fields.append(Field(range: end..<end + 4, check: "quote.format"))
        fields.append(Field(range: end + 4..<end + 68, check: "quote.signature"))
        fields.append(Field(range: end + 68..<end + 132, check: "qe.binding"))
        var place = end + 132
        if version > 3 {
            fields.append(Field(range: place..<place + 6, check: "quote.format"))
            place += 6
        }
        for (first, last) in [(0, 16), (16, 20), (48, 64), (64, 96), (128, 160), (256, 258), (258, 260), (320, 384)] {
            fields.append(Field(range: place + first..<place + last, check: "qe.signature"))
        }
        fields.append(Field(range: place + 384..<place + 448, check: "qe.signature"))
        fields.append(Field(range: place + 448..<place + 450, check: "quote.format"))
        let count = Int(quote[place + 448]) + Int(quote[place + 449]) << 8
        fields.append(Field(range: place + 450..<place + 450 + count, check: "qe.binding"))
        place += 450 + count
        fields.append(Field(range: place..<place + 6, check: "quote.format"))
        return fields
    }

    static let quotes = [
        ("sgx/quote-v3.bin", "sgx"), ("sgx/quote-v3-debug-enclave.bin", "sgx"), ("tdx/quote-v4.bin", "tdx"),
        ("tdx/quote-v4-debug-td.bin", "tdx"), ("tdx/quote-v5-outdated.bin", "tdx"), ("tdx/ccel/quote.bin", "tdx"),
    ]

    @Test("Every field of a quote counts, and a change to it fails the check that is named for it", arguments: quotes)
    func mutations(file: String, tee: String) throws {
        let quote = try Vectors.bytes(file)
        // One platform was certified after the instant that the others are judged at.
        let context = try context(at: file.contains("v5") ? Instant(2026, 3, 1) : Vectors.pinnedTime)
        var (sgx, tdx) = (SGXRequirements(), TDXRequirements())
        (sgx.tcb, tdx.tcb) = (Self.withoutCollateral, Self.withoutCollateral)
        (sgx.toleratesDebug, tdx.toleratesDebug) = (Setting(true, Self.line), Setting(true, Self.line))
        tdx.tcb.toleratesTrailingBytes = Setting(true, Self.line)
        func verdict(_ quote: [UInt8]) -> QuoteVerdict {
            tee == "sgx" ? .sgx(quote, context, sgx) : .tdx(quote, context, tdx)
        }
        #expect(verdict(quote).passed)
        for field in Self.fields(quote, tee: tee) {
            for place in Set([
                field.range.lowerBound, (field.range.lowerBound + field.range.upperBound) / 2,
                field.range.upperBound - 1,
            ]) {
                for bit in [0, 7] {
                    var changed = quote
                    changed[place] ^= 1 << bit
                    let verdict = verdict(changed)
                    #expect(
                        !verdict.passed && verdict.failures.contains("\(tee).\(field.check)"),
                        "byte \(place), bit \(bit): \(verdict.failures)")
                }
            }
        }
    }

    @Test("A change anywhere in the platform's certificates is refused")
    func certificates() throws {
        let quote = try Vectors.bytes("sgx/quote-v3.bin")
        let context = try context("sgx/quote-v3.collateral.json")
        var requirements = SGXRequirements()
        requirements.tcb.tolerate = Setting([.configurationAndSWHardeningNeeded], Self.line)
        requirements.tcb.advisories = Setting(["INTEL-SA-00289", "INTEL-SA-00615"], Self.line)
        #expect(QuoteVerdict.sgx(quote, context, requirements).passed)
        // Leaf and authority; the root that comes along is not what is believed.
        let text = quote.dropFirst(1014 + 38)
        let last = try #require(text.ranges(of: Array("-----BEGIN".utf8)).last?.lowerBound)
        for place in stride(from: text.startIndex, to: last, by: 29) where quote[place] != UInt8(ascii: "\n") {
            var changed = quote
            changed[place] = changed[place] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            let verdict = QuoteVerdict.sgx(changed, context, requirements)
            #expect(
                !verdict.passed && verdict.failures.contains { $0.hasPrefix("sgx.pck.") || $0 == "sgx.qe.signature" },
                "byte \(place): \(verdict.failures)")
        }
    }

    @Test("A change anywhere in Intel's statements, their signatures or the lists of revoked certificates is refused")
    func collateral() throws {
        let quote = try Vectors.bytes("sgx/quote-v3.bin")
        let collateral = try IntelCollateral(json: Vectors.bytes("sgx/quote-v3.collateral.json"))
        var requirements = SGXRequirements()
        requirements.tcb.tolerate = Setting([.configurationAndSWHardeningNeeded], Self.line)
        requirements.tcb.advisories = Setting(["INTEL-SA-00289", "INTEL-SA-00615"], Self.line)
        func failures(_ change: (inout IntelCollateral) -> Void) -> [String] {
            var context = Context(now: Vectors.pinnedTime)
            var changed = collateral
            change(&changed)
            context.collateral.intel = [changed]
            let verdict = QuoteVerdict.sgx(quote, context, requirements)
            #expect(verdict.passed == verdict.failures.isEmpty)
            return verdict.failures
        }
        func flip(_ text: inout String, _ place: Int) {
            var bytes = Array(text.utf8)
            bytes[place] = bytes[place] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            text = String(decoding: bytes, as: UTF8.self)
        }
        #expect(failures { _ in } == [])
        for place in stride(from: 0, to: collateral.tcbInfo.utf8.count, by: 41) {
            #expect(failures { flip(&$0.tcbInfo, place) } == ["sgx.tcbinfo.signature"], "\(place)")
        }
        for place in stride(from: 0, to: collateral.qeIdentity.utf8.count, by: 13) {
            #expect(failures { flip(&$0.qeIdentity, place) } == ["sgx.qeidentity.signature"], "\(place)")
        }
        #expect(failures { $0.tcbInfo += " " } == ["sgx.tcbinfo.signature"])
        for place in 0..<64 {
            #expect(failures { $0.tcbInfoSignature[place] ^= 1 } == ["sgx.tcbinfo.signature"])
            #expect(failures { $0.qeIdentitySignature[place] ^= 0x80 } == ["sgx.qeidentity.signature"])
        }
        #expect(failures { $0.tcbInfoSignature = [] } == ["sgx.tcbinfo.signature"])
        #expect(failures { $0.tcbInfoIssuerChain = "" }.first?.hasPrefix("sgx.tcbinfo.signer.") == true)
        for place in stride(from: 40, to: 900, by: 23) where Array(collateral.tcbInfoIssuerChain.utf8)[place] != 10 {
            let found = failures { flip(&$0.tcbInfoIssuerChain, place) }
            #expect(found.contains { $0.hasPrefix("sgx.tcbinfo.sign") }, "\(place): \(found)")
        }
        for place in stride(from: 0, to: collateral.pckRevocationList.count, by: 5) {
            let found = failures { $0.pckRevocationList[place] ^= 1 }
            #expect(
                found.contains("sgx.pck.revocation") || found == ["sgx.collateral.revocation-lists"],
                "\(place): \(found)")
        }
        for place in stride(from: 0, to: collateral.rootRevocationList.count, by: 5) {
            let found = failures { $0.rootRevocationList[place] ^= 1 }
            #expect(
                found.contains("sgx.pck.revocation") || found == ["sgx.collateral.revocation-lists"],
                "\(place): \(found)")
        }
        #expect(failures { swap(&$0.pckRevocationList, &$0.rootRevocationList) } == [])
        #expect(failures { $0.pckRevocationList = $0.rootRevocationList } == ["sgx.pck.revocation"])
    }

    @Test("Collateral for another environment or family is refused by name")
    func foreign() throws {
        let other = try IntelCollateral(json: Vectors.bytes("tdx/quote-v5-outdated.collateral.json"))
        var context = Context(now: Instant(2026, 3, 1))
        context.collateral.intel = [other]
        let verdict = QuoteVerdict.sgx(try Vectors.bytes("sgx/quote-v3.bin"), context)
        #expect(verdict.failures.contains("sgx.tcbinfo.kind") && verdict.failures.contains("sgx.tcb.fmspc"))
    }

    @Test("The JSON of collateral is read strictly, and written as it was read")
    func json() throws {
        let bytes = try Vectors.bytes("sgx/quote-v3.collateral.json")
        #expect(throws: EvidenceError.self) { try IntelCollateral(json: Array(bytes.dropLast(20))) }
        #expect(throws: EvidenceError.self) { try IntelCollateral(json: Array("{}".utf8)) }
        let collateral = try IntelCollateral(json: bytes)
        let text = String(decoding: try JSONEncoder().encode(collateral), as: UTF8.self)
        #expect(try IntelCollateral(json: Array(text.utf8)) == collateral)
        let odd = text.replacing("\"root_ca_crl\":\"30", with: "\"root_ca_crl\":\"3x")
        #expect(odd != text)
        #expect(throws: EvidenceError.self) { try IntelCollateral(json: Array(odd.utf8)) }
    }
}
