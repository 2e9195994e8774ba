import PliniusVerifier
import PliniusWire
import Testing

@Suite("Policies for SEV-SNP and for GPUs")
struct PolicyPlatformTests {
    private static func hex(_ byte: String, _ count: Int) -> String { String(repeating: byte, count: count) }

    private static func bytes(_ byte: UInt8, _ count: Int) -> [UInt8] { [UInt8](repeating: byte, count: count) }

    private static func head(_ evidence: String) -> String {
        """
        version: 1
        name: n
        level: test
        purposes: train
        evidence: [\(evidence)]
        configs: any
        datasets: any

        """
    }

    /// Every key; the section begins on line 8.
    private static let snp =
        head("sev-snp") + """
            snp:
              measurement: [\(hex("aa", 48)), \(hex("ab", 48))]
              hostData: \(hex("0d", 32))
              idKeyDigest: \(hex("1d", 48))
              authorKeyDigest: \(hex("a0", 48))
              familyID: \(hex("fa", 16))
              imageID: \(hex("1a", 16))
              minimumGuestSVN: 0xffffffff
              vmpl: 3
              products: [Turin, Genoa]
              signers: vlek
              clouds: CN=cc-us-east-2.amazonaws.com
              chipID: \(hex("c1", 64))
              permittedPolicy: [smt, cxl]
              requiredPolicy: [singleSocket, memoryAES256XTS, raplDisabled, ciphertextHiding, pageSwapDisabled]
              minimumABI: 1.55
              permittedPlatform: [smt, tsme, ecc, tio]
              requiredPlatform: [aliasCheckComplete, raplDisabled, ciphertextHiding]
              minimumTCB:
                fmc: 1
                bootloader: 4
                tee: 2
                snp: 0x18
                microcode: 255
              minimumLaunchTCB:
                microcode: 0xdb
              requiresCommittedFirmware: true
              launchMitigations: 0xffffffffffffffff
              currentMitigations: 5
              toleratesDebug: false
              toleratesMigrationAgent: true
              toleratesMaskedChipID: true
              toleratesAbsentRevocationLists: false
            """

    private static let nvidia =
        head("nvidia") + """
            nvidia:
              measurements:
                1: [\(hex("01", 48)), \(hex("10", 48))]
                254: \(hex("fe", 48))
              driverVersions: [590.10, 590.12]
              vbiosVersions: 96.00.A5.00.01
              toleratesAbsentRevocationLists: true
              references: hopper
            """

    private func read(_ yaml: String) throws -> Policy {
        struct Missing: Error {}
        return try Policy(yaml: yaml, file: "policy.yaml") { _ in throw Missing() }
    }

    private func errors(_ yaml: String) -> [PolicyError] {
        do {
            _ = try read(yaml)
            return []
        } catch {
            return (error as? PolicyErrors)?.errors ?? []
        }
    }

