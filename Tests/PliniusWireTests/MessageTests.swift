import PliniusWire
import Testing

@Suite("Messages")
struct MessageTests {
    @Test(arguments: Samples.commands)
    func commandComesBackAsItWas(_ command: Command) throws {
        #expect(try Command(command.frame) == command)
    }

    @Test(arguments: Samples.events)
    func eventComesBackAsItWas(_ event: Event) throws {
        #expect(try Event(event.frame) == event)
    }

    /// Written out by hand: what the other build of a program sees must not change unnoticed.
    @Test
    func bytesAreTheOnesThatTheFormatSays() {
        #expect(Command.stop.frame == Frame(type: 4, payload: []))
        #expect(Command.status(StatusRequest(runs: [])).frame == Frame(type: 3, payload: [0, 0, 0, 0]))
        let place = RunPlace(name: "b", extent: PoolExtent(start: 2, byteCount: 3))
        #expect(
            Command.status(StatusRequest(runs: [place])).frame
                == Frame(
                    type: 3,
                    payload: [1, 0, 0, 0, 1, 0, 0, 0, 0x62, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]))
        #expect(Command.published(refusal: "no").frame == Frame(type: 5, payload: [1, 2, 0, 0, 0, 0x6E, 0x6F]))
        let mirror = made(MirrorEvent()) {
            $0.iteration = 1
            $0.generation = 2
            $0.bytes = 0x0102_0304
            $0.nanoseconds = 256
        }
        #expect(
            Event.mirror(mirror).frame
                == Frame(
                    type: 0x47,
                    payload: [
                        1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 4, 3, 2, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0,
                    ]
                )
        )
        let failure = Failure(category: .recovery, message: "é")
        #expect(Event.failure(failure).frame == Frame(type: 0x4C, payload: [4, 2, 0, 0, 0, 0xC3, 0xA9]))
        let prediction = made(Prediction()) {
            $0.id = "ab"
            $0.iteration = 3
            $0.count = 2
            $0.outputs = 10
            $0.byteCount = 368
            $0.imagesPerSecond = 1
            $0.task = .sequence
        }
        #expect(
            Event.prediction(prediction).frame
                == Frame(
                    type: 0x53,
                    payload: [
                        2, 0, 0, 0, 0x61, 0x62, 3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0x70, 1, 0,
                        0, 0, 0, 0, 0, 0, 0, 0x80, 0x3F, 5,
                    ]
                )
        )
        #expect(
            Command.predict(Samples.test).frame == Frame(type: 8, payload: Command.test(Samples.test).frame.payload))
        #expect(Event.hello(version: 1).frame == Frame(type: 0x41, payload: [1, 0, 0, 0]))
    }

    @Test
    func everyBitPatternOfALossSurvives() throws {
        for bits: UInt32 in [0x7FC0_0001, 0xFF80_0000, 0x8000_0000, 1] {
            var sent = Samples.iteration
            sent.loss = Float(bitPattern: bits)
            guard case .iteration(let received) = try Event(Event.iteration(sent).frame) else {
                Issue.record("another event came back")
                return
            }
            #expect(received.loss.bitPattern == bits)
        }
    }

    @Test(arguments: Samples.commands.map(\.frame) + Samples.events.map(\.frame))
    func everyTruncationIsRefused(_ frame: Frame) {
        for length in Self.placesToCut(frame.payload.count) {
            let cut = Frame(type: frame.type, payload: Array(frame.payload.prefix(length)))
            #expect(decode(cut)?.code == .malformed, "\(length) of \(frame.payload.count) bytes")
        }
    }

    /// Every place in what is short; in a long list, whose elements repeat, the first and last ones and a thousand between them.
    private static func placesToCut(_ count: Int) -> [Int] {
        guard count > 2048 else { return Array(0..<count) }
        // A prime, so that the cuts fall on every field of the elements.
        let step = stride(from: max(count / 1000, 1) | 1, to: count, by: 2).first { step in
            stride(from: 3, to: step, by: 2).allSatisfy { !step.isMultiple(of: $0) }
        }
        return Array(0..<512) + Array(stride(from: 512, to: count - 512, by: step ?? 1)) + Array(count - 512..<count)
    }

    @Test(arguments: Samples.commands.map(\.frame) + Samples.events.map(\.frame))
    func bytesAfterTheLastFieldAreRefused(_ frame: Frame) {
        #expect(decode(Frame(type: frame.type, payload: frame.payload + [0]))?.code == .malformed)
    }

    @Test
    func messagesOfTheOtherDirectionAreUnknown() {
        for type: UInt8 in 0...255 {
            let frame = Frame(type: type, payload: [])
            let code = (1...8).contains(type) ? WireError.Code.malformed : .unknownType
            let command = refusal(of: { () throws(WireError) in try Command(frame) })
            #expect(command == nil ? type == 4 : command?.code == code)
            let known = (0x41...0x54).contains(type)
            let event = refusal(of: { () throws(WireError) in try Event(frame) })
            #expect(
                event == nil
                    ? [0x45, 0x4E, 0x50, 0x52].contains(type) : event?.code == (known ? .malformed : .unknownType))
        }
    }

    @Test
    func impossibleValuesAreRefused() {
        let cases: [(Frame, WireError.Code)] = [
            (Frame(type: 5, payload: [2]), .malformed),  // a flag that is neither
            (Frame(type: 5, payload: [1, 1, 0, 0, 0, 0xFF]), .malformed),  // not UTF-8
            (Frame(type: 5, payload: [1, 2, 0, 0, 0, 0xC0, 0x80]), .malformed),  // an overlong zero
            (Frame(type: 5, payload: [1, 3, 0, 0, 0, 0xED, 0xA0, 0x80]), .malformed),  // half a surrogate pair
            (Frame(type: 5, payload: [1, 0xFF, 0xFF, 0xFF, 0xFF]), .oversized),
            (Frame(type: 0x4C, payload: [0, 0, 0, 0, 0]), .malformed),  // no category
            (Frame(type: 0x4C, payload: [5, 0, 0, 0, 0]), .malformed),
            (Frame(type: 7, payload: [1, 0, 4, 0]), .oversized),  // a relayed piece of 256 KiB and one byte
            (Frame(type: 0x41, payload: [1, 0, 0, 0, 0]), .malformed),  // a version of five bytes
            (Frame(type: 0x49, payload: [1, 1, 0, 0]), .oversized),  // 257 runs
        ]
        for (frame, code) in cases {
            #expect(decode(frame)?.code == code, "\(frame)")
        }
    }

    /// Flips, overwrites, cuts, inserts: whatever still decodes must say the same when it is sent again.
    @Test
    func mutatedFramesNeverTrap() {
        var random = SplitMix(state: 2021)
        var accepted = 0
        var refused = 0
        let seeds = Samples.commands.map(\.frame) + Samples.events.map(\.frame)
        for _ in 0..<40_000 {
            guard let seed = seeds.randomElement(using: &random) else { return }
            var bytes = seed.payload
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let position = Int.random(in: 0...bytes.count, using: &random)
                switch Int.random(in: 0..<5, using: &random) {
                case 0 where position < bytes.count: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 1 where position < bytes.count: bytes[position] = .random(in: 0...255, using: &random)
                case 2: bytes.insert(.random(in: 0...255, using: &random), at: position)
                case 3: bytes.removeLast(bytes.count - position)
                default:
                    for index in position..<min(position + 4, bytes.count) { bytes[index] = 0xFF }
                }
            }
            let frame = Frame(
                type: Bool.random(using: &random) ? seed.type : .random(in: 0...255, using: &random),
                payload: bytes
            )
            if let command = try? Command(frame) {
                accepted += 1
                #expect(command.frame == frame)
            } else if let event = try? Event(frame) {
                accepted += 1
                #expect(event.frame == frame)
            } else {
                refused += 1
            }
        }
        #expect(accepted > 1000)
        #expect(refused > 1000)
    }

    @Test
    func aComplaintThatIsTooLongIsCutAtACharacter() throws {
        let long = String(repeating: "€", count: 40_000)
        guard case .warning(let text) = try Event(Event.warning(long).frame) else {
            Issue.record("another event came back")
            return
        }
        #expect(text.utf8.count == 65_535)
        #expect(long.hasPrefix(text))
    }

    @Test
    func aConfigurationFitsUpToItsLimitAndNoFurther() throws {
        let text = String(repeating: "#", count: ConfigFile.maximumByteCount)
        var request = Samples.train
        request.config = try ConfigFile(text: text, name: "big.cfg")
        #expect(try Command(Command.train(request).frame) == .train(request))
        #expect(
            refusal(of: { () throws(WireError) in try ConfigFile(text: text + "#", name: "big.cfg") })?.code
                == .oversized
        )
    }

    @Test(arguments: [
        ("[net]\nbatch=1\n[conv]\n", "[net] compat=strict\nbatch=1\n[conv]\n"),
        (
            "# [old]; not this\r\n; [nor] this\n\n [net] # größer\nbatch=1",
            "# [old]; not this\r\n; [nor] this\n\n [net] compat=strict # größer\nbatch=1"
        ),
        ("", ""), ("# [net]", "# [net]"), ("[net", "[net"),
    ])
    func anEntryIsAddedOnTheLineOfTheFirstHeader(text: String, expected: String) {
        #expect(ConfigFile.adding("compat=strict", to: text) == expected)
    }

    @Test
    func theLongestProblemsOfTheMostRunsFitIntoAFrame() throws {
        var status = Samples.status(runs: 256)
        for index in status.runs.indices { status.runs[index].problem = String(repeating: "€", count: 40_000) }
        guard case .status(let received) = try Event(Event.status(status).frame) else {
            Issue.record("another event came back")
            return
        }
        #expect(received.runs.count == 256)
        #expect(received.runs.allSatisfy { $0.problem.utf8.count == 1023 })
    }

    @Test
    func theMostFiguresFitIntoAFrame() throws {
        let most = [
            Samples.classes(256, hasNone: false), Samples.classes(255, hasNone: true), Samples.boxes(256),
            Samples.targets(256),
        ]
        for evaluation in most {
            let frame = Event.evaluation(evaluation).frame
            #expect(frame.payload.count < Frame.maximumByteCount)
            #expect(try Event(frame) == .evaluation(evaluation))
        }
    }

    @Test
    func moreFiguresAreRefusedBeforeTheyAreRead() {
        // Counts stand behind what Evaluation, Classes, Boxes and Targets have before their lists.
        let head = 8 + 1 + 8 + 4 + 4
        let counts = [
            (Samples.classes(2, hasNone: false), head + 1 + 4 + 1 + 8 + 8 + 4 + 8 + 4, 65_537),
            (Samples.boxes(2), head + 2 + 4 * 3 + 8 * 3 + 4, 257), (Samples.targets(2), head + 3 + 8, 257),
        ]
        for (evaluation, place, count) in counts {
            let frame = Event.evaluation(evaluation).frame
            var payload = frame.payload
            for byte in 0..<4 { payload[place + byte] = UInt8(truncatingIfNeeded: count >> (8 * byte)) }
            #expect(decode(Frame(type: frame.type, payload: payload))?.code == .oversized, "\(evaluation.task)")
        }
    }

    @Test
    func unknownTasksAreRefused() {
        for task in UInt8.min...UInt8.max {
            let payload = [UInt8](repeating: 0, count: 8) + [task] + [UInt8](repeating: 0, count: 19)
            let code = decode(Frame(type: 0x48, payload: payload))?.code
            #expect(code == (1...5 ~= task ? nil : .malformed), "\(task)")
        }
    }

    /// Decodes a frame in whichever direction knows it, and gives the refusal.
    private func decode(_ frame: Frame) -> WireError? {
        frame.type < 0x41
            ? refusal(of: { () throws(WireError) in try Command(frame) })
            : refusal(of: { () throws(WireError) in try Event(frame) })
    }

    private func refusal<Value>(of body: () throws(WireError) -> Value) -> WireError? {
        do {
            _ = try body()
            return nil
        } catch {
            return error
        }
    }
}
