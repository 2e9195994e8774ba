import Crypto
import Glibc
import PliniusAttester
import PliniusSealing
import PliniusTPM
import PliniusVerifier
import PliniusWire
import Testing
import _PliniusSupport
import _PliniusTestSupport

/// An owner's key that approves registers.
private struct ApprovalKey {
    private let key = P256.Signing.PrivateKey()

    var publicKey: [UInt8] { Array(key.publicKey.rawRepresentation) }

    func sign(_ message: [UInt8]) throws -> [UInt8] { try Array(key.signature(for: message).rawRepresentation) }
}

extension Attester {
    func seal(
        _ key: SecretBytes, for context: SealedKey.Context, options: SealingOptions = SealingOptions()
    ) throws(AttestationError) -> SealedKey {
        try sealer(options).seal(key, for: context, options: options)
    }
}

@Suite("Keys sealed for restarts")
struct SealedKeyTests {
    static let context = SealedKey.Context(
        configDigest: sha256([1]), datasetID: [UInt8](repeating: 2, count: 16), runName: "night")

    /// The same with one thing changed.
    static let otherContexts: [SealedKey.Context] = {
        var contexts = [context, context, context, context]
        contexts[0].configDigest[31] ^= 1
        contexts[1].datasetID[0] ^= 1
        contexts[2].runName = "nighs"
        // The same bytes, cut elsewhere.
        contexts[3].datasetID.append(UInt8(ascii: "n"))
        contexts[3].runName = "ight"
        return contexts
    }()

    /// An attester of a machine made of files; an SNP guest's firmware answers with what it was asked, digested.
    static func attester(_ platform: String, key: UInt8 = 7) throws -> (Attester, FileKernel, SealingOptions) {
        let machine = try FileKernel()
        try machine.addGramine(key: [UInt8](repeating: key, count: 16))
        var kernel = machine.kernel
        kernel.askFirmware = { path, command, request, count throws(KernelError) in
            guard path.hasSuffix("/dev/sev-guest"), command == 1, count == 64 else { throw KernelError(ENOTTY) }
            // VCEK; policy, image, family, measurement; VMPL; neither SVN nor TCB.
            guard request.count == 32, request.prefix(16) == [0, 0, 0, 0, 0, 0, 0, 0, 15, 0, 0, 0, 0, 0, 0, 0],
                request.suffix(12).allSatisfy({ $0 == 0 })
            else { throw KernelError(EINVAL) }
            return [UInt8](repeating: 0, count: 32) + sha256([key] + request)
        }
        var paths = machine.paths
        paths.simulationKey = try machine.root.write([UInt8](repeating: key, count: 32), to: "seed")
        var options = SealingOptions()
        options.allowsSimulation = true
        return (try Attester(named: platform, paths, kernel), machine, options)
    }

    static let platforms = ["sgx", "sev-snp", "simulated"]

    @Test("A key comes back, from another blob each time", arguments: platforms)
    func roundTrip(platform: String) throws {
        let (attester, machine, options) = try Self.attester(platform)
        defer { withExtendedLifetime(machine) {} }
        let key = SecretBytes.random(32)
        let sealed = try attester.seal(key, for: Self.context, options: options)
        #expect(sealed.encoded.count == 93)
        #expect(sealed.encoded.starts(with: Array("PLINSEAL".utf8) + [1, 0, 0, 0, attester.kinds[0].rawValue]))
        let again = try SealedKey(decoding: sealed.encoded)
        #expect(again == sealed)
        #expect(try attester.open(again, for: Self.context, options: options).isEqual(to: key))
        #expect(try attester.seal(key, for: Self.context, options: options).encoded != sealed.encoded)
        // What seals can be had before there is a key.
        let sealer = try attester.sealer(options)
        let later = try sealer.seal(key, for: Self.context, options: options)
        #expect(try attester.open(later, for: Self.context, options: options).isEqual(to: key))
        // The key is nowhere in the clear.
        let bytes = unsafe key.withBytes { unsafe Array($0) }
        #expect(!sealed.encoded.contains(bytes))
    }

