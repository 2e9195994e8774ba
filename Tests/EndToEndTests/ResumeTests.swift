import Foundation
import Testing
import _PliniusTestSupport

/// Whatever is learned, by whatever solver: a run that is killed and given again ends with the bits of one that was not.
///
/// What is compared is all that the mirror holds: parameters, statistics, momenta, Adam's moments, losses.
@Suite struct ResumeTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let data: ResumeData.Kind
        let net: String
        let layers: String

        var config: String { "[net]\nmax_batches=\(ResumeTests.iterations)\n\(data.net)\n\(net)\n\(layers)\n" }
    }

    static let iterations = 24

    // MARK: What is learned

    private static let conv = "[conv]\nfilters=4\nsize=3\nstride=8\npad=1\nbatch_normalize=1\nactivation=leaky\n"
    private static func linear(_ filters: Int) -> String { "[conv]\nfilters=\(filters)\nsize=1\nactivation=linear\n" }
    private static let told = "[connected]\noutput=128\nactivation=linear\n[softmax]"

    static let tasks: [(name: String, data: ResumeData.Kind, layers: String)] = [
        (
            "classify", .digits,
            "[crop]\ncrop_height=24\ncrop_width=24\nflip=1\n" + conv + "[dropout]\nprobability=.3\n" + linear(10)
                + "[avgpool]\n[softmax]"
        ),
        // What is drawn on the way to the batch, by the threads that open it.
        (
            "classify what is changed", .shapes,
            conv + "[dropout]\nprobability=.3\n" + linear(10) + "[avgpool]\n[softmax]"
        ),
        (
            "yolo of what is moved", .frames,
            conv + linear(30) + "[yolo]\nclasses=10\nnum=2\nanchors=20,24,28,28\njitter=.3"
        ),
        ("yolo", .boxes, conv + linear(30) + "[yolo]\nclasses=10\nnum=2\nanchors=20,24,28,28"),
        ("region", .boxes, conv + linear(30) + "[region]\nclasses=10\nnum=2\nanchors=2.5,3,3.5,3.5\nsoftmax=1"),
        ("detection", .boxes, conv + linear(15) + "[detection]\nclasses=10\nside=8\nnum=1\ncoords=4\nrandom=1"),
        ("iseg", .masks, conv + linear(14) + "[upsample]\nstride=8\n[iseg]\nclasses=10\nids=4"),
        ("softmax of pixels", .masks, conv + linear(10) + "[upsample]\nstride=8\n[softmax]\nspatial=1"),
        (
            "regress", .numbers,
            "[connected]\noutput=6\nactivation=tanh\n[batchnorm]\n[connected]\noutput=2\nactivation=linear\n[cost]"
        ),
        ("rnn", .text, "[rnn]\noutput=6\nactivation=tanh\nbatch_normalize=1\n" + told),
        ("gru", .text, "[gru]\noutput=4\n" + told),
        ("lstm", .text, "[lstm]\noutput=4\n" + told),
        ("crnn", .text, "[crnn]\noutput_filters=6\nhidden_filters=4\nactivation=leaky\n" + told),
    ]

    // MARK: By which solver

    static let solvers = [
        ("momentum", "momentum=0.9\ndecay=0.0005\nsubdivisions=2\nburn_in=5\npolicy=steps\nsteps=9,15\nscales=.5,.1"),
        ("Adam", "adam=1\nclip=.2\nburn_in=3\npolicy=random\npower=2\nsampling=with-replacement"),
    ]

    static let policies = [
        "policy=constant", "policy=step\nstep=4\nscale=.7", "policy=exp\ngamma=.95", "policy=poly\npower=3",
        "policy=sigmoid\nstep=12\ngamma=.4", "policy=random\npower=1", "policy=constant\nsampling=twice",
    ]

    static let cases =
        tasks.flatMap { task in
            solvers.map { Case(testDescription: "\(task.name), \($0)", data: task.data, net: $1, layers: task.layers) }
        }
        + policies.map { policy in
            Case(
                testDescription: policy, data: .numbers, net: "\(policy)\nburn_in=7\nclip=1",
                layers: "[connected]\noutput=2\nactivation=linear\n[cost]\ntype=smooth")
        }

    @Test(.timeLimit(.minutes(10)), arguments: cases.indices, ["reference", "onednn"])
    func killsLeaveNoTrace(index: Int, executor: String) throws {
        let resumed = Self.cases[index]
        let data = try ResumeData.shared.get()
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        try folder.write(resumed.config, to: "net.cfg")
        func arguments(_ pool: String) -> [String] {
            [
                "train", "--config", folder("net.cfg"), "--data", data.file(resumed.data), "--pool", folder(pool),
                "--insecure-local-key", data.key, "--threads", "1", "--seed", "7", "--executor", executor, "--json",
            ]
        }
        func state(_ pool: String) throws -> MirroredState {
            try MirroredState(pool: folder(pool), key: data.keyBytes)
        }
        let clock = ContinuousClock()
        let start = clock.now
        let whole = try Program.plinius.run(arguments("whole"))
        try #require(whole.succeeded, "\(whole.errors)")
        let duration = UInt64((clock.now - start) / .microseconds(1))
        let expected = try state("whole")
        #expect(expected.iteration == UInt64(Self.iterations))

        // With a number of threads of its own, which draw the same.
        let run = MortalRun(
            arguments: arguments("killed") + ["--data-workers", "\(1 + index % 3)"], events: folder("events"))
        var jitter = MortalRun.Jitter(state: UInt64(2 * index) + (executor == "onednn" ? 1 : 0))
        // What a process of one iteration more or less begins with is in both slots by turns.
        let passes = 2 + Int(jitter.next(below: 6))
        let deaths: [MortalRun.Death] = [
            .point(MortalRun.points[index % MortalRun.points.count], passes),
            .iteration(1 + Int(jitter.next(below: 8)), jitter.next(below: 5_000)),
            .instant(jitter.next(below: duration)),
        ]
        var kills = 0
        for death in deaths {
            let outcome = try run.run(until: death, of: jitter.next(below: 2) == 0 ? .enclave : .host)
            #expect(outcome.succeeded || outcome.wasKilled, "\(outcome)")
            kills += outcome.succeeded ? 0 : 1
        }
        #expect(kills > 0)
        let end = try Program.plinius.run(run.arguments)
        #expect(end.succeeded, "\(end.errors)")
        #expect(try end.json["resumedFrom"] as? Int != nil)
        // Not by ==, whose message would list both.
        let isSame = try state("killed") == expected
        #expect(isSame)
    }

    @Test func `A mirror that differs in one bit is found out`() throws {
        let data = try ResumeData.shared.get()
        let folder = try TemporaryDirectory()
        try folder.write(Self.cases[0].config, to: "net.cfg")
        func state(_ pool: String, iterations: Int, seed: String = "7") throws -> MirroredState {
            let outcome = try Program.plinius.run([
                "train", "--config", folder("net.cfg"), "--data", data.file(.digits), "--pool", folder(pool),
                "--insecure-local-key", data.key, "--threads", "1", "--seed", seed, "--iterations", "\(iterations)",
            ])
            try #require(outcome.succeeded, "\(outcome.errors)")
            return try MirroredState(pool: folder(pool), key: data.keyBytes)
        }
        let first = try state("first", iterations: 2)
        let (same, longer, other) = try (
            state("same", iterations: 2), state("same", iterations: 3), state("other", iterations: 2, seed: "8")
        )
        #expect(first.iteration == 2 && first.arena.contains { $0 != 0 })
        #expect(first == same && first != longer && first != other)
    }
}

