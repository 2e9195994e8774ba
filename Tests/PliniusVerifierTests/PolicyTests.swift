import Crypto
import FoundationEssentials
import PliniusVerifier
import PliniusWire
import Testing

@Suite("Policies")
struct PolicyTests {
    private static func hex(_ byte: String, _ count: Int) -> String { String(repeating: byte, count: count) }

    private static let good = """
        version: 1
        name: a run
        level: tee
        purposes: [train, test]
        evidence: [sgx]
        configs: [\(hex("c0", 32))]
        datasets: any
        sgx:
          mrenclave:
            - \(hex("aa", 32))
            - \(hex("bb", 32))
          minimumISVSVN: 0x10
          tcb:
            tolerate: [SWHardeningNeeded]
            advisories: [INTEL-SA-00615]
        """

    private func read(_ yaml: String, files: [String: [UInt8]] = [:]) throws -> Policy {
        struct Missing: Error {}
        return try Policy(yaml: yaml, file: "policy.yaml") { name in
            guard let bytes = files[name] else { throw Missing() }
            return bytes
        }
    }

    private func errors(_ yaml: String, files: [String: [UInt8]] = [:]) -> [PolicyError] {
        do {
            _ = try read(yaml, files: files)
            return []
        } catch {
            return (error as? PolicyErrors)?.errors ?? []
        }
    }

    @Test("A policy is read, and each setting knows its line")
    func reads() throws {
        let policy = try read(Self.good)
        #expect(policy.name.value == "a run" && policy.level.value == .tee)
        #expect(policy.purposes.value == [.train, .test] && policy.evidence.value == [.sgx])
        #expect(policy.configDigests.value == [[UInt8](repeating: 0xC0, count: 32)] && policy.datasets.value == nil)
        let sgx = try #require(policy.sgx)
        #expect(sgx.line == PolicyLine("sgx", line: 8))
        #expect(sgx.value.mrenclave?.value.count == 2)
        #expect(sgx.value.mrenclave?.line == PolicyLine("sgx.mrenclave", line: 9))
        #expect(sgx.value.minimumISVSVN == Setting(16, PolicyLine("sgx.minimumISVSVN", line: 12)))
        #expect(sgx.value.tcb.tolerate == Setting([.swHardeningNeeded], PolicyLine("sgx.tcb.tolerate", line: 14)))
        #expect(sgx.value.tcb.advisories?.value == ["INTEL-SA-00615"])
        #expect(policy.tdx == nil && policy.tpm == nil && policy.ima == nil && policy.simulated == nil)
    }

    @Test("An empty policy accepts nothing, and says which lines are missing", arguments: ["", "# nothing\n", "{}"])
    func empty(yaml: String) {
        let missing = errors(yaml).map(\.key)
        #expect(Set(missing) == ["version", "name", "level", "purposes", "evidence", "configs", "datasets"])
        #expect(errors(yaml).allSatisfy { $0.description.hasPrefix("policy.yaml: ") && $0.found == "no such line" })
    }

    @Test(
        "Each line that has to be there is missed",
        arguments: [
            "version", "name", "level", "purposes", "evidence", "configs", "datasets",
        ])
    func missing(key: String) {
        let yaml = Self.good.split(separator: "\n").filter { !$0.hasPrefix("\(key):") }.joined(separator: "\n")
        #expect(errors(yaml).map(\.key) == [key])
    }

    @Test(
        "A key that is none is an error with its line, and with the key that was perhaps meant",
        arguments: [
            ("sgx", "  mrenclav: \(hex("aa", 32))", "sgx.mrenclav", "perhaps mrenclave"),
            ("sgx", "  toleratesdebug: true", "sgx.toleratesdebug", "perhaps toleratesDebug"),
            ("", "purpose: [train]", "purpose", "perhaps purposes"), ("", "sqx: {}", "sqx", "perhaps"),
            ("", "zzzzzzzzzzzz: 1", "zzzzzzzzzzzz", "a known key: anchors, configs"),
        ])
    func unknown(section: String, line: String, key: String, suggestion: String) {
        let yaml =
            section.isEmpty
            ? Self.good + "\n" + line
            : Self.good.replacing("\(section):\n", with: "\(section):\n\(line)\n", maxReplacements: 1)
        let all = errors(yaml)
        #expect(all.count == 1 && all.first?.key == key && all.first?.expected.contains(suggestion) == true)
        #expect(all.first?.line == (section.isEmpty ? 16 : 9))
    }

