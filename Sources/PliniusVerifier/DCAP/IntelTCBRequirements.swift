/// How current an Intel platform has to be.
///
/// Without any setting: collateral is there and in date, and the platform's status, merged with those of its quoting enclave and its TDX
/// module, is `UpToDate`.
public struct IntelTCBRequirements: Sendable {
    /// Statuses that pass besides `UpToDate`, if ``advisories`` lists every advisory that comes with them; `Revoked` never does.
    public var tolerate: Setting<Set<TCBStatus>>?
    /// Advisories that the owner looked at and accepts, as Intel numbers them: `INTEL-SA-00615`.
    public var advisories: Setting<Set<String>>?
    /// The least TCB evaluation number of TCB info and QE identity: what Intel said before it is too old.
    public var minimumEvaluationNumber: Setting<Int>?
    /// Lets evidence pass although nothing is known of the platform's status and of revocations, because no collateral was imported.
    public var toleratesAbsentCollateral: Setting<Bool>?
    /// Lets bytes pass that follow the quote; nobody signed them, and nobody reads them.
    public var toleratesTrailingBytes: Setting<Bool>?

    public init() {}
}

/// What is known of an Intel platform after its signatures held.
public struct IntelTCBClaims: Hashable, Sendable {
    /// The platform's identifier, PPID, 16 bytes.
    public var ppid: [UInt8] = []
    /// The family, in hexadecimal.
    public var fmspc = ""
    /// `nil` if a policy let evidence pass without collateral.
    public var status: TCBStatus?
    /// Of the platform, its quoting enclave and its TDX module, in order.
    public var advisories: [String] = []
    /// The lower of those of TCB info and QE identity.
    public var evaluationNumber: Int?
}

extension Setting<Bool> {
    /// The line, if the setting is on.
    var tolerance: PolicyLine? { value ? line : nil }
}
