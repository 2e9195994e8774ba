import ArgumentParser
import Foundation
import PliniusVerifier

/// Drafts a policy from a good machine's evidence.
struct EvidenceLearnCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "learn",
        abstract: "Drafts a policy by which a good machine's evidence passes, and that of no other.",
        discussion: """
            The evidence has to be genuine: what is forged, revoked or for debugging is refused. What the platform's strict defaults \
            refuse and a setting can let pass, such as a TCB that is not up to date, becomes a line of the draft with a remark: read \
            these before you use it.

            Without --out the draft is printed. From evidence with an IMA log a list of files is made as well, beside the draft.

            Exit codes: 0 drafted, 2 bad usage or no evidence that is known, 3 no setting would let the evidence pass.
            """)

    @OptionGroup var options: EvidenceOptions

    @Option(help: ArgumentHelp("The policy file to write.", valueName: "file")) var out: String?

    @Option(help: "What to call the policy.") var name = "learned"

    func run() throws {
        try reporting {
            let context = try options.context()
            let stored = try options.stored()
            let expected = try options.expectations()
            let listName =
                (out.map { URL(filePath: $0).deletingPathExtension().lastPathComponent } ?? "policy") + ".ima"
            let learned: LearnedPolicy
            do throws(PolicyErrors) {
                learned = try stored.learnPolicy(
                    name: name, listName: listName, expecting: expected, in: context)
            } catch {
                throw OwnerError(
                    .integrity, "\(options.evidence): no policy can be about evidence like this:\n\(error)")
            }
            if let refusal = learned.verdict.verdict.refusal {
                throw OwnerError(
                    .integrity, "\(options.evidence): nothing is learned, since no setting lets it pass: \(refusal)")
            }
            guard let out else {
                guard learned.files.isEmpty else {
                    throw OwnerError(.usage, "the policy needs a list of files beside it: give --out")
                }
                print(learned.yaml, terminator: "")
                return
            }
            let folder = URL(filePath: out).deletingLastPathComponent()
            for (name, bytes) in learned.files { try write(bytes, to: folder.appending(path: name).path) }
            try write(Array(learned.yaml.utf8), to: out)
            print("\(out): drafted" + (learned.tolerances.isEmpty ? "" : "; read its remarks, the evidence passes by:"))
            for setting in learned.tolerances { print("  \(setting)") }
        }
    }

    private func write(_ bytes: [UInt8], to path: String) throws(OwnerError) {
        let file = try AtomicFile.create(path)
        try file.write(bytes)
        try file.publish()
    }
}
