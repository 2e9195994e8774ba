import Crypto
import FoundationEssentials
import PliniusAttester
import PliniusDataSealing
import PliniusMirror
import PliniusSealing
import PliniusTPM
import PliniusVerifier
import PliniusWire

extension FuzzedParser {
    /// Everything that reads what a platform, a cloud, a host or a file says.
    public static let all: [FuzzedParser] =
        certificates + quotes + tpm + logs + stored + wire + sealed + owner + datasets + models

    private static let certificates = [
        FuzzedParser(
            "certificate", atMost: 4096,
            seeds: {
                $0.files("snp/milan-v2/vcek.der", "snp/vlek/vlek.der") + [
                    Seed.certificate, Seed.certificateOfHugeVersion,
                ]
            }
        ) {
            _ = try ParsedCertificate(der: $0)
            return .accepted
        },
        FuzzedParser(
            "certificate-pem", atMost: 8192, .loose,
            seeds: { $0.files("snp/roots/ask_ark_milan.pem") + [Seed.pem(Seed.certificate)] }
        ) {
            _ = try ParsedCertificate.parse(pem: $0)
            return .accepted
        },
        FuzzedParser(
            "revocation-list", atMost: 8192, seeds: { Seed.revocationLists($0) + [Seed.revocationList] }
        ) {
            _ = try RevocationList(der: $0)
            return .accepted
        },
        FuzzedParser("pck-extension", atMost: 2048, seeds: { _ in [Seed.pckExtension] }) {
            _ = try PCKExtension($0, check: "sgx.pck.extension")
            return .accepted
        },
        FuzzedParser("public-key", atMost: 1024, seeds: { _ in Seed.publicKeys }) {
            _ = try PublicKey(spki: $0)
            return .accepted
        },
        FuzzedParser("ima-signer", atMost: 1024, .loose, seeds: { _ in Seed.publicKeys }) {
            _ = try IMASigner(name: "signer", publicKey: $0)
            return .accepted
        },
    ]

    private static let quotes = [
        FuzzedParser(
            "snp-report", atMost: 1200,
            seeds: { $0.files("snp/milan-v2/report.bin", "snp/vlek/report.bin") + [Seed.snpReport] }
        ) {
            _ = try SNPReport($0)
            return .accepted
        },
        FuzzedParser(
            "snp-certificates", atMost: 8192, .loose,
            seeds: { _ in [Seed.snpCertificates, Seed.pem(Seed.certificate)] }
        ) {
            _ = try SNPCertificates($0)
            return .accepted
        },
        FuzzedParser(
            "sgx-quote", atMost: 8192, .loose,
            seeds: {
                $0.files("sgx/quote-v3.bin", "sgx/quote-v3-debug-enclave.bin")
                    + [3, 4, 5].map { Seed.quote(version: $0, tee: 0) }
            }
        ) {
            _ = try DCAPQuote($0, of: .sgx)
            return .accepted
        },
        FuzzedParser(
            "tdx-quote", atMost: 8192, .loose,
            seeds: {
                $0.files("tdx/quote-v4.bin", "tdx/quote-v5-outdated.bin", "tdx/ccel/quote.bin")
                    + [4, 5].map { Seed.quote(version: $0, tee: 0x81) }
            }
        ) {
            _ = try DCAPQuote($0, of: .tdx)
            return .accepted
        },
        FuzzedParser("nvidia-report", atMost: 8192, seeds: { Seed.nvidiaReports($0) + [Seed.nvidiaReport] }) {
            _ = try NVIDIAReport($0)
            return .accepted
        },
        FuzzedParser(
            "intel-collateral", atMost: 20000, .loose,
            seeds: {
                $0.files("sgx/quote-v3.collateral.json", "tdx/quote-v5-outdated.collateral.json") + [
                    Seed.intelCollateral
                ]
            }
        ) {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            return .encoded(Array(try encoder.encode(try IntelCollateral(json: $0))))
        },
    ]

