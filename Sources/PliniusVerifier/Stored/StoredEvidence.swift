import FoundationEssentials
public import PliniusWire

/// Evidence that was kept, by this program or by another: what its files hold, by their content.
///
/// | Known format | Files |
/// |---|---|
/// | evidence that `plinius-owner provision --keep-evidence` kept | one |
/// | a quote of SGX or TDX (DCAP, versions 3 to 5) | one; with the log of a TDX guest beside it (`CCEL`) |
/// | a report of SEV-SNP | the report; certificates beside it, DER or PEM, or as the table of the GHCB specification |
/// | a report of configfs-tsm | `outblob`, `auxblob`; or JSON with both |
/// | a quote of tpm2-tools | key, statement, signature and registers; boot log and IMA log beside them |
/// | a TPM's quote in JSON, as Trustee keeps it | one |
/// | a virtual machine of Azure in JSON, as Trustee keeps it | one |
/// | a virtual machine of Google's cloud, as go-tpm-tools keeps it | one |
/// | GPUs of NVIDIA in JSON | one |
/// | a log of IMA, ASCII or binary | one, alone or beside a TPM's quote |
///
/// Each may be in base64.
public struct StoredEvidence: Sendable {
    /// The names of the formats, for people.
    public static let formats = [
        "evidence kept by plinius-owner provision", "SGX and TDX quotes",
        "SEV-SNP reports with certificates beside them",
        "configfs-tsm reports", "tpm2-tools quotes", "TPM quotes in JSON", "Azure vTPM JSON", "Google Cloud protobuf",
        "NVIDIA GPU JSON", "IMA logs",
    ]
    /// No stored file is longer.
    public static let maximumByteCount = 128 << 20

    /// What the evidence binds; `nil` unless it is this program's own.
    public let runtimeData: [UInt8]?
    /// Several of one kind are a TPM's quotes of several banks, or several GPUs.
    public let evidence: [Evidence]
    /// An IMA log that comes with no quote.
    let imaLog: IMALog?
    /// The files that hold nothing that is known.
    public let unusedFiles: [String]

    /// Finds out what some files hold.
    /// - Parameter files: By name; those of one folder, or one alone.
    /// - Throws: `stored.format` if nothing in them is evidence; a format's own check, if a file begins as it does and cannot be read.
    public init(files: [String: [UInt8]]) throws(EvidenceError) {
        var parts = StoredParts()
        for (name, bytes) in files.sorted(by: { $0.key < $1.key }) {
            do throws(EvidenceError) { try parts.take(name, StoredFile(bytes)) } catch {
                throw EvidenceError(error.check, expected: error.expected, found: "\(name): \(error.found)")
            }
        }
        (runtimeData, evidence, imaLog) = try parts.assemble()
        unusedFiles = parts.unused
        guard runtimeData != nil || !evidence.isEmpty || imaLog != nil else {
            let empty = files.filter(\.value.isEmpty).map(\.key).sorted()
            throw EvidenceError(
                "stored.format", expected: "one of: \(Self.formats.joined(separator: ", "))",
                found: files.isEmpty
                    ? "no file"
                    : empty.count == files.count
                        ? "nothing: \(empty.joined(separator: ", ")) is empty"
                        : "\(parts.remains) in \(files.keys.sorted().joined(separator: ", "))")
        }
    }

    /// The evidence with an IMA log that lay elsewhere.
    /// - Throws: `ima.log.format`; `stored.format`, if there is no one TPM whose quote it could belong to.
    public func with(imaLog bytes: [UInt8]) throws(EvidenceError) -> StoredEvidence {
        guard case .imaLog(let log) = try StoredFile(bytes) else {
            throw EvidenceError("ima.log.format", expected: "a log of IMA, ASCII or binary", found: "another file")
        }
        var evidence = evidence
        guard let index = evidence.firstIndex(where: { [.tpm, .azureVTPM].contains($0.kind) }) else {
            throw EvidenceError("stored.format", expected: "a TPM's quote, which proves the log", found: "none")
        }
        evidence[index].parts.removeAll { $0.name == "ima-log" }
        evidence[index].parts.append(Evidence.Part(name: "ima-log", bytes: log.encoded))
        return StoredEvidence(runtimeData: runtimeData, evidence: evidence, imaLog: nil, unusedFiles: unusedFiles)
    }

    private init(runtimeData: [UInt8]?, evidence: [Evidence], imaLog: IMALog?, unusedFiles: [String]) {
        self.runtimeData = runtimeData
        self.evidence = evidence
        self.imaLog = imaLog
        self.unusedFiles = unusedFiles
    }
}

/// What was found in the files of one folder, until it is put together.
private struct StoredParts {
    var bundle: EvidenceBundle?
    var evidence: [Evidence] = []
    var quote: (bytes: [UInt8], kind: Evidence.Kind)?
    var report: [UInt8]?
    var table: [UInt8]?
    var certificates: [(name: String, der: [[UInt8]])] = []
    var attest: [UInt8]?
    var signature: [UInt8]?
    var keys: [(name: String, area: [UInt8])] = []
    var registers: [UInt8]?
    var bootLog: [UInt8]?
    var imaLog: IMALog?
    var unused: [String] = []

