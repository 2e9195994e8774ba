import PliniusVerifier
import Testing

@Suite("Status of Intel platforms")
struct TCBStatusTests {
    static func tolerating(_ statuses: Set<TCBStatus>, _ advisories: Set<String>) -> SGXRequirements {
        var requirements = SGXRequirements()
        requirements.tcb.tolerate = Setting(statuses, PolicyLine("sgx.tcb.tolerate", line: 4))
        requirements.tcb.advisories = Setting(advisories, PolicyLine("sgx.tcb.advisories", line: 5))
        return requirements
    }

    @Test(
        "A status passes only by name and with all its advisories; a revoked one never", arguments: TCBStatus.allCases)
    func tolerance(status: TCBStatus) {
        var world = IntelWorld(.sgx, version: 3)
        world.levels[0].status = status.rawValue
        world.levels[0].advisories = ["INTEL-SA-2", "INTEL-SA-1"]
        let isGood = status == .upToDate
        #expect(world.verdict().passed == isGood)
        #expect(world.verdict(sgx: Self.tolerating([status], ["INTEL-SA-1"])).passed == isGood)
        #expect(world.verdict(sgx: Self.tolerating([], ["INTEL-SA-1", "INTEL-SA-2"])).passed == isGood)
        let others = Set(TCBStatus.allCases).subtracting([status])
        #expect(world.verdict(sgx: Self.tolerating(others, ["INTEL-SA-1", "INTEL-SA-2"])).passed == isGood)
        let verdict = world.verdict(sgx: Self.tolerating([status], ["INTEL-SA-1", "INTEL-SA-2", "INTEL-SA-3"]))
        #expect(verdict.passed == (status != .revoked))
        #expect(verdict.tolerated.map(\.check) == (isGood || status == .revoked ? [] : ["sgx.tcb.status"]))
        #expect(
            verdict.finding("sgx.tcb.status")?.found.hasPrefix("\(status.rawValue) with INTEL-SA-1, INTEL-SA-2") == true
        )
        if verdict.passed {
            #expect(verdict.sgx?.tcb.status == status && verdict.sgx?.tcb.advisories == ["INTEL-SA-1", "INTEL-SA-2"])
        }
    }

    /// The status that the platform's level has, that of the enclave or module, and what comes out (Intel's verification library).
    static let merged: [(String, String, TCBStatus)] = [
        ("UpToDate", "UpToDate", .upToDate),
        ("SWHardeningNeeded", "UpToDate", .swHardeningNeeded),
        ("ConfigurationAndSWHardeningNeeded", "UpToDate", .configurationAndSWHardeningNeeded),
        ("UpToDate", "OutOfDate", .outOfDate),
        ("SWHardeningNeeded", "OutOfDate", .outOfDate),
        ("ConfigurationNeeded", "OutOfDate", .outOfDateConfigurationNeeded),
        ("ConfigurationAndSWHardeningNeeded", "OutOfDate", .outOfDateConfigurationNeeded),
        ("OutOfDate", "OutOfDate", .outOfDate),
        ("OutOfDateConfigurationNeeded", "OutOfDate", .outOfDateConfigurationNeeded),
        ("Revoked", "OutOfDate", .revoked),
        ("UpToDate", "Revoked", .revoked),
        ("OutOfDateConfigurationNeeded", "Revoked", .revoked),
        ("Revoked", "UpToDate", .revoked),
    ]

    @Test("The quoting enclave's status and advisories count as well", arguments: merged)
    func quotingEnclave(platform: String, enclave: String, expected: TCBStatus) {
        var world = IntelWorld(.sgx, version: 4)
        world.levels[0].status = platform
        world.levels[0].advisories = ["INTEL-SA-1"]
        world.identityLevels = [
            .init(svn: 5), .init(svn: 4, status: enclave, advisories: ["INTEL-SA-2", "INTEL-SA-1"]),
        ]
        check(world.verdict(), "sgx", expected)
    }

    @Test("The TDX module's status and advisories count as well", arguments: merged)
    func module(platform: String, module: String, expected: TCBStatus) {
        var world = IntelWorld(.tdx, version: 4)
        world.body[1] = 1
        world.levels[0].status = platform
        world.levels[0].advisories = ["INTEL-SA-1"]
        // Its own two bytes have levels of their own, and are not compared with the platform's.
        world.levels[0].tdx[0] = 200
        world.levels[0].tdx[1] = 200
        world.modules[0].levels = [.init(svn: 6), .init(svn: 5, status: module, advisories: ["INTEL-SA-2"])]
        check(world.verdict(), "tdx", expected)
    }

    private func check(_ verdict: QuoteVerdict, _ tee: String, _ expected: TCBStatus) {
        let found = verdict.finding("\(tee).tcb.status")?.found ?? ""
        #expect(found.hasPrefix("\(expected.rawValue) with INTEL-SA-1, INTEL-SA-2"))
        #expect(verdict.failures == (expected == .upToDate ? [] : ["\(tee).tcb.status"]))
    }

    @Test("The first level that every component reaches is the platform's")
    func search() {
        func status(_ change: (inout IntelWorld) -> Void) -> TCBStatus? {
            var world = IntelWorld(.tdx, version: 4)
            var (middle, last) = (IntelWorld.Level(), IntelWorld.Level())
            middle.status = "SWHardeningNeeded"
            middle.sgx[7] = 4
            middle.tdx[2] = 2
            last.status = "OutOfDate"
            last.sgx = Array(repeating: 0, count: 16)
            last.tdx = last.sgx
            last.pceSVN = 0
            world.levels += [middle, last]
            change(&world)
            var requirements = TDXRequirements()
            requirements.tcb.tolerate = Setting(Set(TCBStatus.allCases), PolicyLine("tolerate"))
            let verdict = world.verdict(tdx: requirements)
            return verdict.tdx?.tcb.status
        }
        #expect(status { _ in } == .upToDate)
        #expect(status { $0.components[7] = 4 } == .swHardeningNeeded)
        #expect(status { $0.components[7] = 3 } == .outOfDate)
        #expect(status { $0.components[6] = 4 } == .outOfDate)
        #expect(status { $0.components = Array(repeating: 255, count: 16) } == .upToDate)
        #expect(status { $0.body[2] = 2 } == .swHardeningNeeded)
        #expect(status { $0.body[2] = 1 } == .outOfDate)
        #expect(status { $0.body[0] = 4 } == .outOfDate)
        #expect(status { $0.pceSVN = 9 } == .outOfDate)
        #expect(status { $0.pceSVN = 300 } == .upToDate)
        #expect(
            status {
                $0.levels[2].tdx.append(0); $0.pceSVN = 9
            } == nil)
    }

    @Test("A module that Intel does not describe is refused by name")
    func moduleIdentity() {
        func failures(_ change: (inout IntelWorld) -> Void) -> [String] {
            var world = IntelWorld(.tdx, version: 5, bodyType: 3)
            change(&world)
            return world.verdict().failures
        }
        func later(_ change: @escaping (inout IntelWorld) -> Void) -> (inout IntelWorld) -> Void {
            { world in
                world.body[1] = 1
                change(&world)
            }
        }
        // Major version 0: the module is described in one place, those after it in another.
        #expect(failures { $0.module = nil } == ["tdx.module.identity"])
        #expect(failures { $0.module?.mrsigner[47] = 1 } == ["tdx.module.mrsigner"])
        #expect(failures { $0.body[0x40] = 1 } == ["tdx.module.mrsigner"])
        #expect(failures { $0.module?.attributes[0] = 1 } == ["tdx.module.attributes"])
        #expect(failures { $0.body[0x77] = 1 } == ["tdx.module.attributes", "tdx.seam.attributes"])
        #expect(failures { $0.modules = [] } == [])
        #expect(failures(later { _ in }) == [])
        #expect(failures(later { $0.module = nil }) == [])
        #expect(failures(later { $0.modules[0].id = "tdx_01" }) == [])
        #expect(failures(later { $0.modules[0].id = "TDX_02" }) == ["tdx.module.identity"])
        #expect(failures(later { $0.modules = [] }) == ["tdx.module.identity"])
        #expect(failures(later { $0.modules[0].mrsigner[0] = 1 }) == ["tdx.module.mrsigner"])
        #expect(failures(later { $0.modules[0].attributes[7] = 1 }) == ["tdx.module.attributes"])
        #expect(failures(later { $0.modules[0].levels = [.init(svn: 6)] }) == ["tdx.module.level"])
    }

    @Test("A domain that was started before the module's update is to be started again")
    func relaunch() {
        func status(_ change: (inout IntelWorld) -> Void) -> String {
            var world = IntelWorld(.tdx, version: 5, bodyType: 3)
            world.body[1] = 1
            world.modules[0].levels = [.init(svn: 7), .init(svn: 5, status: "OutOfDate")]
            world.body.replaceSubrange(584..<587, with: [7, 1, 3])
            change(&world)
            return world.verdict().finding("tdx.tcb.status")?.found ?? "none"
        }
        #expect(status { _ in } == "TDRelaunchAdvised")
        #expect(status { $0.levels[0].status = "ConfigurationNeeded" } == "TDRelaunchAdvisedConfigurationNeeded")
        #expect(status { $0.body[584] = 6 } == "OutOfDate")
        #expect(status { $0.body[586] = 2 } == "OutOfDate")
        #expect(status { $0.identityLevels[0].status = "OutOfDate" } == "OutOfDate")
        #expect(status { $0.identityLevels[0].status = "Revoked" } == "Revoked")
        #expect(status { $0.modules[0].levels[1].status = "UpToDate" } == "UpToDate")
        #expect(status { $0.modules[0].levels[1].status = "Revoked" } == "Revoked")
        #expect(status { $0.levels[0].status = "OutOfDate" } == "OutOfDate")
        // A module that is not out of date gains nothing by a start.
        #expect(status { $0.modules[0].levels[1].status = "SWHardeningNeeded" } == "OutOfDate")
        // A level that was revoked stays so, though the platform has reached a newer one since.
        #expect(
            status {
                $0.levels[0].tdx[2] = 4
                $0.levels.append(IntelWorld.Level(status: "Revoked"))
                $0.body[586] = 4
            } == "Revoked")
        // The module before major versions: its newest SVN stands in the first level.
        #expect(status { $0.body.replaceSubrange(584..<587, with: [5, 0, 3]) } == "TDRelaunchAdvised")
        #expect(status { $0.body.replaceSubrange(584..<587, with: [4, 0, 3]) } == "OutOfDate")
        // One of which Intel says nothing.
        var world = IntelWorld(.tdx, version: 5, bodyType: 3)
        world.body[1] = 1
        world.modules[0].levels[0].status = "OutOfDate"
        world.body.replaceSubrange(584..<587, with: [7, 2, 3])
        #expect(world.verdict().failures == ["tdx.module.identity"])
        // TDX 1.0 has no second value.
        var old = IntelWorld(.tdx, version: 5, bodyType: 2)
        old.body[1] = 1
        old.modules[0].levels = [.init(svn: 7), .init(svn: 5, status: "OutOfDate")]
        #expect(old.verdict().finding("tdx.tcb.status")?.found == "OutOfDate")
    }
}

