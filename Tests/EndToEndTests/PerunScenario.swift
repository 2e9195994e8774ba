import Foundation
import PliniusWire
import Testing
import _PliniusTestSupport

/// Two hospitals, a lab and an operator, each with keys and files of its own, and a policy manager between them; all at level test.
final class PerunScenario {
    /// Hospital A's data are this scenario's; the other parties' files lie in the same folder.
    let scenario: Scenario
    let manager: RunningProgram
    var folder: TemporaryDirectory { scenario.folder }
    var trust: String { folder("trust.json") }
    var keyA: String { scenario.key }
    var keyB: String { folder("b.data-key") }
    var labKey: String { folder("lab.model-key") }
    var dataB: String { folder("b.sealed") }
    private let attestationKey: String

    /// - Parameter seconds: How long a lease lasts.
    init(config: String = Scenario.smallNetwork, seconds: Int = 600) throws {
        let setting = try ProvisioningScenario(config: config)
        scenario = setting.scenario
        attestationKey = scenario.folder("attestation.key")
        let folder = scenario.folder
        // What the enclaves of this build show is learned before there is a manager.
        let host = try setting.host()
        let learned = String(
            decoding: try folder.read(URL(filePath: setting.policy(from: host)).lastPathComponent), as: UTF8.self)
        host.run.signal(SIGKILL)
        let environment = learned.components(separatedBy: "\n").drop { !$0.hasPrefix("evidence:") }
        let evidence = try #require(try folder.names().first { $0.hasSuffix(".evidence") })
        let data = try RuntimeData(decoding: EvidenceBundle(decoding: folder.read(evidence)).runtimeData)

        manager = try Program(name: "perun").start([
            "serve", "--store", folder("store"), "--listen", "127.0.0.1:0", "--root", "insecure", "--attestation",
            "none",
        ])
        var port: String?
        _ = try manager.wait { run in
            port = run.errorsSoFar.range(of: #"(?<= port=)\d+"#, options: .regularExpression).map {
                String(run.errorsSoFar[$0])
            }
            return port != nil
        }
        let address = "127.0.0.1:\(try #require(port, "\(manager.errorsSoFar)"))"
        try perun("trust", "--manager", address, "--first-use", "--out", trust)

        try scenario.owner("keygen", "--out", keyB)
        try scenario.owner("keygen", "--out", labKey)
        try scenario.owner(
            "seal", "--key", keyB, "--format", "synthetic-digits", "--count", "64", "--seed", "5", "--out", dataB)
        let partners = [
            "hospital-a": "hospital-b/*, lab/*", "hospital-b": "hospital-a/*, lab/*",
            "lab": "hospital-a/*, hospital-b/*",
        ]
        for (owner, others) in partners.sorted(by: { $0.key < $1.key }) {
            let key = try perun("keygen", "--out", folder("\(owner).pem")).output.trimmingCharacters(in: .newlines)
            try state(owner, "namespace", "put", owner, "--member", key)
            let policy = try folder.write(
                """
                version: 1
                policy: \(owner)/training
                change: { key: "\(key)" }
                uses:
                  - purpose: train
                    level: test
                    partners: [ \(others.split(separator: ", ").map { "\"\($0)\"" }.joined(separator: ", ")) ]
                    outcome: lab
                    runs: 1
                    window: always
                    regions: any
                    lease: { seconds: \(seconds), iterations: 1000000000 }
                    environment:
                \(environment.map { "      \($0)" }.joined(separator: "\n"))

                """, to: "\(owner).yaml")
            try state(owner, "policy", "put", policy)
        }
        func asset(_ name: String, _ kind: String, _ identity: String, _ more: String...) throws {
            let owner = String(name.prefix { $0 != "/" })
            try state(
                owner,
                ["asset", "put", name, "--kind", kind, "--identity", identity, "--policy", "\(owner)/training"] + more)
        }
        try asset("hospital-a/scans", "dataset", identifier(of: scenario.data), "--key-file", keyA)
        try asset("hospital-b/scans", "dataset", identifier(of: dataB), "--key-file", keyB)
        try asset("lab/net", "config", hexadecimal(data.configDigest))
        try asset(
            "lab/model", "model", "default", "--key-file", labKey, "--made-from", "hospital-a/scans", "--made-from",
            "hospital-b/scans", "--made-from", "lab/net")
    }

    deinit { manager.signal(SIGKILL) }

    /// Runs a command that must succeed.
    @discardableResult func perun(_ arguments: String...) throws -> ProgramOutcome { try perun(arguments) }

    @discardableResult func perun(_ arguments: [String]) throws -> ProgramOutcome {
        let outcome = try Program(name: "perun").run(arguments)
        try #require(outcome.succeeded, "perun \(arguments): \(outcome)")
        return outcome
    }

    /// Has an owner state something, signed with its key.
    @discardableResult func state(_ owner: String, _ arguments: String...) throws -> [String: Any] {
        try state(owner, arguments)
    }

    @discardableResult func state(_ owner: String, _ arguments: [String]) throws -> [String: Any] {
        let outcome = try perun(arguments + ["--key", folder("\(owner).pem"), "--trust", trust, "--json"])
        let standing = try outcome.json
        #expect(standing["status"] as? String == "active", "\(outcome)")
        return standing
    }

    private func identifier(of data: String) throws -> String {
        try #require(try scenario.owner("inspect", data, "--json").json["id"] as? String)
    }

    /// The operator's command; nothing in it is secret.
    func train(pool: String? = nil, _ more: String...) throws -> RunningProgram {
        try Program.plinius.start(
            [
                "train", "--config", scenario.config, "--data", scenario.data, "--data", dataB, "--pool",
                pool ?? scenario.pool, "--perun", trust, "--data-asset", "hospital-a/scans", "--data-asset",
                "hospital-b/scans", "--config-asset", "lab/net", "--model-asset", "lab/model", "--attestation",
                "simulated", "--attestation-key", attestationKey, "--threads", "1", "--seed", "7", "--json",
            ] + more)
    }
}
