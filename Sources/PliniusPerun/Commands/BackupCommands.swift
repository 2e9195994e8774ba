import ArgumentParser
import PliniusPolicy
import PliniusPolicyManager

/// Copies a manager's store, on the manager's machine.
struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copies a manager's store into one file, while the manager is at work.",
        discussion: """
            The file has no key that anybody could use but the standbys that the owners have named. What the store has in the clear, such \
            as policies and the log, is in it in the clear.
            """)

    @Option(help: "The folder of the store.") var store: String

    @Option(help: ArgumentHelp("The file to make; an existing one is never overwritten.", valueName: "file"))
    var out: String

    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        try await reporting(asJSON: json) {
            let backup = try PolicyStore.backUp(store, to: out)
            let report = Report(
                entries: backup.head.head.size, root: backup.head.head.root.hexadecimal,
                standbys: backup.standbys.map(\.hexadecimal))
            if json { return Output.print(report) }
            Output.print("\(out): \(report.entries) entries of the log, for \(report.standbys.count) standbys")
            report.standbys.forEach { Output.print("  \($0)") }
            if report.standbys.isEmpty {
                Output.note(
                    "warning: every owner has to name a standby before a backup can be restored: perun standby put")
            }
        }
    }

    private struct Report: Encodable {
        let entries: Int
        let root: String
        let standbys: [String]
    }
}

/// Goes on from a backup, on a standby's machine.
struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Makes a store from a backup, on the machine of a standby that the owners have named.",
        discussion: """
            The service goes on under its name, with its certificate and its keys. Nobody can tell from a backup whether it is the newest: \
            give --kept, and have owners compare the heads that they kept by perun audit head --kept. The old manager must not run any more.

            Exit codes: 0 restored, 1 the work failed, 2 bad usage, 3 refused: the standby is not named, or the backup is damaged or older \
            than the head. Nothing is left in the folder then.
            """)

    @Option(help: "The folder of the new store; it is made, or is empty.") var store: String

    @Option(help: ArgumentHelp("The backup.", valueName: "file")) var from: String

    @Option(help: ArgumentHelp("The folder of the standby's own store, which has its root key.", valueName: "folder"))
    var standby: String

    @Option(help: ArgumentHelp("A head of the log that the backup must have reached.", valueName: "file")) var kept:
        String?

    @Option(help: "How the root keys of both stores are kept: platform, or insecure for tests alone.")
    var root: String = "platform"

    @Option(
        help: ArgumentHelp(
            "What seals the root key, such as sev-snp+tpm. The machine decides without.", valueName: "name"))
    var attestation: String?

    @Option(help: ArgumentHelp("How the TPM is reached, as tpm2-tss names it.", valueName: "tcti")) var tpm: String?

    func run() async throws {
        try await reporting {
            guard let kind = ["platform": ManagerStart.Root.platform, "insecure": .insecure][root] else {
                throw CommandError(.usage, "--root is \(root): give platform, or insecure for tests alone")
            }
            let kept = try kept.map { try SignedAuditHead(file: $0) }
            func start(_ folder: String) -> ManagerStart {
                var start = ManagerStart(folder: folder)
                (start.root, start.attestation, start.tpm) = (kind, attestation, tpm)
                return start
            }
            let head: SignedAuditHead
            do {
                head = try start(store).restore(from: from, standby: start(standby), kept: kept, at: .system)
            } catch let error as ManagerError where [.forbidden, .integrity].contains(error.code) {
                throw CommandError(.refused, error.message)
            }
            Output.print("\(store): goes on with entry \(head.head.size) of the log")
        }
    }
}