    @Test(
        "Values of another type are errors with key, line, and what was expected",
        arguments: [
            ("version: 1", "version: 2", "version"), ("level: tee", "level: tea", "level"),
            ("purposes: [train, test]", "purposes: [train, sell]", "purposes"),
            ("evidence: [sgx]", "evidence: [gpu]", "evidence"),
            ("datasets: any", "datasets: [any, 00112233445566778899aabbccddeeff]", "datasets"),
            ("datasets: any", "datasets: 00", "datasets"), ("name: a run", "name: [a, b]", "name"),
            ("name: a run", "name:", "name"),
            ("    - \(hex("bb", 32))", "    - \(hex("bb", 31))", "sgx.mrenclave"),
            ("    - \(hex("bb", 32))", "    - \(hex("bg", 32))", "sgx.mrenclave"),
            ("    - \(hex("bb", 32))", "    - {a: b}", "sgx.mrenclave"),
            ("  minimumISVSVN: 0x10", "  minimumISVSVN: 65536", "sgx.minimumISVSVN"),
            ("  minimumISVSVN: 0x10", "  minimumISVSVN: -1", "sgx.minimumISVSVN"),
            ("  minimumISVSVN: 0x10", "  toleratesDebug: yes", "sgx.toleratesDebug"),
            ("[SWHardeningNeeded]", "[Revoked]", "sgx.tcb.tolerate"),
            ("[SWHardeningNeeded]", "[UpToDate]", "sgx.tcb.tolerate"),
        ])
    func badValues(old: String, new: String, key: String) throws {
        let yaml = Self.good.replacing(old, with: new)
        let all = errors(yaml)
        #expect(all.count == 1 && all.first?.key == key)
        let line = try #require(yaml.split(separator: "\n").firstIndex { $0.contains(new.trimmed) }) + 1
        #expect(all.first?.line == line || key == "sgx.mrenclave" && all.first?.line == line)
    }

    @Test("All errors are told at once, in the order of the lines")
    func several() {
        let yaml = Self.good.replacing("level: tee", with: "level: tea").replacing("0x10", with: "many") + "\nfoo: 1"
        #expect(errors(yaml).map(\.key) == ["level", "sgx.minimumISVSVN", "foo"])
    }

    @Test("What is no YAML, a key twice, and something other than keys are errors")
    func noYAML() {
        #expect(errors("a: [1").count == 1)
        #expect(errors("- 1\n- 2").first?.expected == "keys and values")
        let twice = errors(Self.good + "\nname: again")
        #expect(twice.count == 1 && twice.first?.expected == "each key once")
        #expect(errors(String(repeating: "#", count: Policy.maximumByteCount + 1)).count == 1)
    }

    @Test("The documentation has every key that the reader knows, with its type, and no other")
    func documentation() throws {
        let folder = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
            .deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = String(
            decoding: try Data(contentsOf: folder.appending(path: "docs/attestation-policy.md")), as: UTF8.self)
        let rows = text.split(separator: "\n").filter { $0.hasPrefix("| `") }
        let documented = rows.map { row in
            row.split(separator: "|").prefix(2).map { $0.trimmed(of: " `") }.joined(separator: " | ")
        }
        let known = Policy.keys.map { "\($0.path) | \($0.type)" }
        #expect(Set(documented).symmetricDifference(known).sorted() == [])
        #expect(documented.count == known.count && known.count > 80)
    }

    // MARK: Restarts

    private static let point = P256.Signing.PrivateKey().publicKey.rawRepresentation.map {
        ($0 < 16 ? "0" : "") + String($0, radix: 16)
    }.joined()

    @Test("A key is kept where the policy says so, and nowhere else")
    func restart() throws {
        #expect(try read(Self.good).restart == nil)
        let policy = try read(
            Self.good + "\nrestart:\n  keepKey: true\n  registers: [4, 7]\n  approvalKey: \(Self.point)")
        let restart = try #require(policy.restart?.value)
        #expect(restart.keepsKey?.value == true && restart.sealedRegisters == [4, 7])
        #expect(restart.approvalKey?.value.count == 64)
        let plain = try read(Self.good + "\nrestart:\n  keepKey: true")
        #expect(plain.restart?.value.sealedRegisters == [0, 1, 2, 3, 4, 5, 6, 7, 14])
    }

    @Test(
        "A section of restarts without effect, or without sense, is refused",
        arguments: [
            ("registers: [4]", "restart"), ("keepKey: false\n  approvalKey: \(point)", "restart"),
            ("keepKey: maybe", "restart.keepKey"), ("keepKey: true\n  registers: []", "restart.registers"),
            ("keepKey: true\n  registers: [24]", "restart.registers"),
            ("keepKey: true\n  approvalKey: \(hex("01", 64))", "restart.approvalKey"),
            ("keepKey: true\n  approvalKey: \(hex("01", 32))", "restart.approvalKey"),
            ("keepkey: true", "restart.keepkey"),
        ])
    func badRestart(lines: String, key: String) {
        #expect(errors(Self.good + "\nrestart:\n  \(lines)").map(\.key) == [key])
    }

