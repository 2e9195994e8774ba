import ArgumentParser
import Glibc
import PliniusPolicyManager

/// The key that protects all others of a manager.
struct RootCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "root", abstract: "Makes a manager's root key, on the manager's machine.",
        subcommands: [Share.self])

    struct Share: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "share", abstract: "Makes a new store whose root key nobody has but owners together.",
            discussion: """
                Each file gets one share (Shamir's secret sharing), and as many as the threshold says give the root key. The manager keeps \
                by what to recognise them, and is locked at each start until enough have come by perun unlock. Hand each file to its \
                owner, and leave no copy: while this runs, the machine knows the root key and all shares.
                """)

        @Option(help: "The folder of the new store.") var store: String

        @Option(help: ArgumentHelp("How many shares unlock the manager.", valueName: "n")) var threshold: Int

        @Option(help: ArgumentHelp("A file for one share. Given once for each owner.", valueName: "file"))
        var out: [String]

        func run() async throws {
            try await reporting {
                guard Set(out).count == out.count else { throw CommandError(.usage, "each --out is another file") }
                for path in out where unsafe access(path, F_OK) == 0 {
                    throw CommandError(.usage, "\(path) is there already: choose another name, or remove it")
                }
                let shares = try ManagerStart(folder: store).share(threshold: threshold, count: out.count, at: .system)
                for (share, path) in zip(shares, out) {
                    do { try Files.create(path, Array("\(share.text)\n".utf8)) } catch {
                        throw CommandError(
                            .failed,
                            "\(error): a share is lost, so remove the folder \(store) and the shares, and begin anew")
                    }
                    Output.print(
                        "\(path): share \(share.index) of \(out.count), \(threshold) of which unlock the manager")
                }
            }
        }
    }
}
