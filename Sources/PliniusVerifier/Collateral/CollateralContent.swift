import SwiftASN1

/// What a bundle carries.
public struct CollateralContent: Hashable, Sendable {
    public var intel: [IntelCollateral] = []
    /// AMD's certificates (ASK, ASVK, VCEK), DER.
    public var amdCertificates: [[UInt8]] = []
    /// AMD's revocation lists, DER.
    public var amdRevocationLists: [[UInt8]] = []
    /// NVIDIA's revocation lists, DER.
    public var nvidiaRevocationLists: [[UInt8]] = []
    /// Who may certify endorsement keys of TPMs, DER.
    public var endorsementAuthorities: [[UInt8]] = []
    /// Certificates between those and endorsement keys, DER.
    public var endorsementIntermediates: [[UInt8]] = []
    public var references: [ReferenceList] = []

    public init() {}

    // MARK: Building

    /// Adds a file of Intel's statements, JSON.
    /// - Throws: `intel.collateral.format`, or what its revocation lists are refused for.
    public mutating func addIntel(json: [UInt8]) throws(EvidenceError) {
        let collateral = try IntelCollateral(json: json)
        _ = try RevocationList(der: collateral.rootRevocationList)
        _ = try RevocationList(der: collateral.pckRevocationList)
        intel.append(collateral)
    }

    /// Adds AMD's certificates, DER or PEM.
    /// - Throws: what they are refused for.
    public mutating func addAMDCertificates(_ file: [UInt8]) throws(EvidenceError) {
        amdCertificates += try Self.certificates(file)
    }

    /// Adds a revocation list of AMD's, DER or PEM.
    /// - Throws: what it is refused for.
    public mutating func addAMDRevocationList(_ file: [UInt8]) throws(EvidenceError) {
        amdRevocationLists.append(try Self.revocationList(file))
    }

    /// Adds a revocation list of NVIDIA's, DER or PEM.
    /// - Throws: what it is refused for.
    public mutating func addNVIDIARevocationList(_ file: [UInt8]) throws(EvidenceError) {
        nvidiaRevocationLists.append(try Self.revocationList(file))
    }

    /// Adds certificates of makers of TPMs, DER or PEM.
    /// - Throws: what they are refused for.
    public mutating func addEndorsementAuthorities(_ file: [UInt8]) throws(EvidenceError) {
        endorsementAuthorities += try Self.certificates(file)
    }

    private static func certificates(_ file: [UInt8]) throws(EvidenceError) -> [[UInt8]] {
        // A certificate in DER begins with a sequence, whose tag is a digit in ASCII.
        if file.first == 0x30 { return [try ParsedCertificate(der: file).der] }
        return try ParsedCertificate.parse(pem: file).map(\.der)
    }

    private static func revocationList(_ file: [UInt8]) throws(EvidenceError) -> [UInt8] {
        if file.first == 0x30 { return try RevocationList(der: file).der }
        guard let document = try? PEMDocument(pemString: String(decoding: file, as: UTF8.self)) else {
            throw EvidenceError(
                CollateralBundle.format, expected: "a revocation list in DER or PEM", found: "\(file.count) other bytes"
            )
        }
        return try RevocationList(der: document.derBytes).der
    }

    // MARK: Encoding

    enum Kind: UInt8 {
        case intel = 1
        case amdCertificate, amdRevocationList, endorsementAuthority, reference, nvidiaRevocationList
        case endorsementIntermediate
    }

    struct Item: Hashable {
        var kind: Kind
        var bytes: [UInt8]
    }

    /// Everything once, by kind and then by bytes: the same content always gives the same items.
    var items: [Item] {
        var items = intel.map { Item(kind: .intel, bytes: Self.encoded($0)) }
        items += amdCertificates.map { Item(kind: .amdCertificate, bytes: $0) }
        items += amdRevocationLists.map { Item(kind: .amdRevocationList, bytes: $0) }
        items += endorsementAuthorities.map { Item(kind: .endorsementAuthority, bytes: $0) }
        items += nvidiaRevocationLists.map { Item(kind: .nvidiaRevocationList, bytes: $0) }
        items += endorsementIntermediates.map { Item(kind: .endorsementIntermediate, bytes: $0) }
        items += references.map { Item(kind: .reference, bytes: Self.encoded($0)) }
        return Set(items).sorted { Self.isOrdered(($0.kind.rawValue, $0.bytes), ($1.kind.rawValue, $1.bytes)) }
    }

    private static func isOrdered(_ first: (UInt8, [UInt8]), _ second: (UInt8, [UInt8])) -> Bool {
        first.0 != second.0 ? first.0 < second.0 : first.1.lexicographicallyPrecedes(second.1)
    }

