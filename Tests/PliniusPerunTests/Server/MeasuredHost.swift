import Crypto
import FoundationEssentials
import PliniusAttester
import PliniusPerunClient
import PliniusSealing
import PliniusVerifier
import PliniusWire
import Testing
import _PliniusTestSupport

/// A host that a TPM speaks for: what its kernel measures goes into register 10 and into the log beside it.
final class MeasuredHost {
    let tpm: SoftwareTPM
    private let folder: TemporaryDirectory
    private var log: [UInt8] = []
    /// How many files were measured since the machine was started, the boot's digest included.
    private(set) var count = 0

    init() throws {
        tpm = try SoftwareTPM(certified: true)
        folder = try TemporaryDirectory()
        try begin()
    }

    deinit { tpm.stop() }

    /// What lets this TPM, and the files of a list, pass at the level `tpm-ima-gpu`.
    static let environment = [
        "evidence: [tpm]", "anchors: { endorsement: [maker.pem] }", "tpm: { endorsement: true }",
        "ima: { generations: [ { name: image, lists: [files] } ] }",
    ]

    /// The files that the environment names.
    func files(_ allowed: [String]) throws -> [String: [UInt8]] {
        let list = allowed.map { "sha256:\(hex(Self.digest(of: $0))) \($0)\n" }.joined()
        return ["maker.pem": try tpm.authority(), "files": Array(list.utf8)]
    }

    /// What every file holds is its path.
    private static func digest(of path: String) -> [UInt8] { Array(SHA256.hash(data: Data(path.utf8))) }

    /// Has the kernel measure a file (Linux, the template ima-ng).
    func measure(_ path: String) throws { try measure(path, Self.digest(of: path)) }

    private func measure(_ name: String, _ digest: [UInt8]) throws {
        func field(_ bytes: [UInt8]) -> [UInt8] { [UInt8(bytes.count), 0, 0, 0] + bytes }
        let data = field(Array("sha256:\0".utf8) + digest) + field(Array(name.utf8) + [0])
        let template = Array("ima-ng".utf8)
        log += [10, 0, 0, 0] + Array(Insecure.SHA1.hash(data: data)) + field(template) + field(data)
        try folder.write(log, to: "ima")
        try tpm.extend(10, with: Array(SHA256.hash(data: data)))
        count += 1
    }

    private func begin() throws {
        (log, count) = ([], 0)
        // Registers 0 to 9 are as the start left them.
        try measure("boot_aggregate", Array(SHA256.hash(data: Data(count: 320))))
    }

    /// Starts the machine anew.
    func boot() throws {
        try tpm.restart()
        try begin()
    }

    var attester: Attester {
        get throws {
            var paths = DevicePaths(under: folder.path)
            paths.imaLog = folder("ima")
            paths.tpm = tpm.configuration
            return try Attester(named: "tpm", paths)
        }
    }

    // MARK: - The exchange

    /// What an exchange went through before its end.
    struct Round {
        var enclave: SimulatedEnclave
        let challenge: Challenge
        let evidence: [Evidence]
        let judged: AttestationAnswer
    }

    /// Has the manager judge this machine, enrolling its TPM where that is asked for.
    /// - Parameter spoof: Changes the evidence on its way.
    func attest(
        in world: TestWorld, with client: PerunClient, _ request: ChallengeRequest? = nil, enrols: Bool = true,
        change: (inout RuntimeData) -> Void = { _ in }, spoof: (inout [Evidence]) throws -> Void = { _ in }
    ) async throws -> Round {
        var enclave = world.enclave()
        let begun = try await client.challenge(request ?? world.challenge)
        guard case .challenge(let challenge) = try enclave.hear(begun.challenge.bytes) else {
            throw CancellationError()
        }
        var cookie = begun.cookie
        var activation: [UInt8] = []
        if challenge.enrols, enrols {
            let (enrolment, key) = try enrolment(&enclave)
            let answer = try await client.enrol(EnrolmentRequest(cookie: cookie, enrolment: Base64(enrolment)))
            cookie = answer.cookie
            activation = try activate(answer.credential.bytes, with: key, &enclave)
        }
        let data = enclave.runtimeData(challenge, change: change).encoded
        let (frame, evidence) = try presentation(data, challenge, activation, &enclave, spoof: spoof)
        let judged = try await client.attest(AttestationRequest(cookie: cookie, presentation: Base64(frame)))
        return Round(enclave: enclave, challenge: challenge, evidence: evidence, judged: judged)
    }

    /// Shows the manager which TPM this is.
    func enrolment(_ enclave: inout SimulatedEnclave) throws -> (frame: [UInt8], key: TPMKeyAlgorithm) {
        let (enrolment, key) = try attester.enrolment()
        return (enclave.say(.enrolment(enrolment)), key)
    }

    /// Proves that the key that quotes is in the TPM.
    func activate(
        _ credential: [UInt8], with key: TPMKeyAlgorithm, _ enclave: inout SimulatedEnclave
    ) throws -> [UInt8] {
        guard case .credential(let credential) = try enclave.hear(credential) else { throw CancellationError() }
        let secret = try attester.activate(
            credential: credential.identityObject, encryptedSeed: credential.encryptedSecret, endorsement: key)
        return Array(
            HMAC<SHA256>.authenticationCode(
                for: Data(SHA256.hash(data: enclave.transcript.bytes)),
                using: SymmetricKey(data: secret.withBytes { Array($0) })))
    }

    private func presentation(
        _ data: [UInt8], _ challenge: Challenge, _ activation: [UInt8], _ enclave: inout SimulatedEnclave,
        spoof: (inout [Evidence]) throws -> Void
    ) throws -> (frame: [UInt8], evidence: [Evidence]) {
        var options = EvidenceOptions()
        options.firstLogEntry = challenge.imaStart
        var evidence = try attester.evidence(for: data, options: options)
        try spoof(&evidence)
        let bundle = EvidenceBundle(runtimeData: data, evidence: evidence)
        return (
            enclave.say(.presentation(try Presentation(bundle: bundle, activation: activation))), evidence
        )
    }

    /// Gets keys, or has a lease renewed.
    func exchange(
        in world: TestWorld, with client: PerunClient, _ request: ChallengeRequest? = nil, enrols: Bool = true,
        change: (inout RuntimeData) -> Void = { _ in }, spoof: (inout [Evidence]) throws -> Void = { _ in }
    ) async throws -> (answer: ReleaseAnswer, round: Round) {
        let round = try await attest(
            in: world, with: client, request, enrols: enrols, change: change, spoof: spoof)
        return (try await client.release(ReleaseRequest(result: round.judged.result)), round)
    }
}
