import PliniusWire

/// A quote whose signature held, and the registers that it proves.
struct TPMQuote {
    /// What the quote is signed with, and what is known of it.
    struct Key {
        let publicKey: PublicKey
        /// `nil` for a bare key: one that other programs stored without its attributes, or that a paravisor vouches for.
        let area: TPMPublic?
    }

    let attest: TPMAttest
    let key: Key
    let registers: [HashAlgorithm: [Int: [UInt8]]]

    var claims: TPMClaims {
        TPMClaims(
            boundData: attest.extraData, akName: key.area?.name, registers: registers, resetCount: attest.resetCount,
            restartCount: attest.restartCount, clock: attest.clock, firmwareVersion: attest.firmwareVersion)
    }
}

// MARK: - The key

extension TPMQuote.Key {
    /// What a key has to be that proves a TPM's state (TPM 2.0 Library, Part 1, section 31.4).
    private static let needed: TPMPublic.Attributes = [
        .fixedTPM, .fixedParent, .sensitiveDataOrigin, .restricted, .sign,
    ]

    /// The key that the evidence comes with, judged by its attributes and its name.
    init(
        _ evidence: Evidence, _ requirements: TPMRequirements, _ examination: inout Examination
    ) throws(EvidenceError) {
        if let bare = evidence["ak-spki"], evidence["ak"] == nil {
            self.init(publicKey: try PublicKey(spki: bare), area: nil)
            examination.check(
                "tpm.ak.attributes", false, expected: "\(Self.needed)", found: "a bare key, without attributes",
                tolerance: requirements.permitsBareKey.flatMap { $0.value ? $0.line : nil })
        } else {
            let area = try TPMPublic(evidence.part("ak", "tpm.ak.format"), format: "tpm.ak.format")
            self.init(publicKey: try area.publicKey("tpm.ak.format"), area: area)
            examination.check("tpm.ak.format", true, expected: "an RSA or ECC key", found: "\(area.bytes.count) bytes")
            examination.check(
                "tpm.ak.attributes",
                area.attributes.isSuperset(of: Self.needed) && !area.attributes.contains(.decrypt),
                expected: "\(Self.needed), not decrypt", found: "\(area.attributes)")
        }
        guard let names = requirements.akNames else { return }
        examination.check(
            "tpm.ak.name", area.map { names.value.contains($0.name) } ?? false,
            expected: names.value.map(hexadecimal).sorted().joined(separator: " or "),
            found: area.map { hexadecimal($0.name) } ?? "a bare key, which has no name", askedBy: names.line)
    }

    /// Whether a signature is one that this key makes: its own scheme, if it has one.
    func makes(_ signature: TPMSignature) -> Bool {
        guard let scheme = area?.scheme else { return true }
        return scheme.algorithm == signature.scheme.rawValue && scheme.hash == signature.hash.rawValue
    }

    func isValid(_ signature: TPMSignature, over bytes: [UInt8]) -> Bool {
        guard makes(signature) else { return false }
        switch signature.scheme {
        case .rsassa: return publicKey.isValid(signature.numbers[0], over: bytes, .rsaPKCS1(signature.hash))
        case .rsapss:
            return publicKey.isValid(signature.numbers[0], over: bytes, .rsaPSS(signature.hash))
                || publicKey.isValidWithLongestSalt(signature.numbers[0], over: bytes, signature.hash)
        case .ecdsa:
            guard case .ecc(let curve, _, _)? = area?.key else { return false }
            guard signature.numbers.allSatisfy({ $0.count <= curve.byteCount }) else { return false }
            let raw = signature.numbers.flatMap { [UInt8](repeating: 0, count: curve.byteCount - $0.count) + $0 }
            return publicKey.isValid(raw, over: bytes, .ecdsaRaw(signature.hash))
        }
    }
}

// MARK: - The quote