    mutating func take(_ name: String, _ file: StoredFile) throws(EvidenceError) {
        func once<Value>(_ present: Value?, _ what: String) throws(EvidenceError) {
            guard present == nil else {
                throw EvidenceError("stored.format", expected: "\(what) once", found: "another one")
            }
        }
        switch file {
        case .bundle(let value):
            try once(bundle, "kept evidence")
            bundle = value
        case .evidence(let value):
            try once(evidence.first, "evidence")
            evidence = value
        case .intelQuote(let bytes, let kind):
            try once(quote, "a quote")
            quote = (bytes, kind)
        case .snpReport(let bytes):
            try once(report, "a report")
            report = bytes
        case .certificateTable(let bytes):
            try once(table, "a table of certificates")
            table = bytes
        case .certificates(let der): certificates.append((name, der))
        case .tpmAttest(let bytes):
            try once(attest, "a statement of a TPM")
            attest = bytes
        case .tpmSignature(let bytes):
            try once(signature, "a signature of a TPM")
            signature = bytes
        case .tpmPublic(let area): keys.append((name, area))
        case .tpmRegisters(let bytes):
            try once(registers, "a file of registers")
            registers = bytes
        case .bootLog(let bytes):
            try once(bootLog, "a boot log")
            bootLog = bytes
        case .imaLog(let value):
            try once(imaLog, "an IMA log")
            imaLog = value
        case .other: unused.append(name)
        }
    }

    mutating func assemble() throws(EvidenceError) -> ([UInt8]?, [Evidence], IMALog?) {
        if let bundle {
            guard evidence.isEmpty, quote == nil, report == nil, attest == nil else {
                throw EvidenceError(
                    "stored.format", expected: "kept evidence alone", found: "other evidence beside it")
            }
            return (bundle.runtimeData, bundle.evidence, nil)
        }
        var all = evidence
        if let quote {
            var parts = ["quote": quote.bytes]
            if quote.kind == .tdx, attest == nil, let bootLog { parts["ccel"] = bootLog }
            all.append(Evidence(quote.kind, parts))
        }
        if let report {
            var parts = ["report": report]
            parts["certificates"] = table ?? pem(signers)
            all.append(Evidence(.snp, parts))
        }
        if let attest { all.append(try tpm(attest)) }
        guard let imaLog else { return (nil, all, nil) }
        guard let index = all.firstIndex(where: { [.tpm, .azureVTPM].contains($0.kind) }) else {
            return (nil, all, imaLog)
        }
        all[index].parts.append(Evidence.Part(name: "ima-log", bytes: imaLog.encoded))
        return (nil, all, nil)
    }

    /// What there is, where it is no evidence.
    var remains: String {
        let found = [
            certificates.isEmpty ? nil : "certificates", table == nil ? nil : "a table of certificates",
            bootLog == nil ? nil : "a boot log without a quote", keys.isEmpty ? nil : "a TPM's public key",
            signature == nil ? nil : "a TPM's signature", registers == nil ? nil : "values of registers",
        ].compactMap { $0 }
        return found.isEmpty ? "nothing known" : "only " + found.joined(separator: ", ")
    }

    /// The certificates of a report; where several leaves lie about, the one that has the usual name.
    private var signers: [[UInt8]] {
        let stems = certificates.map { $0.name.split(separator: ".").first.map(String.init)?.lowercased() ?? "" }
        guard stems.contains(where: { ["vcek", "vlek"].contains($0) }) else { return certificates.flatMap(\.der) }
        return zip(stems, certificates).flatMap { stem, file in
            stem.contains("-") && (stem.hasPrefix("vcek") || stem.hasPrefix("vlek")) ? [] : file.der
        }
    }

    private func pem(_ certificates: [[UInt8]]) -> [UInt8]? {
        guard !certificates.isEmpty else { return nil }
        let blocks = certificates.map { der in
            "-----BEGIN CERTIFICATE-----\n"
                + Data(der).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
                + "\n-----END CERTIFICATE-----\n"
        }
        return Array(blocks.joined().utf8)
    }

    private func tpm(_ attest: [UInt8]) throws(EvidenceError) -> Evidence {
        // The endorsement key decrypts and cannot have signed.
        let own = keys.filter { !$0.name.lowercased().hasPrefix("ek") }
        let key = keys.count == 1 ? keys.first : own.first { $0.name.lowercased().hasPrefix("ak") } ?? own.first
        guard let key, let signature, let registers else {
            let missing = [
                key == nil ? "a public key" : nil, signature == nil ? "a signature" : nil,
                registers == nil ? "values of registers" : nil,
            ].compactMap { $0 }
            throw EvidenceError(
                "stored.tpm-tools.format", expected: "\(missing.joined(separator: ", ")) beside the TPM's statement",
                found: "none")
        }
        var evidence = try TPMToolsQuote.read(
            key: key.area, attest: attest, signature: signature, registers: registers)
        if let bootLog { evidence.parts.append(Evidence.Part(name: "uefi-log", bytes: bootLog)) }
        if let certificate = certificates.first(where: { $0.name.lowercased().hasPrefix("ek") })?.der.first {
            evidence.parts.append(Evidence.Part(name: "ek-certificate", bytes: certificate))
        }
        return evidence
    }
}
