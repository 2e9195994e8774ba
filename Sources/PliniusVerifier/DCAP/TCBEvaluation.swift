/// The status of a platform: which of Intel's levels it reaches, and what its quoting enclave and its TDX module make of that.
///
/// The rules are those of Intel's quote verification library.
struct TCBEvaluation {
    var level: TCBInfo.Level
    var status: TCBStatus
    /// Those of every level that counts, each once, in order.
    var advisories: [String]

    /// Finds the levels.
    /// - Throws: `….tcb.level`, `tdx.module.identity` or `tdx.module.level`, if the platform or its module reaches none.
    init(
        _ info: TCBInfo, platform: PCKExtension, quote: DCAPQuote, quotingEnclave: SVNLevel
    ) throws(EvidenceError) {
        let domain: TDReportBody? =
            switch quote.body {
            case .enclave: nil
            case .domain(let report): report
            }
        let reached = info.tcbLevels.filter { level in
            level.tcb.pcesvn <= platform.pceSVN
                && Self.reaches(level.tcb.sgxtcbcomponents.map(\.svn), by: platform.components)
        }
        let found = reached.first { level in
            domain.map { Self.reaches(level, by: $0.teeTCBSVN) } ?? true
        }
        guard let found else {
            throw EvidenceError(
                quote.tee.check("tcb.level"),
                expected: "a platform that reaches one of \(info.tcbLevels.count) levels",
                found: "below every level: components \(hexadecimal(platform.components)), PCE SVN \(platform.pceSVN)"
                    + (domain.map { ", TEE TCB SVN \(hexadecimal($0.teeTCBSVN))" } ?? ""))
        }
        level = found
        status = found.tcbStatus
        var noted = found.advisoryIDs ?? []
        if let domain, domain.teeTCBSVN[1] > 0 {
            let module = try Self.moduleLevel(domain.teeTCBSVN, info)
            noted += module.advisoryIDs ?? []
            status = status.merged(with: module.tcbStatus)
            if let now = domain.teeTCBSVN2, let first = reached.first, module.tcbStatus == .outOfDate,
                Self.isCurrent(first.tcbStatus), Self.isBehind(status),
                [.upToDate, .swHardeningNeeded].contains(quotingEnclave.tcbStatus),
                try Self.isNewest(now, info)
            {
                status =
                    first.tcbStatus.needsConfiguration || status.needsConfiguration
                    ? .tdRelaunchAdvisedConfigurationNeeded : .tdRelaunchAdvised
            }
        }
        noted += quotingEnclave.advisoryIDs ?? []
        status = status.merged(with: quotingEnclave.tcbStatus)
        advisories = Set(noted).sorted()
    }

    /// The module's identity, by the major version in a TEE TCB SVN.
    /// - Throws: `tdx.module.identity`.
    static func moduleIdentity(_ svn: [UInt8], _ info: TCBInfo) throws(EvidenceError) -> TCBInfo.ModuleIdentity {
        let id = "TDX_" + hexadecimal([svn[1]])
        guard let identity = info.tdxModuleIdentities?.first(where: { $0.id.uppercased() == id.uppercased() }) else {
            throw EvidenceError(
                "tdx.module.identity", expected: "an identity \(id.uppercased()) in the TCB info",
                found: (info.tdxModuleIdentities ?? []).map(\.id).joined(separator: ", "))
        }
        return identity
    }

    private static func moduleLevel(_ svn: [UInt8], _ info: TCBInfo) throws(EvidenceError) -> SVNLevel {
        let identity = try moduleIdentity(svn, info)
        guard let level = identity.tcbLevels.first(where: { $0.tcb.isvsvn <= UInt16(svn[0]) }) else {
            throw EvidenceError(
                "tdx.module.level", expected: "a module that reaches a level of \(identity.id)",
                found: "SVN \(svn[0])")
        }
        return level
    }

    /// Whether every component is at least as new as the level's.
    private static func reaches(_ level: [UInt8], by svn: [UInt8]) -> Bool {
        level.count == 16 && svn.count == 16 && zip(level, svn).allSatisfy { $0 <= $1 }
    }

    /// Whether a domain reaches a level; the module's own two bytes have levels of their own from major version 1 on.
    private static func reaches(_ level: TCBInfo.Level, by svn: [UInt8]) -> Bool {
        guard let components = level.tcb.tdxtcbcomponents?.map(\.svn), components.count == 16 else { return false }
        let own = svn[1] > 0 ? 2 : 0
        return zip(components, svn).dropFirst(own).allSatisfy { $0 <= $1 }
    }

    private static func isCurrent(_ status: TCBStatus) -> Bool {
        switch status {
        case .upToDate, .swHardeningNeeded, .configurationNeeded, .configurationAndSWHardeningNeeded: true
        default: false
        }
    }

    private static func isBehind(_ status: TCBStatus) -> Bool {
        status == .outOfDate || status == .outOfDateConfigurationNeeded
    }

    /// Whether the module that is loaded now is the newest that Intel knows, so that starting the domain again is enough.
    private static func isNewest(_ svn: [UInt8], _ info: TCBInfo) throws(EvidenceError) -> Bool {
        guard let latest = info.tcbLevels.first?.tcb.tdxtcbcomponents?.map(\.svn), latest.count == 16 else {
            return false
        }
        let least: UInt16
        if svn[1] == 0 {
            least = UInt16(latest[0])
        } else {
            guard let first = try moduleIdentity(svn, info).tcbLevels.first else { return false }
            least = first.tcb.isvsvn
        }
        return UInt16(svn[0]) >= least && svn[2] >= latest[2]
    }
}
