import FoundationEssentials
import PliniusWire

/// What one stored file holds, as its content tells; its name decides nothing.
enum StoredFile {
    case bundle(EvidenceBundle)
    /// What a reader of another program's files made of it.
    case evidence([Evidence])
    case intelQuote([UInt8], Evidence.Kind)
    case snpReport([UInt8])
    case certificateTable([UInt8])
    case certificates([[UInt8]])
    case tpmAttest([UInt8])
    case tpmSignature([UInt8])
    case tpmPublic([UInt8])
    case tpmRegisters([UInt8])
    case bootLog([UInt8])
    case imaLog(IMALog)
    /// A file that others hold evidence with: `provider` of configfs, for one.
    case other

    /// - Throws: The format's error, where the content begins like a known one and cannot be read.
    init(_ bytes: [UInt8]) throws(EvidenceError) {
        if let file = try Self.binary(bytes) {
            self = file
        } else if let file = Self.tpm(bytes) {
            self = file
        } else if let file = try Self.text(bytes) {
            self = file
        } else if let bundle = try? EvidenceBundle(decoding: bytes), !bundle.evidence.isEmpty {
            self = .bundle(bundle)
        } else if bytes.first == 0x0A, let quotes = try? GCEAttestation.read(bytes) {
            self = .evidence(quotes)
        } else {
            self = .other
        }
    }

    private static func number(_ bytes: [UInt8], at offset: Int, _ count: Int) -> UInt64? {
        guard offset + count <= bytes.count else { return nil }
        return bytes[offset..<offset + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func binary(_ bytes: [UInt8]) throws(EvidenceError) -> StoredFile? {
        // A quote's header: version, kind of key, environment.
        if let version = number(bytes, at: 0, 2), (3...5).contains(version), number(bytes, at: 2, 2) == 2 {
            switch number(bytes, at: 4, 4) {
            case 0x81 where version > 3: return .intelQuote(bytes, .tdx)
            case 0: return .intelQuote(bytes, .sgx)
            default: if version == 3 { return .intelQuote(bytes, .sgx) }
            }
        }
        if bytes.count == 1184, let version = number(bytes, at: 0, 4), (2...16).contains(version) {
            return .snpReport(bytes)
        }
        if bytes.count > 24, isCertificateTable(bytes) { return .certificateTable(bytes) }
        if bytes.starts(with: [0x30, 0x82]), let certificate = try? ParsedCertificate(der: bytes) {
            return .certificates([certificate.der])
        }
        // The first event of a log names the specification that it follows.
        if bytes.count > 48, Array(bytes[32..<47]) == Array("Spec ID Event03".utf8) { return .bootLog(bytes) }
        // Register 10, a template hash, the length of a template's name, `ima`.
        if number(bytes, at: 0, 4) == 10, bytes.count > 31, Array(bytes[28..<31]) == Array("ima".utf8) {
            return .imaLog(try IMALog(binary: bytes, permitsTail: true))
        }
        return nil
    }

    /// Whether a table of the GHCB specification begins here: with the identifier of a VCEK, VLEK, ASK or ARK.
    private static func isCertificateTable(_ bytes: [UInt8]) -> Bool {
        ["63da758de6644564", "a8074bc2a25a483e", "4ab7b379bbac4fe4", "c0b406a4a8034952"]
            .contains(hexadecimal(bytes.prefix(8)))
    }

    private static func tpm(_ bytes: [UInt8]) -> StoredFile? {
        if bytes.starts(with: [0xFF, 0x54, 0x43, 0x47]) { return .tpmAttest(bytes) }
        if (try? TPMSignature(bytes)) != nil { return .tpmSignature(bytes) }
        let isSized = bytes.count > 2 && Int(bytes[0]) << 8 | Int(bytes[1]) == bytes.count - 2
        let area = isSized ? Array(bytes.dropFirst(2)) : bytes
        if (try? TPMPublic(area, format: "stored.tpm-tools.format")) != nil { return .tpmPublic(area) }
        if (try? TPMToolsQuote.values(bytes)) != nil { return .tpmRegisters(bytes) }
        return nil
    }

    private static func text(_ bytes: [UInt8]) throws(EvidenceError) -> StoredFile? {
        let start = bytes.drop { [9, 10, 13, 32].contains($0) }
        if start.starts(with: "-----BEGIN CERTIFICATE".utf8) {
            return .certificates(try ParsedCertificate.parse(pem: Array(start)).map(\.der))
        }
        if start.first == UInt8(ascii: "{") || start.first == UInt8(ascii: "[") { return try json(Array(start)) }
        if start.starts(with: "10 ".utf8), start.count > 43, start.dropFirst(3).prefix(40).allSatisfy(\.isHexadecimal) {
            return .imaLog(try IMALog(ascii: Array(start)))
        }
        // Base64 of anything that is no text.
        guard start.count > 64, let text = String(validating: start, as: UTF8.self),
            let data = Data(base64Encoded: text.filter { !$0.isWhitespace })
        else { return nil }
        let inner = try binary(Array(data))
        return inner ?? tpm(Array(data))
    }

    private static func json(_ bytes: [UInt8]) throws(EvidenceError) -> StoredFile? {
        let format = "stored.json.format"
        guard bytes.first == UInt8(ascii: "{") else { return .evidence(try NVIDIAEvidence.read(bytes)) }
        let object: StoredKeys = try StoredJSON.decode(bytes, format)
        let keys = Set(object.names)
        if keys.contains("hcl_report") || keys.isSuperset(of: ["report", "quote"]) {
            return .evidence([try AzureEvidence.read(bytes)])
        }
        if keys.contains("ak_public") { return .evidence([try TrusteeTPMEvidence.read(bytes)]) }
        if keys.contains("outblob") { return .evidence([try ConfigfsReport.read(bytes)]) }
        if keys.isSuperset(of: ["evidence", "certificate"]) { return .evidence(try NVIDIAEvidence.read(bytes)) }
        return nil
    }
}

/// The names in a JSON object, whatever they stand for.
private struct StoredKeys: Decodable {
    struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    let names: [String]

    init(from decoder: any Decoder) throws {
        names = try decoder.container(keyedBy: Key.self).allKeys.map(\.stringValue)
    }
}

extension UInt8 {
    fileprivate var isHexadecimal: Bool {
        (48...57).contains(self) || (97...102).contains(self | 0x20)
    }
}
