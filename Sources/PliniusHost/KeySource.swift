import PliniusWire

/// Where the enclave gets the owner's key from.
public enum KeySource: Sendable {
    /// Files on this machine, which is what makes it insecure: one for all data sets, or one for each in their order.
    ///
    /// The first is the key of the run.
    case localFiles([String])
    /// An owner, who releases it to an enclave that proves what it is.
    case owner(OwnerOptions)

    /// How an owner is waited for.
    public struct OwnerOptions: Sendable {
        /// Where to listen; of no account if a manager is asked.
        public var address: String
        /// What a policy manager is asked in the owners' stead.
        public var errand: ManagerErrand?
        /// The platform whose evidence is shown, by name; `nil` for what the machine offers.
        public var platform: String?
        /// How the TPM is reached, as tpm2-tss names it; `nil` for the machine's own.
        public var tpm: String?
        /// The file with the key that signs simulated evidence.
        public var attestationKey: String?
        /// Whether the enclave is to seal the key for restarts, and to try what was kept first.
        public var keepsKey = false
        /// Files with the owner's approvals of the TPM's registers.
        public var approvals: [String] = []
        /// Where the TPM counts the starts of the run.
        public var counter: UInt32?

        public init(address: String, platform: String? = nil, tpm: String? = nil, attestationKey: String? = nil) {
            self.address = address
            self.platform = platform
            self.tpm = tpm
            self.attestationKey = attestationKey
        }
    }

    /// What the enclave is told.
    /// - Throws: `HostError.Code.usage` for approvals that are none.
    func wait() throws(HostError) -> OwnerWait? {
        guard case .owner(let options) = self else { return nil }
        var wait = OwnerWait(platform: options.platform, tpm: options.tpm)
        wait.keepsKey = options.keepsKey
        wait.counter = options.counter
        guard options.approvals.count <= OwnerWait.maximumApprovalCount else {
            throw HostError(
                .usage, "--approval: at most \(OwnerWait.maximumApprovalCount) approvals are taken, leave old ones away"
            )
        }
        for path in options.approvals {
            let count = OwnerWait.approvalByteCount
            let bytes = try OpenFile.forReading(path, as: "approval").prefix(count + 1)
            guard bytes.count == count else {
                throw HostError(.usage, "the approval \(path) has not \(count) bytes: plinius-owner approve makes one")
            }
            wait.approvals += bytes
        }
        return wait
    }

    /// Where the key of a run is kept, if it is to be.
    func keptKey(of run: String, in pool: String) -> KeptKeyFile? {
        guard case .owner(let options) = self, options.keepsKey else { return nil }
        return KeptKeyFile(pool: pool, run: run)
    }

    /// The files that the enclave reads the keys from; none if they come from an owner.
    /// - Parameters:
    ///   - datasetCount: How many data sets they are to open.
    ///   - warn: Takes a sentence for the operator.
    /// - Throws: `HostError.Code.usage` for a number of keys that fits no order, or a file that cannot be read.
    func openKeys(forDatasets datasetCount: Int, warn: (String) -> Void) throws(HostError) -> [OpenFile] {
        guard case .localFiles(let paths) = self else { return [] }
        guard [1, datasetCount].contains(paths.count) else {
            throw HostError(
                .usage,
                "there are \(paths.count) keys for \(datasetCount) sealed data set\(datasetCount == 1 ? "" : "s"): give "
                    + "--insecure-local-key once for all of them, or once for each --data, in the same order")
        }
        var keys: [OpenFile] = []
        for path in paths {
            let key = try OpenFile.forReading(path, as: "key file")
            if try key.status().permissions & 0o077 != 0 {
                warn("the key file \(path) is open to other users of this machine; chmod 600 it")
            }
            keys.append(key)
        }
        return keys
    }

    /// The file that the enclave reads the key for simulated evidence from.
    func openAttestationKey() throws(HostError) -> OpenFile? {
        guard case .owner(let options) = self, let path = options.attestationKey else { return nil }
        return try .forReading(path, as: "attestation key")
    }

    /// The place where the owner connects, or who stands for all owners.
    /// - Parameters:
    ///   - purpose: What the enclave is to do, as policies call it.
    ///   - run: What the pool calls the run.
    func listen(for purpose: String, run: String) throws(HostError) -> OwnerRelay? {
        guard case .owner(let options) = self else { return nil }
        if let errand = options.errand { return OwnerRelay(try ManagerBridge(errand, purpose: purpose, run: run)) }
        return try OwnerRelay(options.address)
    }
}
