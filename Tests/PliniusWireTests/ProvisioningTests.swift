import PliniusWire
import Testing

/// The messages between owner and enclave, and the stream that carries them.
@Suite("Provisioning")
struct ProvisioningTests {
    static let challenge: Challenge = {
        var challenge = Challenge(nonce: Array(0..<32))
        challenge.wanted = [Evidence.Kind.snp.rawValue, Evidence.Kind.tpm.rawValue]
        challenge.registers = [
            .init(bank: 0x000B, registers: [0, 1, 2, 7, 10]), .init(bank: 0x0004, registers: [10]),
        ]
        challenge.imaStart = 826
        challenge.enrols = true
        return challenge
    }()

    static let presentation: Presentation = {
        var data = RuntimeData()
        data.nonce = Array(0..<32)
        data.publicKey = Array(100..<132)
        data.configDigest = [UInt8](repeating: 3, count: 32)
        data.datasetIDs = [[UInt8](repeating: 4, count: 16)]
        data.state = MirrorState(counter: 9, tag: [UInt8](repeating: 5, count: 32))
        data.leaseID = [UInt8](repeating: 6, count: 16)
        data.runName = "größer"
        let evidence = [
            Evidence(.snp, ["report": [1, 2, 3], "certificates": []]), Evidence(.tpm, ["attest": [4], "ak": [5, 6]]),
        ]
        do {
            return try Presentation(
                bundle: EvidenceBundle(runtimeData: data.encoded, evidence: evidence), activation: Array(7..<39))
        } catch { fatalError("\(error)") }
    }()

    static let owner: [OwnerMessage] = [
        .challenge(challenge), .challenge(Challenge(nonce: [])),
        .credential(Credential(identityObject: [1, 2], encryptedSecret: [3])),
        .grant(KeyGrant(transcript: Array(0..<32), encapsulatedKey: Array(0..<65), ciphertext: Array(0..<96))),
        .refusal(Failure(category: .integrity, message: "the check snp.report.signature failed")),
    ]

    static let enclave: [EnclaveMessage] = [
        enrolment,
        .presentation(presentation), .receipt(Receipt(proof: Array(0..<32))),
        .refusal(Failure(category: .failed, message: "no device hands evidence out")),
    ]

    static let enrolment: EnclaveMessage = {
        do {
            return .enrolment(
                try Enrolment(endorsementCertificate: [], endorsementKey: [1], attestationKey: [2, 3]))
        } catch { fatalError("\(error)") }
    }()

    static let frames = owner.map(\.frame) + enclave.map(\.frame)

