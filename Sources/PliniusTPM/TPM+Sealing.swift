import CTSS2
package import PliniusSealing
package import PliniusWire
import _PliniusSupport

extension TPM {
    /// Seals a secret of at most 128 bytes under the storage key.
    ///
    /// It passes to the TPM encrypted, in a session whose key is agreed upon with the storage key: who listens on the bus learns nothing.
    package func seal(_ secret: SecretBytes, under policy: SealingPolicy) throws(AttestationError) -> TPMSealedData {
        // As many as the encoding counts.
        guard (1...255).contains(policy.registers.count) else {
            throw AttestationError("TPM: a policy is of 1 to 255 registers, not \(policy.registers.count)")
        }
        let digest: [UInt8]
        switch policy {
        case .registers(let registers): digest = try SealingPolicy.digest(of: try read(registers))
        case .approved(let registers, let point):
            // Else the data would never come back.
            _ = try read(registers)
            unsafe Esys_FlushContext(context, try loadApprovalKey(point))
            digest = SealingPolicy.digest(approvedBy: point)
        }
        var sensitive = unsafe secret.withBytes { unsafe Array($0) }
        defer { wipe(&sensitive) }
        var content = Self.sized(Self.sized([]) + Self.sized(sensitive))
        defer { wipe(&content) }
        var areas: (public: [UInt8], private: [UInt8]) = ([], [])
        try withPrimary(TPMTemplate.storageKey, in: ESYS_TR_RH_OWNER) { parent throws(AttestationError) in
            try withSession(.authorization, salt: parent) { session throws(AttestationError) in
                areas = try create(content, TPMTemplate.sealedData(policy: digest), under: parent, session)
            }
        }
        return TPMSealedData(policy: policy, publicArea: areas.public, privateArea: areas.private)
    }

    private func create(
        _ sensitive: [UInt8], _ template: [UInt8], under parent: ESYS_TR, _ session: ESYS_TR
    ) throws(AttestationError) -> (public: [UInt8], private: [UInt8]) {
        unsafe try Self.with(sensitive, Tss2_MU_TPM2B_SENSITIVE_CREATE_Unmarshal) {
            sensitive throws(AttestationError) in
            unsafe try Self.with(Self.sized(template), Tss2_MU_TPM2B_PUBLIC_Unmarshal) {
                template throws(AttestationError) in
                var outside = TPM2B_DATA()
                var registers = TPML_PCR_SELECTION()
                var made: UnsafeMutablePointer<TPM2B_PUBLIC>?
                let privateArea = unsafe try Self.bytes("seal", Tss2_MU_TPM2B_PRIVATE_Marshal) {
                    unsafe Esys_Create(
                        context, parent, session, Self.none, Self.none, sensitive, template, &outside, &registers, $0,
                        &made, nil, nil, nil)
                }
                let publicArea = unsafe try Self.bytes("seal", Tss2_MU_TPM2B_PUBLIC_Marshal) {
                    unsafe $0.pointee = made
                    return 0
                }
                return (publicArea, privateArea)
            }
        }
    }

    /// Gives sealed data back, if the registers are as its policy has them.
    /// - Parameter approvals: Signatures over ``SealingPolicy/approvalMessage(of:)``, r and s, 64 bytes each: one of them has to be of the
    ///   values that the registers have now.
    /// - Throws: `AttestationError` if the TPM refuses: another TPM, other registers, or no approval of them.
    package func unseal(_ sealed: TPMSealedData, approvals: [[UInt8]] = []) throws(AttestationError) -> SecretBytes {
        try withPrimary(TPMTemplate.storageKey, in: ESYS_TR_RH_OWNER) { parent throws(AttestationError) in
            let object = try load(sealed, under: parent)
            defer { unsafe Esys_FlushContext(context, object) }
            return try withSession(.policy, salt: parent) { session throws(AttestationError) in
                try satisfy(sealed.policy, approvals, session)
                var bytes = unsafe try Self.bytes(
                    "give sealed data back: are its registers as they were when it was sealed?",
                    Tss2_MU_TPM2B_SENSITIVE_DATA_Marshal
                ) { unsafe Esys_Unseal(context, object, session, Self.none, Self.none, $0) }
                defer { wipe(&bytes) }
                return SecretBytes(Array(bytes.dropFirst(2)))
            }
        }
    }

    private func load(_ sealed: TPMSealedData, under parent: ESYS_TR) throws(AttestationError) -> ESYS_TR {
        unsafe try Self.with(sealed.privateArea, Tss2_MU_TPM2B_PRIVATE_Unmarshal) {
            privateArea throws(AttestationError) in
            unsafe try Self.with(sealed.publicArea, Tss2_MU_TPM2B_PUBLIC_Unmarshal) {
                publicArea throws(AttestationError) in
                var object = Self.none
                try Self.check(
                    unsafe Esys_Load(
                        context, parent, Self.noPassword, Self.none, Self.none, privateArea, publicArea, &object),
                    "take sealed data in: was it sealed by this TPM, and is it unchanged?")
                return object
            }
        }
    }

