import Crypto

/// An owner's word that a machine may open a kept key although its registers have other values than when it was sealed.
public enum RegisterApproval {
    /// What is signed, with ECDSA over P-256 and SHA-256, to approve values of registers of the SHA-256 bank: the digest that
    /// TPM2_PolicyPCR gives them (TPM 2.0 Library, Part 3, 23.7), and what the approval is for (TPM2_PolicyAuthorize, 23.16).
    /// - Parameter values: By register, 0 to 23; of 32 bytes each.
    public static func message(of values: [Int: [UInt8]]) -> [UInt8] {
        precondition(values.allSatisfy { (0..<24).contains($0.key) && $0.value.count == 32 }, "no such register")
        let bits = values.keys.reduce(UInt32(0)) { $0 | 1 << UInt32($1) }
        // One bank, SHA-256, with three bytes of registers.
        let selection: [UInt8] =
            [0, 0, 0, 1, 0x00, 0x0B, 3] + (0..<3).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt32($0))) }
        let digest = SHA256.hash(data: values.sorted { $0.key < $1.key }.flatMap(\.value))
        let policyPCR: [UInt8] = [0x00, 0x00, 0x01, 0x7F]
        return Array(SHA256.hash(data: [UInt8](repeating: 0, count: 32) + policyPCR + selection + digest))
            + Array("plinius/1/resume".utf8)
    }
}