@Suite("Policy for SGX enclaves")
struct SGXPolicyTests {
    static let line = PolicyLine("sgx.setting", line: 9)

    @Test("Each setting holds for what it names, and fails by its name for anything else")
    func settings() {
        let world = IntelWorld(.sgx, version: 3)
        func check(_ name: String, good: (inout SGXRequirements) -> Void, bad: (inout SGXRequirements) -> Void) {
            var requirements = SGXRequirements()
            good(&requirements)
            let verdict = world.verdict(sgx: requirements)
            #expect(verdict.failures == [] && verdict.finding(name)?.policyLine == Self.line)
            bad(&requirements)
            let refusal = world.verdict(sgx: requirements)
            #expect(refusal.failures == [name] && refusal.finding(name)?.policyLine == Self.line)
        }
        func set<Value>(_ value: Value) -> Setting<Value> { Setting(value, Self.line) }
        let (enclave, signer) = ([UInt8](repeating: 0xE0, count: 32), [UInt8](repeating: 0x51, count: 32))
        check("sgx.mrenclave") {
            $0.mrenclave = set([[1], enclave])
        } bad: {
            $0.mrenclave = set([[1], signer])
        }
        check("sgx.mrenclave") {
            $0.mrenclave = set([enclave])
        } bad: {
            $0.mrenclave = set([])
        }
        check("sgx.mrsigner") {
            $0.mrsigner = set([signer])
            $0.isvProdID = set(7)
        } bad: {
            $0.mrsigner = set([enclave])
        }
        check("sgx.isvprodid") {
            $0.mrsigner = set([signer])
            $0.isvProdID = set(7)
        } bad: {
            $0.isvProdID = nil
        }
        check("sgx.isvprodid") {
            $0.isvProdID = set(7)
        } bad: {
            $0.isvProdID = set(8)
        }
        check("sgx.isvsvn") {
            $0.minimumISVSVN = set(3)
        } bad: {
            $0.minimumISVSVN = set(4)
        }
        check("sgx.isvsvn") {
            $0.minimumISVSVN = set(0)
        } bad: {
            $0.minimumISVSVN = set(.max)
        }
        check("sgx.configsvn") {
            $0.minimumConfigSVN = set(0)
        } bad: {
            $0.minimumConfigSVN = set(1)
        }
        let zeros = [UInt8](repeating: 0, count: 64)
        check("sgx.configid") {
            $0.configID = set(zeros)
        } bad: {
            $0.configID = set([1] + zeros.dropFirst())
        }
        check("sgx.familyid") {
            $0.familyID = set(Array(zeros.prefix(16)))
        } bad: {
            $0.familyID = set(enclave)
        }
        check("sgx.extprodid") {
            $0.extendedProductID = set(Array(zeros.prefix(16)))
        } bad: {
            $0.extendedProductID = set([])
        }
    }

