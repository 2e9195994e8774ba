import ArgumentParser
import PliniusHost
import PliniusWire

/// `plinius train`.
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Train on sealed data; resume if the pool holds this run.",
        discussion: """
            The pool is made if it is not there, and the run is begun in it if the pool does not hold it. After a kill, a crash or a stop the same command goes on where the last mirror was \
            made, and ends with the bits of a run that was never interrupted. SIGINT and SIGTERM finish the iteration, mirror it, \
            and exit with 0; a second one kills.

            Several --data are learned from as one, their records in the order of the options: the same ones in the same order resume \
            the run, others are another run. Each may have its own owner and key; the first key is the run's, and exports its model.

            With --validation-data the pool keeps two models: the run's newest, and the best by the score on those data, as a run of its \
            own that test, predict and export take as --run NAME.best. Validation changes no bit of the run. The validation data of a run \
            stay the same; the first key opens them, as it opens test data.

            The owner's key comes from the owner (--wait-for-owner): plinius-owner provision connects there, judges the evidence of the \
            enclave, and sends the key sealed to it. This program relays bytes that it can neither read nor change unnoticed.

            With --keep-key, and if the owner's policy permits it, the enclave seals the key to itself on this machine, and the same \
            command resumes without the owner. The file POOL@RUN.kept-key holds it; remove it to have the owner asked again.
            """
    )

    @OptionGroup var network: NetworkOptions

    @Option(
        help: ArgumentHelp(
            "The sealed data set to train on; given again, further ones, whose records follow.",
            valueName: "file.sealed"
        )
    )
    var data: [String]

    @Option(help: ArgumentHelp("The file that holds the run; persistent memory if it lies there.", valueName: "file"))
    var pool: String

    @Option(
        name: .customLong("run"),
        help: ArgumentHelp("What the pool calls the run, which may hold several.", valueName: "name")
    )
    var runName = TrainingOptions.defaultRun

    @Option(
        help: ArgumentHelp(
            "The size of a new pool, such as 64M or 2G, to have room for more runs.",
            valueName: "size"
        )
    )
    var poolSize: ByteCount?

    @Option(help: ArgumentHelp("A sealed data set to evaluate on at the end.", valueName: "file.sealed"))
    var testData: String?

    @Option(
        help: ArgumentHelp(
            "A sealed data set to validate the model on while it trains; the best one is kept as run NAME.best.",
            valueName: "file.sealed"
        )
    )
    var validationData: String?

    @Option(
        help: ArgumentHelp(
            "Iterations from one validation to the next; at the end of each epoch if there is none.", valueName: "n"))
    var validateEvery: UInt64?

    @Option(help: ArgumentHelp("Validations without a better score that end training.", valueName: "n"))
    var patience: UInt64?

    @OptionGroup var key: KeyOption

    @OptionGroup var restart: RestartOptions

    @Option(help: ArgumentHelp("Iterations in all, instead of the configuration's max_batches.", valueName: "n"))
    var iterations: UInt64?

    @Option(help: ArgumentHelp("Epochs in all, instead of iterations.", valueName: "n"))
    var epochs: UInt64?

    @OptionGroup var computing: ExecutorOptions

    @Option(help: ArgumentHelp("The seed of a new run, random if there is none.", valueName: "s"))
    var seed: UInt64?

    @Option(help: ArgumentHelp("The seed of a new run's initial parameters, if not --seed.", valueName: "s"))
    var initSeed: UInt64?

    @Option(help: ArgumentHelp("Threads that open and augment the next batch meanwhile.", valueName: "n"))
    var dataWorkers: UInt32 = 1

    @Option(help: ArgumentHelp("Iterations per mirror-out.", valueName: "n"))
    var mirrorEvery: UInt32 = 1

    @Option(help: ArgumentHelp("A file to append every event to, one JSON object a line.", valueName: "file.jsonl"))
    var events: String?

    @Flag(help: "Print the result as one JSON object.")
    var json = false

    @Option(
        help: ArgumentHelp(
            "Have the enclave kill itself at a point of the mirror, after n passes.",
            valueName: "point:n",
            visibility: .hidden
        )
    )
    var crashAt: CrashArgument?

    func run() throws {
        let signals = StopSignals()
        var isLeaseOver = false
        try Output.report(asJSON: json) { () throws(HostError) in
            let report = try train(signals)
            isLeaseOver = report.leaseEnd != nil
            return report
        } json: {
            $0.json
        } text: { report in
            guard report.isComplete else { return }
            Output.print("iteration \(report.iterations) of run \(report.run) is trained and mirrored in \(pool)")
        }
        // The pool is as good as after a signal, but whoever watches has to learn that the owner ended it.
        if isLeaseOver { throw ExitCode(HostError.Code.integrity.exitCode) }
    }

    private func train(_ signals: StopSignals) throws(HostError) -> TrainingReport {
        var options = TrainingOptions(
            config: network.config,
            data: data,
            pool: pool,
            key: try restart.apply(to: try key.source())
        )
        options.run = runName
        options.poolBytes = poolSize?.bytes
        options.testData = testData
        options.validationData = validationData
        options.validateEvery = try atLeastOne(validateEvery, "--validate-every")
        options.patience = try atLeastOne(patience, "--patience")
        options.iterations = try atLeastOne(iterations, "--iterations")
        options.epochs = try atLeastOne(epochs, "--epochs")
        options.initSeed = initSeed
        options.executor = computing.executor
        options.compat = network.compat
        options.seed = seed
        options.threads = try atLeastOne(computing.threads, "--threads")
        options.task = network.task?.task
        options.mirrorEvery = try atLeastOne(mirrorEvery, "--mirror-every") ?? 1
        options.dataWorkers = dataWorkers
        options.crash = crashAt?.request
        var sinks: [any EventSink] = [ProgressReporter()]
        if let events { sinks.append(try EventLog(path: events)) }
        let report = try TrainingRun(options, sinks: sinks, signals: signals).run()
        if let reason = report.leaseEnd { StandardError.print("plinius: \(reason)") }
        if !report.isComplete {
            StandardError.print(
                (report.hasNotBegun
                    ? "stopped while waiting for the owner; the pool is as it was. To wait again, run the same command:"
                    : "stopped: the pool holds iteration \(report.iterations). To resume, run the same command:")
                    + "\n  "
                    + CommandLine.arguments.map(quoted).joined(separator: " ")
            )
        }
        return report
    }

    private func atLeastOne<Number: FixedWidthInteger>(
        _ value: Number?,
        _ option: String
    ) throws(HostError) -> Number? {
        if value == 0 { throw HostError(.usage, "\(option) is 0, at least 1 is expected") }
        return value
    }

    /// Writes an argument so that a shell reads it back.
    private func quoted(_ argument: String) -> String {
        let isPlain = argument.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-_./:=,+@%".utf8.contains(byte)
            }
        }
        guard !isPlain || argument.isEmpty else { return argument }
        return "'" + argument.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
    }
}

/// An argument of the form `point:n`.
struct CrashArgument: ExpressibleByArgument {
    let request: CrashRequest

    init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, let countdown = UInt32(parts[1]) else { return nil }
        request = CrashRequest(point: String(parts[0]), countdown: countdown)
    }
}