    @Test("Only a key for training is kept")
    func restartOfNothing() {
        let yaml = Self.good.replacing("[train, test]", with: "[test]") + "\nrestart:\n  keepKey: true"
        #expect(errors(yaml).map(\.key) == ["restart.keepKey"])
    }

    // MARK: Sections

    @Test(
        "A kind that has to pass needs a section, and a section a kind", arguments: ["sgx", "tdx", "tpm", "simulated"])
    func sections(kind: String) {
        let level = kind == "simulated" ? "test" : "tee"
        let head = Self.good.split(separator: "\n").prefix(7).joined(separator: "\n").replacing(
            "level: tee", with: "level: \(level)")
        let demanded = kind == "tpm" ? "[sgx, tpm]" : "[\(kind)]"
        let missing = errors(head.replacing("[sgx]", with: demanded))
        #expect(missing.contains { $0.key == "evidence" && $0.expected.contains("a section \(kind)") })
        guard kind != "sgx" else { return }
        let measurement = [
            "tdx": "mrtd: \(Self.hex("aa", 48))", "tpm": "endorsement: true",
            "simulated": "measurement: \(Self.hex("aa", 32))",
        ]
        let useless = errors(Self.good + "\n\(kind):\n  \(measurement[kind] ?? "")")
        #expect(useless.map(\.key) == [kind] && useless.first?.line == 16)
    }

    @Test(
        "A section that does not say what may run is refused",
        arguments: [
            ("sgx", "toleratesDebug: true", "tee", "sgx"), ("sgx", "mrsigner: \(hex("aa", 32))", "tee", "sgx"),
            ("tdx", "toleratesDebug: true", "tee", "tdx"), ("simulated", "measurement: []", "tee", "evidence"),
        ])
    func open(kind: String, line: String, level: String, key: String) {
        let head = Self.good.split(separator: "\n").prefix(7).joined(separator: "\n")
            .replacing("level: tee", with: "level: \(level)").replacing("[sgx]", with: "[\(kind)]")
        #expect(errors(head + "\n\(kind):\n  \(line)").contains { $0.key == key })
    }

    @Test("A level demands its kinds of evidence")
    func levels() {
        for (level, evidence, isEnough) in [
            ("tee", "[sgx]", true), ("tee+tpm", "[sgx]", false), ("tpm-ima-gpu", "[sgx]", false),
            ("test", "[sgx]", true),
        ] {
            let yaml = Self.good.replacing("level: tee", with: "level: \(level)").replacing(
                "evidence: [sgx]", with: "evidence: \(evidence)")
            #expect(errors(yaml).isEmpty == isEnough, "\(level)")
        }
        #expect(errors(Self.good.replacing("evidence: [sgx]", with: "evidence: []")).contains { $0.key == "evidence" })
    }