    @Test("An enclave for debugging is refused, unless a setting says otherwise")
    func debug() {
        var world = IntelWorld(.sgx, version: 3)
        world.body[48] |= 2
        #expect(world.verdict().failures == ["sgx.debug"])
        var requirements = SGXRequirements()
        requirements.toleratesDebug = Setting(false, Self.line)
        #expect(world.verdict(sgx: requirements).failures == ["sgx.debug"])
        requirements.toleratesDebug = Setting(true, Self.line)
        let verdict = world.verdict(sgx: requirements)
        #expect(verdict.tolerated.map(\.check) == ["sgx.debug"] && verdict.sgx?.isDebug == true)
    }

    @Test("What the quote says is what the claims say")
    func claims() {
        let claims = IntelWorld(.sgx, version: 3).verdict().sgx
        #expect(claims?.measurements["mrenclave"] == String(repeating: "e0", count: 32))
        #expect(claims?.measurements["mrsigner"] == String(repeating: "51", count: 32))
        #expect(claims?.isvProdID == 7 && claims?.isvSVN == 3 && claims?.isDebug == false)
    }

    @Test("Evidence without a quote is refused")
    func absent() {
        let context = Context(now: IntelWorld.now)
        #expect(QuoteVerdict.sgx([], context).failures == ["sgx.quote.format"])
        #expect(QuoteVerdict.tdx([], context).failures == ["tdx.quote.format"])
    }
}

