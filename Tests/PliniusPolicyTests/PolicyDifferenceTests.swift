import Crypto
import PliniusPolicy
import PliniusVerifier
import PliniusWire
import Testing

@Suite("What changed in a policy, and what is to be thought about")
struct PolicyDifferenceTests {
    private func difference(_ change: (inout TestPolicy) -> Void) throws -> PolicyDifference {
        var policy = TestPolicy()
        change(&policy)
        return PolicyDifference(from: try TestPolicy().policy, to: try policy.policy)
    }

    @Test("The same policy has no difference")
    func none() throws {
        #expect(try difference { _ in }.isEmpty)
        #expect(try difference { _ in }.text == "" && difference { _ in }.json == [])
    }

    @Test("Each change is told by its key: values, entries of lists, uses by their names")
    func changes() throws {
        let policy = try difference {
            $0.uses[0]["runs"] = "5"
            $0.uses[0]["partners"] = "[ lab/model, \"hospital-b/*\", cloud/net ]"
            $0.uses[0]["window"] = "always"
            $0.change = $0.change.replacing("1d", with: "2d")
        }
        #expect(
            policy.text.split(separator: "\n").map(String.init) == [
                "changed change.time-lock: 1d -> 2d", "removed uses[train].partners: lab/net",
                "added   uses[train].partners: lab/model", "added   uses[train].partners: cloud/net",
                "changed uses[train].runs: 3 -> 5",
                #"changed uses[train].window: {"from":"2026-01-01","until":"2027-01-01"} -> always"#,
                "warning uses[0].window (line 10): The use has no end. (lint.window)",
            ])
        #expect(policy.json.entries?[0] == ["path": "change.time-lock", "old": "1d", "new": "2d"])
        #expect(policy.json.entries?[1] == ["path": "uses[train].partners", "old": "lab/net"])
    }

    @Test("A use that comes or goes is told with all its keys; order alone is told too")
    func uses() throws {
        var second = TestPolicy.Use()
        second["name"] = "late"
        second["environment"] =
            "{ evidence: [sgx], sgx: { mrenclave: [ \(String(repeating: "bb", count: 32)) ], toleratesDebug: true } }"
        let more = try difference { $0.uses.append(second) }
        #expect(more.changes.allSatisfy { $0.old == nil && $0.path.hasPrefix("uses[late].") })
        #expect(more.changes.contains { $0.path == "uses[late].environment.sgx.toleratesDebug" && $0.new == "true" })
        #expect(more.warnings.map(\.check) == ["lint.tolerance"])
        #expect(more.warnings.first?.line.setting == "uses[1].environment.sgx.toleratesDebug")
        var two = TestPolicy()
        two.uses.append(second)
        var swapped = two
        swapped.uses.swapAt(0, 1)
        let order = PolicyDifference(from: try two.policy, to: try swapped.policy)
        #expect(order.changes.map(\.path) == ["uses"])
        #expect(try PolicyDifference(from: two.policy, to: TestPolicy().policy).changes.allSatisfy { $0.new == nil })
        // A list of one in brackets means the same, and has another hash.
        var bare = TestPolicy()
        bare.uses[0]["regions"] = "eu"
        var listed = TestPolicy()
        listed.uses[0]["regions"] = "[ eu ]"
        let brackets = PolicyDifference(from: try bare.policy, to: try listed.policy)
        #expect(brackets.changes == [.init(path: "uses[train].regions", old: "eu", new: ["eu"])])
    }

    @Test("A file that changed is told by its size, its digest and its lines")
    func files() throws {
        var policy = TestPolicy()
        policy.uses[0]["level"] = "tpm-ima-gpu"
        policy.uses[0]["environment"] =
            "{ evidence: [tpm], tpm: { akNames: [ \(String(repeating: "0b", count: 34)) ] }, ima: { generations: [ { name: all, lists: [ f ] } ] } }"
        func read(_ lines: [String]) throws -> OwnerPolicy {
            let text = lines.map { "sha256:\(String(repeating: $0, count: 32)) /bin/\($0)\n" }.joined()
            return try TestPolicy.read(policy.yaml, files: ["f": Array(text.utf8)])
        }
        let change = try #require(
            try PolicyDifference(from: read(["01", "02"]), to: read(["02", "03", "04"])).changes.first)
        #expect(change.path == "files.f" && change.old?.text?.hasSuffix("…, 1 lines of its own") == true)
        #expect(
            change.new?.text?.hasSuffix("…, 2 lines of its own") == true
                && change.new?.text?.hasPrefix("240 bytes") == true)
    }

    @Test(
        "What an owner should have meant is warned of, with its line",
        arguments: [
            ("lint.level", "level", "test", 6), ("lint.partners", "partners", "\"*/scans\"", 7),
            ("lint.runs", "runs", "unlimited", 9),
            ("lint.window", "window", "always", 10), ("lint.regions", "regions", "any", 11),
            ("lint.lease", "lease", "{ seconds: 86401, iterations: 1 }", 12),
            (
                "lint.tolerance", "environment",
                "{ evidence: [sgx], sgx: { mrenclave: [ \(String(repeating: "aa", count: 32)) ], tcb: { tolerate: [ OutOfDate ] } } }",
                13
            ),
            (
                "lint.tolerance", "environment",
                "{ evidence: [sgx], sgx: { mrenclave: [ \(String(repeating: "aa", count: 32)) ], tcb: { toleratesAbsentCollateral: true } } }",
                13
            ),
        ])
    func warnings(check: String, key: String, value: String, line: Int) throws {
        var policy = TestPolicy()
        #expect(try policy.policy.warnings == [])
        policy.uses[0][key] = value
        let warnings = try policy.policy.warnings
        #expect(warnings.map(\.check) == [check])
        #expect(warnings.first?.line.line == line, "\(warnings)")
    }

    @Test("What tolerates nothing is not warned of")
    func silence() throws {
        var policy = TestPolicy()
        policy.uses[0]["environment"] =
            "{ evidence: [sgx], sgx: { mrenclave: [ \(String(repeating: "aa", count: 32)) ], toleratesDebug: false, tcb: { tolerate: [ ] } } }"
        #expect(try policy.policy.warnings == [])
    }

    @Test("A board of one, without veto, without time lock, is warned of")
    func boards() throws {
        let one = try TestPolicy(change: "{ key: \"\(TestPolicy.key)\" }").policy
        #expect(one.warnings.map(\.check) == ["lint.board", "lint.veto", "lint.time-lock"])
        let disguised =
            "{ at-least: 2, of: [ { key: \"\(TestPolicy.key)\" }, { all-of: [ { key: \"\(TestPolicy.key)\" } ] }, { key: \"\(TestPolicy.otherKey)\" } ], "
            + "veto: [ { key: \"\(TestPolicy.otherKey)\" } ], time-lock: 1h }"
        #expect(try TestPolicy(change: disguised).policy.warnings.map(\.check) == ["lint.board"])
    }

    @Test("A draft from evidence is a policy that can be read, and the evidence passes by its environment")
    func draft() throws {
        var data = RuntimeData()
        data.nonce = [UInt8](repeating: 1, count: 32)
        data.configDigest = [UInt8](repeating: 3, count: 32)
        data.datasetIDs = [[UInt8](repeating: 4, count: 16)]
        data.runName = "r"
        let signer = Curve25519.Signing.PrivateKey()
        let report =
            Array("PLINSIM1".utf8) + [1, 0, 0, 0] + Array(SHA512.hash(data: data.encoded))
            + [UInt8](repeating: 7, count: 32)
        let parts = [
            "report": report, "signature": Array(try signer.signature(for: report)),
            "key": Array(signer.publicKey.rawRepresentation),
        ]
        let bundle = EvidenceBundle(runtimeData: data.encoded, evidence: [Evidence(.simulated, parts)])
        let stored = try StoredEvidence(files: ["kept": bundle.encoded])
        let context = Context(now: Instant(2026, 7, 1))
        let learned = try stored.learnPolicy(name: "n", listName: "l", in: context)
        let key = try #require(OwnerKey(TestPolicy.key))
        let yaml = OwnerPolicy.draft(
            try #require(ScopedName("a/b")), changedBy: key, for: .train, outcome: "lab", at: context.now,
            until: Instant(2026, 8, 1), from: learned)
        let policy = try TestPolicy.read(yaml, files: learned.files)
        let use = policy.uses[0]
        #expect(policy.name.value.description == "a/b" && use.level.value == .test && use.evidence == [.simulated])

        let net = try #require(ScopedName("a/net"))
        let scans = try #require(ScopedName("a/scans"))
        var registry = Registry()
        registry.assets[net] = Asset(name: net, kind: .config, identity: String(repeating: "03", count: 32))
        registry.assets[scans] = Asset(name: scans, kind: .dataset, identity: String(repeating: "04", count: 16))
        var request = Request(purpose: .train, datasets: [scans], config: net, runName: "r", isNew: true)
        func passes() -> Bool {
            stored.verdict(under: use.policy(for: request, in: registry), in: context).verdict.hasPassed
        }
        #expect(passes())
        request.runName = "s"
        #expect(!passes())
    }
}
