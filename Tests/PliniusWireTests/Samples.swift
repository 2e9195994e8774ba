import PliniusWire

/// Messages of every kind, with every optional field present and absent.
enum Samples {
    static let commands: [Command] = [
        .train(train), .train(sparseTrain), .test(test),
        .test(TestRequest(config: config, run: RunPlace(name: "", extent: PoolExtent(start: 0, byteCount: 0)))),
        .predict(test), .predict(TestRequest(config: config, run: test.run)), .predict(generation),
        .status(StatusRequest(runs: [])), .status(StatusRequest(runs: [test.run, test.run])), .stop,
        .allocated(Allocation(extents: [PoolExtent(start: 4096, byteCount: 8192)])),
        .allocated(Allocation(extents: (1...16).map { PoolExtent(start: $0 << 20, byteCount: 8192) })),
        .allocated(Allocation(refusal: Failure(category: .usage, message: "it is full of déjà vu"))),
        .published(refusal: nil),
        .published(refusal: "a file with this name exists already: déjà vu"),
        .relayed([]), .relayed([UInt8](repeating: 7, count: 1000)),
    ]

    static let events: [Event] = [
        .hello(version: 1), .hello(version: .max),
        .warning("line 7: unknown key 'lerning_rate', did you mean 'learning_rate'?"),
        .start(start(resumedFrom: nil)), .start(start(resumedFrom: 41)),
        .resume(
            made(ResumeEvent()) {
                $0.verdict = "resumed"
                $0.iteration = 41
                $0.generation = 3
                $0.slot = 1
                $0.message = "taken from slot 1"
            }),
        .allocate(byteCounts: []), .allocate(byteCounts: [3 << 20, .max]), .publish, .iteration(iteration),
        .mirror(
            made(MirrorEvent()) {
                $0.iteration = 42
                $0.generation = 3
                $0.bytes = 1 << 40
                $0.nanoseconds = 1_234_567
            }),
        .validation(ValidationEvent()), .validation(validation),
        .evaluation(evaluation(.sequence)), .evaluation(classes(3, hasNone: false)),
        .evaluation(classes(2, hasNone: true)),
        .evaluation(boxes(3)), .evaluation(targets(2)), .prediction(prediction), .status(status(runs: 2)),
        .status(status(runs: 0)),
        .status(status(runs: 256)),
        .finish(TrainResult(iterations: 500, loss: 0.03, averageLoss: 0.05, wallNanoseconds: 98_765_432_100)),
        .finish(
            made(TrainResult(iterations: 400, loss: 0.03, averageLoss: 0.05, wallNanoseconds: 9)) {
                $0.earlyEnd = "no better score in 3 validations since iteration 100"
                $0.best = BestModel(run: "default.best", iteration: 100, score: -0.5)
            }),
        .stopped(StopEvent(reason: "asked to stop", iteration: 43)),
        .stopped(StopEvent(reason: "the lease is over", iteration: 44, isLeaseOver: true)),
        .failure(Failure(category: .integrity, message: "slot 0, chunk 2: the tag does not verify")),
        .failure(Failure(category: .failed, message: "")),
        .awaiting, .relay([]), .relay([1, 2, 3]), .provisioned, .keep([]), .keep([9, 8]), .reopened,
    ]

    static var train: TrainRequest {
        var request = sparseTrain
        request.extent = PoolExtent(start: 16384, byteCount: 64 << 20)
        request.datasets = (1...16).map { "ward-\($0).sealed" }
        request.hasTestData = true
        request.validation = ValidationRequest(
            best: "default.best", extent: PoolExtent(start: 1 << 30, byteCount: 64 << 20), every: .max, patience: 3)
        request.epochs = 30
        request.initSeed = 8
        request.iterations = 500
        request.executor = "reference"
        request.seed = .max
        request.threads = 2
        request.task = .regress
        request.mirrorEvery = 10
        request.cipher = "aes-128-gcm"
        request.crash = CrashRequest(point: "insideChunks", countdown: 7)
        var owner = OwnerWait(platform: "tpm", tpm: "swtpm:path=/tmp/tpm")
        owner.keepsKey = true
        owner.keptKey = [UInt8](repeating: 5, count: 93)
        owner.approvals = [UInt8](repeating: 6, count: 2 * OwnerWait.approvalByteCount)
        owner.counter = 0x0180_504C
        request.owner = owner
        return request
    }

    static var sparseTrain: TrainRequest { TrainRequest(config: config, run: "default", extent: nil) }

    static var test: TestRequest {
        var request = TestRequest(
            config: config, run: RunPlace(name: "second", extent: PoolExtent(start: 1 << 40, byteCount: .max)))
        request.executor = "onednn"
        request.threads = 1
        request.batch = 1000
        request.task = .segment
        request.owner = OwnerWait(platform: nil, tpm: nil)
        return request
    }

    static var generation: TestRequest {
        var request = test
        request.generation = GenerationRequest(count: 1000, temperature: 0.7, seed: .max)
        return request
    }

    static var config: ConfigFile {
        do {
            return try ConfigFile(text: "[net]\nbatch=128\n# größer\n", name: "mnist.cfg")
        } catch {
            fatalError("\(error)")
        }
    }