    private func satisfy(
        _ policy: SealingPolicy, _ approvals: [[UInt8]], _ session: ESYS_TR
    ) throws(AttestationError) {
        var anything = TPM2B_DIGEST()
        unsafe try Self.with(try Self.selection(policy.registers), Tss2_MU_TPML_PCR_SELECTION_Unmarshal) {
            selection throws(AttestationError) in
            try Self.check(
                unsafe Esys_PolicyPCR(context, session, Self.none, Self.none, Self.none, &anything, selection),
                "compare its registers")
        }
        guard case .approved(let registers, let point) = policy else { return }
        let digest = try SealingPolicy.digest(of: try read(registers))
        let key = try loadApprovalKey(point)
        defer { unsafe Esys_FlushContext(context, key) }
        for approval in approvals {
            guard let ticket = try? ticket(for: approval, of: digest, key) else { continue }
            return try authorize(digest, by: SealingPolicy.name(of: point), ticket, session)
        }
        throw AttestationError(
            "TPM: of \(approvals.count) approvals none is of the registers as they are: have the owner approve this state"
        )
    }

    private func loadApprovalKey(_ point: [UInt8]) throws(AttestationError) -> ESYS_TR {
        guard point.count == 64 else { throw AttestationError("an approvals' key has 64 bytes, not \(point.count)") }
        return unsafe try Self.with(Self.sized(TPMTemplate.approvalKey(point)), Tss2_MU_TPM2B_PUBLIC_Unmarshal) {
            publicArea throws(AttestationError) in
            var key = Self.none
            try Self.check(
                unsafe Esys_LoadExternal(
                    context, Self.none, Self.none, Self.none, nil, publicArea, ESYS_TR_RH_OWNER, &key),
                "take the key of the approvals: is it a point of P-256?")
            return key
        }
    }

    /// TPMT_TK_VERIFIED: the TPM's own word that it checked a signature.
    private func ticket(
        for approval: [UInt8], of digest: [UInt8], _ key: ESYS_TR
    ) throws(AttestationError) -> [UInt8] {
        guard approval.count == 64 else { throw AttestationError("an approval has 64 bytes, not \(approval.count)") }
        let signature =
            Self.big(UInt16(0x0018)) + Self.big(TPMHash.sha256) + Self.sized(Array(approval.prefix(32)))
            + Self.sized(Array(approval.suffix(32)))
        let hash = Self.sized(sha256(digest + SealingPolicy.reference))
        return unsafe try Self.with(hash, Tss2_MU_TPM2B_DIGEST_Unmarshal) { hash throws(AttestationError) in
            unsafe try Self.with(signature, Tss2_MU_TPMT_SIGNATURE_Unmarshal) { signature throws(AttestationError) in
                unsafe try Self.bytes("find an approval valid", Tss2_MU_TPMT_TK_VERIFIED_Marshal) {
                    unsafe Esys_VerifySignature(context, key, Self.none, Self.none, Self.none, hash, signature, $0)
                }
            }
        }
    }

    private func authorize(
        _ digest: [UInt8], by name: [UInt8], _ ticket: [UInt8], _ session: ESYS_TR
    ) throws(AttestationError) {
        unsafe try Self.with(Self.sized(digest), Tss2_MU_TPM2B_DIGEST_Unmarshal) { digest throws(AttestationError) in
            unsafe try Self.with(Self.sized(SealingPolicy.reference), Tss2_MU_TPM2B_DIGEST_Unmarshal) {
                reference throws(AttestationError) in
                unsafe try Self.with(Self.sized(name), Tss2_MU_TPM2B_NAME_Unmarshal) { name throws(AttestationError) in
                    unsafe try Self.with(ticket, Tss2_MU_TPMT_TK_VERIFIED_Unmarshal) {
                        ticket throws(AttestationError) in
                        try Self.check(
                            unsafe Esys_PolicyAuthorize(
                                context, session, Self.none, Self.none, Self.none, digest, reference, name, ticket),
                            "take the approval")
                    }
                }
            }
        }
    }
}

extension TPMSealedData {
    /// Number of registers (`UInt8`), each bank (`UInt16`) and index (`UInt8`), ascending; 64 bytes of the approvals' key, all zero if there
    /// is none; the TPM's two structures, which say how long they are.
    package var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.write(UInt8(policy.registers.count))
        for register in policy.registers.sorted() {
            writer.write(register.bank)
            writer.write(register.index)
        }
        if case .approved(_, let point) = policy {
            writer.write(bytes: point)
        } else {
            writer.pad(to: writer.bytes.count + 64)
        }
        writer.write(bytes: publicArea)
        writer.write(bytes: privateArea)
        return writer.bytes
    }

    /// Decodes to the last byte.
    package init(decoding bytes: [UInt8]) throws(AttestationError) {
        do throws(TruncatedInput) {
            var reader = ByteReader(bytes)
            var registers: [PCRValues.Register] = []
            for _ in 0..<(try reader.read(UInt8.self)) {
                registers.append(PCRValues.Register(bank: try reader.read(), index: try reader.read()))
            }
            let point = try reader.readBytes(64)
            publicArea = try Self.structure(&reader)
            privateArea = try Self.structure(&reader)
            let isApproved = point.contains { $0 != 0 }
            policy = isApproved ? .approved(Set(registers), by: point) : .registers(Set(registers))
        } catch { throw AttestationError("TPM: the sealed data is damaged: \(error)") }
        // There is one encoding of the same data, and nothing after it.
        guard encoded == bytes else {
            throw AttestationError("TPM: the sealed data is damaged: it does not end where it says")
        }
    }

    private static func structure(_ reader: inout ByteReader) throws(TruncatedInput) -> [UInt8] {
        let count = UInt16(bigEndian: try reader.read())
        return TPM.big(count) + (try reader.readBytes(Int(count)))
    }
}