    private static let tpm = [
        FuzzedParser("tpm-attest", atMost: 1100, seeds: { Seed.azureParts($0, "attest") + [Seed.attest] }) {
            _ = try TPMAttest($0)
            return .accepted
        },
        FuzzedParser(
            "tpm-public", atMost: 1100,
            seeds: { Seed.withoutLength($0.files("tpm/keylime/ak.pub", "tpm/keylime/ek.pub")) + [Seed.tpmKey] }
        ) {
            _ = try TPMPublic($0, format: "tpm.ak.format").publicKey("tpm.ak.format")
            return .accepted
        },
        FuzzedParser(
            "tpm-signature", atMost: 1100, seeds: { $0.files("tpm/keylime/quotesig.out") + [Seed.tpmSignature] }
        ) {
            _ = try TPMSignature($0)
            return .accepted
        },
        FuzzedParser(
            "tpm-credential", atMost: 1100,
            seeds: { Seed.withoutLength($0.files("tpm/keylime/ek.pub")) + [Seed.endorsementKey] }
        ) {
            _ = try TPMCredential(wrapping: Seed.zeros(32), for: $0, attestationKey: Seed.zeros(34))
            return .accepted
        },
        FuzzedParser(
            "hcl-report", atMost: 4096, .loose, seeds: { Seed.azureParts($0, "hcl-report") + [Seed.hclReport] }
        ) {
            _ = try HCLReport($0)
            return .accepted
        },
        FuzzedParser(
            "pcr-values", atMost: 4096, .exact, seeds: { Seed.azureParts($0, "pcrs") + [Seed.registers.encoded] }
        ) {
            // No values are the encoding of an empty list.
            .encoded(try PCRValues(decoding: $0).encoded)
        },
    ]

    private static let logs = [
        FuzzedParser("event-log", atMost: 32768, .loose, seeds: { Seed.eventLogs($0) + [Seed.eventLog] }) {
            look(into: try EventLog($0))
            return .accepted
        },
        FuzzedParser("event-log-ccel", atMost: 32768, .loose, seeds: { Seed.eventLogs($0) + [Seed.eventLog] }) {
            look(into: try EventLog($0, kind: .confidentialComputing))
            return .accepted
        },
        FuzzedParser("uefi-variable", atMost: 1024, .loose, seeds: { _ in [Seed.variable] }) {
            guard UEFIVariable($0[...]) != nil else { throw Refused() }
            return .accepted
        },
        FuzzedParser("uefi-signatures", atMost: 1024, .loose, seeds: { _ in [Seed.signatures] }) {
            guard UEFISignature.list($0) != nil else { throw Refused() }
            return .accepted
        },
        FuzzedParser(
            "ima-binary", atMost: 8192, .loose,
            seeds: { $0.decoded("ima/sml-ima-ng-sha1.b64", "ima/sml-ima-sha1.b64") + [Seed.imaBinary] }
        ) {
            _ = try IMALog(binary: $0)
            return .accepted
        },
        FuzzedParser("ima-ascii", atMost: 8192, .loose, seeds: { Seed.imaLines($0) + [Seed.imaASCII] }) {
            _ = try IMALog(ascii: $0)
            return .accepted
        },
        FuzzedParser("ima-allow-list", atMost: 4096, .loose, seeds: { _ in [Seed.imaAllowList] }) {
            _ = try IMAAllowList(text: String(decoding: $0, as: UTF8.self))
            return .accepted
        },
    ]

    private static let stored = [
        FuzzedParser(
            "stored-azure", atMost: 40000, .loose,
            seeds: { $0.files("vtpm/az-snp-v1.json", "vtpm/az-tdx-v0.json") + [Seed.azure] }
        ) {
            _ = try AzureEvidence.read($0)
            return .accepted
        },
        FuzzedParser(
            "stored-gce", atMost: 32768, .loose, seeds: { $0.files("tpm/gce-cos-85-nonce9009.pb") + [Seed.gce] }
        ) {
            _ = try GCEAttestation.read($0)
            return .accepted
        },
        FuzzedParser(
            "stored-tpm-json", atMost: 8192, .loose, seeds: { $0.files("tpm/swtpm-evidence.json") + [Seed.trusteeTPM] }
        ) {
            _ = try TrusteeTPMEvidence.read($0)
            return .accepted
        },
        FuzzedParser(
            "stored-tpm2-tools", atMost: 2048, .loose,
            seeds: { $0.files("tpm/keylime/quotepcr.out") + [Seed.toolsRegisters] }
        ) {
            _ = try TPMToolsQuote.read(
                key: Seed.tpmKey, attest: Seed.attest, signature: Seed.tpmSignature, registers: $0)
            return .accepted
        },
        FuzzedParser(
            "stored-nvidia", atMost: 32768, .loose,
            seeds: { $0.files("nvidia/hopper_evidence.json") + [Seed.storedNVIDIA] }
        ) {
            _ = try NVIDIAEvidence.read($0)
            return .accepted
        },
        FuzzedParser("stored-configfs", atMost: 8192, .loose, seeds: { _ in [Seed.configfs] }) {
            _ = try ConfigfsReport.read($0)
            return .accepted
        },
        FuzzedParser(
            "stored-file", atMost: 16384, .loose,
            seeds: {
                $0.files("snp/milan-v2/report.bin", "sgx/quote-v3.bin") + Seed.azureParts($0, "hcl-report")
                    + Seed.storedFiles
            }
        ) {
            _ = try StoredEvidence(files: ["file": $0])
            return .accepted
        },
    ]

