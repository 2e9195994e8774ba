import ArgumentParser
import PliniusPerunClient
import PliniusPolicy

/// Holds up what an owner's assets take part in.
struct StopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Stops at once what an owner's assets take part in.",
        discussion: """
            One key of the owner's is enough. Leases end with their next renewal, or when they run out; nothing more is released. \
            perun resume lifts the stop again, and needs the owner's board.
            """)

    @Argument(help: "The owner who stops.") var namespace: String

    @Option(help: ArgumentHelp("Only what this asset of the owner takes part in.", valueName: "name"))
    var asset: String?

    @Option(
        name: .customLong("run"), help: ArgumentHelp("Only this run: namespace/output#name.", valueName: "run"))
    var runName: String?

    @Option(help: "Why, for people.") var reason: String

    @OptionGroup var signing: SigningOptions

    func run() async throws {
        try await reporting(asJSON: signing.json) {
            let scope: Statement.Stop.Scope
            switch (asset, runName) {
            case (nil, nil): scope = .namespace
            case (let asset?, nil): scope = .asset(asset)
            case (nil, let text?):
                guard let run = Run(text) else {
                    throw CommandError(.usage, "\"\(text)\" is no run: give namespace/output#name")
                }
                scope = .run(run)
            default: throw CommandError(.usage, "--asset and --run exclude each other: give one of them")
            }
            try await signing.state(
                StatementDraft(
                    namespace: namespace, content: .stop(Statement.Stop(scope, reason: reason)), replaces: false))
        }
    }
}

/// Lifts a stop.
struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Lifts a stop; the owner's board has to agree.")

    @Argument(help: "The owner who stopped.") var namespace: String

    @Argument(help: "The hash of the stop.") var stop: String

    @OptionGroup var signing: SigningOptions

    func run() async throws {
        try await reporting(asJSON: signing.json) {
            guard let hash = StatementHash(stop) else {
                throw CommandError(.usage, "\"\(stop)\" is no hash of a statement: give 64 digits")
            }
            try await signing.state(
                StatementDraft(namespace: namespace, content: .resume(stop: hash), replaces: false))
        }
    }
}

/// Takes an asset away for good.
struct WithdrawCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "withdraw", abstract: "Withdraws an asset: nothing that it takes part in goes on.",
        discussion: "Leases on it end at once. What was made from it is not used any more either.")

    @Argument(help: "The asset, such as hospital-a/scans.", transform: scopedName) var asset: ScopedName

    @OptionGroup var signing: SigningOptions

    func run() async throws {
        try await reporting(asJSON: signing.json) {
            try await signing.state(
                StatementDraft(namespace: asset.namespace, content: .withdraw(asset: asset.name)))
        }
    }
}
