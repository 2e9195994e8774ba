import ArgumentParser
import PliniusHost

/// Which model a command uses, on what, and by what.
struct ModelOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The network, as a Darknet configuration.", valueName: "cfg"))
    var config: String

    @Option(
        help: ArgumentHelp(
            "fixed or strict: whether faults of Darknet are repaired, or reproduced for comparison.", valueName: "way"))
    var compat: String?

    @Option(help: ArgumentHelp("The sealed data set that the model is used on.", valueName: "file.sealed"))
    var data: String

    @Option(help: ArgumentHelp("The file that holds the run.", valueName: "file"))
    var pool: String

    @Option(
        name: .customLong("run"),
        help: ArgumentHelp("The name of the run; the only one of the pool if there is none.", valueName: "name")
    )
    var runName: String?

    @OptionGroup var key: KeyOption

    @Option(help: ArgumentHelp("What computes: onednn or reference; what trained if there is none.", valueName: "name"))
    var executor: String?

    @Option(help: ArgumentHelp("Threads that compute; as many as trained.", valueName: "n"))
    var threads: UInt32?

    @Option(help: ArgumentHelp("Images per pass; as many as in training.", valueName: "n"))
    var batch: UInt32?

    @Option(
        help: ArgumentHelp(
            "What the model has to be for; whatever it is for if nothing is said.",
            valueName: "task"))
    var task: TaskArgument?

    /// The model, with the key from where the options say.
    func model(_ key: KeySource, _ signals: StopSignals) -> PoolModel {
        var model = PoolModel(
            config: config, data: data, pool: pool, key: key, sinks: [ProgressReporter()], signals: signals)
        model.run = runName
        model.executor = executor
        model.compat = compat
        model.threads = threads
        model.batch = batch
        model.task = task?.task
        return model
    }
}
