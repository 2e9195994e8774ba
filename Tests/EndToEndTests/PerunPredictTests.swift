import Foundation
import Testing
import _PliniusTestSupport

/// A model that several owners' data made predicts one owner's inputs, if all of them permit, and for whom they say.
@Suite(.serialized) struct PerunPredictTests {
    /// Has an owner permit to infer beside training.
    private func permit(_ owner: String, in parties: PerunScenario) throws {
        let name = "\(owner).yaml"
        let old = String(decoding: try parties.folder.read(name), as: UTF8.self)
        let training = try #require(old.range(of: "  - purpose: train"))
        let use = old[training.lowerBound...].replacingOccurrences(of: "purpose: train", with: "purpose: infer")
        try parties.folder.write(old + use, to: name)
        try parties.state(owner, "policy", "put", parties.folder(name))
    }

    /// Has an owner state where results go, with a key of its own if it says so.
    private func addOutput(_ name: String, key: String?, to parties: PerunScenario) throws {
        let owner = String(name.prefix { $0 != "/" })
        let arguments = [
            "asset", "put", name, "--kind", "output", "--identity", "default", "--policy", "\(owner)/training",
            "--made-from", "hospital-a/inputs", "--made-from", "lab/model",
        ]
        try parties.state(owner, arguments + (key.map { ["--key-file", $0] } ?? []))
    }

    private func predict(
        _ parties: PerunScenario, to name: String, as output: String = "lab/predictions"
    ) throws -> ProgramOutcome {
        try Program.plinius.run([
            "predict", "--config", parties.scenario.config, "--data", parties.scenario.testData, "--pool",
            parties.scenario.pool, "--out", parties.folder(name), "--perun", parties.trust, "--data-asset",
            "hospital-a/inputs", "--config-asset", "lab/net", "--model-asset", "lab/model", "--output-asset", output,
            "--attestation", "simulated", "--attestation-key", parties.folder("attestation.key"), "--threads", "1",
            "--json",
        ])
    }

