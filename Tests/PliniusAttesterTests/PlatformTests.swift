import Glibc
import PliniusAttester
import PliniusSealing
import PliniusWire
import Testing
import _PliniusSupport
import _PliniusTestSupport

@Suite("Evidence of platforms, from folders laid out like the kernel's")
struct PlatformTests {
    let runtimeData = Array("runtime data".utf8)
    var reportData: [UInt8] { sha512(runtimeData) }

    func evidence(
        _ name: String, _ machine: FileKernel, _ options: EvidenceOptions = EvidenceOptions()
    ) throws -> [Evidence] {
        try Attester(named: name, machine.paths, machine.kernel).evidence(for: runtimeData, options: options)
    }

    func refusal(_ name: String, _ machine: FileKernel) throws -> String {
        var found: AttestationError?
        #expect(throws: AttestationError.self) {
            do { _ = try evidence(name, machine) } catch let error as AttestationError {
                found = error
                throw error
            }
        }
        return found?.description ?? ""
    }

    // MARK: SGX

    @Test("SGX: the quote is over the SHA-512 of the runtime data")
    func sgx() throws {
        let machine = try FileKernel()
        try machine.addGramine()
        let evidence = try evidence("sgx", machine)
        #expect(evidence.map(\.kind) == [.sgx])
        #expect(evidence[0].parts.map(\.name) == ["quote"])
        #expect(try machine.root.read("dev/attestation/user_report_data") == reportData)
        #expect(evidence[0]["quote"]?[368..<432].elementsEqual(reportData) == true)
    }

    @Test("SGX: nothing but DCAP will do", arguments: ["none\n", "epid\n", ""])
    func sgxType(type: String) throws {
        let machine = try FileKernel()
        try machine.addGramine(type: type)
        #expect(try refusal("sgx", machine).contains("'dcap' is needed"))
    }

    @Test("SGX: each failure says which file it was")
    func sgxFailures() throws {
        let cases: [(FileKernel.Faults, String)] = [
            (.init(emptyReport: true), "is empty"), (.init(otherReportData: true), "does not bind"),
            (.init(reading: ["/quote": [EIO]]), "no quote"),
            (.init(writing: ["/user_report_data": EACCES]), "Permission denied"),
        ]
        for (faults, words) in cases {
            let machine = try FileKernel(faults)
            try machine.addGramine()
            #expect(try refusal("sgx", machine).contains(words))
        }
        #expect(try refusal("sgx", FileKernel()).contains("says 'nothing'"))
    }

    @Test("A file that is longer than allowed is not read")
    func limit() throws {
        let folder = try TemporaryDirectory()
        let path = try folder.write([UInt8](repeating: 1, count: 100_000), to: "long")
        #expect(try Kernel().read(path, 100_000).count == 100_000)
        #expect(throws: KernelError(EFBIG)) { try Kernel().read(path, 99_999) }
        #expect(throws: KernelError(ENOENT)) { try Kernel().read(folder("none"), 10) }
        #expect(throws: KernelError(ENOENT)) { try Kernel().write(folder("none"), [1]) }
        try Kernel().write(path, [5, 5])
        #expect(try folder.read("long").count == 100_000, "nothing is cut off")
        #expect(try folder.read("long").prefix(3) == [5, 5, 1])
        #expect(throws: KernelError(ENOSPC)) { try Kernel().write("/dev/full", [1]) }
        #expect(throws: KernelError(EEXIST)) { try Kernel().makeFolder(folder.path) }
        #expect(throws: KernelError.self) { try Kernel().askFirmware(path, 1, [0], 64) }
    }

    // MARK: configfs

    @Test("SEV-SNP: report and certificates from a folder of its own, which is gone after")
    func snp() throws {
        let machine = try FileKernel(.init(certificates: [7, 8, 9]))
        let evidence = try evidence("sev-snp", machine)
        #expect(evidence[0]["report"]?[80..<144].elementsEqual(reportData) == true)
        #expect(evidence[0]["certificates"] == [7, 8, 9])
        #expect(machine.foldersMade == 1)
        #expect(machine.foldersLeft == 0)
        #expect(machine.privilegeLevels == [])
    }

    @Test("SEV-SNP: without certificates of the host, and at a privilege level in digits")
    func privilege() throws {
        let machine = try FileKernel()
        var options = EvidenceOptions()
        options.privilegeLevel = 2
        let evidence = try evidence("sev-snp", machine, options)
        #expect(evidence[0].parts.map(\.name) == ["report"])
        #expect(machine.privilegeLevels == ["2\n"])
        #expect(machine.foldersLeft == 0)
    }

    @Test("TDX: the quote, and the log if ACPI has one", arguments: [false, true])
    func tdx(hasLog: Bool) throws {
        let machine = try FileKernel(.init(provider: "tdx_guest\n"))
        if hasLog { try machine.root.write([1, 2, 3], to: "sys/firmware/acpi/tables/data/CCEL") }
        let evidence = try evidence("tdx", machine)
        #expect(evidence[0].kind == .tdx)
        #expect(evidence[0]["quote"]?[80..<144].elementsEqual(reportData) == true)
        #expect(evidence[0]["ccel"] == (hasLog ? [1, 2, 3] : nil))
    }

    @Test("Each failure of configfs is told, and leaves no folder")
    func configfsFailures() throws {
        let cases: [(FileKernel.Faults, String)] = [
            (.init(emptyReport: true), "is empty"), (.init(otherReportData: true), "does not bind"),
            (.init(foreignWrites: 1), "from 0 to 2"), (.init(provider: "tdx_guest\n"), "come from 'tdx_guest'"),
            (.init(provider: ""), "come from ''"), (.init(makingFolder: ENOENT), "mounted configfs"),
            (.init(makingFolder: EEXIST), "exists"), (.init(reading: ["/outblob": [EFBIG]]), "after 1 tries"),
            (.init(reading: ["/outblob": [ENXIO]]), "after 1 tries"),
            (.init(reading: ["/outblob": [CInt](repeating: EBUSY, count: 100)]), "after 12 tries"),
            (.init(reading: ["/generation": [EIO]]), "generation cannot be read"),
            (.init(writing: ["/inblob": EINVAL]), "inblob does not take 64 bytes"),
        ]
        for (faults, words) in cases {
            let machine = try FileKernel(faults)
            #expect(try refusal("sev-snp", machine).contains(words))
            #expect(machine.foldersLeft == 0, "\(words)")
            #expect(try machine.root.names("sys/kernel/config/tsm/report") == [])
        }
    }

    @Test("A service that is busy is asked again, at growing distances")
    func patience() throws {
        let machine = try FileKernel(.init(reading: ["/outblob": [EBUSY, EINTR, EAGAIN, ETIMEDOUT]]))
        #expect(try evidence("sev-snp", machine)[0]["report"] != nil)
        #expect(machine.pauses == [20, 40, 80, 160])
        #expect(machine.foldersLeft == 0)
    }

    // MARK: Simulation

    @Test("A simulation signs what it says with the operator's key")
    func simulated() throws {
        let machine = try FileKernel()
        var paths = machine.paths
        let seed = [UInt8](1...32)
        paths.simulationKey = try machine.root.write(seed, to: "test.key")
        let evidence = try Attester(named: "simulated", paths).evidence(for: runtimeData)[0]
        #expect(evidence.kind == .simulated)
        let report = try #require(evidence["report"])
        #expect(report == Array("PLINSIM1".utf8) + [1, 0, 0, 0] + reportData + sha256(Array("this program".utf8)))
        // RFC 8032: the same key and message have one signature.
        let key = try #require(Ed25519SigningKey(seed: seed))
        #expect(evidence["signature"] == key.sign(report))
        #expect(evidence["key"] == key.publicKey)
    }

    @Test("Without a key a simulation has one that nobody knows; a bad one is refused")
    func simulationKeys() throws {
        let machine = try FileKernel()
        let keys = try (0..<2).map { _ in try evidence("simulated", machine)[0]["key"] }
        #expect(keys[0] != keys[1])
        for count in [0, 31, 33] {
            var paths = machine.paths
            paths.simulationKey = try machine.root.write([UInt8](repeating: 1, count: count), to: "bad.key")
            #expect(throws: AttestationError.self) {
                try Attester(named: "simulated", paths).evidence(for: runtimeData)
            }
        }
    }

    // MARK: Choice

    @Test("A machine's own platform is found")
    func detection() throws {
        let nothing = try FileKernel(.init(makingFolder: ENOENT))
        #expect(Attester.detect(nothing.paths, nothing.kernel).name == "simulated")
        let unknown = try FileKernel(.init(provider: "arm_cca_guest\n"))
        #expect(Attester.detect(unknown.paths, unknown.kernel).name == "simulated")
        let snp = try FileKernel()
        #expect(Attester.detect(snp.paths, snp.kernel).name == "sev-snp")
        #expect(snp.foldersLeft == 0)
        let tdx = try FileKernel(.init(provider: "tdx_guest\n"))
        #expect(Attester.detect(tdx.paths, tdx.kernel).name == "tdx")
        let sgx = try FileKernel(.init(makingFolder: ENOENT))
        try sgx.addGramine()
        #expect(Attester.detect(sgx.paths, sgx.kernel).name == "sgx")
        let direct = try FileKernel(.init(makingFolder: ENOENT))
        try direct.addGramine(type: "none\n")
        #expect(Attester.detect(direct.paths, direct.kernel).name == "simulated")
        var withTPM = nothing.paths
        withTPM.tpm = try "device:" + nothing.root.write([], to: "tpmrm0")
        #expect(Attester.detect(withTPM, nothing.kernel).name == "tpm")
        #expect(Attester.detect(withTPM, snp.kernel).name == "sev-snp+tpm")
    }

    @Test("Platforms have names, and only some go together")
    func names() throws {
        for name in ["sgx", "tdx", "sev-snp", "tpm", "simulated", "sgx+tpm", "tdx+tpm", "sev-snp+tpm", "simulated+tpm"]
        {
            #expect(try Attester(named: name).name == name)
        }
        for name in ["", "tpm+sgx", "sgx+tdx", "tpm+tpm", "nvidia", "azure-vtpm", "SGX", "sgx+", "sgx+tpm+tpm"] {
            #expect(throws: AttestationError.self, "\(name)") { try Attester(named: name) }
        }
    }
}

extension TemporaryDirectory {
    func names(_ folder: String) throws -> [String] {
        guard let entries = opendir(self(folder)) else { return ["no such folder"] }
        defer { closedir(entries) }
        var names: [String] = []
        while let entry = readdir(entries) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
