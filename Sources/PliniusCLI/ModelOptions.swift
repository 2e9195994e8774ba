import ArgumentParser
import PliniusHost

/// Which model a command uses, on what, and by what.
struct ModelOptions: ParsableArguments {
    @OptionGroup var network: NetworkOptions

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

    @OptionGroup var computing: ExecutorOptions

    @Option(help: ArgumentHelp("Images per pass; as many as in training.", valueName: "n"))
    var batch: UInt32?

    /// The model, with the key from where the options say.
    func model(_ key: KeySource, _ signals: StopSignals) -> PoolModel {
        var model = PoolModel(
            config: network.config, data: data, pool: pool, key: key, sinks: [ProgressReporter()], signals: signals)
        model.run = runName
        model.executor = computing.executor
        model.compat = network.compat
        model.threads = computing.threads
        model.batch = batch
        model.task = network.task?.task
        return model
    }
}