    private static func encoded(_ collateral: IntelCollateral) -> [UInt8] {
        var writer = BigEndianWriter()
        writer.sized(collateral.rootRevocationList)
        writer.sized(collateral.pckRevocationList)
        writer.sized(Array(collateral.tcbInfoIssuerChain.utf8))
        writer.sized(Array(collateral.tcbInfo.utf8))
        writer.sized(collateral.tcbInfoSignature)
        writer.sized(Array(collateral.qeIdentityIssuerChain.utf8))
        writer.sized(Array(collateral.qeIdentity.utf8))
        writer.sized(collateral.qeIdentitySignature)
        return writer.bytes
    }

    private static func encoded(_ list: ReferenceList) -> [UInt8] {
        var writer = BigEndianWriter()
        writer.integer(list.purpose.rawValue)
        writer.sized(Array(list.name.utf8))
        writer.integer(list.algorithm.rawValue)
        writer.integer(UInt32(list.entries.count))
        for entry in list.entries {
            writer.sized(Array(entry.label.utf8))
            writer.sized(entry.digest)
        }
        return writer.bytes
    }

    /// Reads what ``items`` wrote.
    /// - Throws: `collateral.bundle.format`, also for an order or a repetition that nobody writes.
    init(_ items: [(UInt8, [UInt8])]) throws(EvidenceError) {
        for (first, second) in zip(items, items.dropFirst()) where !Self.isOrdered(first, second) {
            throw Self.malformed("items in rising order", "kind \(first.0) before kind \(second.0)")
        }
        for (number, bytes) in items {
            switch Kind(rawValue: number) {
            case .intel: intel.append(try Self.intel(bytes))
            case .amdCertificate: amdCertificates.append(bytes)
            case .amdRevocationList: amdRevocationLists.append(bytes)
            case .endorsementAuthority: endorsementAuthorities.append(bytes)
            case .reference: references.append(try Self.reference(bytes))
            case .nvidiaRevocationList: nvidiaRevocationLists.append(bytes)
            case .endorsementIntermediate: endorsementIntermediates.append(bytes)
            case nil: throw Self.malformed("items of kinds 1 to 7", "kind \(number)")
            }
        }
    }

    private static func malformed(_ expected: String, _ found: String) -> EvidenceError {
        EvidenceError(CollateralBundle.format, expected: expected, found: found)
    }

    private static func text(_ cursor: inout ByteCursor, atMost limit: Int) throws(EvidenceError) -> String {
        let bytes = try cursor.long(atMost: limit)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw malformed("text in UTF-8", "\(bytes.count) other bytes")
        }
        return text
    }

    private static func intel(_ bytes: [UInt8]) throws(EvidenceError) -> IntelCollateral {
        let limit = IntelCollateral.maximumTextByteCount
        var cursor = ByteCursor(bytes, format: CollateralBundle.format)
        let collateral = IntelCollateral(
            rootRevocationList: try cursor.long(atMost: limit), pckRevocationList: try cursor.long(atMost: limit),
            tcbInfoIssuerChain: try text(&cursor, atMost: limit), tcbInfo: try text(&cursor, atMost: limit),
            tcbInfoSignature: try cursor.long(atMost: limit),
            qeIdentityIssuerChain: try text(&cursor, atMost: limit), qeIdentity: try text(&cursor, atMost: limit),
            qeIdentitySignature: try cursor.long(atMost: limit))
        try cursor.finish()
        return collateral
    }

    private static func reference(_ bytes: [UInt8]) throws(EvidenceError) -> ReferenceList {
        var cursor = ByteCursor(bytes, format: CollateralBundle.format)
        let number: UInt8 = try cursor.big()
        guard let purpose = ReferenceList.Purpose(rawValue: number) else {
            throw malformed("a list for IMA (1), boot logs (2) or NVIDIA (3)", "purpose \(number)")
        }
        let name = try text(&cursor, atMost: 256)
        let identifier: UInt16 = try cursor.big()
        guard let algorithm = HashAlgorithm(rawValue: identifier) else {
            throw malformed("a hash algorithm of this build", "0x\(String(identifier, radix: 16))")
        }
        let count: UInt32 = try cursor.big()
        var entries: [ReferenceList.Entry] = []
        for _ in 0..<count {
            let label = try text(&cursor, atMost: 4096)
            let digest = try cursor.long(atMost: 64)
            guard digest.count == algorithm.byteCount else {
                throw malformed("digests of \(algorithm.byteCount) bytes", "\(digest.count) bytes")
            }
            entries.append(ReferenceList.Entry(label, digest))
        }
        try cursor.finish()
        return ReferenceList(purpose, name, algorithm, entries)
    }
}
