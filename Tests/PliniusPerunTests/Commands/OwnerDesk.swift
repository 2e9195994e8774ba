import Crypto
import Foundation
import PliniusPolicy
import PliniusWire
import Testing
import _PliniusTestSupport

/// A folder of somebody who speaks for an owner, and the program as it was built.
struct OwnerDesk {
    let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    /// Runs perun to its end.
    func perun(_ arguments: String...) throws -> ProgramOutcome { try perun(arguments) }

    func perun(_ arguments: [String]) throws -> ProgramOutcome { try Program(name: "perun").run(arguments) }

    /// Makes a key, and gives its public half.
    func key(_ name: String, kind: String = "ed25519") throws -> String {
        let outcome = try perun("keygen", "--out", folder(name), "--kind", kind)
        try #require(outcome.succeeded, "\(outcome)")
        return outcome.output.trimmingCharacters(in: .newlines)
    }

    /// A policy of hospital A for tests, whose evidence is signed by `anchor` and shows a program of ones.
    func policy(
        key: String, anchor: [UInt8] = Array(repeating: 0, count: 32), runs: String = "3", outcome: String = "lab",
        to name: String = "policy.yaml"
    ) throws -> String {
        try folder.write(
            """
            version: 1
            policy: hospital-a/training
            change: { key: "\(key)" }
            uses:
              - purpose: train
                level: test
                partners: [ lab/net, lab/model ]
                outcome: \(outcome)
                runs: \(runs)
                window: always
                regions: any
                lease: { seconds: 60, iterations: 100000 }
                environment:
                  evidence: [simulated]
                  anchors: { simulated: ["\(hex(anchor))"] }
                  simulated: { measurement: ["\(hex([UInt8](repeating: 1, count: 32)))"] }

            """, to: name)
    }

    /// Evidence of the test level for a run that begins, signed by a key that is made for it.
    /// - Returns: The file, and the public half of the key.
    func evidence(run: String = "default", to name: String = "evidence") throws -> (path: String, anchor: [UInt8]) {
        var data = RuntimeData()
        data.nonce = [UInt8](repeating: 7, count: 32)
        data.publicKey = [UInt8](repeating: 8, count: 32)
        data.configDigest = [UInt8](repeating: 9, count: 32)
        data.datasetIDs = [[UInt8](repeating: 10, count: 16)]
        data.runName = run
        let signer = Curve25519.Signing.PrivateKey()
        let version: [UInt8] = [1, 0, 0, 0]
        let report =
            Array("PLINSIM1".utf8) + version + SHA512.hash(data: data.encoded) + [UInt8](repeating: 1, count: 32)
        let evidence = Evidence(
            .simulated,
            [
                "report": report, "signature": Array(try signer.signature(for: report)),
                "key": Array(signer.publicKey.rawRepresentation),
            ])
        let bundle = EvidenceBundle(runtimeData: data.encoded, evidence: [evidence])
        return (try folder.write(bundle.encoded, to: name), Array(signer.publicKey.rawRepresentation))
    }

    /// A file of JSON, as other programs read it.
    func json(_ name: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(folder.read(name))) as? [String: Any])
    }
}

func hex(_ bytes: [UInt8]) -> String { bytes.map { String(format: "%02x", $0) }.joined() }

extension ProgramOutcome {
    /// Standard output as the one JSON object that it is.
    var json: [String: Any] {
        get throws {
            try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any], "\(self)")
        }
    }
}