    private func expectRefusal(
        _ outcome: ProgramOutcome, by check: String, naming text: String? = nil, in parties: PerunScenario,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(
            outcome.status == .exited(3) && outcome.errors.contains("the check \(check) failed"), "\(outcome)",
            sourceLocation: sourceLocation)
        if let text { #expect(outcome.errors.contains(text), "\(outcome)", sourceLocation: sourceLocation) }
        #expect(try outcome.json["exitCode"] as? Int == 3, sourceLocation: sourceLocation)
        #expect(try !parties.folder.names().contains { $0.contains("refused") }, sourceLocation: sourceLocation)
    }

    @Test(.timeLimit(.minutes(30))) func resultsAreForWhomAllOwnersName() throws {
        let parties = try PerunScenario()
        let folder = parties.folder
        #expect(try parties.train("--iterations", "3").wait().succeeded)
        let old = try folder.read("run.pool")
        #expect(try parties.train("--iterations", "6").wait().succeeded)
        let newest = try folder.read("run.pool")
        let inputs = try parties.scenario.owner("inspect", parties.scenario.testData, "--json").json["id"] as? String
        try parties.state(
            "hospital-a", "asset", "put", "hospital-a/inputs", "--kind", "input", "--identity",
            try #require(inputs), "--policy", "hospital-a/training", "--key-file", parties.keyA)
        let key = folder("predictions.key")
        try parties.scenario.owner("keygen", "--out", key)
        try addOutput("lab/predictions", key: key, to: parties)

        // Every owner is asked: of the inputs, of the model, and of the data that the model was made from.
        try expectRefusal(try predict(parties, to: "refused"), by: "use.purpose", in: parties)
        try permit("lab", in: parties)
        try permit("hospital-a", in: parties)
        try expectRefusal(
            try predict(parties, to: "refused"), by: "use.purpose",
            naming: "policy[hospital-b/training]: the check use.purpose failed", in: parties)
        try permit("hospital-b", in: parties)
        let predicted = try predict(parties, to: "results.sealed")
        #expect(predicted.succeeded, "\(predicted)")
        #expect(try predicted.json["count"] as? Int == 48 && predicted.json["iteration"] as? Int == 6)
        #expect(try folder.read("run.pool") == newest)
        #expect(try predict(parties, to: "again.sealed").succeeded, "once more of the same run")

        // They are for the owner of what comes out, and not for those of the model and of the inputs.
        let results = try folder.read("results.sealed")
        let opened = try SealedResults(results, key: folder.read("predictions.key")).opened()
        #expect(opened.count == 48)
        for other in [parties.labKey, parties.keyA, parties.keyB] {
            let stolen = try Program.owner.run([
                "open", folder("results.sealed"), "--key", other, "--out", folder("stolen"),
            ])
            #expect(stolen.status == .exited(3) && stolen.errors.contains("another key"), "\(stolen)")
        }
        try parties.scenario.owner("open", folder("results.sealed"), "--key", key, "--out", folder("predictions"))
        // The model says what its owner's copy says.
        try parties.scenario.owner(
            "export", "--key", parties.labKey, "--pool", parties.scenario.pool, "--format", "weights", "--out",
            folder("weights"))
        let network = PlainNetwork(weights: try folder.read("weights"))
        #expect(PredictTests.largestDifference(opened, network) < 1e-4)

        // Another owner of the results, a second run, results without a key, a model from before the newest.
        try addOutput("hospital-a/predictions", key: key, to: parties)
        try expectRefusal(
            try predict(parties, to: "refused", as: "hospital-a/predictions"), by: "use.outcome", in: parties)
        try addOutput("lab/more", key: key, to: parties)
        try expectRefusal(try predict(parties, to: "refused", as: "lab/more"), by: "use.runs", in: parties)
        try folder.write(old, to: "run.pool")
        try expectRefusal(try predict(parties, to: "refused"), by: "state.rollback", in: parties)
        try folder.write(newest, to: "run.pool")
        #expect(try parties.train("--iterations", "8").wait().succeeded, "training goes on")
        #expect(try predict(parties, to: "later.sealed").succeeded)

        try parties.perun("audit", "log", "--trust", parties.trust, "--out", folder("log"))
        #expect(String(decoding: try folder.read("log"), as: UTF8.self).contains(#""purpose":"infer""#))
        try parties.state("hospital-b", "withdraw", "hospital-b/scans")
        try expectRefusal(
            try predict(parties, to: "refused"), by: "asset.exists", naming: "hospital-b/scans", in: parties)
    }

    @Test(.timeLimit(.minutes(30))) func resultsWithoutAKeyAndWithoutSourcesAreRefused() throws {
        let parties = try PerunScenario()
        #expect(try parties.train("--iterations", "3").wait().succeeded)
        for owner in ["hospital-a", "hospital-b", "lab"] { try permit(owner, in: parties) }
        let inputs = try parties.scenario.owner("inspect", parties.scenario.testData, "--json").json["id"] as? String
        try parties.state(
            "hospital-a", "asset", "put", "hospital-a/inputs", "--kind", "input", "--identity",
            try #require(inputs), "--policy", "hospital-a/training", "--key-file", parties.keyA)
        try addOutput("lab/predictions", key: nil, to: parties)
        let keyless = try predict(parties, to: "refused")
        #expect(keyless.status == .exited(3) && keyless.errors.contains("asset.key"), "\(keyless)")
        #expect(keyless.errors.contains("lab/predictions"), "\(keyless)")
        try parties.state(
            "lab", "asset", "put", "lab/elsewhere", "--kind", "output", "--identity", "default", "--policy",
            "lab/training", "--made-from", "lab/model", "--key-file", parties.labKey)
        try expectRefusal(
            try predict(parties, to: "refused", as: "lab/elsewhere"), by: "request.lineage",
            naming: "hospital-a/inputs", in: parties)
        // A stop of one key is enough.
        try parties.state("hospital-b", "stop", "hospital-b", "--reason", "doubts")
        try expectRefusal(try predict(parties, to: "refused"), by: "asset.stopped", naming: "doubts", in: parties)
    }
}
