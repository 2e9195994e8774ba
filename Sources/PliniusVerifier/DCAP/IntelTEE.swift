/// The environments that Intel's quotes speak for; the raw value begins the name of every check on such a quote.
///
/// What both have in common lives in this folder: the quote and its signatures, the platform's certificate (PCK), Intel's statements on
/// the platform (TCB info) and on the enclave that signs quotes (QE identity). `x` stands for `sgx` or `tdx`:
///
/// | Check | Holds if |
/// |---|---|
/// | `x.quote.format` | the quote has a known layout and all its lengths agree |
/// | `x.quote.padding` | only zeros follow the quote |
/// | `x.quote.vendor` | Intel's quoting enclave signed it |
/// | `x.pck.format`, `.subject`, `.extension` | the certificate in the quote is one of a platform |
/// | `x.pck.chain`, `.validity`, `.signature`, `.constraints`, `.revocation` | it leads to Intel's root and is not revoked |
/// | `x.qe.signature` | the platform's key signed the report of the quoting enclave |
/// | `x.qe.binding` | that report names the key that signed the quote |
/// | `x.quote.signature` | that key signed header and body |
/// | `x.collateral.present`, `.revocation-lists` | Intel's statements on this family of platforms are there |
/// | `x.tcbinfo.signer.…`, `x.qeidentity.signer.…` | the certificates of who signed these, checked as those of the platform |
/// | `x.tcbinfo.signature`, `x.qeidentity.signature` | the signatures over their exact text |
/// | `x.tcbinfo.format`, `.kind`, `.validity`, `.evaluation` | they are for this environment, in date, and as new as asked |
/// | `x.qeidentity.format`, `.kind`, `.validity`, `.evaluation` | as above |
/// | `x.tcb.fmspc`, `x.tcb.pceid` | they speak of this family |
/// | `x.qe.mrsigner`, `.isvprodid`, `.miscselect`, `.attributes`, `.level` | the quoting enclave is the one that Intel describes |
/// | `tdx.module.identity`, `.mrsigner`, `.attributes`, `.level` | the TDX module is one that Intel describes |
/// | `x.tcb.level` | the platform reaches a level that Intel knows |
/// | `x.tcb.status` | the merged status is `UpToDate`, or tolerated together with all its advisories |
package enum IntelTEE: String, Hashable, Sendable {
    case sgx, tdx

    /// The name of a check on a quote of this environment.
    func check(_ name: String) -> String { "\(rawValue).\(name)" }

    /// What TCB info for it calls itself.
    var tcbInfoID: String { self == .sgx ? "SGX" : "TDX" }
    /// What the identity of its quoting enclave calls itself.
    var qeIdentityID: String { self == .sgx ? "QE" : "TD_QE" }
    /// The number in a quote's header.
    var teeType: UInt32 { self == .sgx ? 0 : 0x81 }
}
