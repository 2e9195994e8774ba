import SwiftASN1

/// Files as the makers of platforms hand them out, sorted by what they hold.
///
/// | File | Where it is from |
/// |---|---|
/// | TCB info, QE identity: JSON, alone or behind the headers of the answer | Intel PCS API, version 4: `/tcb`, `/qe/identity` |
/// | who signed these, PEM | the headers of the same answers |
/// | all of Intel's statements in one JSON | caches of collateral, and other verifiers |
/// | revocation lists, DER, PEM or hexadecimal digits | Intel: `/pckcrl`, `IntelSGXRootCA.der`; AMD: `/vcek/v1/PRODUCT/crl`; NVIDIA |
/// | certificates, DER or PEM | AMD: `/vcek/v1/PRODUCT/cert_chain`, VCEK; makers of TPMs: those between anchors and endorsement keys |
///
/// What a file is does not depend on whose it claims to be: all of it is checked while judging.
public struct CollateralImport: Sendable {
    /// What needs nothing else.
    private var content = CollateralContent()
    private var statements: [IntelServiceFile] = []
    /// Chains that begin with who signs statements.
    private var chains: [(text: String, key: PublicKey)] = []
    private var rootLists: [RevocationList] = []
    private var pckLists: [RevocationList] = []

    public init() {}

    // MARK: Sorting

    /// Adds a file.
    /// - Throws: `collateral.import.format`, or what the file is refused for.
    public mutating func add(_ file: [UInt8]) throws(EvidenceError) {
        guard file.count <= CollateralBundle.maximumByteCount else {
            throw Self.unknown("at most \(CollateralBundle.maximumByteCount) bytes", "\(file.count) bytes")
        }
        let text = Array(file.drop { [9, 10, 13, 32].contains($0) })
        if text.starts(with: "HTTP/".utf8) {
            try addAnswer(text)
        } else if text.first == UInt8(ascii: "{") {
            if let statement = try IntelServiceFile(json: text) {
                statements.append(statement)
            } else {
                try content.addIntel(json: text)
            }
        } else if text.starts(with: "30".utf8), let der = IntelText.octets(Self.digits(text)) {
            try addList(RevocationList(der: der))
        } else if file.first == 0x30 {
            try addDER(file)
        } else {
            try addPEM(text)
        }
    }

    /// Adds certificates of makers of TPMs that endorsement keys' chains may end at, DER or PEM: only who brings them can say so.
    /// - Throws: What they are refused for.
    public mutating func addEndorsementAuthorities(_ file: [UInt8]) throws(EvidenceError) {
        try content.addEndorsementAuthorities(file)
    }

    public mutating func add(_ list: ReferenceList) { content.references.append(list) }

    private static func unknown(_ expected: String, _ found: String) -> EvidenceError {
        EvidenceError("collateral.import.format", expected: expected, found: found)
    }

    /// Digits without the white space around them.
    private static func digits(_ text: [UInt8]) -> String {
        String(decoding: text.filter { ![9, 10, 13, 32].contains($0) }, as: UTF8.self)
    }

    private mutating func addDER(_ file: [UInt8]) throws(EvidenceError) {
        if let list = try? RevocationList(der: file) { return try addList(list) }
        try addCertificate(ParsedCertificate(der: file))
    }

    private mutating func addPEM(_ file: [UInt8]) throws(EvidenceError) {
        let text = String(decoding: file.filter { $0 != 0 && $0 != 13 }, as: UTF8.self)
        guard let documents = try? PEMDocument.parseMultiple(pemString: text), !documents.isEmpty else {
            throw Self.unknown(
                "a maker's statement, revocation list or certificate, in JSON, DER or PEM", "\(file.count) other bytes")
        }
        if documents[0].discriminator == "CERTIFICATE",
            let signer = try? ParsedCertificate(der: documents[0].derBytes),
            signer.commonName == "Intel SGX TCB Signing"
        {
            chains.append((text, signer.publicKey))
            return
        }
        for document in documents { try addDER(document.derBytes) }
    }

    /// An answer with its headers, as `curl -i` keeps it; with the headers alone, as `curl -D` does.
    private mutating func addAnswer(_ file: [UInt8]) throws(EvidenceError) {
        var rest = file[...]
        while rest.starts(with: "HTTP/".utf8) {
            while let line = Self.line(&rest), !line.isEmpty {
                guard let colon = line.firstIndex(of: UInt8(ascii: ":")),
                    String(decoding: line[..<colon], as: UTF8.self).lowercased().hasSuffix("issuer-chain")
                else { continue }
                try addPEM(Self.withoutPercents(line[(colon + 1)...].drop { $0 == 32 }))
            }
        }
        if rest.contains(where: { ![9, 10, 13, 32].contains($0) }) { try add(Array(rest)) }
    }