extension TPMQuote {
    /// Judges signature, binding, registers, clock and firmware.
    init(
        _ evidence: Evidence, signedBy key: Key, _ requirements: TPMRequirements, _ examination: inout Examination
    ) throws(EvidenceError) {
        self.key = key
        attest = try TPMAttest(evidence.part("attest", "tpm.attest.format"))
        examination.check(
            "tpm.attest.format", true, expected: "a statement", found: "\(attest.bytes.count) bytes")
        examination.check("tpm.attest.magic", true, expected: "a TPM's own statement", found: "one")
        guard case .quote(let selection, let digest) = attest.subject else {
            throw EvidenceError("tpm.attest.type", expected: "a quote", found: "a statement on an object")
        }
        examination.check("tpm.attest.type", true, expected: "a quote", found: "a quote")

        let signature = try TPMSignature(evidence.part("signature", "tpm.signature.format"))
        examination.check(
            "tpm.signature.format", true, expected: "a signature", found: "\(signature.scheme), \(signature.hash)")
        try examination.demand(
            "tpm.quote.signature", key.isValid(signature, over: attest.bytes),
            expected: "a signature of the attestation key by its own scheme",
            found: "\(signature.scheme) with \(signature.hash)")
        examination.check(
            "tpm.quote.hash", signature.hash != .sha1, expected: "SHA-256 or longer", found: "\(signature.hash)",
            tolerance: requirements.permitsSHA1.flatMap { $0.value ? $0.line : nil })
        if let extraData = requirements.extraData {
            examination.check(
                "tpm.quote.extra-data", attest.extraData == extraData.value, expected: hexadecimal(extraData.value),
                found: hexadecimal(attest.extraData), askedBy: extraData.line)
        }
        registers = try Self.registers(evidence, selection, digest, signature.hash, &examination)
        checkSelection(requirements, &examination)
        checkClock(requirements, &examination)
        checkRegisters(requirements, &examination)
    }

    /// The values that the digest covers.
    private static func registers(
        _ evidence: Evidence, _ selection: [PCRSelection], _ digest: [UInt8], _ hash: HashAlgorithm,
        _ examination: inout Examination
    ) throws(EvidenceError) -> [HashAlgorithm: [Int: [UInt8]]] {
        let values = try PCRValues(decoding: try evidence.part("pcrs", "tpm.pcrs.format"))
        var registers: [HashAlgorithm: [Int: [UInt8]]] = [:]
        for (register, value) in values.values {
            guard let bank = HashAlgorithm(rawValue: register.bank), value.count == bank.byteCount else {
                throw EvidenceError(
                    "tpm.pcrs.format", expected: "values as long as their bank's digests",
                    found: "\(value.count) bytes in bank 0x\(String(register.bank, radix: 16))")
            }
            registers[bank, default: [:]][Int(register.index)] = value
        }
        examination.check(
            "tpm.pcrs.format", true, expected: "values in ascending order", found: "\(values.values.count) values")
        let quoted = selection.reduce(into: [HashAlgorithm: Set<Int>]()) { quoted, one in
            quoted[one.bank, default: []].formUnion(one.indices)
        }
        try examination.demand(
            "tpm.pcrs.quoted", registers.mapValues { Set($0.keys) } == quoted,
            expected: "values of the registers \(describe(quoted)), which the quote covers",
            found: describe(registers.mapValues { Set($0.keys) }))
        let bytes = selection.flatMap { one in one.indices.flatMap { registers[one.bank]?[$0] ?? [] } }
        try examination.demand(
            "tpm.quote.pcr-digest", hash.hash(bytes) == digest, expected: "\(hexadecimal(digest)), as quoted",
            found: "\(hexadecimal(hash.hash(bytes))), from the values")
        return registers
    }

    private static func describe(_ registers: [HashAlgorithm: Set<Int>]) -> String {
        let banks = registers.sorted { $0.key.rawValue < $1.key.rawValue }.map { bank, indices in
            "\(bank):\(indices.sorted().map(String.init).joined(separator: ","))"
        }
        return banks.isEmpty ? "none" : banks.joined(separator: "+")
    }

