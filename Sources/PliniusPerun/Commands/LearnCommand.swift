import ArgumentParser
import Foundation
import PliniusPolicy
import PliniusVerifier
import PliniusWire

/// Drafts an owner's policy from a good machine's evidence.
struct LearnCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "learn",
        abstract: "Drafts a policy by which a good machine's evidence passes, and that of no other.",
        discussion: """
            The draft permits one run, on machines anywhere, and has a board of one key. Read it, mend it, and try it out with perun \
            policy simulate before it is signed.

            Exit codes: 0 drafted, 2 bad usage, 3 no setting lets the evidence pass.
            """)

    @Argument(help: "What to call the policy, such as hospital-a/training.", transform: scopedName) var name: ScopedName

    @OptionGroup var options: StoredEvidenceOptions

    @Option(help: ArgumentHelp("The public key that changes the policy.", valueName: "key"), transform: ownerKey)
    var changedBy: OwnerKey

    @Option(help: "train, test, infer or export.", transform: purposeWord) var purpose: RuntimeData.Purpose = .train

    @Option(help: ArgumentHelp("The owner of what comes out.", valueName: "namespace")) var outcome: String

    @Option(help: "How many days the use lasts.") var days: Int64 = 30

    @Option(help: ArgumentHelp("The policy file to write.", valueName: "file")) var out: String

    func run() async throws {
        try await reporting {
            guard ScopedName.isName(outcome) else {
                throw CommandError(.usage, "--outcome is \"\(outcome)\": give an owner's name")
            }
            guard (1...3_660).contains(days) else { throw CommandError(.usage, "--days is \(days): give 1 to 3660") }
            let context = try options.context()
            let listName = URL(filePath: out).deletingPathExtension().lastPathComponent + ".ima"
            let stored = try options.stored()
            let learned: LearnedPolicy
            do throws(PolicyErrors) {
                learned = try stored.learnPolicy(name: name.name, listName: listName, in: context)
            } catch {
                throw CommandError(
                    .refused, "\(options.evidence): no policy can be about evidence like this:\n\(error)")
            }
            if let refusal = learned.verdict.verdict.refusal {
                throw CommandError(
                    .refused, "\(options.evidence): nothing is learned, since no setting lets it pass: \(refusal)")
            }
            let draft = OwnerPolicy.draft(
                name, changedBy: changedBy, for: purpose, outcome: outcome, at: context.now,
                until: Instant(seconds: context.now.seconds + days * 86_400), from: learned)
            let folder = URL(filePath: out).deletingLastPathComponent()
            for (name, bytes) in learned.files { try Files.create(folder.appending(path: name).path, bytes) }
            try Files.create(out, Array(draft.utf8))
            Output.print("\(out): drafted")
            for setting in learned.tolerances { Output.print("  it lets pass: \(setting)") }
        }
    }
}
