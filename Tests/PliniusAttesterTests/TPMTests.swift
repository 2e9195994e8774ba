import PliniusAttester
import PliniusSealing
import PliniusTPM
import PliniusVerifier
import PliniusWire
import Testing
import _PliniusSupport
import _PliniusTestSupport

@Suite("TPM, in software", .enabled(if: SoftwareTPM.isAvailable, "\(SoftwareTPM.missing)"))
struct TPMTests {
    let runtimeData = Array("runtime data".utf8)

    func paths(_ tpm: SoftwareTPM, _ root: TemporaryDirectory? = nil) throws -> DevicePaths {
        var paths = DevicePaths(under: try (root ?? TemporaryDirectory()).path)
        paths.tpm = tpm.configuration
        return paths
    }

    /// Fields of TPMS_ATTEST, read by hand (TPM 2.0 Library, Part 2, 10.12).
    struct Quote {
        let extraData: [UInt8]
        let resetCount: UInt32
        let selection: [UInt8]
        let digest: [UInt8]

        init(_ bytes: [UInt8]) {
            var rest = bytes[...]
            func take(_ count: Int) -> [UInt8] {
                defer { rest = rest.dropFirst(count) }
                return Array(rest.prefix(count))
            }
            func sized() -> [UInt8] { take(take(2).reduce(0) { $0 << 8 | Int($1) }) }
            #expect(take(6) == [0xFF, 0x54, 0x43, 0x47, 0x80, 0x18], "a quote that a TPM made")
            _ = sized()
            extraData = sized()
            _ = take(8)
            resetCount = take(4).reduce(0) { $0 << 8 | UInt32($1) }
            _ = take(4 + 1 + 8)
            selection = Array(rest.dropLast(34))
            digest = Array(rest.suffix(32))
        }
    }