    @Test("A section of SEV-SNP is read to its last key, and each setting knows its line")
    func guest() throws {
        let policy = try read(Self.snp)
        #expect(policy.snp?.line == PolicyLine("snp", line: 8) && policy.nvidia == nil)
        let snp = try #require(policy.snp?.value)
        #expect(
            snp.measurement
                == Setting([Self.bytes(0xAA, 48), Self.bytes(0xAB, 48)], PolicyLine("snp.measurement", line: 9)))
        #expect(snp.hostData == Setting(Self.bytes(0x0D, 32), PolicyLine("snp.hostData", line: 10)))
        #expect(snp.idKeyDigest == Setting([Self.bytes(0x1D, 48)], PolicyLine("snp.idKeyDigest", line: 11)))
        #expect(snp.authorKeyDigest == Setting([Self.bytes(0xA0, 48)], PolicyLine("snp.authorKeyDigest", line: 12)))
        #expect(snp.familyID == Setting(Self.bytes(0xFA, 16), PolicyLine("snp.familyID", line: 13)))
        #expect(snp.imageID == Setting(Self.bytes(0x1A, 16), PolicyLine("snp.imageID", line: 14)))
        #expect(snp.minimumGuestSVN == Setting(.max, PolicyLine("snp.minimumGuestSVN", line: 15)))
        #expect(snp.vmpl == Setting(3, PolicyLine("snp.vmpl", line: 16)))
        #expect(snp.products == Setting([.turin, .genoa], PolicyLine("snp.products", line: 17)))
        #expect(snp.signers == Setting([.loaded], PolicyLine("snp.signers", line: 18)))
        #expect(snp.clouds == Setting(["CN=cc-us-east-2.amazonaws.com"], PolicyLine("snp.clouds", line: 19)))
        #expect(snp.chipID == Setting([Self.bytes(0xC1, 64)], PolicyLine("snp.chipID", line: 20)))
        #expect(snp.permittedPolicy == Setting([.smt, .cxl], PolicyLine("snp.permittedPolicy", line: 21)))
        // By the bits of the specification.
        #expect(snp.requiredPolicy?.value.rawValue == 0b11_1101 << 20)
        #expect(snp.minimumABI == Setting(SNPABIVersion(major: 1, minor: 55), PolicyLine("snp.minimumABI", line: 23)))
        #expect(snp.permittedPlatform?.value.rawValue == 0b1000_0111)
        #expect(snp.requiredPlatform?.value.rawValue == 0b0011_1000)
        #expect(
            snp.minimumTCB
                == Setting(
                    [.fmc: 1, .bootloader: 4, .tee: 2, .snp: 24, .microcode: 255],
                    PolicyLine("snp.minimumTCB", line: 26)))
        #expect(snp.minimumLaunchTCB == Setting([.microcode: 0xDB], PolicyLine("snp.minimumLaunchTCB", line: 32)))
        #expect(
            snp.requiresCommittedFirmware == Setting(true, PolicyLine("snp.requiresCommittedFirmware", line: 34)))
        #expect(snp.launchMitigations == Setting(.max, PolicyLine("snp.launchMitigations", line: 35)))
        #expect(snp.currentMitigations == Setting(5, PolicyLine("snp.currentMitigations", line: 36)))
        #expect(snp.toleratesDebug == Setting(false, PolicyLine("snp.toleratesDebug", line: 37)))
        #expect(snp.toleratesMigrationAgent == Setting(true, PolicyLine("snp.toleratesMigrationAgent", line: 38)))
        #expect(snp.toleratesMaskedChipID == Setting(true, PolicyLine("snp.toleratesMaskedChipID", line: 39)))
        #expect(
            snp.toleratesAbsentRevocationLists
                == Setting(false, PolicyLine("snp.toleratesAbsentRevocationLists", line: 40)))
    }

    @Test("The test's full sections have every key, and set every requirement")
    func completeness() throws {
        for (section, yaml) in [("snp", Self.snp), ("nvidia", Self.nvidia)] {
            let known = Policy.keys.map(\.path).filter { $0.hasPrefix("\(section).") }
            let names = Set(known.map { $0.split(separator: ".")[1] })
            // Of the two that exclude each other, one.
            for name in names where name != "toleratesAnyMeasurement" {
                #expect(yaml.contains("\n  \(name):"), "\(section).\(name)")
            }
        }
        let policies = (try read(Self.snp), try read(Self.nvidia))
        let requirements: [Any?] = [policies.0.snp?.value, policies.1.nvidia?.value]
        for value in requirements {
            for field in Mirror(reflecting: try #require(value)).children
            where field.label != "toleratesAnyMeasurement" {
                #expect(!Mirror(reflecting: field.value).children.isEmpty, "\(field.label ?? "")")
            }
        }
    }

    @Test("A policy that permits nothing says so with an empty list")
    func nothingPermitted() throws {
        let policy = try read(Self.snp.replacing("[smt, cxl]", with: "[]"))
        #expect(policy.snp?.value.permittedPolicy?.value == [])
    }

    @Test("A section of GPUs is read to its last key")
    func gpu() throws {
        let policy = try read(Self.nvidia)
        let nvidia = try #require(policy.nvidia)
        #expect(nvidia.line == PolicyLine("nvidia", line: 8) && policy.snp == nil)
        #expect(
            nvidia.value.measurements
                == Setting(
                    [1: [Self.bytes(1, 48), Self.bytes(0x10, 48)], 254: [Self.bytes(0xFE, 48)]],
                    PolicyLine("nvidia.measurements", line: 9)))
        #expect(
            nvidia.value.driverVersions
                == Setting(["590.10", "590.12"], PolicyLine("nvidia.driverVersions", line: 12)))
        #expect(
            nvidia.value.vbiosVersions == Setting(["96.00.A5.00.01"], PolicyLine("nvidia.vbiosVersions", line: 13)))
        #expect(
            nvidia.value.toleratesAbsentRevocationLists
                == Setting(true, PolicyLine("nvidia.toleratesAbsentRevocationLists", line: 14)))
        #expect(nvidia.value.references == Setting(["hopper"], PolicyLine("nvidia.references", line: 15)))
    }

    @Test(
        "Keys that are none and values of another type are errors with key, line, and what was expected",
        arguments: [
            ("  vmpl: 3", "  vmlp: 3", "snp.vmlp", "perhaps vmpl"),
            ("    microcode: 255", "    microkode: 255", "snp.minimumTCB.microkode", "perhaps microcode"),
            ("  measurement: [", "  measurement: [aa, ", "snp.measurement", "48 bytes"),
            (hex("0d", 32), hex("0d", 31), "snp.hostData", "32 bytes"),
            (hex("1d", 48), hex("1d", 49), "snp.idKeyDigest", "48 bytes"),
            (hex("a0", 48), hex("a0", 32), "snp.authorKeyDigest", "48 bytes"),
            (hex("fa", 16), hex("fa", 15), "snp.familyID", "16 bytes"),
            (hex("1a", 16), hex("1a", 17), "snp.imageID", "16 bytes"),
            (hex("c1", 64), hex("c1", 8), "snp.chipID", "64 bytes"),
            ("0xffffffff\n", "0x100000000\n", "snp.minimumGuestSVN", "integer"),
            ("vmpl: 3", "vmpl: 4", "snp.vmpl", "from 0 to 3"), ("vmpl: 3", "vmpl: -1", "snp.vmpl", "from 0 to 3"),
            ("Turin", "Rome", "snp.products", "Genoa, Milan, Turin"), ("vlek", "vdek", "snp.signers", "vcek, vlek"),
            ("[smt, cxl]", "[smt, debug]", "snp.permittedPolicy", "cxl, smt"),
            ("[smt, cxl]", "[migrationAgent]", "snp.permittedPolicy", "cxl, smt"),
            ("[singleSocket,", "[smt,", "snp.requiredPolicy", "singleSocket"),
            ("1.55", "1", "snp.minimumABI", "1.55"), ("1.55", "1.256", "snp.minimumABI", "1.55"),
            ("1.55", "1.55.0", "snp.minimumABI", "1.55"), ("1.55", "1.", "snp.minimumABI", "1.55"),
            ("tio]", "tia]", "snp.permittedPlatform", "tio"), ("[alias", "[alia", "snp.requiredPlatform", "alias"),
            ("fmc: 1", "fmc: 256", "snp.minimumTCB.fmc", "2^8 - 1"),
            ("0xdb", "-1", "snp.minimumLaunchTCB.microcode", "2^8"),
            ("Mitigations: 5", "Mitigations: all", "snp.currentMitigations", "integer"),
            ("toleratesDebug: false", "toleratesDebug: no", "snp.toleratesDebug", "true or false"),
            ("  measurements:", "  measurement:", "nvidia.measurement", "perhaps measurements"),
            ("    254:", "    255:", "nvidia.measurements.255", "a known key"),
            ("    254:", "    0:", "nvidia.measurements.0", "a known key"),
            ("    254:", "    01:", "nvidia.measurements.01", "a known key"),
            (hex("10", 48), hex("10", 47), "nvidia.measurements.1", "48 bytes"),
            (hex("fe", 48), hex("fg", 48), "nvidia.measurements.254", "48 bytes"),
            ("[590.10, 590.12]", "{a: b}", "nvidia.driverVersions", "text"),
            ("vbiosVersions:", "vbiosVersion:", "nvidia.vbiosVersion", "perhaps vbiosVersions"),
        ])
    func bad(old: String, new: String, key: String, expected: String) throws {
        let good = key.hasPrefix("snp") ? Self.snp : Self.nvidia
        let yaml = good.replacing(old, with: new, maxReplacements: 1)
        #expect(yaml != good)
        let error = try #require(errors(yaml).first { $0.key == key })
        #expect(error.expected.contains(expected))
        let changed = zip(good.split(separator: "\n"), yaml.split(separator: "\n")).enumerated()
        #expect(error.line == changed.first { $1.0 != $1.1 }.map { $0.offset + 1 })
        // Nothing else is wrong: without measurements the reference lists say what may run.
        #expect(errors(yaml).count == 1)
    }

    @Test(
        "A kind that has to pass needs its section, and a section its kind",
        arguments: [("sev-snp", "snp"), ("nvidia", "nvidia")])
    func sections(kind: String, section: String) {
        let missing = errors(Self.head(kind))
        #expect(missing.map(\.key) == ["evidence"] && missing.first?.line == 5)
        #expect(missing.first?.expected.contains("a section \(section)") == true)
        let useless = errors((section == "snp" ? Self.snp : Self.nvidia).replacing("[\(kind)]", with: "[sgx]"))
        #expect(useless.contains { $0.key == section && $0.line == 8 && $0.found == "a section without effect" })
    }

    @Test("A section that does not say what may run is refused")
    func open() {
        let snp = errors(Self.head("sev-snp") + "snp:\n  idKeyDigest: \(Self.hex("aa", 48))")
        #expect(snp.map(\.key) == ["snp"] && snp.first?.expected.hasPrefix("measurement,") == true)
        for lines in [
            "", "\n  driverVersions: 590.12", "\n  measurements:", "\n  measurements: {}",
            "\n  toleratesAnyMeasurement: false",
        ] {
            let nvidia = errors(Self.head("nvidia") + "nvidia:" + lines)
            #expect(nvidia.map(\.key) == ["nvidia"] && nvidia.first?.found == "neither", "\(lines)")
        }
    }

    @Test("A GPU's measurements are listed, or any is tolerated by a line of its own; not both")
    func anyMeasurement() throws {
        let line = "  toleratesAnyMeasurement: true\n"
        let policy = try read(Self.head("nvidia") + "nvidia:\n" + line)
        #expect(policy.nvidia != nil && policy.nvidia?.value.measurements == nil)
        #expect(
            policy.nvidia?.value.toleratesAnyMeasurement
                == Setting(true, PolicyLine("nvidia.toleratesAnyMeasurement", line: 9)))
        let both = errors(Self.nvidia + "\n" + line)
        #expect(both.map(\.key) == ["nvidia"] && both.first?.found == "both")
        #expect(errors(Self.nvidia + "\n" + line.replacing("true", with: "false")).isEmpty)
    }
}
