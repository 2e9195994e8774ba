import ArgumentParser
import PliniusPerunClient
import PliniusPolicy

/// Where machines stand.
struct PlatformCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "platform", abstract: "Vouches for where a machine stands.", subcommands: [Put.self])

    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "put", abstract: "States where a machine stands, in the name of an owner.",
            discussion:
                "Policies that ask for regions name whom they believe: operator/eu. A machine that moves needs --predecessor."
        )

        @Argument(help: "Who vouches.") var namespace: String

        @Option(
            help: ArgumentHelp(
                "The name of the TPM's attestation key, an AMD chip's identifier, or an Intel platform's PPID.",
                valueName: "hex"))
        var id: String

        @Option(help: "The region, a name of the owner's.") var region: String

        @Option(help: "What people call the machine.") var host: String

        @OptionGroup var signing: SigningOptions

        func run() async throws {
            try await reporting(asJSON: signing.json) {
                guard let bytes = [UInt8](hexadecimal: id), Statement.Platform.idByteCounts.contains(bytes.count) else {
                    let counts = Statement.Platform.idByteCounts.sorted().map(String.init).joined(separator: ", ")
                    throw CommandError(.usage, "--id is \"\(id)\": give one of \(counts) bytes in hexadecimal")
                }
                try await signing.state(
                    StatementDraft(
                        namespace: namespace,
                        content: .platform(Statement.Platform(id: bytes, region: region, host: host))))
            }
        }
    }
}

/// What the makers of platforms say.
struct CollateralCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collateral", abstract: "Hands the manager what the makers of platforms say.",
        subcommands: [Put.self])

    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "put", abstract: "Hands in a signed bundle, as plinius-owner collateral makes them.")

        @Argument(help: "The bundle.") var file: String

        @OptionGroup var manager: ManagerOptions

        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            try await reporting(asJSON: json) {
                let bundle = Base64(try Files.bytes(file, as: "collateral"))
                let answer = try await manager.asking {
                    try await $0.importCollateral(CollateralRequest(bundle: bundle))
                }
                if json { Output.print(answer) } else { Output.print("\(answer.name) is taken") }
            }
        }
    }
}

/// Who holds keys at the moment.
struct LeasesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "leases", abstract: "Lists leases that are live.")

    @OptionGroup var manager: ManagerOptions

    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        try await reporting(asJSON: json) {
            let list = try await manager.asking { try await $0.leases() }
            if json { return Output.print(list) }
            for lease in list.leases {
                Output.print("\(lease.run)  \(lease.state)  \(lease.purpose)  \(lease.renewals) renewals  \(lease.id)")
            }
        }
    }
}