    /// The next line, without what ends it; `nil` at the end.
    private static func line(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard !rest.isEmpty else { return nil }
        let end = rest.firstIndex(of: 10) ?? rest.endIndex
        let line = rest[..<end]
        rest = rest[min(end + 1, rest.endIndex)...]
        return line.last == 13 ? line.dropLast() : line
    }

    /// Bytes that were written as `%0A`.
    private static func withoutPercents(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let value = PliniusVerifier.bytes(hexadecimal: rest.prefix(2)), !value.isEmpty
            {
                bytes += value
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return bytes
    }

    private mutating func addList(_ list: RevocationList) throws(EvidenceError) {
        // Only where it will be looked for: whose it is, judging finds out.
        let issuer = String(decoding: list.issuer, as: UTF8.self)
        if issuer.contains("Intel SGX Root CA") {
            rootLists.append(list)
        } else if issuer.contains("Intel SGX PCK") {
            pckLists.append(list)
        } else if issuer.contains("NVIDIA") {
            content.nvidiaRevocationLists.append(list.der)
        } else {
            content.amdRevocationLists.append(list.der)
        }
    }

    private mutating func addCertificate(_ certificate: ParsedCertificate) throws(EvidenceError) {
        let issuer = String(decoding: certificate.issuer, as: UTF8.self)
        if ["ARK-", "SEV-"].contains(where: issuer.contains) {
            content.amdCertificates.append(certificate.der)
        } else if issuer.contains("Intel SGX") {
            // Quotes bring the platform's certificates, and the root is known.
        } else if certificate.extension("2.5.29.19") != nil {
            content.endorsementIntermediates.append(certificate.der)
        } else {
            throw Self.unknown(
                "a certificate of AMD's or Intel's, or of an authority of a TPM's maker", "\(certificate)")
        }
    }

    // MARK: Putting together

    /// Everything that was added, on top of what an older bundle had.
    ///
    /// Of statements and lists about the same the new one stays. Intel's single files need each other: what is missing is taken from the
    /// older bundle.
    /// - Throws: `collateral.import.rollback`, if what was added is older than what there was; `collateral.import.intel`, if something
    ///   is missing beside one of Intel's files; `collateral.import.signature`, if nobody who came along signed it.
    public func content(onto old: CollateralContent = CollateralContent()) throws(EvidenceError) -> CollateralContent {
        var all = old
        all.amdCertificates += content.amdCertificates
        all.endorsementAuthorities += content.endorsementAuthorities
        all.endorsementIntermediates += content.endorsementIntermediates
        all.amdRevocationLists = try Self.merge(content.amdRevocationLists, onto: old.amdRevocationLists)
        all.nvidiaRevocationLists = try Self.merge(content.nvidiaRevocationLists, onto: old.nvidiaRevocationLists)
        for list in content.references {
            all.references.removeAll { $0.purpose == list.purpose && $0.name == list.name }
            all.references.append(list)
        }
        for set in content.intel { all.intel = try IntelAssembly.merge(set, onto: all.intel) }
        var assembly = IntelAssembly(old: all.intel)
        for list in rootLists { try assembly.add(root: list) }
        for list in pckLists { try assembly.add(pck: list) }
        for statement in statements {
            let message = Array(statement.text.utf8)
            guard let chain = chains.first(where: { $0.key.holds(signature: statement.signature, over: message) })
            else {
                throw EvidenceError(
                    chains.isEmpty ? "collateral.import.intel" : "collateral.import.signature",
                    expected: "the certificate of who signed \(statement.id), and the exact text that was signed",
                    found: chains.isEmpty
                        ? "no certificates: keep the answer's headers, or give their chain in PEM"
                        : "certificates of others, or another text: keep the answer as it came")
            }
            try assembly.add(statement, chain.text)
        }
        all.intel = try assembly.result()
        return all
    }

    private static func merge(_ new: [[UInt8]], onto old: [[UInt8]]) throws(EvidenceError) -> [[UInt8]] {
        var all = old
        for der in new where !all.contains(der) {
            let list = try RevocationList(der: der)
            for present in try all.map(RevocationList.init(der:)) where present.issuer == list.issuer {
                try IntelAssembly.refuse(
                    list.thisUpdate < present.thisUpdate, "a revocation list", "\(list.thisUpdate)",
                    "\(present.thisUpdate)")
            }
            all.removeAll { (try? RevocationList(der: $0))?.issuer == list.issuer }
            all.append(der)
        }
        return all
    }
}
