internal import PliniusWire

/// The keys that a TPM is asked for, as TPMT_PUBLIC (TPM 2.0 Library, Part 2, 12.2.4).
///
/// Each is made anew of its hierarchy's seed, so that nothing has to be kept, and is the same until the hierarchy is cleared.
enum TPMTemplate {
    /// The endorsement keys of the TCG's EK credential profile: templates L-1 (RSA 2048) and L-2 (ECC P-256).
    static func endorsementKey(_ algorithm: TPMKeyAlgorithm) -> [UInt8] {
        // PolicySecret of the endorsement hierarchy.
        let policy: [UInt8] = [
            0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xB3, 0xF8, 0x1A, 0x90, 0xCC, 0x8D, 0x46, 0xA5, 0xD7, 0x24,
            0xFD, 0x52, 0xD7, 0x6E, 0x06, 0x52, 0x0B, 0x64, 0xF2, 0xA1, 0xDA, 0x1B, 0x33, 0x14, 0x69, 0xAA,
        ]
        let zeros = [UInt8](repeating: 0, count: algorithm == .rsa ? 256 : 32)
        return key(algorithm, 0x0003_00B2, policy: policy, cipher: aes128CFB, scheme: null, unique: zeros)
    }

    /// A restricted signing key, for quotes: RSASSA or ECDSA, with SHA-256.
    static func attestationKey(_ algorithm: TPMKeyAlgorithm) -> [UInt8] {
        let scheme = TPM.big(UInt16(algorithm == .rsa ? 0x0014 : 0x0018)) + TPM.big(TPMHash.sha256)
        return key(algorithm, attestationKeyAttributes, policy: [], cipher: null, scheme: scheme, unique: [])
    }

    /// fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA (there is no password to guess), restricted, sign.
    static let attestationKeyAttributes: UInt32 = 0x0005_0472

    /// The storage root key of the TCG's provisioning guidance, ECC P-256.
    static let storageKey = key(.ecc, 0x0003_0472, policy: [], cipher: aes128CFB, scheme: null, unique: [])

    /// Data that a policy alone gives back: fixedTPM, fixedParent, noDA.
    static func sealedData(policy: [UInt8]) -> [UInt8] {
        TPM.big(UInt16(0x0008)) + TPM.big(TPMHash.sha256) + TPM.big(UInt32(0x412)) + TPM.sized(policy) + null
            + TPM.sized([])
    }

    /// A key that checks approvals: P-256, ECDSA with SHA-256.
    static func approvalKey(_ point: [UInt8]) -> [UInt8] {
        let scheme = TPM.big(UInt16(0x0018)) + TPM.big(TPMHash.sha256)
        return TPM.big(TPMKeyAlgorithm.ecc.rawValue) + TPM.big(TPMHash.sha256) + TPM.big(UInt32(0x0004_0040))
            + TPM.sized([]) + null + scheme + curve + TPM.sized(Array(point.prefix(32)))
            + TPM.sized(Array(point.suffix(32)))
    }

    private static let null = TPM.big(UInt16(0x0010))
    private static let aes128CFB = TPM.big(UInt16(0x0006)) + TPM.big(UInt16(128)) + TPM.big(UInt16(0x0043))
    /// NIST P-256, and no key derivation.
    private static let curve = TPM.big(UInt16(0x0003)) + null

    private static func key(
        _ algorithm: TPMKeyAlgorithm, _ attributes: UInt32, policy: [UInt8], cipher: [UInt8], scheme: [UInt8],
        unique: [UInt8]
    ) -> [UInt8] {
        let head = TPM.big(algorithm.rawValue) + TPM.big(TPMHash.sha256) + TPM.big(attributes) + TPM.sized(policy)
        let size = algorithm == .rsa ? TPM.big(UInt16(2048)) + TPM.big(UInt32(0)) : curve
        let own = algorithm == .rsa ? TPM.sized(unique) : TPM.sized(unique) + TPM.sized(unique)
        return head + cipher + scheme + size + own
    }
}
