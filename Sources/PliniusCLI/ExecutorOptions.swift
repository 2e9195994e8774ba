import ArgumentParser

/// What computes.
struct ExecutorOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "What computes: onednn or reference; what the run was begun with if there is none, onednn for a new run.",
            valueName: "name"))
    var executor: String?

    @Option(
        help: ArgumentHelp(
            "Threads that compute; as many as the run was begun with if there is none, one for each processor for a new run.",
            valueName: "n"))
    var threads: UInt32?
}