    @Test(
        "A quote is over what was asked, by a key that is restricted and stays the same",
        arguments: TPMKeyAlgorithm.allCases)
    func quote(algorithm: TPMKeyAlgorithm) throws {
        let tpm = try SoftwareTPM()
        defer { tpm.stop() }
        try tpm.extend(10, with: sha256([1]))
        var options = EvidenceOptions()
        options.keyAlgorithm = algorithm
        let attester = try Attester(named: "tpm", paths(tpm))
        let evidence = try attester.evidence(for: runtimeData, options: options)[0]
        #expect(evidence.kind == .tpm)
        #expect(evidence.parts.map(\.name) == ["ak", "attest", "pcrs", "signature"])
        let quote = Quote(try #require(evidence["attest"]))
        #expect(quote.extraData == sha256(Array("plinius/1/tpm".utf8) + sha512(runtimeData)))
        // One bank, SHA-256; PCR 0 to 10 and 14.
        #expect(quote.selection == [0, 0, 0, 1, 0, 0x0B, 3, 0xFF, 0x47, 0])
        let values = try PCRValues(decoding: try #require(evidence["pcrs"])).values
        #expect(Set(values.keys) == EvidenceOptions.defaultRegisters)
        #expect(values[.init(bank: 0x0B, index: 10)] == sha256([UInt8](repeating: 0, count: 32) + sha256([1])))
        #expect(quote.digest == sha256(values.sorted { $0.key < $1.key }.flatMap(\.value)))
        let signature = try #require(evidence["signature"])
        #expect(signature.prefix(4) == (algorithm == .rsa ? [0, 0x14, 0, 0x0B] : [0, 0x18, 0, 0x0B]))
        let key = try #require(evidence["ak"])
        #expect(key.prefix(8) == [0, UInt8(algorithm.rawValue), 0, 0x0B, 0, 5, 4, 0x72])

        try tpm.restart()
        let later = try attester.evidence(for: runtimeData, options: options)[0]
        #expect(later["ak"] == key)
        #expect(Quote(try #require(later["attest"])).resetCount > quote.resetCount)
    }

    @Test("Several banks, and more registers than one call hands out")
    func banks() throws {
        let tpm = try SoftwareTPM()
        defer { tpm.stop() }
        var options = EvidenceOptions()
        options.registers = Set([4, 0x0B, 0x0C].flatMap { bank in (0..<24).map { .init(bank: bank, index: $0) } })
        let evidence = try Attester(named: "tpm", paths(tpm)).evidence(for: runtimeData, options: options)[0]
        let values = try PCRValues(decoding: try #require(evidence["pcrs"])).values
        #expect(values.count == 72)
        #expect(values.allSatisfy { $0.value.count == [4: 20, 0x0B: 32, 0x0C: 48][$0.key.bank] })
        // Nobody has extended the registers of dynamic launch since the start: all ones.
        #expect(values[.init(bank: 0x0C, index: 17)] == [UInt8](repeating: 0xFF, count: 48))
        let quote = Quote(try #require(evidence["attest"]))
        #expect(quote.digest == sha256(values.sorted { $0.key < $1.key }.flatMap(\.value)))
    }

    @Test("Registers that there are not, or none, are told")
    func wrongRegisters() throws {
        let tpm = try SoftwareTPM()
        defer { tpm.stop() }
        for registers in [[], [(0x12, 0)], [(0x0B, 24)]] as [[(UInt16, UInt8)]] {
            var options = EvidenceOptions()
            options.registers = Set(registers.map { .init(bank: $0.0, index: $0.1) })
            #expect(throws: AttestationError.self) {
                try Attester(named: "tpm", paths(tpm)).evidence(for: runtimeData, options: options)
            }
        }
    }

    @Test("A TPM that is not there is told")
    func absent() throws {
        var paths = DevicePaths()
        for configuration in ["device:/nowhere", "", "swtpm:path=/nowhere"] {
            paths.tpm = configuration
            #expect(throws: AttestationError.self) { try Attester(named: "tpm", paths).evidence(for: runtimeData) }
        }
    }

    @Test("A key is kept where it is asked for, and nothing else is taken for it")
    func keptKey() throws {
        let tpm = try SoftwareTPM()
        defer { tpm.stop() }
        let attester = try Attester(named: "tpm", paths(tpm))
        var options = EvidenceOptions()
        let made = try attester.evidence(for: runtimeData, options: options)[0]["ak"]
        options.keyHandle = 0x8100_1234
        for _ in 0..<2 {
            #expect(try attester.evidence(for: runtimeData, options: options)[0]["ak"] == made)
            try tpm.restart()
        }
        options.keyAlgorithm = .rsa
        #expect(throws: AttestationError.self) { try attester.evidence(for: runtimeData, options: options) }
        options.keyHandle = 0x0100_0000
        #expect(throws: AttestationError.self) { try attester.evidence(for: runtimeData, options: options) }
    }

    @Test("Many quotes leave nothing behind in the TPM")
    func noLeak() throws {
        let tpm = try SoftwareTPM()
        defer { tpm.stop() }
        let attester = try Attester(named: "tpm", paths(tpm))
        for _ in 0..<8 { _ = try attester.evidence(for: runtimeData) }
    }

    @Test("The quote names the evidence of the platform beside it")
    func composite() throws {
        let tpm = try SoftwareTPM()
        defer { tpm.stop() }
        let machine = try FileKernel()
        var paths = machine.paths
        paths.tpm = tpm.configuration
        for name in ["sev-snp+tpm", "simulated+tpm"] {
            let evidence = try Attester(named: name, paths, machine.kernel).evidence(for: runtimeData)
            #expect(evidence.map(\.kind.description).joined(separator: "+") == name)
            let report = try #require(evidence[0]["report"])
            let expected = sha256(Array("plinius/1/tpm".utf8) + sha512(runtimeData) + sha256(report))
            #expect(Quote(try #require(evidence[1]["attest"])).extraData == expected)
        }
    }

    // MARK: Logs

    /// Two entries of ima-ng and one of the oldest template.
    static let entries: [[UInt8]] = [
        [10, 0, 0, 0] + [UInt8](repeating: 1, count: 20) + [6, 0, 0, 0] + Array("ima-ng".utf8) + [3, 0, 0, 0, 7, 7, 7],
        [10, 0, 0, 0] + [UInt8](repeating: 2, count: 20) + [3, 0, 0, 0] + Array("ima".utf8)
            + [UInt8](repeating: 8, count: 20) + [2, 0, 0, 0] + Array("/a".utf8),
        [10, 0, 0, 0] + [UInt8](repeating: 3, count: 20) + [6, 0, 0, 0] + Array("ima-ng".utf8) + [1, 0, 0, 0, 9],
    ]

    @Test("The logs come with the quote, IMA's from where the verifier stopped", arguments: 0...3)
    func logs(first: Int) throws {
        let tpm = try SoftwareTPM()
        defer { tpm.stop() }
        let root = try TemporaryDirectory()
        var paths = try paths(tpm, root)
        paths.imaLog = try root.write(Self.entries.joined(), to: "ima")
        paths.uefiLog = try root.write([5, 5], to: "uefi")
        var options = EvidenceOptions()
        options.firstLogEntry = UInt64(first)
        let evidence = try Attester(named: "tpm", paths).evidence(for: runtimeData, options: options)[0]
        #expect(evidence["uefi-log"] == [5, 5])
        #expect(evidence["ima-log"] == Array(Self.entries[first...].joined()))
        #expect(evidence["ima-start"] == [UInt8(first), 0, 0, 0, 0, 0, 0, 0])
    }

    @Test("A log that is too short, too long or nobody's to read is told")
    func badLogs() throws {
        let tpm = try SoftwareTPM()
        defer { tpm.stop() }
        let root = try TemporaryDirectory()
        var paths = try paths(tpm, root)
        var options = EvidenceOptions()
        options.firstLogEntry = 4
        paths.imaLog = try root.write(Self.entries.joined(), to: "ima")
        #expect(throws: AttestationError.self) {
            try Attester(named: "tpm", paths).evidence(for: runtimeData, options: options)
        }
        options.firstLogEntry = .max
        #expect(throws: AttestationError.self) {
            try Attester(named: "tpm", paths).evidence(for: runtimeData, options: options)
        }
        options.firstLogEntry = 0
        try root.write([UInt8](repeating: 1, count: 16 << 20), to: "ima")
        let full = try Attester(named: "tpm", paths).evidence(for: runtimeData, options: options)
        #expect(EvidenceBundle(runtimeData: runtimeData, evidence: full).encoded.count > 16 << 20, "it fits the wire")
        try root.write([UInt8](repeating: 1, count: 16 << 20 + 1), to: "ima")
        #expect(throws: AttestationError.self) {
            try Attester(named: "tpm", paths).evidence(for: runtimeData, options: options)
        }
        // A folder: it is there, and cannot be read.
        paths.imaLog = root.path
        #expect(throws: AttestationError.self) {
            try Attester(named: "tpm", paths).evidence(for: runtimeData, options: options)
        }
    }

    // MARK: Endorsement

    @Test("The endorsement keys are those of the manufacturer's certificates", arguments: TPMKeyAlgorithm.allCases)
    func endorsement(algorithm: TPMKeyAlgorithm) throws {
        let tpm = try SoftwareTPM(certified: true)
        defer { tpm.stop() }
        let attester = try Attester(named: "tpm", paths(tpm))
        let key = try TPM(tpm.configuration).endorsementKey(algorithm)
        if algorithm == .rsa {
            let certificate = try #require(key.certificate)
            #expect(certificate.contains(key.publicArea.suffix(256)), "the certificate is this key's")
            #expect(try attester.evidence(for: runtimeData)[0]["ek-certificate"] == certificate)
            #expect(Int(certificate[2]) << 8 + Int(certificate[3]) + 4 == certificate.count)
        } else {
            #expect(key.certificate == nil, "swtpm's own setup made one for RSA only, and P-384")
        }
        let uncertified = try SoftwareTPM()
        defer { uncertified.stop() }
        #expect(try TPM(uncertified.configuration).endorsementKey(algorithm).certificate == nil)
    }
}
