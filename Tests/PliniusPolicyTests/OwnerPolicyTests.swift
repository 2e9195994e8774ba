import FoundationEssentials
import PliniusPolicy
import PliniusVerifier
import PliniusWire
import Testing

@Suite("Owners' policies")
struct OwnerPolicyTests {
    private static let example = """
        version: 1
        policy: hospital-a/training
        change:
          all-of:
            - key: "\(TestPolicy.key)"
            - at-least: 1
              of: [ { key: "\(TestPolicy.otherKey)" } ]
          veto: [ { key: "\(TestPolicy.otherKey)" } ]
          time-lock: 1d
        uses:
          - purpose: train
            level: tee
            partners: [ "hospital-b/*", lab/net, lab/model ]
            outcome: lab
            runs: 3
            window: { from: 2026-01-01, until: 2027-01-01T12:00:00Z }
            regions: [ eu, cloud/north ]
            lease: { seconds: 60, iterations: 100000 }
            environment:
              evidence: [sgx]
              sgx:
                mrenclave: [ \(String(repeating: "aa", count: 32)) ]
          - name: check
            purpose: test
            level: tpm-ima-gpu
            outcome: hospital-a
            runs: unlimited
            window: always
            regions: any
            lease: { seconds: 1, iterations: 1 }
            environment:
              evidence: [tpm]
              tpm: { akNames: [ \(String(repeating: "0b", count: 34)) ] }
              ima:
                generations: [ { name: all, lists: [ files.txt ] } ]
        """
    private static let files = ["files.txt": Array("sha256:\(String(repeating: "0d", count: 32)) /bin/true\n".utf8)]

