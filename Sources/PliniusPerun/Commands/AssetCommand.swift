import ArgumentParser
import PliniusPerunClient
import PliniusPolicy

/// What owners bring into runs, and what comes out.
struct AssetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "asset", abstract: "States what an owner has, or lists it.", subcommands: [Put.self, List.self])

    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "put", abstract: "States an asset: what it is, who may use it, and its key.",
            discussion: """
                The identity of a data set or an input is its identifier, which plinius-owner inspect shows; that of a config the digest \
                of the network, which plinius status shows; that of code a measurement; that of a model or an output the run's name. A key that is uploaded is sealed to the manager's own \
                key, which the trust file has, for this one statement.
                """)

        @Argument(help: "The asset, such as hospital-a/scans.", transform: scopedName) var name: ScopedName

        @Option(help: "dataset, config, code, model, input or output.", transform: assetKind) var kind: Asset.Kind

        @Option(help: "What it is called in evidence.") var identity: String

        @Option(
            help: ArgumentHelp("The policy of the same owner that governs it.", valueName: "name"),
            transform: scopedName)
        var policy: ScopedName?

        @Option(help: ArgumentHelp("What it is made from. May be repeated.", valueName: "asset"), transform: scopedName)
        var madeFrom: [ScopedName] = []

        @Option(
            help: ArgumentHelp("The file with its key, 32 bytes, as plinius-owner keygen makes it.", valueName: "file"))
        var keyFile: String?

        @Flag(help: "Have the manager make its key; nobody sees it.") var generateKey = false

        @OptionGroup var signing: SigningOptions

        func run() async throws {
            try await reporting(asJSON: signing.json) {
                guard kind.isIdentity(identity) else {
                    throw CommandError(
                        .usage, "--identity is \"\(identity)\": a \(kind.rawValue) has \(kind.identityDescription)")
                }
                if let policy, policy.namespace != name.namespace {
                    throw CommandError(
                        .usage, "--policy is \(policy): give one of \(name.namespace), the asset's owner")
                }
                guard keyFile == nil || !generateKey else {
                    throw CommandError(.usage, "--key-file and --generate-key exclude each other: give one of them")
                }
                let secret = try keyFile.map { path throws(CommandError) in
                    let bytes = try Files.bytes(path, as: "key file")
                    guard bytes.count == 32 else {
                        throw CommandError(.usage, "the key file \(path) has \(bytes.count) bytes: a key has 32")
                    }
                    return bytes
                }
                let asset = Asset(
                    name: name, kind: kind, identity: identity, policy: policy, lineage: Set(madeFrom).sorted(),
                    secret: secret.map { .uploaded(Asset.Secret.commitment(to: $0)) }
                        ?? (generateKey ? .generated : .none))
                try await signing.state(
                    StatementDraft(namespace: name.namespace, content: .asset(asset), secret: secret))
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists assets.")

        @OptionGroup var manager: ManagerOptions

        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            try await reporting(asJSON: json) {
                let list = try await manager.asking { try await $0.assets() }
                if json { return Output.print(list) }
                for asset in list.assets {
                    let policy = asset.policy ?? "no policy"
                    let notes = (asset.isWithdrawn ? ", withdrawn" : "") + (asset.hasKey ? ", with a key" : "")
                    Output.print("\(asset.name)  \(asset.kind) \(asset.identity)  \(policy)\(notes)")
                }
            }
        }
    }
}