    @Test func everyMessageComesBackAsItWas() throws {
        for message in Self.owner { #expect(try OwnerMessage(message.frame) == message) }
        for message in Self.enclave { #expect(try EnclaveMessage(message.frame) == message) }
    }

    /// Written out by hand: evidence and transcripts are digests of these bytes, on machines of different builds.
    @Test func bytesAreTheOnesThatTheFormatSays() {
        var challenge = Challenge(nonce: [0xAA])
        challenge.wanted = [3]
        challenge.registers = [.init(bank: 0x0B, registers: [7])]
        challenge.imaStart = 2
        #expect(
            OwnerMessage.challenge(challenge).frame.encoded
                == [
                    0, 0, 0, 0, 0x81, 1, 0, 0, 0, 1, 0, 0, 0, 0xAA, 1, 0, 0, 0, 3, 1, 0, 0, 0, 0x0B, 0, 0, 0, 1, 0, 0,
                    0, 7,
                    2, 0, 0, 0, 0, 0, 0, 0, 0,
                ].withLength)
        #expect(
            OwnerMessage.grant(KeyGrant(transcript: [1], encapsulatedKey: [2], ciphertext: [3])).frame.encoded
                == [0, 0, 0, 0, 0x83, 1, 0, 0, 0, 1, 1, 0, 0, 0, 2, 1, 0, 0, 0, 3].withLength)
        #expect(
            EnclaveMessage.receipt(Receipt(proof: [9])).frame.encoded
                == [0, 0, 0, 0, 0xC3, 1, 0, 0, 0, 9].withLength)
        #expect(
            GrantTerms(purposes: [.train, .export], keys: []).encoded
                == [2, 0, 0, 0, 0b1001, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        let id = [UInt8](repeating: 7, count: 16)
        let tag = [UInt8](repeating: 8, count: 32)
        let terms = GrantTerms(
            purposes: [.train], keys: [GrantTerms.Key(), GrantTerms.Key(dataset: id), .predictions],
            restart: .init(registers: [0, 7, 23], allowsSimulation: true),
            lease: .init(id: id, seconds: 60, iterations: 5), floor: MirrorState(counter: 3, tag: tag))
        var expected: [UInt8] = [2, 0, 0, 0, 1, 0, 0, 0]
        expected += [1, 0x81, 0, 0x80, 0, 0, 0, 0, 0, 1]
        expected += [1, 16, 0, 0, 0] + id + [60, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0]
        expected += [1, 3, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0] + tag
        expected += [3, 0, 0, 0, 1, 16, 0, 0, 0] + [UInt8](repeating: 0, count: 16) + [2, 16, 0, 0, 0] + id
        expected += [3, 16, 0, 0, 0] + [UInt8](repeating: 0, count: 16)
        #expect(terms.encoded == expected)
        #expect(terms.contentByteCount == 4 + expected.count + 4 * 32)
        for (executor, byte) in [(GrantTerms.Executor.oneDNN, UInt8(1)), (.reference, 2)] {
            var named = terms
            named.executor = executor
            #expect(named.encoded == [3] + expected.dropFirst() + [byte])
            #expect(named.contentByteCount == terms.contentByteCount + 1)
        }
        var data = RuntimeData()
        data.datasetIDs = [id, id]
        data.state = MirrorState(counter: 1, tag: [])
        data.leaseID = [9]
        expected = [2, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 16, 0, 0, 0] + id
        expected += [16, 0, 0, 0] + id + [UInt8](repeating: 0, count: 8) + [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        #expect(data.encoded == expected + [1, 0, 0, 0, 9])
        #expect(data.isNewRun)
    }

    @Test func aTranscriptIsItsLabelAndTheDigestsOfItsFrames() {
        var transcript = Transcript()
        transcript.append(Frame(type: 0x81, payload: [1]), hashedBy: { $0 })
        transcript.append(Frame(type: 0xC3, payload: []), hashedBy: { $0.reversed() })
        #expect(transcript.bytes == Array("plinius/1/provisioning".utf8) + [2, 0, 0, 0, 0x81, 1] + [0xC3, 0, 0, 0, 1])
    }

    @Test func everyTruncationAndEveryAdditionIsRefused() {
        for frame in Self.frames {
            for length in 0..<frame.payload.count {
                #expect(refusal(Frame(type: frame.type, payload: Array(frame.payload.prefix(length)))) == .malformed)
            }
            #expect(refusal(Frame(type: frame.type, payload: frame.payload + [0])) == .malformed)
        }
    }

    @Test func messagesOfTheOtherSideAreUnknown() {
        for type: UInt8 in 0...255 {
            let frame = Frame(type: type, payload: [])
            #expect(throws: WireError.self) { try OwnerMessage(frame) }
            #expect(throws: WireError.self) { try EnclaveMessage(frame) }
        }
        for message in Self.owner { #expect(code { try EnclaveMessage(message.frame) } == .unknownType) }
        for message in Self.enclave { #expect(code { try OwnerMessage(message.frame) } == .unknownType) }
    }

    @Test func mutatedMessagesNeverTrapAndMeanOneThing() {
        var random = SplitMix(state: 2026)
        var accepted = 0
        for _ in 0..<30_000 {
            guard let seed = Self.frames.randomElement(using: &random) else { return }
            var bytes = seed.payload
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let position = Int.random(in: 0...bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0 where position < bytes.count: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 1 where position < bytes.count: bytes[position] = .random(in: 0...255, using: &random)
                case 2: bytes.insert(.random(in: 0...255, using: &random), at: position)
                default: for index in position..<min(position + 4, bytes.count) { bytes[index] = 0xFF }
                }
            }
            let frame = Frame(type: seed.type, payload: bytes)
            if let message = try? OwnerMessage(frame) {
                #expect(message.frame == frame)
                accepted += 1
            } else if let message = try? EnclaveMessage(frame) {
                #expect(message.frame == frame)
                accepted += 1
            }
            _ = try? EvidenceBundle(decoding: bytes)
            _ = try? RuntimeData(decoding: bytes)
        }
        #expect(accepted > 1000)
    }

    @Test func fieldsOverTheirLimitsAreRefusedBeforeAnythingIsAllocated() {
        let nonce = Frame(type: 0x81, payload: [1, 0, 0, 0, 33, 0, 0, 0])
        #expect(code { try OwnerMessage(nonce) } == .oversized)
        let registers = Frame(type: 0x81, payload: [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0])
        #expect(code { try OwnerMessage(registers) } == .oversized)
        let ciphertext = Frame(type: 0x83, payload: [0, 0, 0, 0, 0, 0, 0, 0, 17, 16, 0, 0])
        #expect(code { try OwnerMessage(ciphertext) } == .oversized)
        let certificate = Frame(type: 0xC1, payload: [1, 0x40, 0, 0])
        #expect(code { try EnclaveMessage(certificate) } == .oversized)
    }

    @Test func evidenceThatIsTooLongIsAnErrorAndNoTrap() throws {
        let most = [UInt8](repeating: 0, count: 16 << 20)
        let fits = try Presentation(
            bundle: EvidenceBundle(runtimeData: [], evidence: [Evidence(.tpm, ["ima-log": most])]))
        #expect(EnclaveMessage.presentation(fits).frame.payload.count < EnclaveMessage.maximumFrameByteCount)
        for evidence in [
            [Evidence(.tpm, ["ima-log": most + [0]])], [Evidence(.tpm, ["a": most]), Evidence(.tdx, ["b": most])],
            [Evidence](repeating: Evidence(.snp, [:]), count: 9),
            [Evidence(.snp, Dictionary(uniqueKeysWithValues: (0..<17).map { ("\($0)", [UInt8]()) }))],
        ] {
            #expect(
                code { try Presentation(bundle: EvidenceBundle(runtimeData: [], evidence: evidence)) } == .oversized)
        }
    }

    @Test func keysThatAreTooLongAreAnErrorAndNoTrap() {
        let long = [UInt8](repeating: 0, count: 16 << 10)
        #expect(code { try Enrolment(endorsementCertificate: long, endorsementKey: [], attestationKey: []) } == nil)
        #expect(
            code { try Enrolment(endorsementCertificate: long + [0], endorsementKey: [], attestationKey: []) }
                == .oversized)
        #expect(
            code { try Enrolment(endorsementCertificate: [], endorsementKey: long, attestationKey: []) } == .oversized)
        #expect(
            code { try Enrolment(endorsementCertificate: [], endorsementKey: [], attestationKey: long) } == .oversized)
    }

    // MARK: Terms

    private static let id = [UInt8](repeating: 7, count: 16)

    private static let terms = GrantTerms(
        purposes: [.train, .test], keys: [GrantTerms.Key(), GrantTerms.Key(dataset: id)],
        restart: .init(registers: [1, 4], approvalKey: [UInt8](repeating: 3, count: 64)),
        lease: .init(id: id, seconds: 1, iterations: 2),
        floor: MirrorState(counter: 4, tag: [UInt8](repeating: 5, count: 32)))

    @Test func termsComeBackAsTheyWere() throws {
        for bits in 0..<16 {
            let purposes = RuntimeData.Purpose.allCases.enumerated().filter { bits >> $0.offset & 1 == 1 }.map(
                \.element)
            for part in 0..<16 {
                let terms = GrantTerms(
                    purposes: Set(purposes), keys: part & 1 == 0 ? [] : Self.terms.keys,
                    restart: part & 2 == 0 ? nil : Self.terms.restart, lease: part & 4 == 0 ? nil : Self.terms.lease,
                    floor: part & 8 == 0 ? nil : Self.terms.floor)
                #expect(try GrantTerms(decoding: terms.encoded) == terms)
                for executor in GrantTerms.Executor.allCases {
                    var named = terms
                    named.executor = executor
                    #expect(try GrantTerms(decoding: named.encoded) == named)
                }
            }
        }
    }

    @Test func anExecutorThatIsNoneOrThatTheVersionHasNotIsRefused() throws {
        let plain = Self.terms.encoded
        var terms = Self.terms
        terms.executor = .reference
        let named = terms.encoded
        for byte: UInt8 in 0...255 where !(1...2).contains(byte) {
            #expect(code { try GrantTerms(decoding: named.dropLast() + [byte]) } == .malformed)
        }
        for version: UInt8 in 0...255 {
            let isPlain = version == 2
            let isNamed = version == 3
            #expect(code { try GrantTerms(decoding: [version] + plain.dropFirst()) } == (isPlain ? nil : .malformed))
            #expect(code { try GrantTerms(decoding: [version] + named.dropFirst()) } == (isNamed ? nil : .malformed))
        }
        #expect(code { try GrantTerms(decoding: named + [0]) } == .malformed)
        for length in named.indices {
            #expect(code { try GrantTerms(decoding: Array(named.prefix(length))) } == .malformed)
        }
    }

    @Test func runtimeDataOfAnotherVersionIsRefused() {
        for version in [0, RuntimeData.currentVersion - 1, RuntimeData.currentVersion, RuntimeData.currentVersion + 1] {
            var data = RuntimeData()
            data.version = version
            let isKnown = version == RuntimeData.currentVersion
            #expect(code { try RuntimeData(decoding: data.encoded) } == (isKnown ? nil : .malformed))
        }
    }

    /// What a later build may write there could be a restriction.
    @Test func unknownTermsAreRefused() throws {
        let good = Self.terms.encoded
        for length in good.indices {
            #expect(code { try GrantTerms(decoding: Array(good.prefix(length))) } == .malformed)
        }
        #expect(code { try GrantTerms(decoding: good + [0]) } == .malformed)
        for index in good.indices {
            for bit in 0..<8 {
                var bytes = good
                bytes[index] ^= 1 << bit
                // What is read means what is written: no bit is passed over.
                if let terms = try? GrantTerms(decoding: bytes) {
                    #expect(terms != Self.terms && terms.encoded == bytes)
                }
                let isRefused = index < 4 || (index == 4 && bit > 3) || (5..<8).contains(index) || index == 12
                if isRefused {
                    #expect(code { try GrantTerms(decoding: bytes) } == .malformed, "bit \(bit) of \(index)")
                }
            }
        }
    }

    @Test func termsOfWrongLengthsAreRefused() {
        let wrong: [(inout GrantTerms) -> Void] = [
            { $0.keys[1].identity.removeLast() }, { $0.keys[1] = $0.keys[0] }, { $0.lease?.id = [] },
            { $0.floor?.tag.removeLast() }, { $0.restart?.approvalKey.removeLast() },
        ]
        for change in wrong {
            var terms = Self.terms
            change(&terms)
            #expect(code { try GrantTerms(decoding: terms.encoded) } == .malformed)
        }
        var many = Self.terms
        many.keys = (0..<32).map { GrantTerms.Key(dataset: [UInt8](repeating: UInt8($0), count: 16)) }
        #expect(code { try GrantTerms(decoding: many.encoded) } == nil)
        #expect(many.contentByteCount <= KeyGrant.maximumContentByteCount)
    }

    // MARK: The stream

    @Test(arguments: [1, 2, 3, 7, 64, 100_000]) func framesAreFoundInPiecesOfAnyLength(pieceLength: Int) throws {
        let stream = Self.frames.flatMap(\.encoded)
        var assembler = FrameAssembler(limit: 1 << 20)
        var found: [Frame] = []
        for start in stride(from: 0, to: stream.count, by: pieceLength) {
            assembler.append(Array(stream[start..<min(start + pieceLength, stream.count)]))
            while let frame = try assembler.next() { found.append(frame) }
        }
        #expect(found == Self.frames)
        #expect(assembler.isBetweenFrames)
    }

    @Test func aStreamThatEndsInsideAFrameShowsIt() throws {
        let bytes = Self.frames[0].encoded
        for length in 1..<bytes.count {
            var assembler = FrameAssembler(limit: 1 << 20)
            assembler.append(Array(bytes.prefix(length)))
            #expect(try assembler.next() == nil)
            #expect(!assembler.isBetweenFrames)
        }
    }

    @Test func aFrameOverTheLimitIsRefusedAtItsLength() throws {
        var assembler = FrameAssembler(limit: 10)
        assembler.append([10, 0, 0, 0] + [UInt8](repeating: 5, count: 10))
        #expect(try assembler.next() == Frame(type: 5, payload: [UInt8](repeating: 5, count: 9)))
        assembler.append([11, 0, 0, 0])
        #expect(code { try assembler.next() } == .oversized)
        var empty = FrameAssembler(limit: 10)
        empty.append([0, 0, 0, 0])
        #expect(code { try empty.next() } == .oversized)
        var endless = FrameAssembler(limit: .max)
        endless.append([0xFF, 0xFF, 0xFF, 0xFF])
        #expect(try endless.next() == nil)
    }

    /// Decodes a frame in whichever direction knows it, and gives the refusal.
    private func refusal(_ frame: Frame) -> WireError.Code? {
        frame.type < 0xC0 ? code { try OwnerMessage(frame) } : code { try EnclaveMessage(frame) }
    }

    private func code<Value>(_ body: () throws -> Value) -> WireError.Code? {
        do {
            _ = try body()
            return nil
        } catch { return (error as? WireError)?.code }
    }
}

extension [UInt8] {
    /// The same with the first four bytes set to the number of the others.
    fileprivate var withLength: [UInt8] {
        let count = self.count - 4
        return [UInt8(count & 0xFF), UInt8(count >> 8), 0, 0] + dropFirst(4)
    }
}
