public import PliniusSealing
internal import PliniusTPM
public import PliniusWire
internal import _PliniusSupport

extension Attester {
    /// What seals here: the platform that isolates; the TPM if there is none.
    public var sealingPlatform: Evidence.Kind { kinds.first { $0 != .simulated } ?? .simulated }

    /// Opens what seals an owner's key to this program on this machine, so that a restart needs no owner: before the key is there, for a process
    /// that can open no device any more once it has one.
    ///
    /// SGX binds it to the program (MRENCLAVE) and the processor; SEV-SNP to the launch measurement, the guest's policy and the chip with
    /// its firmware's versions; a TPM to itself and to values of its registers. TDX has no such key.
    /// - Throws: `AttestationError` if the platform seals nothing.
    public func sealer(_ options: SealingOptions = SealingOptions()) throws(AttestationError) -> Sealer {
        let platform = sealingPlatform
        return platform == .tpm
            ? Sealer(platform: .tpm, secret: nil, tpm: try TPM(paths.tpm))
            : Sealer(platform: platform, secret: try secret(of: platform, options), tpm: nil)
    }

    /// Opens a counter of the TPM, which begins to count where there is none yet.
    /// - Parameters:
    ///   - index: Where it lies (0x01800000 to 0x01BFFFFF are the owner's), for one run alone.
    ///   - sealer: Shares its connection, since some TPMs have only one.
    public func counter(at index: UInt32, beside sealer: Sealer? = nil) throws(AttestationError) -> TrustedCounter {
        let tpm = if let shared = sealer?.tpm { shared } else { try TPM(paths.tpm) }
        return TrustedCounter(tpm: tpm, index: index, value: try tpm.counter(at: index))
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
        case .simulated: return try Simulation(paths: paths, kernel: kernel).sealingKey()
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
}

/// What seals keys: a secret of the platform, or a connection to the TPM.
public struct Sealer {
    let platform: Evidence.Kind
    let secret: SecretBytes?
    let tpm: TPM?

    /// Seals an owner's key.
    /// - Throws: `AttestationError` for a key that has not 32 bytes, and if the TPM cannot seal it under these options.
    public func seal(
        _ key: SecretBytes, for context: SealedKey.Context, options: SealingOptions = SealingOptions()
    ) throws(AttestationError) -> SealedKey {
        guard platform != .simulated || options.allowsSimulation else {
            throw AttestationError("simulated: nothing protects a key here; only what is at level test seals with it")
        }
        let fresh = secret ?? .random(32)
        let policy =
            options.approvalKey.map { SealingPolicy.approved(options.registers, by: $0) }
            ?? .registers(options.registers)
        let data = try tpm?.seal(fresh, under: policy).encoded ?? []
        return try SealedKey(key, under: fresh, of: platform, platformData: data, for: context)
    }
}

/// A counter in a TPM that no power failure and no reboot turns back.
public struct TrustedCounter {
    let tpm: TPM
    public let index: UInt32
    /// Where it stood when it was opened.
    public let value: UInt64

    /// Counts up, and returns where it stands: beyond every value before.
    public func countUp() throws(AttestationError) -> UInt64 { try tpm.countUp(at: index) }
}
