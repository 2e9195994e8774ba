import ArgumentParser

/// Which network, and what its model is for.
struct NetworkOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The network, as a Darknet configuration.", valueName: "cfg"))
    var config: String

    @Option(
        help: ArgumentHelp(
            "fixed or strict: whether faults of Darknet are repaired, or reproduced for comparison.", valueName: "way"))
    var compat: String?

    @Option(
        help: ArgumentHelp("What the model has to be for; whatever it is for if nothing is said.", valueName: "task"))
    var task: TaskArgument?
}
