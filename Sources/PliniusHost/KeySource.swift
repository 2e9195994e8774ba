import PliniusWire

/// Where the enclave gets the owner's key from.
public enum KeySource: Sendable {
    /// A file on this machine, which is what makes it insecure.
    case localFile(String)
    /// An owner, who releases it to an enclave that proves what it is.
    case owner(OwnerOptions)

    /// How an owner is waited for.
    public struct OwnerOptions: Sendable {
        /// Where to listen.
        public var address: String
        /// The platform whose evidence is shown, by name; `nil` for what the machine offers.
        public var platform: String?
        /// How the TPM is reached, as tpm2-tss names it; `nil` for the machine's own.
        public var tpm: String?
        /// The file with the key that signs simulated evidence.
        public var attestationKey: String?

        public init(address: String, platform: String? = nil, tpm: String? = nil, attestationKey: String? = nil) {
            self.address = address
            self.platform = platform
            self.tpm = tpm
            self.attestationKey = attestationKey
        }
    }

    /// What the enclave is told.
    var wait: OwnerWait? {
        guard case .owner(let options) = self else { return nil }
        return OwnerWait(platform: options.platform, tpm: options.tpm)
    }

    /// The file that the enclave reads the key from.
    /// - Parameter warn: Takes a sentence for the operator.
    func openKey(warn: (String) -> Void) throws(HostError) -> OpenFile? {
        guard case .localFile(let path) = self else { return nil }
        let key = try OpenFile.forReading(path, as: "key file")
        if try key.status().permissions & 0o077 != 0 {
            warn("the key file \(path) is open to other users of this machine; chmod 600 it")
        }
        return key
    }

    /// The file that the enclave reads the key for simulated evidence from.
    func openAttestationKey() throws(HostError) -> OpenFile? {
        guard case .owner(let options) = self, let path = options.attestationKey else { return nil }
        return try .forReading(path, as: "attestation key")
    }

    /// The place where the owner connects.
    func listen() throws(HostError) -> OwnerRelay? {
        guard case .owner(let options) = self else { return nil }
        return try OwnerRelay(options.address)
    }
}
