import Testing
import _PliniusTestSupport

/// A model of a file, sealed into a run by its owner, and trained on by the host as if the enclave had begun it.
@Suite struct ImportedRunTests {
    @Test(
        "From the same parameters and seed an imported run ends with the bits of one that the enclave began, kills or not",
        arguments: ["onednn", "reference"], ["weights", "safetensors"])
    func sameBits(executor: String, format: String) throws {
        let scenario = try Scenario()
        let begun = scenario.folder("begun.pool")
        // Killed in its first commit but one, the pool holds what the run began with.
        #expect(
            try scenario.train(pool: begun, "--executor", executor, "--crash-at", "afterMarker:1").status == .exited(1))
        try scenario.owner(
            "export", "--key", scenario.key, "--pool", begun, "--format", format, "--out", scenario.folder("model"))
        try scenario.owner(
            "import", "--\(format)", scenario.folder("model"), "--config", scenario.config, "--key", scenario.key,
            "--data",
            scenario.data, "--pool", scenario.pool, "--seed", "7", "--executor", executor, "--threads", "1")
        #expect(try scenario.train(pool: begun).succeeded)
        #expect(try scenario.train(seed: nil, "--crash-at", "afterFence:3").status == .exited(1))
        let resumed = try scenario.train(seed: nil)
        #expect(try resumed.succeeded && resumed.json["resumedFrom"] as? Int ?? 0 > 0, "\(resumed.errors)")
        #expect(try scenario.exportedWeights() == scenario.exportedWeights(pool: begun))
    }

    @Test("It is trained with its own configuration, data and key, and with nothing else")
    func otherParts() throws {
        let scenario = try Scenario()
        let begun = scenario.folder("begun.pool")
        #expect(try scenario.train(pool: begun, "--iterations", "1").succeeded)
        try scenario.owner(
            "export", "--key", scenario.key, "--pool", begun, "--format", "weights", "--out", scenario.folder("model"))
        func imported(_ pool: String, data: String? = nil) throws -> String {
            try scenario.owner(
                "import", "--weights", scenario.folder("model"), "--config", scenario.config, "--key", scenario.key,
                "--data",
                data ?? scenario.data, "--pool", scenario.folder(pool), "--threads", "1")
            return scenario.folder(pool)
        }
        let other = try scenario.train(pool: imported("other.pool", data: scenario.testData))
        #expect(other.status == .exited(3) && other.errors.contains("data set"), "\(other.errors)")
        let seeded = try scenario.train(pool: imported("seeded.pool"), seed: "8")
        #expect(seeded.status == .exited(3) && seeded.errors.contains("seed"), "\(seeded.errors)")
        try scenario.folder.write(
            Scenario.smallNetwork.replacing("momentum=0.9", with: "momentum=0.8"), to: "net.cfg")
        let changed = try scenario.train(pool: scenario.folder("seeded.pool"), seed: nil)
        #expect(changed.status == .exited(3) && changed.errors.contains("configuration"), "\(changed.errors)")
    }
}
