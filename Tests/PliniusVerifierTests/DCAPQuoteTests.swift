import PliniusVerifier
import Testing

@Suite("Layout of DCAP quotes")
struct DCAPQuoteTests {
    /// Each layout that there is: environment, version, type of body in version 5.
    static let layouts: [(IntelTEE, UInt16, UInt16)] = [
        (.sgx, 3, 0), (.sgx, 4, 0), (.sgx, 5, 1), (.tdx, 4, 0), (.tdx, 5, 2), (.tdx, 5, 3),
    ]

    @Test("Every layout gives back what was put into it", arguments: layouts)
    func fields(tee: IntelTEE, version: UInt16, type: UInt16) throws {
        var world = IntelWorld(tee, version: version, bodyType: type)
        world.body = (0..<world.body.count).map { UInt8(truncatingIfNeeded: $0 * 7 + $0 / 256) }
        let quote = try DCAPQuote(world.quote, of: tee)
        let body = world.body
        #expect(quote.version == version && quote.padding.isEmpty)
        #expect(quote.signedBytes == world.header + world.description + body)
        #expect(quote.qeReportBytes == world.qeReport)
        switch quote.body {
        case .enclave(let report):
            #expect(report.cpuSVN == Array(body[0..<16]))
            #expect(report.extendedProductID == Array(body[32..<48]))
            #expect(report.attributes == Array(body[48..<64]))
            #expect(report.mrenclave == Array(body[64..<96]))
            #expect(report.mrsigner == Array(body[128..<160]))
            #expect(report.configID == Array(body[192..<256]))
            #expect(report.isvProdID == UInt16(body[256]) + UInt16(body[257]) << 8)
            #expect(report.isvSVN == UInt16(body[258]) + UInt16(body[259]) << 8)
            #expect(report.configSVN == UInt16(body[260]) + UInt16(body[261]) << 8)
            #expect(report.familyID == Array(body[304..<320]))
            #expect(report.reportData == Array(body[320..<384]))
        case .domain(let report):
            #expect(report.teeTCBSVN == Array(body[0..<16]))
            #expect(report.mrseam == Array(body[0x10..<0x40]))
            #expect(report.mrsignerSeam == Array(body[0x40..<0x70]))
            #expect(report.seamAttributes == Array(body[0x70..<0x78]))
            #expect(report.tdAttributes & 0xFF == UInt64(body[0x78]))
            #expect(report.xfam >> 56 == UInt64(body[0x87]))
            #expect(report.mrtd == Array(body[0x88..<0xB8]))
            #expect(report.mrconfigID == Array(body[0xB8..<0xE8]))
            #expect(report.mrowner == Array(body[0xE8..<0x118]))
            #expect(report.mrownerConfig == Array(body[0x118..<0x148]))
            #expect(report.rtmr == (0..<4).map { Array(body[0x148 + $0 * 48..<0x178 + $0 * 48]) })
            #expect(report.reportData == Array(body[0x208..<0x248]))
            #expect(report.teeTCBSVN2 == (type == 3 ? Array(body[0x248..<0x258]) : nil))
            #expect(report.mrserviceTD == (type == 3 ? Array(body[0x258..<0x288]) : nil))
        }
    }

    @Test("A quote that was cut off anywhere is refused", arguments: layouts)
    func truncation(tee: IntelTEE, version: UInt16, type: UInt16) {
        let quote = IntelWorld(tee, version: version, bodyType: type).quote
        for count in quote.indices {
            let error = #expect(throws: EvidenceError.self) { try DCAPQuote(Array(quote.prefix(count)), of: tee) }
            #expect(error?.check == "\(tee.rawValue).quote.format")
        }
    }

    @Test("Each number that says how to read a quote counts", arguments: layouts)
    func numbers(tee: IntelTEE, version: UInt16, type: UInt16) throws {
        let world = IntelWorld(tee, version: version, bodyType: type)
        let quote = world.quote
        let end = world.signedByteCount
        // The places of version, key type, TEE type, then of body type and size, lengths and types of what is signed with.
        var places = Array(0..<8) + Array(end..<end + 4)
        if version == 5 { places += 48..<54 }
        if version > 3 { places += end + 132..<end + 138 }
        let report = end + 132 + (version > 3 ? 6 : 0)
        places += report + 384 + 64..<report + 384 + 66
        let chain = report + 384 + 66 + world.authenticationData.count
        places += chain..<chain + 6
        for place in places {
            for bit in 0..<8 {
                var changed = quote
                changed[place] ^= 1 << bit
                // Versions 4 and 5 of a version 3, and the reverse, would have other lengths.
                #expect(throws: EvidenceError.self, "byte \(place), bit \(bit)") { try DCAPQuote(changed, of: tee) }
            }
        }
    }

    @Test("A quote of the other environment, and bytes of any kind, are refused")
    func strangers() {
        #expect(throws: EvidenceError.self) { try DCAPQuote(IntelWorld(.sgx, version: 4).quote, of: .tdx) }
        #expect(throws: EvidenceError.self) { try DCAPQuote(IntelWorld(.tdx, version: 4).quote, of: .sgx) }
        #expect(throws: EvidenceError.self) {
            try DCAPQuote(IntelWorld(.sgx, version: 3).quote + [UInt8](repeating: 0, count: 1 << 16), of: .sgx)
        }
        var generator = SystemRandomNumberGenerator()
        for (tee, version, type) in Self.layouts {
            let quote = IntelWorld(tee, version: version, bodyType: type).quote
            for _ in 0..<300 {
                var changed = quote
                for _ in 0..<8 { changed[Int.random(in: quote.indices, using: &generator)] = generator.next() }
                _ = try? DCAPQuote(changed, of: tee)
                _ = try? DCAPQuote((0..<Int.random(in: 0..<2000)).map { _ in generator.next() }, of: tee)
            }
        }
    }
}
