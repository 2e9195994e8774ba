import ArgumentParser
import Foundation
import Glibc
import PliniusVerifier
import PliniusWire

/// Judges evidence that was kept.
struct EvidenceVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Judges stored evidence, without the network, and shows every check.",
        discussion: """
            Takes evidence that plinius-owner provision kept, and that of other programs: \(StoredEvidence.formats.joined(separator: ", ")). \
            What a file holds is found out from its content.

            Without a policy the strict defaults of each platform apply: they say whether the evidence is genuine and its platform in \
            order, and not what runs there.

            Exit codes: 0 accepted, 2 bad usage or no evidence that is known, 3 refused, with the failing check named.
            """)

    @OptionGroup var options: EvidenceOptions

    @Option(help: ArgumentHelp("What the evidence must prove.", valueName: "file")) var policy: String?

    @Flag(help: "Print the verdict as one JSON object.") var json = false

    @Flag(help: "Print the verdict as the claims of an attestation result (EAR, not signed), one JSON object.")
    var ear = false

    func run() throws {
        try reporting {
            guard !json || !ear else { throw OwnerError(.usage, "--json and --ear both describe the output: give one") }
            let context = try options.context()
            let expected = try options.expectations()
            let rules = try policy.map { path throws(OwnerError) in try Policy(file: path) }
            let stored: StoredEvidence
            do throws(OwnerError) { stored = try options.stored() } catch {
                if json { print(EvidenceReport(unreadable: error, at: context.now).line) }
                throw error
            }
            try check(expected, against: stored)
            let found = stored.verdict(under: rules, expecting: expected, in: context)
            let open = rules == nil ? stored.tolerances(for: found) : []
            let warnings = context.collateral.warnings(at: context.now)
            if json {
                print(
                    EvidenceReport(
                        stored, found, policy: rules?.name.value, couldTolerate: open, warnings: warnings,
                        at: context.now
                    ).line)
            } else if ear {
                print(JSONLine.of(AttestationResult(found.verdict, policy: rules?.name.value, at: context.now)))
            } else {
                show(stored, found, rules, open)
            }
            for warning in warnings { printError("warning: \(warning)") }
            if let refusal = found.verdict.refusal {
                throw OwnerError(.integrity, "\(options.evidence) is refused: \(refusal)")
            }
        }
    }

    private func show(_ stored: StoredEvidence, _ found: StoredVerdict, _ rules: Policy?, _ open: [String]) {
        print(VerdictText(isColoured: VerdictText.terminalTakesColour).lines(of: found.verdict).joined(separator: "\n"))
        if !stored.unusedFiles.isEmpty { print("Not looked at: \(stored.unusedFiles.joined(separator: ", "))") }
        if rules == nil {
            print("Without a policy, nothing was asked about what runs:")
            for (name, value) in found.measurements.sorted(by: { $0.key < $1.key }) { print("  \(name): \(value)") }
            if !open.isEmpty {
                print("Settings of a policy that would let a failed check pass:")
                for setting in open { print("  \(setting)") }
            }
        }
        if found.verdict.hasPassed { print("\(options.evidence) is accepted") }
    }

    /// Refuses expectations that no piece of the evidence could meet.
    private func check(_ expected: StoredExpectations, against stored: StoredEvidence) throws(OwnerError) {
        let kinds = Set(stored.evidence.map(\.kind))
        if expected.reportData != nil, kinds.isDisjoint(with: [.sgx, .tdx, .snp, .simulated]) {
            throw OwnerError(.usage, "--report-data: no evidence here has report data of its own")
        }
        if expected.nonce != nil, kinds.isDisjoint(with: [.tpm, .azureVTPM, .nvidia]) {
            throw OwnerError(.usage, "--nonce: no evidence here has a nonce of its own; TEEs have --report-data")
        }
    }
}

extension Policy {
    /// Reads a policy; the files that it names lie beside it.
    /// - Throws: `OwnerError` with everything that is wrong with it.
    init(file path: String) throws(OwnerError) {
        let text = try EvidenceFiles.bytes(path, as: "policy")
        let folder = URL(filePath: path).deletingLastPathComponent()
        do throws(PolicyErrors) {
            try self.init(yaml: String(decoding: text, as: UTF8.self), file: path) { name in
                [UInt8](try Data(contentsOf: URL(filePath: name, relativeTo: folder)))
            }
        } catch {
            throw OwnerError(.usage, "the policy is refused:\n\(error)")
        }
    }
}
