import FoundationEssentials

/// Intel's statements on one family of platforms, as its Provisioning Certification Service hands them out.
///
/// The JSON form is the one that collateral caches and verifiers exchange: revocation lists and signatures as hexadecimal digits, chains
/// as PEM, TCB info and QE identity as the exact text that Intel signed. Nothing in it is believed before that signature held. The chain
/// of the PCK revocation list is left out: a quote brings the same certificates.
public struct IntelCollateral: Sendable, Codable, Hashable {
    /// No text in it is longer.
    static let maximumTextByteCount = 1 << 20

    /// The revocation list of Intel's root, DER.
    public var rootRevocationList: [UInt8]
    /// The revocation list of the authority that certified the platform, DER.
    public var pckRevocationList: [UInt8]
    /// Who signed the TCB info, PEM.
    public var tcbInfoIssuerChain: String
    public var tcbInfo: String
    /// r ‖ s.
    public var tcbInfoSignature: [UInt8]
    /// Who signed the QE identity, PEM.
    public var qeIdentityIssuerChain: String
    public var qeIdentity: String
    /// r ‖ s.
    public var qeIdentitySignature: [UInt8]

    public init(
        rootRevocationList: [UInt8], pckRevocationList: [UInt8], tcbInfoIssuerChain: String, tcbInfo: String,
        tcbInfoSignature: [UInt8], qeIdentityIssuerChain: String, qeIdentity: String, qeIdentitySignature: [UInt8]
    ) {
        self.rootRevocationList = rootRevocationList
        self.pckRevocationList = pckRevocationList
        self.tcbInfoIssuerChain = tcbInfoIssuerChain
        self.tcbInfo = tcbInfo
        self.tcbInfoSignature = tcbInfoSignature
        self.qeIdentityIssuerChain = qeIdentityIssuerChain
        self.qeIdentity = qeIdentity
        self.qeIdentitySignature = qeIdentitySignature
    }

    /// Reads a file of collateral.
    /// - Throws: `intel.collateral.format`.
    public init(json bytes: [UInt8]) throws(EvidenceError) {
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(bytes))
        } catch {
            throw EvidenceError(
                "intel.collateral.format",
                expected: "JSON with \(CodingKeys.allCases.map(\.rawValue).joined(separator: ", "))",
                found: "\(error)")
        }
    }

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case rootRevocationList = "root_ca_crl"
        case pckRevocationList = "pck_crl"
        case tcbInfoIssuerChain = "tcb_info_issuer_chain"
        case tcbInfo = "tcb_info"
        case tcbInfoSignature = "tcb_info_signature"
        case qeIdentityIssuerChain = "qe_identity_issuer_chain"
        case qeIdentity = "qe_identity"
        case qeIdentitySignature = "qe_identity_signature"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func text(_ key: CodingKeys) throws -> String {
            let text = try container.decode(String.self, forKey: key)
            guard text.utf8.count <= Self.maximumTextByteCount else {
                throw DecodingError.dataCorruptedError(
                    forKey: key, in: container, debugDescription: "longer than \(Self.maximumTextByteCount) bytes")
            }
            return text
        }
        func octets(_ key: CodingKeys) throws -> [UInt8] {
            guard let bytes = IntelText.octets(try text(key)) else {
                throw DecodingError.dataCorruptedError(
                    forKey: key, in: container, debugDescription: "not hexadecimal digits")
            }
            return bytes
        }
        rootRevocationList = try octets(.rootRevocationList)
        pckRevocationList = try octets(.pckRevocationList)
        tcbInfoIssuerChain = try text(.tcbInfoIssuerChain)
        tcbInfo = try text(.tcbInfo)
        tcbInfoSignature = try octets(.tcbInfoSignature)
        qeIdentityIssuerChain = try text(.qeIdentityIssuerChain)
        qeIdentity = try text(.qeIdentity)
        qeIdentitySignature = try octets(.qeIdentitySignature)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(hexadecimal(rootRevocationList), forKey: .rootRevocationList)
        try container.encode(hexadecimal(pckRevocationList), forKey: .pckRevocationList)
        try container.encode(tcbInfoIssuerChain, forKey: .tcbInfoIssuerChain)
        try container.encode(tcbInfo, forKey: .tcbInfo)
        try container.encode(hexadecimal(tcbInfoSignature), forKey: .tcbInfoSignature)
        try container.encode(qeIdentityIssuerChain, forKey: .qeIdentityIssuerChain)
        try container.encode(qeIdentity, forKey: .qeIdentity)
        try container.encode(hexadecimal(qeIdentitySignature), forKey: .qeIdentitySignature)
    }
}