    private func checkSelection(_ requirements: TPMRequirements, _ examination: inout Examination) {
        for (bank, indices) in requirements.selection.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            let quoted = Set(registers[bank, default: [:]].keys)
            examination.check(
                "tpm.quote.selection", indices.value.isSubset(of: quoted),
                expected: Self.describe([bank: indices.value]),
                found: Self.describe([bank: quoted]), askedBy: indices.line)
        }
    }

    private func checkClock(_ requirements: TPMRequirements, _ examination: inout Examination) {
        let counts: [(String, Setting<UInt32>?, UInt32)] = [
            ("tpm.clock.reset-count", requirements.resetCount, attest.resetCount),
            ("tpm.clock.restart-count", requirements.restartCount, attest.restartCount),
        ]
        for (name, expected, found) in counts {
            guard let expected else { continue }
            examination.check(
                name, found == expected.value, expected: "\(expected.value)",
                found: found == expected.value ? "\(found)" : "\(found): the machine was booted or resumed since",
                askedBy: expected.line)
        }
        guard let minimum = requirements.minimumFirmware else { return }
        examination.check(
            "tpm.firmware.version", attest.firmwareVersion >= minimum.value,
            expected: "at least 0x\(String(minimum.value, radix: 16))",
            found: "0x\(String(attest.firmwareVersion, radix: 16))", askedBy: minimum.line)
    }

    private func checkRegisters(_ requirements: TPMRequirements, _ examination: inout Examination) {
        for (bank, settings) in requirements.registers.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            for (index, setting) in settings.sorted(by: { $0.key < $1.key }) {
                let value = registers[bank]?[index]
                examination.check(
                    "tpm.pcr.\(bank).\(index)", value.map(setting.value.contains) ?? false,
                    expected: setting.value.map(hexadecimal).sorted().joined(separator: " or "),
                    found: value.map(hexadecimal) ?? "a quote that does not cover it", askedBy: setting.line)
            }
        }
    }
}

// MARK: - The logs

extension TPMQuote {
    /// Judges the logs that the policy asks for, by the registers that prove them; others that came along say nothing and are left alone.
    /// - Returns: What all of the evidence says.
    func examineLogs(
        _ evidence: Evidence, _ requirements: TPMRequirements, _ context: Context, _ examination: inout Examination
    ) throws(EvidenceError) -> TPMClaims {
        var claims = claims
        if let bootLog = requirements.bootLog {
            if let bytes = evidence["uefi-log"] {
                examineBootLog(try EventLog(bytes), registers: registers, bootLog.value, &examination)
            } else {
                examination.check(
                    "tpm.uefi-log.present", false, expected: "the boot's log", found: "none", askedBy: bootLog.line)
            }
        }
        if let ima = requirements.ima {
            if let bytes = evidence["ima-log"] {
                let log = try IMALog(binary: bytes, start: Self.start(evidence))
                claims.imaState = try examineIMA(
                    log, quoted: registers.compactMapValues { $0[10] },
                    bootRegisters: registers.mapValues { $0.filter { $0.key < 10 } }, ima.value,
                    state: requirements.imaState, at: context.now, &examination)
            } else {
                examination.check(
                    "tpm.ima-log.present", false, expected: "the kernel's log", found: "none", askedBy: ima.line)
            }
        }
        return claims
    }

    /// How many entries the kernel's log leaves out.
    private static func start(_ evidence: Evidence) throws(EvidenceError) -> Int {
        guard let bytes = evidence["ima-start"] else { return 0 }
        let format = "tpm.ima-log.start"
        var cursor = ByteCursor(bytes, format: format)
        let start = try cursor.little(UInt64.self)
        try cursor.finish()
        guard let start = Int(exactly: start), start <= 1 << 40 else {
            throw EvidenceError(format, expected: "a number of entries", found: "\(start)")
        }
        return start
    }
}
