// Counts verdicts per second of processor time on one core, by kind of evidence, and prints a line of JSON for each.
//
//     verdicts FOLDER [SECONDS]               the folder of published evidence; how long each kind is judged (2)
//
// A verdict begins with the bytes of evidence, collateral and policy in memory, and ends with all checks carried out.

import Crypto
import FoundationEssentials
import Glibc
import PliniusVerifier
import PliniusWire

let pinnedTime = Instant(seconds: 1_751_328_000)
let line = PolicyLine("benchmark", line: 1)
let folder = CommandLine.arguments.dropFirst().first ?? "."
let seconds = CommandLine.arguments.dropFirst(2).first.flatMap(Double.init) ?? 2

func contents(_ path: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: folder).appending(path: path)))
}

func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// One kind of evidence, and how it is judged: `true` if it passed.
struct Kind {
    var name: String
    var byteCount: Int
    var judge: () -> Bool

    init(_ name: String, _ evidence: Evidence, _ examine: @escaping (inout Examination) throws(EvidenceError) -> Void) {
        self.init(name, byteCount: evidence.parts.reduce(0) { $0 + $1.bytes.count }, examine)
    }

    init(_ name: String, byteCount: Int, _ examine: @escaping (inout Examination) throws(EvidenceError) -> Void) {
        self.name = name
        self.byteCount = byteCount
        judge = {
            var examination = Examination()
            _ = examination.group(name, examine)
            return examination.hasPassed
        }
    }
}

// MARK: - The kinds

func context(_ collateral: String? = nil) throws -> Context {
    var context = Context(now: pinnedTime)
    if let collateral { context.collateral.intel = [try IntelCollateral(json: contents(collateral))] }
    return context
}

func intel() throws -> [Kind] {
    let sgx = Evidence(.sgx, ["quote": try contents("sgx/quote-v3.bin")])
    var sgxRequirements = SGXRequirements()
    sgxRequirements.tcb.tolerate = Setting([.configurationAndSWHardeningNeeded], line)
    sgxRequirements.tcb.advisories = Setting(["INTEL-SA-00289", "INTEL-SA-00615"], line)
    let sgxContext = try context("sgx/quote-v3.collateral.json")

    let tdx = Evidence(
        .tdx, ["quote": try contents("tdx/ccel/quote.bin"), "ccel": try contents("tdx/ccel/ccel.bin")])
    var tdxRequirements = TDXRequirements()
    tdxRequirements.tcb.toleratesAbsentCollateral = Setting(true, line)
    let tdxContext = try context()
    return [
        Kind("SGX, quote v3 with collateral", sgx) { [sgxRequirements] examination throws(EvidenceError) in
            _ = try examineSGX(sgx, sgxRequirements, sgxContext, &examination)
        },
        Kind("TDX, quote v4 with event log, no collateral", tdx) {
            [tdxRequirements] examination throws(EvidenceError) in
            _ = try examineTDX(tdx, tdxRequirements, tdxContext, &examination)
        },
    ]
}

func amd() throws -> Kind {
    let certificates = (try contents("snp/milan-trustee/vcek.der"))
    let pem = Data(certificates).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
    let evidence = Evidence(
        .snp,
        [
            "report": try contents("snp/milan-trustee/report.bin"),
            "certificates": Array("-----BEGIN CERTIFICATE-----\n\(pem)\n-----END CERTIFICATE-----\n".utf8)
                + (try contents("snp/roots/ask_ark_milan.pem")),
        ])
    var requirements = SNPRequirements()
    requirements.toleratesAbsentRevocationLists = Setting(true, line)
    return Kind("SEV-SNP, VCEK of Milan", evidence) { [requirements] examination throws(EvidenceError) in
        _ = try examineSNP(evidence, requirements, Context(now: pinnedTime), &examination)
    }
}

func tpm() throws -> Kind {
    let evidence = try GCEAttestation.read(contents("tpm/gce-cos-85-nonce9009.pb"))[1]
    var requirements = TPMRequirements()
    requirements.selection = [.sha256: Setting(Set(0...23), line)]
    requirements.bootLog = Setting(BootLogRequirements(), line)
    return Kind("TPM quote with boot log", evidence) { [requirements] examination throws(EvidenceError) in
        _ = try examineTPM(evidence, requirements, Context(now: pinnedTime), &examination)
    }
}