    private static let wire = [
        FuzzedParser("evidence-bundle", atMost: 8192, seeds: { _ in [Seed.bundle.encoded] }) {
            .encoded(try EvidenceBundle(decoding: $0).encoded)
        },
        FuzzedParser("runtime-data", atMost: 1024, seeds: { _ in [Seed.runtimeData.encoded] }) {
            .encoded(try RuntimeData(decoding: $0).encoded)
        },
        FuzzedParser("grant-terms", atMost: 512, seeds: { _ in [Seed.grantTerms.encoded] }) {
            .encoded(try GrantTerms(decoding: $0).encoded)
        },
        FuzzedParser("owner-message", atMost: 8192, seeds: { _ in Seed.ownerMessages.map(frameBytes) }) {
            .encoded(frameBytes(try OwnerMessage(frame($0)).frame))
        },
        FuzzedParser("enclave-message", atMost: 8192, seeds: { _ in Seed.enclaveMessages.map(frameBytes) }) {
            .encoded(frameBytes(try EnclaveMessage(frame($0)).frame))
        },
        FuzzedParser("frames", atMost: 4096, .loose, seeds: { _ in [Seed.ownerMessages.flatMap(\.encoded)] }) {
            var assembler = FrameAssembler(limit: OwnerMessage.maximumFrameByteCount)
            assembler.append($0)
            var again: [UInt8] = []
            while let frame = try assembler.next() { again += frame.encoded }
            guard $0.starts(with: again) else { throw Broken() }
            return .accepted
        },
    ]

    private static let sealed = [
        FuzzedParser("sealed-key", atMost: 256, .loose, seeds: { _ in [Seed.sealedKey] }) {
            .encoded(try SealedKey(decoding: $0).encoded)
        },
        FuzzedParser("tpm-sealed-data", atMost: 512, seeds: { _ in [Seed.tpmSealedData] }) {
            .encoded(try TPMSealedData(decoding: $0).encoded)
        },
    ]

    private static let owner = [
        FuzzedParser("sealed-results", atMost: 300, seeds: { _ in [Seed.results] }) {
            // What stands behind the header is another's to read, and its code takes the key.
            guard $0.count <= PredictionsHeader.byteCount else { throw Refused() }
            let header = try PredictionsHeader(parsing: $0)
            let fields = PredictionsHeader.byteCount - PredictionsHeader.macByteCount
            guard header.fileByteCount > PredictionsHeader.byteCount else { throw Broken() }
            return .encoded(Array(header.encoded(Seed.ownerKey)[..<fields] + $0[fields...]))
        },
        FuzzedParser("collateral-bundle", atMost: 8192, seeds: { _ in [Seed.collateralContent] }) {
            // The signature would keep out every change: the signer is one that writes anything.
            let signer = CollateralKey.ed25519(Array(Seed.signer.publicKey.rawRepresentation))
            let bundle = try CollateralBundle(try Seed.signed($0), signedBy: [signer])
            return .encoded(Array(try bundle.signed(with: .ed25519(Seed.signer)).dropLast(1 + 32 + 64)))
        },
        FuzzedParser("policy", atMost: 4096, .loose, seeds: { _ in Seed.policies }) {
            _ = try Policy(yaml: String(decoding: $0, as: UTF8.self), file: "policy.yaml") { _ in [] }
            return .accepted
        },
    ]

    /// What a judge reads in a boot log besides its structure.
    private static func look(into log: EventLog) {
        for bank in log.banks { _ = log.replay(bank) }
        for event in log.events {
            _ = event.content(in: log.banks)
            _ = BootText(event, in: log.banks)
        }
        _ = log.secureBoot
    }

    /// Frames are cut apart already where messages are read: the type, then the payload.
    private static func frame(_ bytes: [UInt8]) throws(Refused) -> Frame {
        guard let type = bytes.first else { throw Refused() }
        return Frame(type: type, payload: Array(bytes.dropFirst()))
    }

    private static func frameBytes(_ frame: Frame) -> [UInt8] { [frame.type] + frame.payload }

    /// Frames that are not what arrived.
    private struct Broken: Error {}
}
