import ArgumentParser
import Crypto
import PliniusPerunClient
import PliniusVerifier
import PliniusWire

/// What makes a manager believed that nobody has judged before.
struct JudgingOptions: ParsableArguments {
    @Option(help: ArgumentHelp("What the manager's evidence must prove.", valueName: "file")) var policy: String?

    @Option(help: ArgumentHelp("SHA-256 of the manager's certificate.", valueName: "hex"))
    var certificateDigest: String?

    @Flag(help: "Believe whoever answers; for tests alone.") var firstUse = false

    @OptionGroup var collateral: CollateralOptions

    /// Whether one of them was given.
    /// - Throws: ``CommandError`` for more.
    func isGiven() throws(CommandError) -> Bool {
        let count = [policy != nil, certificateDigest != nil, firstUse].count { $0 }
        guard count <= 1 else {
            throw CommandError(.usage, "give one of --policy, --certificate-digest and --first-use")
        }
        return count == 1
    }

    /// What the belief rests on.
    var basis: String { policy != nil ? "evidence" : firstUse ? "first-use" : "digest" }

    /// What evidence is asked for with.
    /// - Throws: ``CommandError`` for a policy that is none.
    func challenge() throws(CommandError) -> IssuedChallenge {
        let wanted = try policy.map { path throws(CommandError) in try Policy(file: path).evidence.value } ?? []
        return IssuedChallenge(
            wanted: wanted.sorted { $0.rawValue < $1.rawValue }, enrols: false, now: .system, life: 60)
    }

    /// Holds a certificate against the digest that somebody vouched for.
    /// - Throws: ``CommandError`` with the check `trust.certificate`.
    func check(certificate digest: [UInt8]) throws(CommandError) {
        guard let certificateDigest, certificateDigest.lowercased() != digest.hexadecimal else { return }
        throw CommandError(
            .refused,
            "the check trust.certificate failed: expected SHA-256 \(certificateDigest), found \(digest.hexadecimal)")
    }

    /// Holds a manager's evidence against the policy, if there is one; what it says goes to standard error.
    /// - Parameters:
    ///   - sealingKey: The key that it has to bind.
    ///   - identity: What stands in it for the manager.
    ///   - run: The name of the run that a manager's evidence has.
    /// - Throws: ``CommandError`` with the check that failed.
    func check(
        _ evidence: Base64?, for challenge: IssuedChallenge, sealingKey: [UInt8], identity: [UInt8], run: String
    ) throws {
        guard let policy else { return }
        guard let bytes = evidence?.bytes else {
            throw CommandError(
                .refused, "the check trust.evidence failed: expected evidence, found none: the manager runs unprotected"
            )
        }
        let bundle: EvidenceBundle
        do throws(WireError) { bundle = try EvidenceBundle(decoding: bytes) } catch {
            throw CommandError(.refused, "the check trust.evidence failed: it cannot be read: \(error)")
        }
        var rules = try Policy(file: policy)
        rules.purposes.value = [.export]
        rules.configDigests.value = [identity]
        rules.datasets.value = nil
        let statements = try collateral.read()
        var anchors = TrustAnchors()
        anchors.endorsement += (rules.endorsementAnchors?.value ?? []) + statements.endorsementAuthorities
        anchors.simulated += rules.simulatedAnchors?.value ?? []
        let verdict = UnverifiedEvidence(bundle).verdict(
            under: rules, for: challenge, activated: nil,
            in: Context(now: .system, anchors: anchors, collateral: statements))
        Output.note(verdict.text)
        guard let evidence = verdict.evidence else {
            throw CommandError(.refused, "the manager is refused: \(verdict.refusal ?? "no check was carried out")")
        }
        let data = evidence.runtimeData
        guard data.publicKey == sealingKey, data.runName == run else {
            throw CommandError(
                .refused,
                "the check trust.binding failed: expected the sealing key \(sealingKey.hexadecimal) of \(run), "
                    + "found \(data.publicKey.hexadecimal) of \(data.runName)")
        }
    }
}
