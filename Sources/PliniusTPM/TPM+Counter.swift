import CTSS2
package import PliniusWire

extension TPM {
    /// Attributes of a counter that anybody may count and read (TPMA_NV): AUTHWRITE, a counter, AUTHREAD, NO_DA.
    private static let counterAttributes: UInt32 = 0x0204_0014
    private static let written: UInt32 = 0x2000_0000

    /// Counts one up, and returns where the counter stands: a number that no power failure and no reboot takes back.
    ///
    /// The counter is made if there is none; a TPM begins it above every number that it ever counted to, so that deleting it turns nothing
    /// back. What the TPM says comes authenticated by a session whose key is agreed upon with the storage key.
    /// - Parameter index: Where the counter lies (0x01800000 to 0x01BFFFFF are the owner's).
    /// - Throws: `AttestationError` if something else lies there.
    package func countUp(at index: UInt32) throws(AttestationError) -> UInt64 { try counter(at: index, counts: true) }

    /// Where a counter stands; a new one begins to count.
    package func counter(at index: UInt32) throws(AttestationError) -> UInt64 { try counter(at: index, counts: false) }

    private func counter(at index: UInt32, counts: Bool) throws(AttestationError) -> UInt64 {
        if try !has(index) { try defineCounter(at: index) }
        let counter = try object(at: index)
        // TPMS_NV_PUBLIC after its length: index (4), hash (2), attributes (4), policy, length.
        let space = try space(of: counter)
        let attributes = space.dropFirst(8).prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard attributes & ~Self.written == Self.counterAttributes else {
            throw AttestationError("TPM: 0x\(String(index, radix: 16)) is no counter of this kind: name another one")
        }
        return try withPrimary(TPMTemplate.storageKey, in: ESYS_TR_RH_OWNER) { key throws(AttestationError) in
            try withSession(.authorization, salt: key) { session throws(AttestationError) in
                // Before it counted once, it cannot be read.
                if counts || attributes & Self.written == 0 {
                    try Self.check(
                        unsafe Esys_NV_Increment(context, counter, counter, session, Self.none, Self.none), "count")
                }
                let value = try read(index, in: session)
                guard value.count == 8 else {
                    throw AttestationError("TPM: a counter has 8 bytes, this one \(value.count)")
                }
                return value.reduce(0) { $0 << 8 | UInt64($1) }
            }
        }
    }

    private func defineCounter(at index: UInt32) throws(AttestationError) {
        let space =
            Self.big(index) + Self.big(TPMHash.sha256) + Self.big(Self.counterAttributes) + Self.sized([])
            + Self.big(UInt16(8))
        unsafe try Self.with(Self.sized(space), Tss2_MU_TPM2B_NV_PUBLIC_Unmarshal) { space throws(AttestationError) in
            var password = TPM2B_DIGEST()
            var counter = Self.none
            try Self.check(
                unsafe Esys_NV_DefineSpace(
                    context, ESYS_TR_RH_OWNER, Self.noPassword, Self.none, Self.none, &password, space, &counter),
                "make a counter: is there memory left, and has the owner no password?")
        }
    }
}
