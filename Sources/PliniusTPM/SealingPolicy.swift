internal import PliniusSealing
package import PliniusWire

/// The states that a TPM gives sealed data back in.
package enum SealingPolicy: Hashable, Sendable {
    /// Registers keep the values that they have now.
    case registers(Set<PCRValues.Register>)
    /// Registers have values that the holder of a P-256 key (x and y, 64 bytes) approved, then or later.
    case approved(Set<PCRValues.Register>, by: [UInt8])

    package var registers: Set<PCRValues.Register> {
        switch self {
        case .registers(let registers), .approved(let registers, _): registers
        }
    }

    /// What an approval is given for, besides the values: nothing else that the same key signs is one.
    static let reference = Array("plinius/1/resume".utf8)

    /// What is signed, with ECDSA over P-256 and SHA-256, to approve the values of some registers: the digest of their policy, 32 bytes,
    /// and ``reference`` (TPM2_PolicyAuthorize, Part 3, 23.16).
    /// - Throws: `AttestationError` if there are none, or one that no TPM has.
    package static func approvalMessage(of values: PCRValues) throws(AttestationError) -> [UInt8] {
        try digest(of: values) + reference
    }

    /// The digest of TPM2_PolicyPCR alone (Part 3, 23.7).
    static func digest(of values: PCRValues) throws(AttestationError) -> [UInt8] {
        let concatenated = values.values.sorted { $0.key < $1.key }.flatMap(\.value)
        return sha256(
            start + TPM.big(UInt32(0x17F)) + (try TPM.selection(Set(values.values.keys)))
                + sha256(concatenated))
    }

    /// The digest of TPM2_PolicyAuthorize alone.
    static func digest(approvedBy point: [UInt8]) -> [UInt8] {
        sha256(sha256(start + TPM.big(UInt32(0x16A)) + name(of: point)) + reference)
    }

    /// The name of a key that checks approvals.
    static func name(of point: [UInt8]) -> [UInt8] {
        TPM.big(TPMHash.sha256) + sha256(TPMTemplate.approvalKey(point))
    }

    private static let start = [UInt8](repeating: 0, count: 32)
}

/// Data that one TPM alone gives back, and only in the states of its policy.
package struct TPMSealedData: Hashable, Sendable {
    package let policy: SealingPolicy
    /// TPM2B_PUBLIC and TPM2B_PRIVATE.
    let publicArea, privateArea: [UInt8]
}
