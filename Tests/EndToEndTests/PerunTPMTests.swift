import Foundation
import Testing
import _PliniusTestSupport

/// Owners who want to know whose TPM speaks for the machine that trains, in real processes.
@Suite(
    .serialized, .enabled(if: SoftwareTPM.isAvailable, Comment(rawValue: SoftwareTPM.missing))
) struct PerunTPMTests {
    @Test(.timeLimit(.minutes(30))) func aTPMEnrolsThroughTheBridgeBeforeItsOwnersGiveKeys() throws {
        let endless = Scenario.smallNetwork.replacingOccurrences(of: "max_batches=40", with: "max_batches=10000000")
        let parties = try PerunScenario(config: endless, seconds: 20)
        let (tpm, otherTPM) = (try SoftwareTPM(certified: true), try SoftwareTPM(certified: true))
        defer {
            tpm.stop()
            otherTPM.stop()
        }
        try parties.folder.write(tpm.authority(), to: "maker.pem")
        for owner in ["hospital-a", "hospital-b", "lab"] {
            let name = "\(owner).yaml"
            let yaml = String(decoding: try parties.folder.read(name), as: UTF8.self)
                .replacingOccurrences(of: "evidence: [simulated]", with: "evidence: [simulated, tpm]")
                .replacing(#/        simulated: \["[0-9a-f]+"\]/#) { match in
                    match.output + "\n        endorsement: [maker.pem]\n      tpm:\n        endorsement: true"
                }
            #expect(yaml.contains("endorsement: true"))
            try parties.folder.write(yaml, to: name)
            try parties.state(owner, "policy", "put", parties.folder(name))
        }
        func start(_ tpm: SoftwareTPM, iterations: Int) throws -> RunningProgram {
            try parties.train(
                "--attestation", "simulated+tpm", "--tpm", tpm.configuration, "--iterations", "\(iterations)")
        }
        func train(_ tpm: SoftwareTPM, iterations: Int = 40) throws -> ProgramOutcome {
            try start(tpm, iterations: iterations).wait()
        }
        func expectRefusal(
            _ outcome: ProgramOutcome, by check: String, sourceLocation: SourceLocation = #_sourceLocation
        ) {
            #expect(
                outcome.status == .exited(3) && outcome.errors.contains("the check \(check)"), "\(outcome)",
                sourceLocation: sourceLocation)
        }
        expectRefusal(try parties.train().wait(), by: "bundle.kinds")
        // Another maker's.
        expectRefusal(try train(otherTPM), by: "tpm.ek.")
        let begun = try train(tpm, iterations: 5)
        #expect(begun.succeeded, "\(begun)")
        // The machine is booted; it enrols again.
        try tpm.restart()
        let resumed = try train(tpm, iterations: 10)
        #expect(resumed.succeeded, "\(resumed)")
        #expect(try resumed.json["resumedFrom"] as? Int == 5)
        // While training goes on its TPM quotes again, without another enrolment.
        let run = try start(tpm, iterations: 10_000_000)
        #expect(try run.wait { $0.errorsSoFar.contains("the lease is renewed") }, "\(run.errorsSoFar)")
        // What counts its boots counts one, and nothing else changes.
        try tpm.restart()
        let ended = try run.wait()
        #expect(ended.status == .exited(3), "\(ended)")
        #expect(try (ended.json["leaseEnd"] as? String)?.contains("tpm.clock.reset-count") == true, "\(ended)")
        // The manager's log calls the machine by its TPM's key.
        try parties.perun("audit", "log", "--trust", parties.trust, "--out", parties.folder("log"))
        let log = String(decoding: try parties.folder.read("log"), as: UTF8.self)
        for (kind, count) in [("release", 3), ("renewal", 1)] {
            let entries = log.split(separator: "\n").filter { $0.contains("\"kind\":\"\(kind)\"") }
            #expect(entries.count >= count && entries.allSatisfy { $0.contains(#""actor":"000b"#) }, "\(entries)")
        }
    }
}