    @Test("A machine whose boot and files are proved needs no GPU, and has to prove the GPU that its policy names")
    func trustedSystemWithoutGPU() throws {
        let head = Self.good.split(separator: "\n").prefix(7).joined(separator: "\n")
            .replacing("level: tee", with: "level: tpm-ima-gpu").replacing("[sgx]", with: "[tpm]")
        let tpm = "\ntpm:\n  akNames: 000b\(Self.hex("ab", 32))"
        let ima = "\nima:\n  generations: [ { name: all, lists: [ l ] } ]"
        let files = ["l": Array("sha256:\(Self.hex("0d", 32)) /bin/true\n".utf8)]
        #expect(errors(head + tpm + ima, files: files).isEmpty)
        #expect(errors(head + tpm).map(\.key) == ["ima"])
        #expect(
            errors(
                head.replacing("[tpm]", with: "[nvidia]") + "\nnvidia: { toleratesAnyMeasurement: true }" + ima,
                files: files
            )
            .contains { $0.key == "evidence" && $0.expected.contains("azure-vtpm, tpm") })
        let both = head.replacing("[tpm]", with: "[tpm, nvidia]") + tpm + ima
        #expect(errors(both, files: files).map(\.key) == ["evidence"])
        #expect(errors(both + "\nnvidia: { toleratesAnyMeasurement: true }", files: files).isEmpty)
    }

    @Test("Simulated evidence is for the level test alone, which its requirements know")
    func simulated() throws {
        let yaml =
            Self.good.split(separator: "\n").prefix(7).joined(separator: "\n").replacing("[sgx]", with: "[simulated]")
            + "\nanchors:\n  simulated: \(Self.hex("0a", 32))\nsimulated:\n  measurement: \(Self.hex("aa", 32))"
        #expect(errors(yaml).contains { $0.expected.contains("level test alone") })
        let policy = try read(yaml.replacing("level: tee", with: "level: test"))
        #expect(policy.simulated?.value.level == Setting(.test, PolicyLine("level", line: 3)))
        #expect(policy.simulatedAnchors?.value == [[UInt8](repeating: 0x0A, count: 32)])
    }

    @Test("TPM, boot log and IMA are read to their last key")
    func trustedSystem() throws {
        let key = P256.Signing.PrivateKey().publicKey
        let yaml = """
            version: 1
            name: n
            level: tee+tpm
            purposes: train
            evidence: [tdx, tpm]
            configs: any
            datasets: any
            tdx:
              mrtd: \(Self.hex("aa", 48))
              rtmr:
                1: \(Self.hex("01", 48))
              xfam:
                value: 0x7
                mask: 0xff
              bootLog:
                secureBoot: false
            tpm:
              akNames: 000b\(Self.hex("ab", 32))
              selection:
                sha256: [0, 7, 10]
              registers:
                sha256:
                  7: [\(Self.hex("07", 32)), \(Self.hex("70", 32))]
              minimumFirmware: 0xffffffffffffffff
              bootLog:
                commandLines: "/vmlinuz *"
                allowedDigests:
                  4: [\(Self.hex("04", 32))]
                ignoredRegisters: [11, 12]
            ima:
              generations:
                - name: old
                  lists: [old.txt, common.txt]
                  notAfter: 2025-07-01
                - name: new
                  lists: new.txt
                  notBefore: 2025-06-01T12:00:00Z
              signers:
                - name: us
                  keys: us.pem
                  paths: /usr/*
              excluded: [/var/tmp/*]
              maximumPending: 7
            """
        let pem =
            "-----BEGIN PUBLIC KEY-----\n\(key.derRepresentation.base64EncodedString())\n-----END PUBLIC KEY-----\n"
        let digest = "sha256:" + Self.hex("00", 32)
        let files = [
            "old.txt": "\(digest) /old\n", "common.txt": "\(digest) /common\n", "new.txt": "\(digest) /new\n",
            "us.pem": pem,
        ].mapValues { Array($0.utf8) }
        let policy = try read(yaml, files: files)
        let tdx = try #require(policy.tdx?.value)
        #expect(tdx.rtmr[1]?.line == PolicyLine("tdx.rtmr.1", line: 11) && tdx.xfam?.value == BitPattern(7, mask: 255))
        #expect(tdx.bootLog?.secureBoot == Setting(false, PolicyLine("tdx.bootLog.secureBoot", line: 16)))
        let tpm = try #require(policy.tpm?.value)
        #expect(tpm.selection[.sha256]?.value == [0, 7, 10] && tpm.registers[.sha256]?[7]?.value.count == 2)
        #expect(tpm.minimumFirmware?.value == .max && tpm.bootLog?.value.ignoredRegisters?.value == [11, 12])
        #expect(tpm.bootLog?.value.commandLines?.value == [Pattern("/vmlinuz *")])
        #expect(tpm.bootLog?.value.allowedDigests[4]?.line == PolicyLine("tpm.bootLog.allowedDigests.4", line: 28))
        let ima = try #require(policy.ima?.value)
        let generations = try #require(ima.generations?.value)
        #expect(
            generations.map(\.name) == ["old", "new"] && generations[0].list.files.keys.sorted() == ["/common", "/old"])
        #expect(generations[0].notAfter == Vectors.pinnedTime)
        #expect(generations[1].notBefore == Instant(2025, 6, 1, 12))
        #expect(ima.signers?.value.map(\.paths) == [[Pattern("/usr/*")]] && ima.maximumPending?.value == 7)

        for (name, line) in [("old.txt", 33), ("us.pem", 40)] {
            var without = files
            without[name] = nil
            #expect(errors(yaml, files: without).map(\.line) == [line])
            without[name] = Array("something else".utf8)
            #expect(errors(yaml, files: without).map(\.line) == [line])
        }
        for (old, new, key) in [
            ("    1: ", "    4: ", "tdx.rtmr.4"), ("sha256: [0,", "sha255: [0,", "tpm.selection.sha255"),
            ("7: [\(Self.hex("07", 32))", "7: [\(Self.hex("07", 20))", "tpm.registers.sha256.7"),
            ("[0, 7, 10]", "[0, 24]", "tpm.selection.sha256"),
            ("2025-07-01", "2025-13-01", "ima.generations[0].notAfter"),
            ("2025-07-01", "July", "ima.generations[0].notAfter"),
            ("name: old", "title: old", "ima.generations[0].title"),
        ] {
            let all = errors(yaml.replacing(old, with: new), files: files)
            #expect(all.contains { $0.key == key && $0.line != nil }, "\(key)")
        }
    }
}

extension String {
    fileprivate var trimmed: String { String(drop { $0 == " " }) }
}

extension Substring {
    fileprivate func trimmed(of characters: String) -> String {
        var rest = drop { characters.contains($0) }
        while let last = rest.last, characters.contains(last) { rest.removeLast() }
        return String(rest)
    }
}