    static func start(resumedFrom: UInt64?) -> StartEvent {
        var event = StartEvent()
        event.run = "default"
        event.runID = "00112233445566778899aabbccddeeff"
        event.configDigest = String(repeating: "ab", count: 32)
        event.task = .sequence
        event.layers = 12
        event.parameters = 123_456_789_012
        event.batch = 128
        event.iterations = 500
        event.executor = "onednn"
        event.threads = 2
        event.tee = "simulated"
        event.tier = "T3"
        event.tierSurvives = "power loss, as far as the disk keeps its word"
        event.cipher = "aes-256-gcm"
        event.provider = "intel-ipsec-mb"
        event.mirrorBytes = 3 << 20
        event.trainCount = 60_000
        event.seed = 7
        event.resumedFrom = resumedFrom
        event.verdict = "fresh"
        return event
    }

    static let iteration = made(IterationEvent()) {
        $0.iteration = 42
        $0.epoch = 3
        $0.loss = 0.25
        $0.averageLoss = 0.3
        $0.learningRate = 0.1
        $0.iterationNanoseconds = 200_000_000
        $0.mirrorNanoseconds = 1_000_000
        $0.batchNanoseconds = 300_000
        $0.imagesPerSecond = 640
    }

    static func evaluation(_ task: ModelTask) -> Evaluation {
        made(Evaluation()) {
            $0.iteration = 500
            $0.task = task
            $0.count = 10_000
            $0.score = 0.9871
            $0.imagesPerSecond = 12_345
        }
    }

    static func classes(_ count: Int, hasNone: Bool) -> Evaluation {
        made(evaluation(hasNone ? .segment : .classify)) {
            $0.classes = made(Evaluation.Classes()) {
                $0.classes = UInt32(count)
                $0.hasNone = hasNone
                $0.count = .max
                $0.correct = 9871
                $0.top = 5
                $0.topCorrect = 9999
                $0.loss = 0.04
                let side = count + (hasNone ? 1 : 0)
                $0.confusion = (0..<UInt64(side * side)).map { $0 << 40 | $0 }
            }
        }
    }

    static func boxes(_ count: Int) -> Evaluation {
        made(evaluation(.detect)) {
            $0.boxes = made(Evaluation.Boxes()) {
                ($0.averagePrecision, $0.elevenPoints, $0.coco, $0.overlap) = (0.5, 0.6, 0.3, 0.7)
                ($0.truths, $0.found, $0.hits) = (30, 20, 10)
                $0.classes = (0..<count).map { index in
                    made(Evaluation.Boxes.Class()) {
                        ($0.index, $0.truths, $0.averagePrecision) = (UInt32(index), 3, 0.25)
                    }
                }
            }
        }
    }

    static func targets(_ count: Int) -> Evaluation {
        made(evaluation(.regress)) {
            $0.targets = made(Evaluation.Targets()) {
                ($0.squaredError, $0.absoluteError) = (4, 1.5)
                $0.targets = (0..<count).map { index in
                    made(Evaluation.Targets.Target()) {
                        ($0.squaredError, $0.absoluteError, $0.variance) = (Float(index), 0.5, 2)
                    }
                }
            }
        }
    }

    static let validation = made(ValidationEvent()) {
        $0.evaluation = classes(3, hasNone: false)
        $0.isBest = true
        $0.best = BestModel(run: "default.best", iteration: 500, score: 0.9871)
    }

    static let prediction = made(Prediction()) {
        $0.id = "00112233445566778899aabbccddeeff"
        $0.iteration = 500
        $0.count = 10_000
        $0.outputs = 10
        $0.byteCount = 560_256
        $0.task = .detect
        $0.imagesPerSecond = 12_345
    }

    static func status(runs: Int) -> StatusReport {
        var status = StatusReport(runs: [])
        status.runs = (0..<runs).map { index in
            var run = RunStatus()
            run.name = "run-\(index)"
            guard index % 3 != 2 else {
                run.problem = "it calls itself something else"
                return run
            }
            run.runID = "0011"
            run.configDigest = "2233"
            run.datasetID = "4455"
            run.seed = 1
            run.initSeed = index % 2 == 0 ? 9 : nil
            run.score = index % 2 == 1 ? 0.5 : nil
            run.cipher = "aes-256-gcm"
            run.executor = "onednn"
            run.threads = 2
            run.iteration = 42
            run.loss = 0.25
            run.averageLoss = 0.5
            run.generation = 3
            run.byteCount = 1 << 20
            run.slots = (0..<2).map { slot in
                made(SlotStatus()) {
                    $0.state = "complete"
                    $0.iteration = UInt64(41 + slot)
                    $0.generation = 3
                    $0.sequence = UInt64(slot)
                }
            }
            return run
        }
        return status
    }
}

/// Sets the fields of a message.
func made<Message>(_ empty: Message, _ set: (inout Message) -> Void) -> Message {
    var message = empty
    set(&message)
    return message
}

/// SplitMix64 (Steele, Lea and Flood, 2014), so that a failing mutation can be repeated.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