@Suite("Policy for trust domains")
struct TDXPolicyTests {
    static let line = PolicyLine("tdx.setting", line: 9)

    @Test("Each setting holds for what it names, and fails by its name for anything else")
    func settings() {
        var world = IntelWorld(.tdx, version: 5, bodyType: 3)
        // Each register and measurement is a value of its own; the module's signer stays Intel's.
        for place in 0x88..<0x208 where place % 48 == 0x88 % 48 { world.body[place] = UInt8(place / 48) }
        for place in 0x10..<0x40 { world.body[place] = 0x5E }
        world.body[0x80] = 0xE7
        world.body[600] = 0x33
        func value(_ place: Int) -> [UInt8] { Array(world.body[place..<place + 48]) }
        func set<Value>(_ value: Value) -> Setting<Value> { Setting(value, Self.line) }
        func check(_ name: String, good: (inout TDXRequirements) -> Void, bad: (inout TDXRequirements) -> Void) {
            var requirements = TDXRequirements()
            good(&requirements)
            let verdict = world.verdict(tdx: requirements)
            #expect(verdict.failures == [] && verdict.finding(name)?.policyLine == Self.line)
            bad(&requirements)
            let refusal = world.verdict(tdx: requirements)
            #expect(refusal.failures == [name] && refusal.finding(name)?.policyLine == Self.line)
        }
        let other = [UInt8](repeating: 0xFF, count: 48)
        check("tdx.mrtd") {
            $0.mrtd = set([other, value(0x88)])
        } bad: {
            $0.mrtd = set([other, value(0xB8)])
        }
        check("tdx.mrconfigid") {
            $0.mrconfigID = set(value(0xB8))
        } bad: {
            $0.mrconfigID = set(other)
        }
        check("tdx.mrowner") {
            $0.mrowner = set(value(0xE8))
        } bad: {
            $0.mrowner = set(other)
        }
        check("tdx.mrownerconfig") {
            $0.mrownerConfig = set(value(0x118))
        } bad: {
            $0.mrownerConfig = set(other)
        }
        check("tdx.mrseam") {
            $0.mrseam = set([value(0x10)])
        } bad: {
            $0.mrseam = set([other])
        }
        check("tdx.mrservicetd") {
            $0.mrserviceTD = set([value(600)])
        } bad: {
            $0.mrserviceTD = set([[]])
        }
        for index in 0..<4 {
            check("tdx.rtmr\(index)") {
                $0.rtmr[index] = set([value(0x148 + 48 * index)])
            } bad: {
                $0.rtmr[index] = set([value(0x148 + 48 * ((index + 1) % 4))])
            }
        }
        check("tdx.attributes") {
            $0.tdAttributes = set(BitPattern(1 << 28, mask: 1 << 28 | 1))
        } bad: {
            $0.tdAttributes = set(BitPattern(1 << 28, mask: 1 << 28 | 1 << 27).flipped)
        }
        check("tdx.xfam") {
            $0.xfam = set(BitPattern(0xE7))
        } bad: {
            $0.xfam = set(BitPattern(0xE5))
        }
        check("tdx.seam.attributes") {
            $0.seamAttributes = set(BitPattern(0))
        } bad: {
            $0.seamAttributes = set(BitPattern(1))
        }
        var requirements = TDXRequirements()
        requirements.rtmr[4] = set([[]])
        #expect(world.verdict(tdx: requirements).failures == ["tdx.rtmr4"])
        requirements = TDXRequirements()
        requirements.mrserviceTD = set([[]])
        #expect(IntelWorld(.tdx, version: 4).verdict(tdx: requirements).failures == ["tdx.mrservicetd"])
    }

