/// Intel's statements on one family of platforms, as its Provisioning Certification Service hands them out.
public struct IntelCollateral: Sendable, Codable, Hashable {}
