import Crypto
import FoundationEssentials
import PliniusVerifier
import PliniusWire

// MARK: - TPMs

extension Seed {
    private static func sized(_ bytes: [UInt8]) -> [UInt8] { big(UInt16(bytes.count)) + bytes }

    /// A quote over PCR 10 of SHA-256.
    static let attest =
        octets("ff5443478018") + sized(zeros(34)) + sized(zeros(32)) + zeros(8 + 4 + 4) + [1] + zeros(8)
        + octets("00000001000b03000400") + sized(zeros(32))

    /// A restricted signing key of P-256: the generator of the curve.
    static let tpmKey =
        octets("0023000b00050072") + sized([]) + octets("00100018000b00030010")
        + sized(octets("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"))
        + sized(octets("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"))

    /// The same point as a key that unwraps, with the policy and the cipher of the TCG's profile.
    static let endorsementKey =
        octets("0023000b000300b2") + sized(zeros(32)) + octets("00060080004300100003") + octets("0010")
        + tpmKey.suffix(68)

    static let tpmSignature = octets("0018000b") + sized(zeros(32)) + sized(zeros(32))

    static let registers = PCRValues([
        PCRValues.Register(bank: 4, index: 10): zeros(20), PCRValues.Register(bank: 11, index: 0): zeros(32),
    ])

    /// One bank, one register, one list with one digest.
    static let toolsRegisters =
        little(UInt32(1)) + octets("0b0003000400") + zeros(2 + 15 * 8) + little(UInt32(1)) + little(UInt32(1))
        + little(UInt16(32)) + zeros(64 + 7 * 66)

    static func withoutLength(_ files: [[UInt8]]) -> [[UInt8]] { files.map { Array($0.dropFirst(2)) } }

    static func azureParts(_ samples: Samples, _ name: String) -> [[UInt8]] {
        samples.files("vtpm/az-snp-v1.json", "vtpm/az-tdx-v0.json")
            .compactMap { (try? AzureEvidence.read($0))?[name] }
    }
}

// MARK: - Sealed keys

extension Seed {
    /// Of the simulated platform, which adds nothing.
    static let sealedKey = Array("PLINSEAL".utf8) + little(UInt32(1)) + [255] + zeros(32 + 32 + 16)

    /// Bound to PCR 10 of SHA-256, without a key of approvals.
    static let tpmSealedData = [1] + little(UInt16(11)) + [10] + zeros(64) + sized(zeros(4)) + sized(zeros(4))
}

// MARK: - Logs

extension Seed {
    /// `SecureBoot`, on.
    static let variable =
        UEFIVariable.Namespace.global + little(UInt64(10)) + little(UInt64(1))
        + "SecureBoot".utf16.flatMap { little($0) } + [1]

    /// One list with one digest of SHA-256.
    static let signatures =
        octets("2616c4c14c509240aca941f936934328") + little(UInt32(28 + 48)) + zeros(4) + little(UInt32(48)) + zeros(48)

    /// A header for SHA-256, one event.
    static let eventLog: [UInt8] = {
        let specification =
            Array("Spec ID Event03\0".utf8) + zeros(4) + [0, 2, 0, 2] + little(UInt32(1)) + octets("0b002000") + [0]
        return zeros(4) + little(UInt32(3)) + zeros(20) + little(UInt32(specification.count)) + specification
            + little(UInt32(1)) + little(UInt32(4)) + little(UInt32(1)) + octets("0b00") + zeros(32)
            + little(UInt32(4)) + zeros(4)
    }()

    /// Without the filling of the table, which takes a fuzzer's time.
    static func eventLogs(_ samples: Samples) -> [[UInt8]] {
        let logs = samples.files("tpm/gce-cos-85-nonce9009.pb").compactMap { file in
            (try? GCEAttestation.read(file))?.first?["uefi-log"]
        }
        let tables = samples.files("tdx/ccel/ccel.bin").map { table in
            Array(table.prefix(1 + (table.lastIndex { $0 != 0 && $0 != 0xFF } ?? 0)))
        }
        return logs + tables
    }

    private static let imaDigest = Array("sha256:\0".utf8) + zeros(32)

    static let imaBinary: [UInt8] = {
        let path = Array("/usr/bin/true\0".utf8)
        let data = little(UInt32(imaDigest.count)) + imaDigest + little(UInt32(path.count)) + path
        let name = Array("ima-ng".utf8)
        return little(UInt32(10)) + zeros(20) + little(UInt32(name.count)) + name + little(UInt32(data.count)) + data
    }()

    static let imaASCII = Array(
        "10 \(hexadecimal(zeros(20))) ima-ng sha256:\(hexadecimal(zeros(32))) /usr/bin/true\n".utf8)

    static func imaLines(_ samples: Samples) -> [[UInt8]] {
        samples.files("ima/ascii_runtime_measurements").map { log in
            Array(log.split(separator: 10, omittingEmptySubsequences: false).prefix(20).joined(separator: [10])) + [10]
        }
    }

    static let imaAllowList = Array("sha256:\(hexadecimal(zeros(32))) /usr/bin/true\n".utf8)
}

// MARK: - Stored evidence

extension Seed {
    static let azure = Array(
        """
        {"version": 1, "hcl_report": "AAAA", "vcek": "\(Data(certificate).base64EncodedString())",
        "tpm_quote": {"message": "ff54", "signature": "00", "pcrs": ["\(hexadecimal(zeros(32)))"]}}
        """.utf8)