/// Small sealed data sets of every kind, made once.
struct ResumeData {
    enum Kind: CaseIterable {
        case digits, shapes, boxes, frames, masks, numbers, text

        /// The lines of `[net]` that the data ask for, and how fast to learn from them.
        var net: String {
            switch self {
            case .digits: "batch=8\nheight=28\nwidth=28\nchannels=1\nlearning_rate=.02"
            case .shapes:
                "batch=8\nheight=20\nwidth=20\nchannels=3\nlearning_rate=.02\nmin_crop=20\nmax_crop=30\nflip=1\nangle=10\n"
                    + "aspect=.8\nhue=.1\nsaturation=1.5\nexposure=1.5"
            case .frames: "batch=4\nheight=48\nwidth=56\nchannels=1\nlearning_rate=.0001\nletter_box=1\nflip=1"
            case .boxes, .masks: "batch=4\nheight=64\nwidth=64\nchannels=1\nlearning_rate=.0001"
            case .numbers: "batch=8\nheight=1\nwidth=2\nchannels=1\nlearning_rate=.02"
            case .text: "batch=4\ntime_steps=5\ninputs=128\nlearning_rate=.02"
            }
        }
    }

    static let shared = Result { try ResumeData() }

    private let folder: TemporaryDirectory
    var key: String { folder("key") }
    let keyBytes: [UInt8]

    func file(_ kind: Kind) -> String { folder("\(kind).sealed") }

    private init() throws {
        folder = try TemporaryDirectory()
        try Self.owner("keygen", "--out", folder("key"))
        keyBytes = try folder.read("key")
        let rows = (0..<30).map { ($0 * 37 % 256, $0 * 91 % 256) }
        try folder.write(rows.map { "\($0.0),\($0.1)" }.joined(separator: "\n"), to: "features")
        try folder.write(
            rows.map { "\(Double($0.0 - $0.1) / 255),\(Double($0.0 + $0.1) / 510)" }.joined(separator: "\n"),
            to: "targets")
        for kind in Kind.allCases {
            let arguments =
                switch kind {
                case .digits: ["synthetic-digits", "--count", "30"]
                case .shapes: ["synthetic-shapes", "--count", "30", "--side", "24"]
                case .boxes, .frames: ["synthetic-boxes", "--count", "14"]
                case .masks: ["synthetic-masks", "--count", "14"]
                case .numbers: ["regression", "--features", folder("features"), "--targets", folder("targets")]
                case .text: ["synthetic-text", "--count", "20", "--window", "10"]
                }
            try Self.owner(["seal", "--key", folder("key"), "--out", file(kind), "--format"] + arguments)
        }
    }

    private static func owner(_ arguments: String...) throws { try owner(arguments) }

    private static func owner(_ arguments: [String]) throws {
        let outcome = try Program.owner.run(arguments)
        try #require(outcome.succeeded, "\(arguments): \(outcome)")
    }
}