    @Test("Domains that a host may look into, or move, are refused, unless a setting says otherwise")
    func attributes() {
        for (bit, name) in [(0, "tdx.debug"), (4, "tdx.debug"), (7, "tdx.debug"), (29, "tdx.migration")] {
            var world = IntelWorld(.tdx, version: 4)
            world.body[0x78 + bit / 8] |= 1 << (bit % 8)
            #expect(world.verdict().failures == [name])
            var requirements = TDXRequirements()
            requirements.toleratesDebug = Setting(name == "tdx.debug", Self.line)
            requirements.toleratesMigration = Setting(name == "tdx.migration", Self.line)
            #expect(world.verdict(tdx: requirements).tolerated.map(\.check) == [name])
            swap(&requirements.toleratesDebug, &requirements.toleratesMigration)
            #expect(world.verdict(tdx: requirements).failures == [name])
        }
    }

    @Test("Rules for the event log need the log")
    func log() {
        let world = IntelWorld(.tdx, version: 4)
        var requirements = TDXRequirements()
        requirements.bootLog = BootLogRequirements()
        #expect(world.verdict(tdx: requirements).failures == ["tdx.rtmr.present"])
    }

    @Test("A log leads to the quoted registers, and is judged by the rules that there are for it")
    func replay() throws {
        var writer = EventLogWriter([.sha384])
        writer.separate(1...4)
        writer.add(3, .initialProgramLoader, text: "kernel_cmdline: quiet\0", measuring: "quiet")
        var world = IntelWorld(.tdx, version: 4)
        for index in 0..<4 {
            let value = try #require(writer.registers[.sha384]?[index + 1])
            world.body.replaceSubrange((0x148 + 48 * index)..<(0x178 + 48 * index), with: value)
        }
        func failures(_ world: IntelWorld, _ change: (inout BootLogRequirements) -> Void) -> [String] {
            var context = Context(now: IntelWorld.now, anchors: world.anchors)
            context.collateral.intel = [world.collateral]
            var rules = BootLogRequirements()
            rules.secureBoot = Setting(false, Self.line)
            change(&rules)
            var requirements = TDXRequirements()
            requirements.bootLog = rules
            return QuoteVerdict.tdx(world.quote, log: writer.bytes, context, requirements).failures
        }
        #expect(failures(world) { _ in } == [])
        #expect(failures(world) { $0.secureBoot = nil } == ["bootlog.secureboot.state"])
        #expect(failures(world) { $0.commandLines = Setting([Pattern("quiet")], Self.line) } == [])
        #expect(failures(world) { $0.commandLines = Setting([Pattern("loud")], Self.line) } == ["bootlog.commandline"])
        for index in 0..<4 {
            var other = world
            other.body[0x148 + 48 * index] ^= 1
            #expect(failures(other) { _ in }.first == "tdx.rtmr.replay")
        }
    }
}

extension BitPattern {
    fileprivate var flipped: BitPattern { BitPattern(~value, mask: mask) }
}
