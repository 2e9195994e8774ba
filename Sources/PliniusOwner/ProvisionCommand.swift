import ArgumentParser
import PliniusSealing
import PliniusSockets
import PliniusVerifier
import PliniusWire

/// Releases the owner's key to an enclave that proves what it is.
struct ProvisionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "provision",
        abstract: "Challenges an enclave that waits for a key, judges its evidence, and releases the key or refuses.",
        discussion: """
            The enclave is one that plinius train --wait-for-owner started. The judgement is made here, from the evidence, the policy \
            and the collateral that was imported, without the network; it is shown on standard error, a check a line. The key leaves \
            this machine only if every check holds, and sealed to the key that the evidence binds.

            Exit codes: 0 released and received, 1 the enclave could not be reached, 2 bad usage, 3 refused.
            """)

    @Option(help: "The key to release.") var key: String

    @Option(help: "What the enclave must prove.") var policy: String

    @Option(help: "Where the enclave waits: host:port, [v6]:port, or unix:path.") var enclave: String

    @Option(help: "The instant to judge at, such as 2025-07-01T00:00:00Z; now if there is none.")
    var now: String?

    @OptionGroup var collateral: CollateralFiles

    @Option(help: "How long the enclave may take to answer the challenge, in seconds.")
    var challengeLife: Int = 120

    @Option(help: ArgumentHelp("Keep the evidence in this file, whatever comes of it.", valueName: "file"))
    var keepEvidence: String?

    @Flag(help: "Print the verdict as one JSON object.") var json = false

    func run() throws {
        try reporting {
            let keyFile = try OpenFile.open(key, as: "key file")
            let ownerKey: SecretBytes
            do throws(KeyFileError) { ownerKey = try SecretBytes(keyFile: keyFile.descriptor) } catch {
                throw OwnerError(.usage, "\(key): \(error.description)")
            }
            guard challengeLife > 0 else {
                throw OwnerError(.usage, "--challenge-life is \(challengeLife): give at least 1 second")
            }
            let rules = try Policy(file: policy)
            let clock = try JudgingClock(now: now)
            let statements = try collateral.read()
            for warning in statements.warnings(at: clock.now) { printError("warning: \(warning)") }
            let address: SocketAddress
            do throws(SocketError) { address = try SocketAddress(enclave) } catch {
                throw OwnerError(.usage, "--enclave: \(error)")
            }
            var exchange = try OwnerExchange(with: address, seconds: challengeLife + 10)
            do {
                try release(ownerKey, rules, statements, clock, &exchange)
            } catch {
                if json, case let error = OwnerError(error) {
                    print(ProvisionReport(refusal: error, exchange.verdict).line)
                }
                throw error
            }
        }
    }

    private func release(
        _ ownerKey: SecretBytes, _ rules: Policy, _ statements: Collateral, _ clock: JudgingClock,
        _ exchange: inout OwnerExchange
    ) throws {
        let challenge = IssuedChallenge(
            wanted: rules.evidence.value.sorted { $0.rawValue < $1.rawValue }, enrols: rules.needsActivation,
            now: clock.now,
            life: Int64(challengeLife))
        let (bundle, activated) = try exchange.challenge(challenge.challenge)
        if let keepEvidence {
            let file = try AtomicFile.create(keepEvidence)
            try file.write(bundle.encoded)
            try file.publish()
        }
        let verdict = UnverifiedEvidence(bundle).verdict(
            under: rules, for: challenge, activated: activated,
            in: Context(now: clock.now, anchors: anchors(of: rules, statements), collateral: statements))
        exchange.verdict = verdict
        printError(verdict.text)
        guard let evidence = verdict.evidence else {
            let refusal = verdict.refusal ?? "no check was carried out"
            // The host learns the name of the check, not what the policy wants.
            exchange.refuse("the check \(verdict.firstFailure?.check ?? "bundle.format") failed")
            throw OwnerError(.integrity, "the key is not released: \(refusal)")
        }
        try exchange.grant(ownerKey, to: evidence)
        printError(
            "the key is released, and received by the enclave of the run \(evidence.runtimeData.runName) at \(enclave)")
        if json { print(ProvisionReport(released: evidence, verdict).line) }
    }

    /// The makers' own keys, those that the policy names, and the makers of TPMs of believed bundles.
    private func anchors(of policy: Policy, _ statements: Collateral) -> TrustAnchors {
        var anchors = TrustAnchors()
        anchors.endorsement += (policy.endorsementAnchors?.value ?? []) + statements.endorsementAuthorities
        anchors.simulated += policy.simulatedAnchors?.value ?? []
        return anchors
    }
}