func azure() throws -> [Kind] {
    var requirements = AzureVTPMRequirements()
    requirements.snp.toleratesAbsentRevocationLists = Setting(true, line)
    requirements.tdx.tcb.toleratesAbsentCollateral = Setting(true, line)
    requirements.tdx.tcb.toleratesTrailingBytes = Setting(true, line)
    requirements.tpm.selection = [.sha256: Setting(Set(0...23), line)]
    return try [("SEV-SNP", "az-snp-v1"), ("TDX", "az-tdx-v0")].map { name, file in
        let evidence = try AzureEvidence.read(contents("vtpm/\(file).json"))
        return Kind("Azure, TPM quote over \(name)", evidence) { [requirements] examination throws(EvidenceError) in
            _ = try examineAzureVTPM(evidence, requirements, Context(now: pinnedTime), &examination)
        }
    }
}

func ima() throws -> [Kind] {
    let bytes = try contents("ima/ascii_runtime_measurements")
    let log = try IMALog(ascii: bytes)
    let value = log.entries.reduce([UInt8](repeating: 0, count: 32)) { value, entry in
        Array(SHA256.hash(data: value + Array(SHA256.hash(data: entry.data))))
    }
    var requirements = IMARequirements()
    requirements.generations = Setting([.init(name: "all", list: IMAAllowList(learningFrom: log))], line)
    requirements.permitsSHA1 = Setting(true, line)
    requirements.permitsUnboundBoot = Setting(true, line)
    var examination = Examination()
    let state = try examineIMA(
        log, quoted: [.sha256: value], requirements, state: nil, at: pinnedTime, &examination)
    return [
        Kind("IMA, \(log.entries.count) entries", byteCount: bytes.count) {
            [requirements] examination throws(EvidenceError) in
            _ = try examineIMA(
                try IMALog(ascii: bytes), quoted: [.sha256: value], requirements, state: nil, at: pinnedTime,
                &examination)
        },
        Kind("IMA, no entry since the last verdict", byteCount: 0) { [requirements] examination throws(EvidenceError) in
            _ = try examineIMA(
                try IMALog(ascii: [], start: log.entries.count), quoted: [.sha256: value], requirements, state: state,
                at: pinnedTime, &examination)
        },
    ]
}

func nvidia() throws -> Kind {
    struct Entry: Decodable {
        var evidence: Data
        var certificate: Data
    }
    let entries = try JSONDecoder().decode([Entry].self, from: Data(contents("nvidia/hopper_evidence.json")))
    let evidence = Evidence(
        .nvidia, ["report": Array(entries[0].evidence), "certificates": Array(entries[0].certificate)])
    var requirements = NVIDIARequirements()
    requirements.toleratesAbsentRevocationLists = Setting(true, line)
    return Kind("NVIDIA, Hopper", evidence) { [requirements] examination throws(EvidenceError) in
        _ = try examineNVIDIA(evidence, requirements, Context(now: pinnedTime), &examination)
    }
}

func simulated() throws -> Kind {
    let key = Curve25519.Signing.PrivateKey()
    let program = [UInt8](repeating: 1, count: 32)
    let report = Array("PLINSIM1".utf8) + [1, 0, 0, 0] + [UInt8](repeating: 0, count: 64) + program
    let publicKey = Array(key.publicKey.rawRepresentation)
    let evidence = Evidence(
        .simulated, ["report": report, "signature": Array(try key.signature(for: report)), "key": publicKey])
    var requirements = SimulatedRequirements()
    requirements.level = Setting(.test, line)
    requirements.measurement = Setting([program], line)
    var context = Context(now: pinnedTime)
    context.anchors.simulated = [publicKey]
    return Kind("simulated", evidence) { [requirements, context] examination throws(EvidenceError) in
        _ = try examineSimulated(evidence, requirements, context, &examination)
    }
}

// MARK: - Counting

for kind in try intel() + [amd(), tpm()] + azure() + ima() + [nvidia(), simulated()] {
    // Once before, so that nothing is done for the first time.
    let hasPassed = kind.judge()
    let start = processorSeconds()
    var count = 0
    var spent = 0.0
    while spent < seconds {
        for _ in 0..<8 { _ = kind.judge() }
        count += 8
        spent = processorSeconds() - start
    }
    print(
        #"{"kind": "\#(kind.name)", "bytes": \#(kind.byteCount), "verdicts": \#(count), "seconds": \#(spent), "passed": \#(hasPassed)}"#
    )
}
