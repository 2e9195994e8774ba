/// What a TPM's keys are made of.
public enum TPMKeyAlgorithm: UInt16, Hashable, Sendable, CaseIterable {
    /// RSA, 2048 bits; signatures are RSASSA's.
    case rsa = 0x0001
    /// NIST P-256; signatures are ECDSA's.
    case ecc = 0x0023
}
