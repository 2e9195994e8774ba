import ArgumentParser

/// What an owner does with models in files, outside of any run.
struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Averages, describes, folds and cuts models in files; takes no key.",
        discussion: """
            Models are files in Darknet's .weights format or in safetensors, as export writes them, and as import takes them. \
            Which of the two a file is, its first bytes tell.
            """,
        subcommands: [
            AverageCommand.self, StatisticsCommand.self, DenormalizeCommand.self, PartialCommand.self,
        ])
}
