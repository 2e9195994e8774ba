public import PliniusSealing
internal import PliniusTPM
public import PliniusWire
internal import _PliniusSupport

extension Attester {
    /// Where the trusted counter lies in a TPM's memory, unless the caller has another place for it.
    public static let counterIndex: UInt32 = 0x0180_504C

    /// What seals here: the platform that isolates; the TPM if there is none.
    public var sealingPlatform: Evidence.Kind { kinds.first { $0 != .simulated } ?? .simulated }

    /// Seals an owner's key to this program on this machine, so that a restart needs no owner.
    ///
    /// SGX binds it to the program (MRENCLAVE) and the processor; SEV-SNP to the launch measurement, the guest's policy and the chip with
    /// its firmware's versions; a TPM to itself and to values of its registers. TDX has no such key.
    /// - Throws: `AttestationError` if the platform seals nothing.
    public func seal(
        _ key: SecretBytes, for context: SealedKey.Context, options: SealingOptions = SealingOptions()
    ) throws(AttestationError) -> SealedKey {
        try sealer(options).seal(key, for: context)
    }

    /// Asks the platform for what seals: before a key is there, for a process that may ask no device any more once it has one.
    /// - Throws: `AttestationError` if the platform seals nothing.
    public func sealer(_ options: SealingOptions = SealingOptions()) throws(AttestationError) -> Sealer {
        let platform = sealingPlatform
        guard platform == .tpm else {
            return Sealer(platform: platform, secret: try secret(of: platform, options), platformData: [])
        }
        let secret = SecretBytes.random(32)
        let policy =
            options.approvalKey.map { SealingPolicy.approved(options.registers, by: $0) }
            ?? .registers(options.registers)
        let sealed = try TPM(paths.tpm).seal(secret, under: policy)
        return Sealer(platform: .tpm, secret: secret, platformData: sealed.encoded)
    }

    /// Gives back a key that this program sealed on this machine, for the same configuration, data set and run.
    /// - Throws: `AttestationError` if anything of that is not so.
    public func open(
        _ sealed: SealedKey, for context: SealedKey.Context, options: SealingOptions = SealingOptions()
    ) throws(AttestationError) -> SecretBytes {
        let platform = sealingPlatform
        guard sealed.platform == platform else {
            throw AttestationError("the key was sealed by \(sealed.platform), what seals here is \(platform)")
        }
        guard platform == .tpm else {
            guard sealed.platformData.isEmpty else {
                throw AttestationError("the sealed key is longer than \(platform) makes it")
            }
            return try sealed.open(with: try secret(of: platform, options), for: context)
        }
        let secret = try TPM(paths.tpm).unseal(
            try TPMSealedData(decoding: sealed.platformData), approvals: options.approvals)
        return try sealed.open(with: secret, for: context)
    }

    private func secret(
        of platform: Evidence.Kind, _ options: SealingOptions
    ) throws(AttestationError) -> SecretBytes {
        switch platform {
        case .sgx: return try GramineFiles(folder: paths.gramine, kernel: kernel).sealingKey()
        case .snp: return try derivedKey(privilegeLevel: options.privilegeLevel)
        case .simulated:
            guard options.allowsSimulation else {
                throw AttestationError(
                    "simulated: nothing protects a key here; only what is at level test seals with it")
            }
            return try Simulation(paths: paths, kernel: kernel).sealingKey()
        default:
            throw AttestationError(
                "\(platform): it has no key to seal with; have the owner provision the key at each start")
        }
    }

    /// SNP_GET_DERIVED_KEY (linux/sev-guest.h; MSG_KEY_REQ and MSG_KEY_RSP of the SEV-SNP firmware ABI): of the chip's VCEK, with the
    /// guest's policy, image, family and measurement.
    private func derivedKey(privilegeLevel: UInt32) throws(AttestationError) -> SecretBytes {
        var request = ByteWriter()
        request.write(UInt64(0))
        request.write(UInt64(0b1111))
        request.write(privilegeLevel)
        request.pad(to: 32)
        var response = try asking("SEV-SNP: no derived key from \(paths.snpGuest)") { () throws(KernelError) in
            try kernel.askFirmware(paths.snpGuest, 1, request.bytes, 64)
        }
        defer { wipe(&response) }
        // Status (4), reserved (28), the key.
        guard response.count == 64, response.prefix(4).allSatisfy({ $0 == 0 }),
            response.suffix(32).contains(where: { $0 != 0 })
        else {
            throw AttestationError("SEV-SNP: the firmware derives no key for VMPL \(privilegeLevel)")
        }
        return SecretBytes(Array(response.suffix(32)))
    }

    /// What the owner signs to approve values of registers: with ECDSA over P-256 and SHA-256.
    public static func approvalMessage(of values: PCRValues) throws(AttestationError) -> [UInt8] {
        try SealingPolicy.approvalMessage(of: values)
    }

    /// Counts one start of a process on the TPM, and returns the number: greater than any before, whatever the host restores.
    public func countStart(at index: UInt32 = counterIndex) throws(AttestationError) -> UInt64 {
        try TPM(paths.tpm).countUp(at: index)
    }
}

/// A secret of the platform that keys are sealed under.
public struct Sealer: Sendable {
    let platform: Evidence.Kind
    let secret: SecretBytes
    let platformData: [UInt8]

    /// Seals an owner's key.
    /// - Throws: `AttestationError` for a key that has not 32 bytes.
    public func seal(_ key: SecretBytes, for context: SealedKey.Context) throws(AttestationError) -> SealedKey {
        try SealedKey(key, under: secret, of: platform, platformData: platformData, for: context)
    }
}