    /// A key, a quote with one register.
    static let gce: [UInt8] = {
        func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] { [number << 3 | 2, UInt8(bytes.count)] + bytes }
        let registers: [UInt8] = [8, 11] + field(2, [8, 10] + field(2, zeros(32)))
        return field(1, Array(tpmKey.prefix(100)))
            + field(2, field(1, zeros(16)) + field(2, zeros(8)) + field(3, registers))
            + field(3, zeros(40))
    }()

    static let trusteeTPM = Array(
        """
        {"ak_public": "AAAA", "tpm_quote": {"message": "AAAA", "signature": "AAAA", "pcrs": ["\(hexadecimal(zeros(32)))"]}}
        """.utf8)
}

extension Seed {
    /// A report of zeros, and a key that no signature is made with.
    static let hclReport: [UInt8] = {
        let claims = Array(#"{"keys": [{"kid": "HCLAkPub", "kty": "RSA", "n": "AQAB", "e": "AQAB"}]}"#.utf8)
        let size = UInt32(20 + claims.count)
        let header = Array("HCLA".utf8) + little(UInt32(1)) + little(32 + 1184 + size) + [2] + zeros(19)
        let numbers = [size, 1, 2, 1, UInt32(claims.count)].flatMap { little($0) }
        return header + zeros(1184) + numbers + claims
    }()

    static let storedNVIDIA = Array(
        #"[{"evidence": "\#(Data(nvidiaReport).base64EncodedString())", "certificate": "AAAA"}]"#.utf8)

    static let configfs = Array(
        #"{"provider": "sev_guest", "outblob": "\#(Data(snpReport).base64EncodedString())", "auxblob": "AAAA"}"#.utf8)

    /// One of each kind that a single file can be.
    static let storedFiles = [
        bundle.encoded, quote(version: 3, tee: 0), quote(version: 4, tee: 0x81), snpReport, imaBinary, imaASCII, azure,
        gce, trusteeTPM, storedNVIDIA, configfs, attest, Array(Data(snpReport).base64EncodedString().utf8),
    ]
}

// MARK: - Messages

extension Seed {
    static let runtimeData: RuntimeData = {
        var data = RuntimeData()
        data.nonce = zeros(32)
        data.publicKey = zeros(32)
        data.configDigest = zeros(32)
        data.datasetIDs = [zeros(16)]
        data.state = MirrorState(counter: 1, tag: zeros(32))
        data.leaseID = zeros(16)
        data.runName = "run"
        return data
    }()

    static let grantTerms = GrantTerms(
        purposes: [.train], keys: [GrantTerms.Key(), GrantTerms.Key(dataset: zeros(16))],
        restart: .init(registers: [7]), lease: .init(id: zeros(16), seconds: 60, iterations: 1000),
        floor: MirrorState(counter: 1, tag: zeros(32)))

    static let bundle = EvidenceBundle(
        runtimeData: runtimeData.encoded,
        evidence: [
            Evidence(.simulated, ["report": zeros(108), "key": zeros(32)]), Evidence(.tpm, ["ima-log": imaBinary]),
        ])

    static let ownerMessages: [Frame] = {
        var challenge = Challenge(nonce: zeros(32))
        challenge.registers = [Challenge.RegisterSelection(bank: 11, registers: [0, 10])]
        let messages: [OwnerMessage] = [
            .challenge(challenge), .credential(Credential(identityObject: zeros(8), encryptedSecret: zeros(8))),
            .grant(KeyGrant(transcript: zeros(32), encapsulatedKey: zeros(32), ciphertext: zeros(96))),
            .refusal(Failure(category: .integrity, message: "no")),
        ]
        return messages.map(\.frame)
    }()

    static let enclaveMessages: [Frame] = {
        var messages: [EnclaveMessage] = [
            .receipt(Receipt(proof: zeros(32))), .refusal(Failure(category: .integrity, message: "no")),
        ]
        let enrolment = try? Enrolment(
            endorsementCertificate: certificate, endorsementKey: tpmKey, attestationKey: tpmKey)
        if let enrolment { messages.append(.enrolment(enrolment)) }
        if let presentation = try? Presentation(bundle: bundle) { messages.append(.presentation(presentation)) }
        return messages.map(\.frame)
    }()
}

// MARK: - What owners hold

extension Seed {
    static let policies = [
        Array(
            """
            version: 1
            name: tests
            level: test
            purposes: [train]
            evidence: [simulated]
            configs: any
            datasets: any
            simulated:
              measurement: ["\(hexadecimal(zeros(32)))"]
            """.utf8),
        Array(
            """
            version: 1
            name: machines
            level: tee
            purposes: [train, test]
            evidence: [sgx]
            configs: ["\(hexadecimal(zeros(32)))"]
            datasets: ["\(hexadecimal(zeros(16)))"]
            sgx:
              mrenclave: &x
                - \(hexadecimal(zeros(32)))
              minimumISVSVN: 0x10
              tcb: {tolerate: [SWHardeningNeeded], advisories: [INTEL-SA-00615]}
            """.utf8),
    ]

    /// A bundle up to its signer's key: of two items of AMD's.
    static let collateralContent: [UInt8] = {
        var content = CollateralContent()
        content.amdCertificates = [certificate]
        content.amdRevocationLists = [revocationList]
        let bundle = CollateralBundle(
            series: "tests", serial: 7, issued: Instant(seconds: 1), expires: Instant(seconds: 2), content: content)
        return (try? Array(bundle.signed(with: .ed25519(signer)).dropLast(1 + 32 + 64))) ?? []
    }()

    /// What the tests' signer makes of the content of a bundle.
    static func signed(_ content: [UInt8]) throws -> [UInt8] {
        let message = content + [1] + Array(signer.publicKey.rawRepresentation)
        return message + Array(try signer.signature(for: message))
    }

    static let signer = Curve25519.Signing.PrivateKey()
}
