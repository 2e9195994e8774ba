import ArgumentParser

/// What an owner does with evidence that was kept.
struct EvidenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evidence",
        abstract: "Judges evidence that was kept, and drafts policies from a good machine's.",
        subcommands: [EvidenceVerifyCommand.self, EvidenceLearnCommand.self])
}
