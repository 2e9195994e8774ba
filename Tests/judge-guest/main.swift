// Judges what attest-guest brought out of the virtual machine of scripts/vm-attest, and says line by line what it found.
//
//     judge-guest challenge FILE…             writes runtime data with fresh nonces
//     judge-guest FOLDER AUTHORITY…           judges FOLDER/good, FOLDER/bad and FOLDER/rebooted against FOLDER/data-1, -2 and -3
//
// The policy is learned from the first bundle; it passes under it. In the second, the program that nobody listed is the one thing that
// fails. The third is of the next boot: refused where the policy holds on to the first one's, and in order otherwise.

import Crypto
import FoundationEssentials
import PliniusVerifier
import PliniusWire

struct Surprise: Error, CustomStringConvertible {
    var description: String
}

func contents(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }

func digits(_ bytes: [UInt8]) -> String { bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }

func leaves(_ findings: [Finding]) -> [Finding] { findings.flatMap { $0.parts.isEmpty ? [$0] : leaves($0.parts) } }

/// A bundle with the logs that are in it.
struct Round {
    let name: String
    let evidence: Evidence
    let log: IMALog
    let extraData: [UInt8]

    init(_ folder: String, _ name: String, _ data: String) throws {
        self.name = name
        let bundle = try EvidenceBundle(decoding: contents("\(folder)/\(name)"))
        guard try bundle.runtimeData == contents("\(folder)/\(data)"), let evidence = bundle.evidence.first,
            let log = evidence["ima-log"], let start = evidence["ima-start"]
        else { throw Surprise(description: "\(name) has no list of IMA's, or answers another challenge") }
        self.evidence = evidence
        self.log = try IMALog(binary: log, start: start.reversed().reduce(0) { $0 << 8 | Int($1) })
        extraData = Array(
            SHA256.hash(data: Array("plinius/1/tpm".utf8) + Array(SHA512.hash(data: bundle.runtimeData))))
    }
}

/// What the first bundle says of a machine that is known to be good.
struct Policy {
    private var tpm = TPMRequirements()
    private let context: Context
    private let line = PolicyLine("learned", line: 1)

    init(learningFrom round: Round, authorities: [[UInt8]]) throws {
        var anchors = TrustAnchors()
        anchors.endorsement = authorities
        context = Context(now: Instant(seconds: Int64(Date().timeIntervalSince1970)), anchors: anchors)
        guard let key = round.evidence["ak"], let attest = round.evidence["attest"] else {
            throw Surprise(description: "there is no quote")
        }
        tpm.akNames = Setting([try TPMPublic(key, format: "tpm.ak.format").name], line)
        tpm.endorsement = Setting(true, line)
        tpm.resetCount = Setting(try TPMAttest(attest).resetCount, line)
        tpm.selection = [.sha256: Setting(Set(0...10), line)]
        var bootLog = BootLogRequirements()
        // The machine's firmware is one without secure boot.
        bootLog.secureBoot = Setting(false, line)
        bootLog.permitsWeaknesses = Setting(true, line)
        tpm.bootLog = Setting(bootLog, line)
        var ima = IMARequirements()
        ima.generations = Setting([.init(name: "learned", list: IMAAllowList(learningFrom: round.log))], line)
        // Challenges, which differ from round to round.
        ima.excluded = Setting([Pattern("/files/data-*")], line)
        tpm.ima = Setting(ima, line)
    }

    var whateverTheBoot: Policy {
        var policy = self
        policy.tpm.resetCount = nil
        return policy
    }

    /// What fails, and how far the log is proved.
    func verdict(on round: Round, after state: IMAState? = nil) -> (failures: [Finding], state: IMAState?) {
        var examination = Examination()
        let next = examination.group("tpm") { inner throws(EvidenceError) in
            var requirements = tpm
            requirements.extraData = Setting(round.extraData, line)
            requirements.imaState = state
            return try examineTPM(round.evidence, requirements, context, &inner).imaState
        }
        let failures = leaves(examination.findings).filter { $0.outcome == .failed }
        print("\(round.name): \(round.log.entries.count) entries from number \(round.log.start) on")
        for finding in failures {
            print("    refused: \(finding.check): expected \(finding.expected), found \(finding.found)")
        }
        if failures.isEmpty { print("    accepted") }
        return (failures, next ?? nil)
    }
}

func expect(_ condition: Bool, _ what: String) throws {
    guard condition else { throw Surprise(description: "expected \(what)") }
    print("    as it should be: \(what)")
}

func judge(_ folder: String, _ authorities: [String]) throws {
    let certificates = try authorities.flatMap { path in
        let bytes = try contents(path)
        return bytes.first == 0x30 ? [bytes] : try ParsedCertificate.parse(pem: bytes).map(\.der)
    }
    let good = try Round(folder, "good", "data-1")
    let policy = try Policy(learningFrom: good, authorities: certificates)
    let first = policy.verdict(on: good)
    try expect(first.failures.isEmpty && first.state != nil, "the machine is in order")

    let bad = try Round(folder, "bad", "data-2")
    let digest = digits(Array(SHA256.hash(data: try contents("\(folder)/unlisted"))))
    let second = policy.verdict(on: bad, after: first.state)
    try expect(
        second.failures.count == 1
            && second.failures.allSatisfy { failure in
                failure.check == "ima.entry.file"
                    && ["/page/unlisted", digest].allSatisfy { "\(failure.expected) \(failure.found)".contains($0) }
            }, "/page/unlisted with SHA-256 \(digest) is named, and nothing else")

    let rebooted = try Round(folder, "rebooted", "data-3")
    try expect(
        policy.verdict(on: rebooted).failures.map(\.check) == ["tpm.clock.reset-count"], "the boot since is noticed")
    try expect(
        policy.whateverTheBoot.verdict(on: rebooted, after: first.state).failures.first?.check != nil,
        "the list of another boot does not go on where the last one ended")
    try expect(policy.whateverTheBoot.verdict(on: rebooted).failures.isEmpty, "judged anew, the machine is in order")
}

let arguments = CommandLine.arguments.dropFirst()
if arguments.first == "challenge" {
    for path in arguments.dropFirst() {
        var data = RuntimeData()
        data.nonce = (0..<RuntimeData.nonceByteCount).map { _ in UInt8.random(in: 0...255) }
        data.publicKey = (0..<32).map { _ in UInt8.random(in: 0...255) }
        data.runName = "vm-attest"
        try Data(data.encoded).write(to: URL(filePath: path))
    }
} else if let folder = arguments.first {
    try judge(folder, Array(arguments.dropFirst()))
}