    @Test("Another configuration, data set or run opens nothing", arguments: platforms)
    func otherContext(platform: String) throws {
        let (attester, machine, options) = try Self.attester(platform)
        defer { withExtendedLifetime(machine) {} }
        let sealed = try attester.seal(.random(32), for: Self.context, options: options)
        for context in Self.otherContexts {
            #expect(throws: AttestationError.self) { try attester.open(sealed, for: context, options: options) }
        }
    }

    @Test("A sealed key has 4,096 bytes at most, whatever follows the key")
    func size() throws {
        let (attester, machine, options) = try Self.attester("sgx")
        defer { withExtendedLifetime(machine) {} }
        let sealed = try attester.seal(.random(32), for: Self.context, options: options).encoded
        let filling = [UInt8](repeating: 0, count: 4_096 - sealed.count)
        #expect(throws: Never.self) { try SealedKey(decoding: sealed + filling) }
        #expect(throws: AttestationError.self) { try SealedKey(decoding: sealed + filling + [0]) }
    }

    @Test("Another secret of the platform opens nothing", arguments: platforms)
    func otherSecret(platform: String) throws {
        let (attester, machine, options) = try Self.attester(platform)
        let (other, otherMachine, otherOptions) = try Self.attester(platform, key: 8)
        defer { withExtendedLifetime((machine, otherMachine)) {} }
        let sealed = try attester.seal(.random(32), for: Self.context, options: options)
        #expect(throws: AttestationError.self) { try other.open(sealed, for: Self.context, options: otherOptions) }
    }

    @Test("A blob with any byte changed, cut or grown opens nothing", arguments: platforms)
    func damage(platform: String) throws {
        let (attester, machine, options) = try Self.attester(platform)
        defer { withExtendedLifetime(machine) {} }
        let sealed = try attester.seal(.random(32), for: Self.context, options: options).encoded
        for index in sealed.indices {
            for bit in 0..<8 {
                var bytes = sealed
                bytes[index] ^= 1 << bit
                expectRefused(bytes, attester, options)
            }
        }
        for count in sealed.indices { expectRefused(Array(sealed.prefix(count)), attester, options) }
        expectRefused(sealed + [0], attester, options)
        expectRefused([UInt8](repeating: 0, count: 5_000), attester, options)
        expectRefused(sealed + [UInt8](repeating: 0, count: 5_000), attester, options)
    }

    private func expectRefused(_ bytes: [UInt8], _ attester: Attester, _ options: SealingOptions) {
        #expect(throws: AttestationError.self) {
            try attester.open(try SealedKey(decoding: bytes), for: Self.context, options: options)
        }
    }

    @Test("One platform's blob is not another's")
    func otherPlatform() throws {
        for from in Self.platforms {
            let (attester, machine, options) = try Self.attester(from)
            let sealed = try attester.seal(.random(32), for: Self.context, options: options)
            for to in Self.platforms where to != from {
                let (other, otherMachine, otherOptions) = try Self.attester(to)
                #expect(throws: AttestationError.self) {
                    try other.open(sealed, for: Self.context, options: otherOptions)
                }
                withExtendedLifetime((machine, otherMachine)) {}
            }
        }
    }

    @Test("TDX has no sealing key and says so; a TPM beside it is not asked")
    func tdx() throws {
        for name in ["tdx", "tdx+tpm"] {
            let (attester, _, options) = try Self.attester(name)
            #expect(attester.sealingPlatform == .tdx)
            let error = #expect(throws: AttestationError.self) {
                try attester.seal(.random(32), for: Self.context, options: options)
            }
            #expect(error?.description.contains("provision the key at each start") == true)
        }
    }

    @Test("A simulation seals only where that is asked for, and only with a key that outlives it")
    func simulated() throws {
        let (attester, machine, options) = try Self.attester("simulated")
        let sealed = try attester.seal(.random(32), for: Self.context, options: options)
        #expect(throws: AttestationError.self) { try attester.seal(.random(32), for: Self.context) }
        // What a simulation sealed its owner permitted then.
        #expect(throws: Never.self) { try attester.open(sealed, for: Self.context) }
        let keyless = try Attester(named: "simulated", machine.paths, machine.kernel)
        #expect(throws: AttestationError.self) { try keyless.seal(.random(32), for: Self.context, options: options) }
    }

    @Test("A key of another length is not sealed", arguments: [0, 16, 31, 33])
    func otherLength(count: Int) throws {
        let (attester, machine, options) = try Self.attester("sgx")
        defer { withExtendedLifetime(machine) {} }
        #expect(throws: AttestationError.self) {
            try attester.seal(.random(count), for: Self.context, options: options)
        }
    }

    @Test("SGX: no key file, or one of another length, seals nothing", arguments: [nil, 0, 15, 17, 32])
    func gramineKey(count: Int?) throws {
        let (attester, machine, options) = try Self.attester("sgx")
        if let count {
            try machine.addGramine(key: [UInt8](repeating: 1, count: count))
        } else {
            unlink(machine.root("dev/attestation/keys/_sgx_mrenclave"))
        }
        #expect(throws: AttestationError.self) { try attester.seal(.random(32), for: Self.context, options: options) }
    }

    @Test("SEV-SNP: what the firmware refuses or leaves empty seals nothing; each VMPL has its own key")
    func firmware() throws {
        let (attester, machine, options) = try Self.attester("sev-snp")
        let sealed = try attester.seal(.random(32), for: Self.context, options: options)
        var other = options
        other.privilegeLevel = 2
        #expect(throws: AttestationError.self) { try attester.open(sealed, for: Self.context, options: other) }
        let good = [UInt8](repeating: 0, count: 32) + [UInt8](repeating: 5, count: 32)
        let answers: [[UInt8]?] = [
            nil, [], good.dropLast(), [0x16] + good.dropFirst(), [UInt8](repeating: 0, count: 64),
        ]
        for answer in answers {
            var kernel = machine.kernel
            kernel.askFirmware = { _, _, _, _ throws(KernelError) in
                guard let answer else { throw KernelError(EIO) }
                return answer
            }
            let attester = try Attester(named: "sev-snp", machine.paths, kernel)
            #expect(throws: AttestationError.self) { try attester.seal(.random(32), for: Self.context) }
        }
    }
}

