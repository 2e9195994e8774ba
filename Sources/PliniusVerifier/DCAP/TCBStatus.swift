/// How current a platform is, in Intel's words (Intel PCS API, version 4, TCB info).
public enum TCBStatus: String, Hashable, Sendable, Codable, CaseIterable {
    case upToDate = "UpToDate"
    /// The software has to defend itself against known attacks.
    case swHardeningNeeded = "SWHardeningNeeded"
    /// The platform is set up in a way that known attacks need.
    case configurationNeeded = "ConfigurationNeeded"
    case configurationAndSWHardeningNeeded = "ConfigurationAndSWHardeningNeeded"
    /// Firmware or microcode lacks fixes.
    case outOfDate = "OutOfDate"
    case outOfDateConfigurationNeeded = "OutOfDateConfigurationNeeded"
    /// The module was updated, but the domain was started under the one before.
    case tdRelaunchAdvised = "TDRelaunchAdvised"
    case tdRelaunchAdvisedConfigurationNeeded = "TDRelaunchAdvisedConfigurationNeeded"
    /// The platform's keys may be in other hands. Nothing tolerates it.
    case revoked = "Revoked"

    /// The status of a platform with a part, its quoting enclave or its TDX module, that has a status of its own.
    ///
    /// Intel's rules (quote verification library): a revoked part revokes the platform; one that is not up to date takes what it can from
    /// a platform that is, and leaves alone what is worse already.
    func merged(with part: TCBStatus) -> TCBStatus {
        switch part {
        case .upToDate: self
        case .revoked: .revoked
        default:
            switch self {
            case .upToDate, .swHardeningNeeded, .tdRelaunchAdvised: .outOfDate
            case .configurationNeeded, .configurationAndSWHardeningNeeded, .tdRelaunchAdvisedConfigurationNeeded:
                .outOfDateConfigurationNeeded
            case .outOfDate, .outOfDateConfigurationNeeded, .revoked: self
            }
        }
    }

    /// Whether the platform's settings are part of the problem.
    var needsConfiguration: Bool {
        switch self {
        case .configurationNeeded, .configurationAndSWHardeningNeeded, .outOfDateConfigurationNeeded,
            .tdRelaunchAdvisedConfigurationNeeded:
            true
        default: false
        }
    }
}