    @Test("A policy is read to its last key, and each setting knows its line")
    func reads() throws {
        let policy = try TestPolicy.read(Self.example, files: Self.files)
        let key = try #require(OwnerKey(TestPolicy.key))
        let other = try #require(OwnerKey(TestPolicy.otherKey))
        #expect(policy.name == Setting(try #require(ScopedName("hospital-a/training")), PolicyLine("policy", line: 2)))
        let board = try Board(.allOf([.key(key), .atLeast(1, of: [.key(other)])]), veto: [other], timeLock: 86_400)
        #expect(policy.change.value == board && policy.change.line.line == 3)
        try #require(policy.uses.count == 2)
        let first = policy.uses[0]
        #expect(
            first.id == "train" && first.purpose.value == .train
                && first.level == Setting(.tee, PolicyLine("uses[0].level", line: 12)))
        #expect(first.partners.value.map(\.description) == ["hospital-b/*", "lab/net", "lab/model"])
        #expect(first.outcome.value == "lab" && first.runs == Setting(3, PolicyLine("uses[0].runs", line: 15)))
        #expect(first.window.value == OwnerPolicy.Window(from: Instant(2026, 1, 1), until: Instant(2027, 1, 1, 12)))
        #expect(first.regions.value?.map(\.description).sorted() == ["cloud/north", "hospital-a/eu"])
        #expect(first.lease.value == LeaseTerms(seconds: 60, iterations: 100_000) && first.evidence == [.sgx])
        let second = policy.uses[1]
        #expect(second.id == "check" && second.level.value == .trustedSystem && second.evidence == [.tpm])
        #expect(
            second.partners.value == [] && second.runs.value == nil && second.window.value == nil
                && second.regions.value == nil)
    }

    @Test(
        "What was signed is the file's keys and values with the files that it names, and reads the same without the file"
    )
    func document() throws {
        let policy = try TestPolicy.read(Self.example, files: Self.files)
        let use = policy.document["uses"]?.entries?.first
        #expect(use?["runs"] == "3" && use?["lease"]?["seconds"] == "60" && policy.document["version"] == "1")
        #expect(
            policy.document["files"]?["files.txt"] == .string(Data(Self.files["files.txt"] ?? []).base64EncodedString())
        )
        let again = try OwnerPolicy(document: CanonicalJSON(canonical: policy.document.encoded), file: "signed")
        #expect(
            again.document == policy.document && again.digest == policy.digest
                && again.change.value == policy.change.value)
        #expect(
            again.uses.map(\.id) == policy.uses.map(\.id) && again.uses[0].lease.value == policy.uses[0].lease.value)
        #expect(again.uses[0].lease.line == PolicyLine("uses[0].lease"))
        // Blanks, remarks, quotes and the order of keys say nothing.
        let other = Self.example.replacing("runs: 3\n    window", with: "runs: \"3\" # three\n\n    window")
            .replacing("version: 1\npolicy: hospital-a/training", with: "policy: hospital-a/training\nversion: 1")
        #expect(try other != Self.example && TestPolicy.read(other, files: Self.files).digest == policy.digest)
        #expect(
            try TestPolicy.read(Self.example.replacing("runs: 3", with: "runs: 4"), files: Self.files).digest
                != policy.digest)
        var changed = Self.files
        changed["files.txt"]?.append(UInt8(ascii: "\n"))
        #expect(try TestPolicy.read(Self.example, files: changed).digest != policy.digest)
    }

    @Test("The file beside a signed document has to say the same; findings have its lines then")
    func source() throws {
        let policy = try TestPolicy.read(Self.example, files: Self.files)
        let both = try OwnerPolicy(document: policy.document, source: Self.example, file: "p.yaml")
        #expect(both.uses[0].runs.line.line == 15 && both.document == policy.document)
        let other = Self.example.replacing("runs: 3", with: "runs: 4")
        let error = #expect(throws: PolicyErrors.self) {
            try OwnerPolicy(document: policy.document, source: other, file: "p.yaml")
        }
        #expect(error?.errors.map(\.expected) == ["a file that says what was signed"])
    }

    @Test("A statement's policy bears the statement's name")
    func statement() throws {
        let document = try TestPolicy().policy.document
        func statement(_ namespace: String, _ name: String) -> Statement {
            Statement(namespace: namespace, issued: Instant(seconds: 0), .policy(name: name, document: document))
        }
        #expect(try OwnerPolicy(statement("hospital-a", "training"))?.name.value.name == "training")
        #expect(
            try OwnerPolicy(statement("hospital-a", "training"), source: TestPolicy().yaml)?.uses[0].runs.line.line
                != nil)
        for other in [statement("hospital-b", "training"), statement("hospital-a", "other")] {
            #expect(throws: PolicyErrors.self) { try OwnerPolicy(other) }
        }
        let veto = Statement(namespace: "a", issued: Instant(seconds: 0), .veto(subject: StatementHash(of: [])))
        #expect(try OwnerPolicy(veto) == nil)
    }

    @Test("A document that no file gives is refused")
    func noDocuments() throws {
        let good = try TestPolicy.read(Self.example, files: Self.files).document
        func changed(_ change: (inout [String: CanonicalJSON]) -> Void) -> CanonicalJSON {
            var members = good.members ?? [:]
            change(&members)
            return .object(members)
        }
        for (key, document) in [
            ("policy", []), ("policy", "x"), ("policy", changed { $0["version"] = 1 }),
            ("policy", changed { $0["version"] = .null }),
            ("foo", changed { $0["foo"] = "1" }), ("files", changed { $0["files"] = [:] }),
            ("files", changed { $0["files"] = "x" }),
            ("files.files.txt", changed { $0["files"] = ["files.txt": "%"] }),
            ("files.files.txt", changed { $0["files"] = ["files.txt": "YQ"] }),
            ("files", changed { $0["files"] = ["files.txt": "", "more.txt": ""] }),
            ("uses[1].environment.ima.generations[0].lists", changed { $0["files"] = nil }),
        ] as [(String, CanonicalJSON)] {
            let error = #expect(throws: PolicyErrors.self) { try OwnerPolicy(document: document, file: "signed") }
            #expect(error?.errors.contains { $0.key == key } == true, "\(key): \(error.map { "\($0)" } ?? "read")")
        }
    }

    // MARK: Errors

    @Test(
        "Each line that has to be there is missed",
        arguments: ["purpose", "level", "outcome", "runs", "window", "regions", "lease", "environment"])
    func missing(key: String) {
        var policy = TestPolicy()
        policy.uses[0][key] = nil
        // Without a purpose or a level the environment says nothing more.
        let errors = TestPolicy.errors(policy.yaml)
        #expect(errors.map(\.key) == ["uses[0].\(key)"] && errors[0].found == "no such line", "\(errors)")
    }

    @Test("So are the policy's own lines", arguments: ["version", "policy", "change", "uses"])
    func missingHead(key: String) {
        let lines = TestPolicy().yaml.split(separator: "\n")
        let rest = lines.filter { !$0.hasPrefix("\(key):") && (key != "uses" || !$0.hasPrefix(" ")) }
        #expect(TestPolicy.errors(rest.joined(separator: "\n")).map(\.key) == [key])
        #expect(Set(TestPolicy.errors("").map(\.key)) == ["version", "policy", "change", "uses"])
    }

    @Test(
        "A value that is none is an error with its key",
        arguments: [
            ("purpose", "sell", "purpose"), ("level", "tea", "level"), ("partners", "[ hospital-b ]", "partners"),
            ("partners", "[ \"*\" ]", "partners"), ("partners", "[ \"a*/b\" ]", "partners"),
            ("partners", "[ \"a/b/c\" ]", "partners"),
            ("outcome", "lab/model", "outcome"), ("outcome", "[ lab, hospital-a ]", "outcome"), ("runs", "0", "runs"),
            ("runs", "many", "runs"),
            ("runs", "03", "runs"), ("runs", "1000001", "runs"), ("window", "never", "window"),
            ("window", "{ from: 2026-01-01 }", "window.until"),
            ("window", "{ from: 2026-01-01, until: 2026-01-01 }", "window.until"),
            ("window", "{ from: 2026-13-01, until: 2027-01-01 }", "window.from"),
            ("window", "{ from: 2026-01-01, until: 2027-01-01, to: 1 }", "window.to"),
            ("regions", "[ any, eu ]", "regions"), ("regions", "[ EU ]", "regions"),
            ("lease", "60", "lease"), ("lease", "{ seconds: 60 }", "lease.iterations"),
            ("lease", "{ seconds: 0, iterations: 1 }", "lease.seconds"),
            ("lease", "{ seconds: 2678401, iterations: 1 }", "lease.seconds"),
            ("lease", "{ seconds: 1, iterations: 9223372036854775808 }", "lease.iterations"),
            ("environment", "{ evidence: [sgx] }", "environment.evidence"),
            ("environment", "{ evidence: [sgx], sgx: { } }", "environment.sgx"),
            ("environment", "{ evidence: [tpm], tpm: { akNames: 00 } }", "environment.tpm.akNames"),
            ("environment", "none", "environment"), ("name", "A b", "name"),
            ("executor", "onednn", "executor"), ("executor", "[ reference ]", "executor"), ("executor", "", "executor"),
        ])
    func badValues(key: String, value: String, path: String) {
        var policy = TestPolicy()
        policy.uses[0][key] = value
        let errors = TestPolicy.errors(policy.yaml)
        #expect(errors.contains { $0.key == "uses[0].\(path)" && $0.line != nil }, "\(errors)")
    }

    @Test(
        "A key that is none is an error with the one that was perhaps meant",
        arguments: [
            ("partner", "lab/net", "perhaps partners"), ("run", "3", "perhaps runs"), ("configs", "any", "a known key"),
            ("datasets", "any", "a known key"), ("executer", "reference", "perhaps executor"),
        ])
    func unknown(key: String, value: String, suggestion: String) {
        var policy = TestPolicy()
        policy.uses[0][key] = value
        let errors = TestPolicy.errors(policy.yaml)
        #expect(
            errors.map(\.key) == ["uses[0].\(key)"] && errors[0].expected.contains(suggestion) && errors[0].line == 14,
            "\(errors)")
        var inner = TestPolicy()
        inner.uses[0]["environment"] = inner.uses[0]["environment"]?.replacing("evidence", with: "level: tee, evidence")
        #expect(TestPolicy.errors(inner.yaml).map(\.key) == ["uses[0].environment.level"])
    }

    @Test(
        "A board that is none is an error",
        arguments: [
            "x", "{ }", "{ key: abc }", "{ key: \"KEY\", all-of: [ { key: \"KEY\" } ] }", "{ all-of: [ ] }",
            "{ all-of: { key: \"KEY\" } }",
            "{ at-least: 2, of: [ { key: \"KEY\" } ] }", "{ at-least: 0, of: [ { key: \"KEY\" } ] }", "{ at-least: 1 }",
            "{ of: [ { key: \"KEY\" } ] }",
            "{ key: \"KEY\", of: [ { key: \"KEY\" } ] }", "{ all-of: [ { key: \"KEY\" }, { key: \"KEY\" } ] }",
            "{ key: \"KEY\", time-lock: 1 }",
            "{ key: \"KEY\", time-lock: 0d }", "{ key: \"KEY\", time-lock: 367d }", "{ key: \"KEY\", time-lock: 01d }",
            "{ key: \"KEY\", veto: [ \"KEY\" ] }",
            "{ key: \"KEY\", veto: [ { key: \"KEY\" }, { key: \"KEY\" } ] }",
            "{ all-of: [ { key: \"KEY\", veto: [ ] } ] }", "{ key: \"KEY\", key2: 1 }",
        ])
    func boards(text: String) {
        let errors = TestPolicy.errors(TestPolicy(change: text.replacing("KEY", with: TestPolicy.key)).yaml)
        #expect(!errors.isEmpty && errors.allSatisfy { $0.key.hasPrefix("change") && $0.line == 3 }, "\(errors)")
    }

    @Test(
        "A board has so many seconds", arguments: [("90s", 90), ("30m", 1800), ("12h", 43_200), ("366d", 366 * 86_400)])
    func locks(text: String, seconds: Int64) throws {
        #expect(
            try TestPolicy(change: "{ key: \"\(TestPolicy.key)\", time-lock: \(text) }").policy.change.value.timeLock
                == seconds)
    }

    @Test("To infer, networks are released to a TEE only")
    func infer() {
        var policy = TestPolicy()
        policy.uses[0]["purpose"] = "infer"
        #expect(TestPolicy.errors(policy.yaml).isEmpty)
        policy.uses[0]["level"] = "tpm-ima-gpu"
        #expect(
            TestPolicy.errors(policy.yaml).contains { $0.key == "uses[0].level" && $0.expected.contains("TEE only") })
    }

    @Test("Uses that runs are counted by need names of their own, and there are some, and not too many")
    func uses() {
        var policy = TestPolicy()
        policy.uses.append(TestPolicy.Use())
        #expect(TestPolicy.errors(policy.yaml).map(\.key) == ["uses", "uses"])
        policy.uses[1]["name"] = "again"
        #expect(TestPolicy.errors(policy.yaml).isEmpty)
        #expect(
            TestPolicy.errors(
                TestPolicy().yaml.prefix { $0 != "\n" }
                    + "\npolicy: a/b\nchange: { key: \"\(TestPolicy.key)\" }\nuses: []"
            ).map(\.key) == ["uses"])
        policy.uses = (0...OwnerPolicy.maximumUses).map { index in
            var use = TestPolicy.Use()
            use["name"] = "u\(index)"
            return use
        }
        #expect(TestPolicy.errors(policy.yaml).map(\.key) == ["uses"])
    }

    @Test("A short file that means a very long one, and one of very many parts in each other, are refused")
    func bombs() {
        let bomb = (1...9).reduce("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n") { text, level in
            let entries = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            return text + "a\(level): &a\(level) [\(entries)]\n"
        }
        // As a key it would be compared with others before anybody counts.
        for text in [bomb, bomb.replacing("a9: &a9 [", with: "? [")] {
            #expect(TestPolicy.errors(text).map(\.found) == ["an alias"] && TestPolicy.errors(text).first?.line == 2)
        }
        for alias in ["*a", "[*a]", "{*a : 1}", "x: *a", "- *a", "? *a", "x:\u{85}*a", "x:\t*a", "--- *a"] {
            #expect(TestPolicy.errors("b: &a 1\n\(alias)").map(\.found) == ["an alias"], "\(alias)")
        }
        let many = "a: [" + Array(repeating: "x", count: 100_001).joined(separator: ", ") + "]"
        #expect(TestPolicy.errors(many).map(\.found) == ["more"])
        let deep = "a: " + String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        #expect(TestPolicy.errors(deep).map(\.key) == ["policy"])
        #expect(TestPolicy.errors("[a]: 1").map(\.key) == ["policy"] && TestPolicy.errors("a: 1\na: 2").count == 1)
        #expect(
            TestPolicy.errors(Self.example, files: ["files.txt": [UInt8](repeating: 10, count: (16 << 20) + 1)])
                .contains {
                    $0.key == "uses[1].environment.ima.generations[0].lists" && $0.found.contains("in all files")
                })
    }

    @Test("An executor is named or not, and what does not name one has the hash that it always had")
    func executor() throws {
        // The digests are of the canonical JSON as written by another program.
        let plain = try TestPolicy().policy
        #expect(hexadecimal(plain.digest) == "6c998f2c1bca93784e0523008c2fb43edd32ca3df179e20438d882f98b22334b")
        #expect(plain.uses[0].executor == nil && !plain.explanation[0].contains("executor"))
        var file = TestPolicy()
        file.uses[0]["executor"] = "reference"
        let named = try file.policy
        #expect(hexadecimal(named.digest) == "d9e6af040e087f35d4f79352eab5b06847ba6dc93c5e9d62336f85d2cf7fb64b")
        #expect(named.uses[0].executor == Setting(.reference, PolicyLine("uses[0].executor", line: 14)))
        #expect(named.explanation[0].contains("by evidence of sgx, computed by the executor reference alone; what"))
        #expect(named.warnings == plain.warnings)
        #expect(
            PolicyDifference(from: plain, to: named).changes.map(\.description) == [
                "added   uses[train].executor: reference"
            ])
        file.uses[0]["executor"] = "oneDNN"
        #expect(try file.policy.uses[0].executor?.value == .oneDNN)
        #expect(
            PolicyDifference(from: named, to: try file.policy).text
                == "changed uses[train].executor: reference -> oneDNN")
        file.uses[0]["executor"] = "onednn"
        #expect(TestPolicy.errors(file.yaml).map(\.expected) == ["oneDNN, reference"])
    }

    @Test("A policy explains itself in sentences")
    func explanation() throws {
        let text = try TestPolicy.read(Self.example, files: Self.files).explanation
        #expect(
            text.first
                == "The use train permits to train with assets of hospital-a/*, hospital-b/*, lab/net, lab/model, 3 runs, "
                + "from 2026-01-01T00:00:00Z until 2027-01-01T12:00:00Z, on machines that stand in cloud/north, hospital-a/eu, "
                + "at the level tee by evidence of sgx; what comes out belongs to lab, and keys are lent for 60 s or 100000 updates."
        )
        let (key, other) = (TestPolicy.key, TestPolicy.otherKey)
        #expect(
            text[2]
                == "Another version needs the agreement of all of (\(key); 1 of (\(other))), unless \(other) objects within 86400 s."
        )
        #expect(text.count == 6 && text[3].hasPrefix("Warning: uses[1].runs (line 27): Any number"))
    }

    // MARK: The documentation

    @Test("The documentation has every key that the reader knows, with its type, and no other")
    func documentation() throws {
        let folder = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = String(decoding: try Data(contentsOf: folder.appending(path: "docs/owner-policy.md")), as: UTF8.self)
        let table = try #require(text.split(separator: "\n## Keys\n").last?.split(separator: "\n## ").first)
        let documented = table.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { row in
            row.split(separator: " | ").prefix(2).joined(separator: " | ").replacing("| `", with: "").replacing(
                "`", with: "")
        }
        let prefix = "uses[].environment."
        let known = OwnerPolicy.keys.filter { !$0.path.hasPrefix(prefix) }.map { "\($0.path) | \($0.type)" }
        #expect(Set(documented).symmetricDifference(known).sorted() == [])
        #expect(documented.count == known.count && known.count > 20)
        // The environment is what attestation-policy.md describes, without what a use says itself.
        let head = ["version", "name", "level", "purposes", "configs", "datasets", "runs", "restart"]
        let environment = OwnerPolicy.keys.filter { $0.path.hasPrefix(prefix) }.map {
            "\($0.path.dropFirst(prefix.count)) | \($0.type)"
        }
        let sections = Policy.keys.filter { key in !head.contains { key.path == $0 || key.path.hasPrefix("\($0).") } }
            .map { "\($0.path) | \($0.type)" }
        #expect(environment == sections)
    }

    @Test("The example of the documentation can be read, and its warnings are the ones that it tells")
    func example() throws {
        let folder = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = String(decoding: try Data(contentsOf: folder.appending(path: "docs/owner-policy.md")), as: UTF8.self)
        let blocks = text.split(separator: "```yaml\n").dropFirst().compactMap {
            $0.split(separator: "```").first.map(String.init)
        }
        #expect(blocks.count == 4)
        let policies = try blocks.map { try TestPolicy.read($0) }
        #expect(
            policies.map { "\($0.name.value)" } == [
                "hospital-a/training", "hospital-a/training", "hospital-b/training", "lab/own",
            ])
        #expect(policies[1].warnings == [] && policies[2].warnings == [])
        #expect(
            policies[3].warnings.map(\.check) == [
                "lint.board", "lint.veto", "lint.time-lock", "lint.runs", "lint.window", "lint.regions",
            ])
    }
}
