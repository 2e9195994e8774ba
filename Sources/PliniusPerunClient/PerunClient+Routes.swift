// What the manager can be asked, by name; each throws `PerunClientError`.
extension PerunClient {
    // MARK: Keys for an enclave

    /// Begins an exchange with an enclave.
    public func challenge(_ request: ChallengeRequest) async throws(PerunClientError) -> ChallengeAnswer {
        try await post("/v1/challenges", request)
    }

    /// Has a TPM's keys examined.
    public func enrol(_ request: EnrolmentRequest) async throws(PerunClientError) -> EnrolmentAnswer {
        try await post("/v1/enrolments", request)
    }

    /// Has evidence judged.
    ///
    /// A refusal is an error whose problem has all findings.
    public func attest(_ request: AttestationRequest) async throws(PerunClientError) -> AttestationAnswer {
        try await post("/v1/attestations", request)
    }

    /// Fetches the keys for which evidence was found good.
    public func release(_ request: ReleaseRequest) async throws(PerunClientError) -> ReleaseAnswer {
        try await post("/v1/releases", request)
    }

    /// Renews a lease at once: judges and releases.
    public func renew(lease: String, _ request: AttestationRequest) async throws(PerunClientError) -> ReleaseAnswer {
        try await post("/v1/leases/\(lease)/renewals", request)
    }

    /// Passes on that the enclave opened its grant.
    public func confirm(_ request: ReceiptRequest) async throws(PerunClientError) -> Acknowledgement {
        try await post("/v1/receipts", request)
    }

    /// Where a run's mirror is.
    public func state(_ output: String, run: String) async throws(PerunClientError) -> StateMessage {
        try await get("/v1/states/\(output)/\(Self.escaped(run))")
    }

    /// Moves a run's mirror on.
    public func move(_ output: String, run: String, _ change: StateChange) async throws(PerunClientError)
        -> StateMessage
    {
        try await put("/v1/states/\(output)/\(Self.escaped(run))", change)
    }

    // MARK: What owners say

    /// Hands in a statement, or more signatures under one.
    public func submit(_ request: StatementRequest) async throws(PerunClientError) -> StatementStanding {
        try await post("/v1/statements", request)
    }

    public func statement(_ hash: String) async throws(PerunClientError) -> StatementAnswer {
        try await get("/v1/statements/\(Self.escaped(hash))")
    }

    /// Statements that wait for approvals or for their time.
    public func pending() async throws(PerunClientError) -> StandingList { try await get("/v1/pending") }

    public func namespaces() async throws(PerunClientError) -> NamespaceList { try await get("/v1/namespaces") }

    public func policies() async throws(PerunClientError) -> PolicyList { try await get("/v1/policies") }

    /// The statement that counts for a policy, `namespace/name`.
    public func policy(_ name: String) async throws(PerunClientError) -> StatementAnswer {
        try await get("/v1/policies/\(name)")
    }

    public func explain(policy name: String) async throws(PerunClientError) -> PolicyExplanation {
        try await get("/v1/policies/\(name)/explain")
    }

    public func assets() async throws(PerunClientError) -> AssetList { try await get("/v1/assets") }

    /// The managers that owners let take over.
    public func standbys() async throws(PerunClientError) -> StandbyList { try await get("/v1/standbys") }

    public func leases() async throws(PerunClientError) -> LeaseList { try await get("/v1/leases") }

    // MARK: The log

    /// The log's newest signed head, in canonical JSON.
    public func auditHead() async throws(PerunClientError) -> [UInt8] { try await get("/v1/audit/head") }

    /// Entries of the log from an index on, a line of canonical JSON each.
    public func auditEntries(from index: Int, count: Int) async throws(PerunClientError) -> [UInt8] {
        try await get("/v1/audit/entries?from=\(index)&count=\(count)")
    }

    /// Proof that an entry is in the log of a size, in canonical JSON.
    public func inclusionProof(of index: Int, size: Int) async throws(PerunClientError) -> [UInt8] {
        try await get("/v1/audit/proofs/\(index)?size=\(size)")
    }

    /// Proof that the log only grew, in canonical JSON.
    public func consistencyProof(from older: Int, to size: Int) async throws(PerunClientError) -> [UInt8] {
        try await get("/v1/audit/consistency?from=\(older)&to=\(size)")
    }

    // MARK: The manager itself

    /// Hands in a signed bundle of collateral.
    public func importCollateral(_ request: CollateralRequest) async throws(PerunClientError) -> CollateralAnswer {
        try await post("/v1/collateral", request)
    }

    /// What the manager says of itself.
    /// - Parameter nonce: 32 bytes in hexadecimal.
    public func attestation(nonce: String) async throws(PerunClientError) -> SelfAttestation {
        try await get("/v1/attestation?nonce=\(Self.escaped(nonce))")
    }

    public func health() async throws(PerunClientError) -> Health { try await get("/v1/health") }

    /// What a locked manager says of itself.
    /// - Parameter nonce: 32 bytes in hexadecimal.
    public func lockedAttestation(nonce: String) async throws(PerunClientError) -> LockedAttestation {
        try await get("/v1/unlock?nonce=\(Self.escaped(nonce))")
    }

    /// Hands in a share of a locked manager's root key.
    public func unlock(_ request: UnlockRequest) async throws(PerunClientError) -> UnlockStanding {
        try await post("/v1/unlock", request)
    }

    /// A text as one part of a path: everything but letters, digits and `-._~` as percent and two digits.
    private static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain =
                byte < 0x80 && (Character(Unicode.Scalar(byte)).isLetter || Character(Unicode.Scalar(byte)).isNumber)
            if isPlain || "-._~".utf8.contains(byte) { return String(Unicode.Scalar(byte)) }
            return "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }.joined()
    }
}
