/// What a TPM states and signs: TPMS_ATTEST (TPM 2.0 Library, Part 2, section 10.12; big-endian).
package struct TPMAttest: Hashable, Sendable {
    /// What the statement is about.
    package enum Subject: Hashable, Sendable {
        /// The registers' digest: by the signature's hash, over the values in the order of the selection.
        case quote(selection: [PCRSelection], digest: [UInt8])
        /// That an object with this name is loaded.
        case certify(name: [UInt8], qualifiedName: [UInt8])
        /// That this TPM made an object.
        case creation(name: [UInt8], creationHash: [UInt8])
    }

    /// TPM_GENERATED_VALUE: a restricted key signs nothing from outside that begins with it.
    package static let magic: UInt32 = 0xFF54_4347
    /// No statement is longer; a quote of sixteen banks has 300 bytes.
    package static let maximumByteCount = 1024

    /// All of it, as signed.
    package let bytes: [UInt8]
    /// The name of the key that signs, with those of its ancestors in it.
    package let qualifiedSigner: [UInt8]
    /// The caller's, at most 64 bytes.
    package let extraData: [UInt8]
    /// Milliseconds that the TPM was powered.
    package let clock: UInt64
    /// How often the TPM was reset, which every boot does; also for keys under the owner's hierarchy only differences mean something.
    package let resetCount: UInt32
    /// How often it was resumed, or restarted with its state kept, since the last reset.
    package let restartCount: UInt32
    /// Whether ``clock`` certainly never ran backwards.
    package let isSafe: Bool
    package let firmwareVersion: UInt64
    package let subject: Subject

    /// - Throws: `tpm.attest.format`, `tpm.attest.magic`, or `tpm.attest.type` for statements other than those of ``Subject``.
    package init(_ bytes: [UInt8]) throws(EvidenceError) {
        let format = "tpm.attest.format"
        guard bytes.count <= Self.maximumByteCount else {
            throw EvidenceError(
                format, expected: "at most \(Self.maximumByteCount) bytes", found: "\(bytes.count) bytes")
        }
        self.bytes = bytes
        var cursor = ByteCursor(bytes, format: format)
        let magic = try cursor.big(UInt32.self)
        guard magic == Self.magic else {
            throw EvidenceError(
                "tpm.attest.magic",
                expected: "0x\(String(Self.magic, radix: 16)), which a TPM's own statement begins with",
                found: "0x\(String(magic, radix: 16))")
        }
        let type = try cursor.big(UInt16.self)
        qualifiedSigner = try cursor.sized(atMost: 66)
        extraData = try cursor.sized(atMost: 64)
        clock = try cursor.big()
        resetCount = try cursor.big()
        restartCount = try cursor.big()
        isSafe = try Self.flag(&cursor, format)
        firmwareVersion = try cursor.big()
        switch type {
        case 0x8018:
            let selection = try PCRSelection.list(&cursor, format)
            subject = .quote(selection: selection, digest: try cursor.sized(atMost: 64))
        case 0x8017:
            let name = try cursor.sized(atMost: 66)
            subject = .certify(name: name, qualifiedName: try cursor.sized(atMost: 66))
        case 0x801A:
            let name = try cursor.sized(atMost: 66)
            subject = .creation(name: name, creationHash: try cursor.sized(atMost: 64))
        default:
            throw EvidenceError(
                "tpm.attest.type", expected: "a quote (0x8018), a certification (0x8017) or a creation (0x801a)",
                found: "0x\(String(type, radix: 16))")
        }
        try cursor.finish()
    }

    private static func flag(_ cursor: inout ByteCursor, _ format: String) throws(EvidenceError) -> Bool {
        let byte = try cursor.big(UInt8.self)
        guard byte <= 1 else { throw EvidenceError(format, expected: "yes (1) or no (0)", found: "\(byte)") }
        return byte == 1
    }
}
