import CTSS2
internal import PliniusSealing
package import PliniusWire
internal import _PliniusSupport

extension TPM {
    /// Registers may move between a quote and reading them; so often it is tried again.
    static let maximumQuoteCount = 8

    /// What a TPM says of its registers.
    package struct Quote {
        /// TPMS_ATTEST.
        package let attest: [UInt8]
        /// TPMT_SIGNATURE.
        package let signature: [UInt8]
        package let values: PCRValues
        /// The attestation key's TPMT_PUBLIC.
        package let key: [UInt8]
    }

    /// Quotes some registers.
    /// - Parameter handle: Where the attestation key is kept; it is made anew if there is none.
    package func quote(
        _ registers: Set<PCRValues.Register>, extraData: [UInt8], algorithm: TPMKeyAlgorithm, at handle: UInt32?
    ) throws(AttestationError) -> Quote {
        try withAttestationKey(algorithm, at: handle) { key throws(AttestationError) in
            try quote(registers, extraData: extraData, with: key)
        }
    }

    private func quote(
        _ registers: Set<PCRValues.Register>, extraData: [UInt8], with key: ESYS_TR
    ) throws(AttestationError) -> Quote {
        let selection = try Self.selection(registers)
        for _ in 0..<Self.maximumQuoteCount {
            let (attest, signature) = try quote(selection, extraData: extraData, with: key)
            let values = try read(registers)
            // TPMS_QUOTE_INFO ends with the digest of the values. It says more than the counter of updates: they are those quoted.
            let concatenated = values.values.sorted { $0.key < $1.key }.flatMap(\.value)
            if attest.suffix(32).elementsEqual(sha256(concatenated)) {
                return Quote(attest: attest, signature: signature, values: values, key: try publicArea(of: key))
            }
        }
        throw AttestationError(
            "TPM: its registers moved between quoting and reading, \(Self.maximumQuoteCount) times; try again later")
    }

    private func quote(
        _ selection: [UInt8], extraData: [UInt8], with key: ESYS_TR
    ) throws(AttestationError) -> (attest: [UInt8], signature: [UInt8]) {
        unsafe try Self.with(Self.sized(extraData), Tss2_MU_TPM2B_DATA_Unmarshal) {
            extraData throws(AttestationError) in
            unsafe try Self.with(selection, Tss2_MU_TPML_PCR_SELECTION_Unmarshal) {
                selection throws(AttestationError) in
                var scheme = TPMT_SIG_SCHEME()
                scheme.scheme = 0x0010
                var attest: UnsafeMutablePointer<TPM2B_ATTEST>?
                let signature = unsafe try Self.bytes("quote", Tss2_MU_TPMT_SIGNATURE_Marshal) {
                    unsafe Esys_Quote(
                        context, key, Self.noPassword, Self.none, Self.none, extraData, &scheme, selection, &attest, $0)
                }
                let quoted = unsafe try Self.bytes("quote", Tss2_MU_TPM2B_ATTEST_Marshal) {
                    unsafe $0.pointee = attest
                    return 0
                }
                return (Array(quoted.dropFirst(2)), signature)
            }
        }
    }

    /// Reads registers; a call hands out eight values at most.
    func read(_ registers: Set<PCRValues.Register>) throws(AttestationError) -> PCRValues {
        var values = PCRValues()
        var wanted = registers
        while !wanted.isEmpty {
            let (read, digests) = try readSome(of: wanted)
            guard !read.isEmpty, read.count == digests.count, wanted.isSuperset(of: read) else {
                throw AttestationError(
                    "TPM: of PCR \(wanted.map { "\($0.index)" }.joined(separator: ",")) there is no "
                        + "value: is the bank 0x\(String(wanted.first?.bank ?? 0, radix: 16)) allocated?")
            }
            for (register, digest) in zip(read, digests) { values.values[register] = digest }
            wanted.subtract(read)
        }
        return values
    }

    private func readSome(
        of wanted: Set<PCRValues.Register>
    ) throws(AttestationError) -> ([PCRValues.Register], [[UInt8]]) {
        let selection = try Self.selection(wanted)
        return unsafe try Self.with(selection, Tss2_MU_TPML_PCR_SELECTION_Unmarshal) {
            selection throws(AttestationError) in
            var read: UnsafeMutablePointer<TPML_PCR_SELECTION>?
            let digests = unsafe try Self.bytes("read PCR values", Tss2_MU_TPML_DIGEST_Marshal) {
                unsafe Esys_PCR_Read(context, Self.none, Self.none, Self.none, selection, nil, &read, $0)
            }
            let selected = unsafe try Self.bytes("read PCR values", Tss2_MU_TPML_PCR_SELECTION_Marshal) {
                unsafe $0.pointee = read
                return 0
            }
            do throws(TruncatedInput) {
                return (try Self.registers(in: selected), try Self.digests(in: digests))
            } catch {
                throw AttestationError("TPM: its PCR values are cut short: \(error)")
            }
        }
    }

    /// TPML_PCR_SELECTION, banks and registers in ascending order.
    static func selection(_ registers: Set<PCRValues.Register>) throws(AttestationError) -> [UInt8] {
        guard !registers.isEmpty, registers.allSatisfy({ $0.index < 24 }) else {
            throw AttestationError("TPM: a quote is of PCR 0 to 23, and of one at least")
        }
        let banks = Set(registers.map(\.bank)).sorted()
        return big(UInt32(banks.count))
            + banks.flatMap { bank in
                let bits = registers.filter { $0.bank == bank }.reduce(UInt32(0)) { $0 | 1 << UInt32($1.index) }
                return big(bank) + [3] + big(bits.byteSwapped).prefix(3)
            }
    }

    private static func registers(in selection: [UInt8]) throws(TruncatedInput) -> [PCRValues.Register] {
        var reader = ByteReader(selection)
        var registers: [PCRValues.Register] = []
        for _ in 0..<UInt32(bigEndian: try reader.read()) {
            let bank = UInt16(bigEndian: try reader.read())
            let bitmap = try reader.readBytes(Int(try reader.read(UInt8.self)))
            for index in 0..<UInt8(bitmap.count * 8) where bitmap[Int(index / 8)] >> (index % 8) & 1 == 1 {
                registers.append(PCRValues.Register(bank: bank, index: index))
            }
        }
        return registers
    }

    private static func digests(in list: [UInt8]) throws(TruncatedInput) -> [[UInt8]] {
        var reader = ByteReader(list)
        var digests: [[UInt8]] = []
        for _ in 0..<UInt32(bigEndian: try reader.read()) {
            digests.append(try reader.readBytes(Int(UInt16(bigEndian: try reader.read()))))
        }
        return digests
    }
}