@Suite("Keys sealed by a TPM, in software", .enabled(if: SoftwareTPM.isAvailable, "\(SoftwareTPM.missing)"))
struct SealedByTPMTests {
    let context = SealedKeyTests.context
    let key = SecretBytes.random(32)

    func attester(_ tpm: SoftwareTPM, _ name: String = "tpm") throws -> Attester {
        var paths = DevicePaths(under: "/nowhere")
        paths.tpm = tpm.configuration
        return try Attester(named: name, paths)
    }

    /// What the default registers hold now.
    func values(_ attester: Attester) throws -> PCRValues {
        var options = EvidenceOptions()
        options.registers = SealingOptions.defaultRegisters
        return try PCRValues(decoding: try #require(attester.evidence(for: [], options: options).last?["pcrs"]))
    }

    @Test("A key comes back after a restart", arguments: ["tpm", "simulated+tpm"])
    func roundTrip(name: String) throws {
        let tpm = try SoftwareTPM()
        defer { tpm.stop() }
        let attester = try attester(tpm, name)
        let sealed = try SealedKey(decoding: try attester.seal(key, for: context).encoded)
        #expect(sealed.platform == .tpm)
        // The secret is bound to the policy alone: fixedTPM, fixedParent, noDA, and no password beside it.
        let data = Array(sealed.encoded.dropFirst(93))
        let area = 1 + 3 * Int(data[0]) + 64 + 2
        #expect(Array(data[(area + 4)..<(area + 8)]) == [0, 0, 4, 0x12])
        #expect(throws: Never.self) { try TPMSealedData(decoding: data) }
        #expect(throws: AttestationError.self) { try TPMSealedData(decoding: data + [0]) }
        try tpm.restart()
        // IMA's register is not among those that have to stay.
        try tpm.extend(10, with: sha256([1]))
        for _ in 0..<4 { #expect(try attester.open(sealed, for: context).isEqual(to: key)) }
        for other in SealedKeyTests.otherContexts {
            #expect(throws: AttestationError.self) { try attester.open(sealed, for: other) }
        }
    }

    @Test("Other values of any register that counts open nothing", arguments: [0, 4, 7, 14] as [UInt8])
    func otherValues(register: UInt8) throws {
        let tpm = try SoftwareTPM()
        defer { tpm.stop() }
        let attester = try attester(tpm)
        let sealed = try attester.seal(key, for: context)
        try tpm.extend(register, with: sha256([1]))
        #expect(throws: AttestationError.self) { try attester.open(sealed, for: context) }
        try tpm.restart()
        #expect(try attester.open(sealed, for: context).isEqual(to: key))
    }

    @Test("Another TPM opens nothing")
    func otherTPM() throws {
        let tpm = try SoftwareTPM()
        defer { tpm.stop() }
        let other = try SoftwareTPM()
        defer { other.stop() }
        let sealed = try attester(tpm).seal(key, for: context)
        #expect(throws: AttestationError.self) { try attester(other).open(sealed, for: context) }
    }

    @Test("A blob with any byte changed or cut opens nothing", arguments: [false, true])
    func damage(isApproved: Bool) throws {
        let tpm = try SoftwareTPM()
        defer { tpm.stop() }
        let attester = try attester(tpm)
        let owner = ApprovalKey()
        var options = SealingOptions()
        if isApproved {
            options.approvalKey = owner.publicKey
            options.approvals = [try owner.sign(try SealingPolicy.approvalMessage(of: try values(attester)))]
        }
        let sealed = try attester.seal(key, for: context, options: options).encoded
        #expect(try attester.open(SealedKey(decoding: sealed), for: context, options: options).isEqual(to: key))
        for index in sealed.indices {
            var bytes = sealed
            bytes[index] ^= UInt8(1 << (index % 8))
            #expect(throws: AttestationError.self, "byte \(index)") {
                try attester.open(SealedKey(decoding: bytes), for: context, options: options)
            }
        }
        for count in stride(from: 0, to: sealed.count, by: 7) {
            #expect(throws: AttestationError.self, "\(count) bytes") {
                try attester.open(SealedKey(decoding: Array(sealed.prefix(count))), for: context, options: options)
            }
        }
        #expect(throws: AttestationError.self) {
            try attester.open(SealedKey(decoding: sealed + [0]), for: context, options: options)
        }
    }

    @Test("Under approvals, a state that the owner approved opens, and no other does")
    func approvals() throws {
        let tpm = try SoftwareTPM()
        defer { tpm.stop() }
        let attester = try attester(tpm)
        let owner = ApprovalKey()
        var options = SealingOptions()
        options.approvalKey = owner.publicKey
        let sealed = try attester.seal(key, for: context, options: options)
        #expect(throws: AttestationError.self, "nothing is approved") {
            try attester.open(sealed, for: context, options: options)
        }
        let first = try owner.sign(try SealingPolicy.approvalMessage(of: try values(attester)))
        options.approvals = [first]
        #expect(try attester.open(sealed, for: context, options: options).isEqual(to: key))

        // An update: the state is another, and unapproved.
        try tpm.extend(4, with: sha256([1]))
        #expect(throws: AttestationError.self) { try attester.open(sealed, for: context, options: options) }
        let message = try SealingPolicy.approvalMessage(of: try values(attester))
        let strangers = try ApprovalKey().sign(message)
        var changed = try owner.sign(message)
        changed[40] ^= 1
        let digestOnly = try owner.sign(Array(message.prefix(32)))
        for approval in [strangers, changed, digestOnly, [], Array(changed.dropLast())] {
            options.approvals = [approval]
            #expect(throws: AttestationError.self) { try attester.open(sealed, for: context, options: options) }
        }
        options.approvals = [first, strangers, try owner.sign(message)]
        #expect(try attester.open(sealed, for: context, options: options).isEqual(to: key))
        try tpm.restart()
        #expect(try attester.open(sealed, for: context, options: options).isEqual(to: key))
    }

    @Test("Nothing is sealed that could not come back")
    func badPolicies() throws {
        let tpm = try SoftwareTPM()
        defer { tpm.stop() }
        let attester = try attester(tpm)
        var options = SealingOptions()
        for point in [
            [], [UInt8](repeating: 0, count: 64), [UInt8](repeating: 1, count: 64), ApprovalKey().publicKey + [0],
        ] {
            options.approvalKey = point
            #expect(throws: AttestationError.self) { try attester.seal(key, for: context, options: options) }
        }
        for isApproved in [false, true] {
            options.approvalKey = isApproved ? ApprovalKey().publicKey : nil
            for registers in [[], [(0x12, 0)], [(0x0B, 24)]] as [[(UInt16, UInt8)]] {
                options.registers = Set(registers.map { .init(bank: $0.0, index: $0.1) })
                #expect(throws: AttestationError.self) { try attester.seal(key, for: context, options: options) }
            }
        }
    }

    // MARK: Counter

    private static let counterIndex: UInt32 = 0x0180_504C

    @Test("The counter goes up by one with each start, and never down")
    func counter() throws {
        let tpm = try SoftwareTPM()
        defer { tpm.stop() }
        let attester = try attester(tpm)
        // A new one stands somewhere, and to look at it counts nothing.
        let first = try attester.counter(at: Self.counterIndex).value
        for start in 1...3 {
            try tpm.restart()
            let counter = try attester.counter(at: Self.counterIndex)
            #expect(counter.value == first + UInt64(start) - 1)
            #expect(try counter.countUp() == first + UInt64(start))
        }
        // Deleted and made anew it goes on above.
        let password: [UInt8] = [0, 0, 0, 9, 0x40, 0, 0, 9, 0, 0, 0, 0, 0]
        let undefine = [0x80, 0x02, 0, 0, 0, 31, 0, 0, 1, 0x22, 0x40, 0, 0, 1, 0x01, 0x80, 0x50, 0x4C] + password
        #expect(try tpm.send(undefine).dropFirst(6).prefix(4).elementsEqual([0, 0, 0, 0]))
        #expect(try attester.counter(at: Self.counterIndex).value > first + 3)
    }

    @Test("A counter beside what seals needs no connection of its own")
    func counterBesideSealer() throws {
        let tpm = try SoftwareTPM()
        defer { tpm.stop() }
        let attester = try attester(tpm)
        var sealer: Sealer? = try attester.sealer()
        var counter: TrustedCounter? = try attester.counter(at: Self.counterIndex, beside: sealer)
        let sealed = try #require(try sealer?.seal(key, for: context))
        #expect(try counter?.countUp() == (counter?.value ?? 0) + 1)
        (sealer, counter) = (nil, nil)
        #expect(try attester.open(sealed, for: context).isEqual(to: key))
    }

    @Test("What an owner's program approves is what the TPM compares")
    func approvalMessage() throws {
        for registers in [[0], [23], [0, 1, 2, 3, 4, 5, 6, 7, 14], [7, 8, 15, 16, 22]] {
            let values = Dictionary(uniqueKeysWithValues: registers.map { ($0, sha256([UInt8($0)])) })
            let read = PCRValues(
                Dictionary(
                    uniqueKeysWithValues: values.map { (.init(bank: 0x000B, index: UInt8($0.key)), $0.value) }))
            #expect(try SealingPolicy.approvalMessage(of: read) == RegisterApproval.message(of: values))
        }
    }

    @Test(
        "What is no counter, or one that forgets when the power fails, is not taken for it",
        arguments: [[0x02, 0x04, 0x00, 0x04], [0x06, 0x04, 0x00, 0x14]] as [[UInt8]])
    func noCounter(attributes: [UInt8]) throws {
        let tpm = try SoftwareTPM()
        defer { tpm.stop() }
        let attester = try attester(tpm)
        // TPM2_NV_DefineSpace: 8 bytes, which anybody may write; the second is a counter that is kept in volatile memory.
        let password: [UInt8] = [0, 0, 0, 9, 0x40, 0, 0, 9, 0, 0, 0, 0, 0]
        let space = [0, 14, 0x01, 0x80, 0x50, 0x4C, 0, 0x0B] + attributes + [0, 0, 0, 8]
        let head: [UInt8] = [0x80, 0x02, 0, 0, 0, 45, 0, 0, 1, 0x2A, 0x40, 0, 0, 1]
        let define = head + password + [0, 0] + space
        #expect(define.count == 45)
        #expect(try tpm.send(define).dropFirst(6).prefix(4).elementsEqual([0, 0, 0, 0]))
        #expect(throws: AttestationError.self) { try attester.counter(at: Self.counterIndex) }
        #expect(try attester.counter(at: Self.counterIndex + 1).countUp() > 1)
        #expect(throws: AttestationError.self) { try attester.counter(at: 0x8100_0000) }
    }
}
