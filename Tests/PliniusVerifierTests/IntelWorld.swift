import Crypto
import PliniusVerifier

/// A maker of processors with keys of its own: platforms, quotes and statements on them, each of which a test can change before it is
/// signed.
struct IntelWorld {
    static let now = Instant(seconds: 1_751_328_000)

    typealias Key = P256.Signing.PrivateKey

    /// A certificate before it is signed.
    struct Certificate {
        var commonName: String
        var issuer: String
        var key = Key()
        var serial: [UInt8]
        var notBefore = "240101000000Z"
        var notAfter = "340101000000Z"
        var isAuthority = false
        var extensions: [[UInt8]] = []
    }

    struct Level {
        var sgx: [UInt8] = Array(repeating: 5, count: 16)
        var pceSVN = 10
        var tdx: [UInt8] = [5, 0, 3] + Array(repeating: 0, count: 13)
        var status = "UpToDate"
        var advisories: [String] = []
    }

    struct SVNLevel {
        var svn = 1
        var status = "UpToDate"
        var advisories: [String] = []
    }

    struct Module {
        var id = "TDX_01"
        var mrsigner = [UInt8](repeating: 0, count: 48)
        var attributes = [UInt8](repeating: 0, count: 8)
        var levels = [SVNLevel(svn: 5)]
    }

    /// When a statement is valid.
    struct Window {
        var issueDate = "2025-06-15T00:00:00Z"
        var nextUpdate = "2025-07-15T00:00:00Z"
    }

    let tee: IntelTEE
    var version: UInt16
    var bodyType: UInt16

    // The platform.
    var root = Certificate(commonName: "Intel SGX Root CA", issuer: "Intel SGX Root CA", serial: [1], isAuthority: true)
    var authority = Certificate(
        commonName: "Intel SGX PCK Platform CA", issuer: "Intel SGX Root CA", serial: [2], isAuthority: true)
    var pck = Certificate(commonName: "Intel SGX PCK Certificate", issuer: "Intel SGX PCK Platform CA", serial: [3])
    var ppid = [UInt8](repeating: 6, count: 16)
    var fmspc: [UInt8] = [0x00, 0x90, 0x6E, 0xD5, 0x00, 0x01]
    var pceID: [UInt8] = [0, 0]
    var components = [UInt8](repeating: 5, count: 16)
    var pceSVN: UInt16 = 10
    var hasExtension = true
    /// Who signed the authority's certificate, if not the root.
    var foreignRoot: Key?

    // The quote.
    var vendorID: [UInt8] = [
        0x93, 0x9A, 0x72, 0x33, 0xF7, 0x9C, 0x4C, 0xA9, 0x94, 0x0A, 0x0D, 0xB3, 0x95, 0x7F, 0x06, 0x07,
    ]
    var attestationKey = Key()
    var body: [UInt8]
    var qeMRSigner = [UInt8](repeating: 0x77, count: 32)
    var qeProductID: UInt16 = 1
    var qeSVN: UInt16 = 4
    var qeAttributes: [UInt8] = [0x15, 0, 0, 0, 0, 0, 0, 0, 0xE7, 0, 0, 0, 0, 0, 0, 0]
    var qeMiscSelect: [UInt8] = [0, 0, 0, 0]
    var authenticationData: [UInt8] = Array(0..<32)
    /// What stands behind the digest of the quote's key in the quoting enclave's report.
    var qeReportEnd = [UInt8](repeating: 0, count: 32)
    var padding: [UInt8] = []

    // The statements.
    var signer = Certificate(commonName: "Intel SGX TCB Signing", issuer: "Intel SGX Root CA", serial: [4])
    var rootRevoked: [[UInt8]] = []
    var pckRevoked: [[UInt8]] = []
    var revocationWindow = ("250615000000Z", "250715000000Z")
    var infoID: String
    var infoVersion = 3
    var infoWindow = Window()
    var infoFMSPC: [UInt8]?
    var infoPCEID: [UInt8]?
    var infoEvaluation = 17
    var levels = [Level()]
    var module: Module? = Module(id: "")
    var modules = [Module()]
    var identityID: String
    var identityVersion = 2
    var identityWindow = Window()
    var identityEvaluation = 17
    var identityLevels = [SVNLevel(svn: 4)]
    var identityMRSigner = [UInt8](repeating: 0x77, count: 32)
    var identityMiscSelect: [UInt8] = [0, 0, 0, 0]

    init(_ tee: IntelTEE, version: UInt16, bodyType: UInt16 = 0) {
        self.tee = tee
        self.version = version
        self.bodyType = version == 5 && bodyType == 0 ? (tee == .sgx ? 1 : 2) : bodyType
        infoID = tee == .sgx ? "SGX" : "TDX"
        identityID = tee == .sgx ? "QE" : "TD_QE"
        switch tee {
        case .sgx:
            body = [UInt8](repeating: 0, count: 384)
            body.replaceSubrange(0..<16, with: repeatElement(5, count: 16))
            body[48] = 0x05
            body.replaceSubrange(64..<96, with: repeatElement(0xE0, count: 32))
            body.replaceSubrange(128..<160, with: repeatElement(0x51, count: 32))
            body[256] = 7
            body[258] = 3
        case .tdx:
            body = [UInt8](repeating: 0, count: self.bodyType == 3 ? 648 : 584)
            body[0] = 5
            body[2] = 3
            body[0x7B] = 0x10
            body.replaceSubrange(0x88..<0xB8, with: repeatElement(0xD0, count: 48))
            if self.bodyType == 3 { body.replaceSubrange(584..<600, with: body[0..<16]) }
        }
    }

    // MARK: Evidence

    var header: [UInt8] {
        Self.little(version) + Self.little(2) + Self.little(tee == .sgx ? 0 : 0x81) + [0, 0] + [0, 0, 0, 0] + vendorID
            + [UInt8](repeating: 9, count: 20)
    }

    /// What version 5 says of the body.
    var description: [UInt8] {
        version == 5 ? Self.little(bodyType) + Self.little(UInt16(body.count)) + [0, 0] : []
    }

    var signedByteCount: Int { header.count + description.count + body.count }

    var qeReport: [UInt8] {
        var report = [UInt8](repeating: 0, count: 384)
        report.replaceSubrange(16..<20, with: qeMiscSelect)
        report.replaceSubrange(48..<64, with: qeAttributes)
        report.replaceSubrange(128..<160, with: qeMRSigner)
        report.replaceSubrange(256..<258, with: Self.little(qeProductID))
        report.replaceSubrange(258..<260, with: Self.little(qeSVN))
        let binding = SHA256.hash(data: attestationKey.publicKey.rawRepresentation + authenticationData)
        report.replaceSubrange(320..<384, with: Array(binding) + qeReportEnd)
        return report
    }

    var quote: [UInt8] {
        let signed = header + description + body
        var above = root
        above.key = foreignRoot ?? root.key
        let chain = Array((pem(pck, authority) + pem(authority, above) + pem(root, root)).utf8)
        var enclave = qeReport
        enclave += Self.signature(pck.key, enclave) + Self.little(UInt16(authenticationData.count)) + authenticationData
        enclave += Self.little(5) + Self.little(UInt16(chain.count)) + [0, 0] + chain
        if version > 3 { enclave = Self.little(6) + Self.little(UInt16(enclave.count)) + [0, 0] + enclave }
        let tail = Self.signature(attestationKey, signed) + Array(attestationKey.publicKey.rawRepresentation) + enclave
        return signed + Self.little(UInt16(tail.count)) + [0, 0] + tail + padding
    }

    var anchors: TrustAnchors {
        var anchors = TrustAnchors()
        anchors.intel = [der(root, root)]
        return anchors
    }

    // MARK: Statements

    var tcbInfo: String {
        func components(_ svns: [UInt8]) -> String {
            "[" + svns.map { #"{"svn":\#($0)}"# }.joined(separator: ",") + "]"
        }
        let levels = levels.map { level in
            let tdx = tee == .tdx ? #","tdxtcbcomponents":\#(components(level.tdx))"# : ""
            return #"{"tcb":{"sgxtcbcomponents":\#(components(level.sgx)),"pcesvn":\#(level.pceSVN)\#(tdx)},"#
                + #""tcbDate":"2024-03-13T00:00:00Z","tcbStatus":"\#(level.status)""#
                + #","advisoryIDs":\#(Self.list(level.advisories))}"#
        }
        func fields(_ module: Module) -> String {
            #""mrsigner":"\#(Self.hex(module.mrsigner))","attributes":"\#(Self.hex(module.attributes))","#
                + #""attributesMask":"FFFFFFFFFFFFFFFF""#
        }
        let modules = modules.map {
            #"{"id":"\#($0.id)",\#(fields($0)),"tcbLevels":\#(Self.levels($0.levels))}"#
        }
        let tdx =
            tee == .tdx
            ? (module.map { #""tdxModule":{\#(fields($0))},"# } ?? "")
                + #""tdxModuleIdentities":[\#(modules.joined(separator: ","))],"# : ""
        return #"{"id":"\#(infoID)","version":\#(infoVersion),"issueDate":"\#(infoWindow.issueDate)","#
            + #""nextUpdate":"\#(infoWindow.nextUpdate)","fmspc":"\#(Self.hex(infoFMSPC ?? fmspc))","#
            + #""pceId":"\#(Self.hex(infoPCEID ?? pceID))","tcbType":0,"tcbEvaluationDataNumber":\#(infoEvaluation),"#
            + tdx + #""tcbLevels":[\#(levels.joined(separator: ","))]}"#
    }

    var qeIdentity: String {
        #"{"id":"\#(identityID)","version":\#(identityVersion),"issueDate":"\#(identityWindow.issueDate)","#
            + #""nextUpdate":"\#(identityWindow.nextUpdate)","tcbEvaluationDataNumber":\#(identityEvaluation),"#
            + #""miscselect":"\#(Self.hex(identityMiscSelect))","miscselectMask":"FFFFFFFF","#
            + #""attributes":"11000000000000000000000000000000","#
            + #""attributesMask":"FBFFFFFFFFFFFFFF0000000000000000","mrsigner":"\#(Self.hex(identityMRSigner))","#
            + #""isvprodid":1,"tcbLevels":\#(Self.levels(identityLevels))}"#
    }

    var collateral: IntelCollateral {
        let chain = pem(signer, root) + pem(root, root)
        return IntelCollateral(
            rootRevocationList: revocationList(root, rootRevoked),
            pckRevocationList: revocationList(authority, pckRevoked), tcbInfoIssuerChain: chain, tcbInfo: tcbInfo,
            tcbInfoSignature: Self.signature(signer.key, Array(tcbInfo.utf8)), qeIdentityIssuerChain: chain,
            qeIdentity: qeIdentity, qeIdentitySignature: Self.signature(signer.key, Array(qeIdentity.utf8)))
    }

    private static func levels(_ levels: [SVNLevel]) -> String {
        "["
            + levels.map {
                #"{"tcb":{"isvsvn":\#($0.svn)},"tcbDate":"2024-03-13T00:00:00Z","tcbStatus":"\#($0.status)","#
                    + #""advisoryIDs":\#(list($0.advisories))}"#
            }.joined(separator: ",") + "]"
    }

    private static func list(_ texts: [String]) -> String {
        "[" + texts.map { "\"\($0)\"" }.joined(separator: ",") + "]"
    }

    static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined()
    }

    // MARK: Certificates

    static func signature(_ key: Key, _ message: [UInt8]) -> [UInt8] {
        // Signing with P-256 fails for no key and no message.
        (try? key.signature(for: message)).map { Array($0.rawRepresentation) } ?? []
    }

    func der(_ certificate: Certificate, _ issuer: Certificate) -> [UInt8] {
        var extensions = certificate.extensions
        let constraints = certificate.isAuthority ? DER.sequence(DER.tagged(1, [0xFF])) : DER.sequence()
        extensions.append(DER.extension("2.5.29.19", isCritical: true, constraints))
        extensions.append(
            DER.extension("2.5.29.15", isCritical: true, DER.tagged(3, certificate.isAuthority ? [1, 6] : [6, 0xC0])))
        if certificate.serial == pck.serial && hasExtension { extensions.append(platformExtension) }
        let body = DER.sequence(
            DER.tagged(0xA0, DER.integer([2])), DER.integer(certificate.serial), DER.ecdsaSHA256,
            DER.name(certificate.issuer),
            DER.sequence(
                DER.tagged(0x17, Array(certificate.notBefore.utf8)), DER.tagged(0x17, Array(certificate.notAfter.utf8))),
            DER.name(certificate.commonName), Array(certificate.key.publicKey.derRepresentation),
            DER.tagged(0xA3, DER.sequence(extensions.flatMap { $0 })))
        return Self.signed(body, issuer.key)
    }

    func revocationList(_ issuer: Certificate, _ revoked: [[UInt8]]) -> [UInt8] {
        let entries = revoked.map { DER.sequence(DER.integer($0), DER.tagged(0x17, Array("250601000000Z".utf8))) }
        let number = DER.extension("2.5.29.20", isCritical: false, DER.integer([1]))
        let body = DER.sequence(
            DER.integer([1]), DER.ecdsaSHA256, DER.name(issuer.commonName),
            DER.tagged(0x17, Array(revocationWindow.0.utf8)), DER.tagged(0x17, Array(revocationWindow.1.utf8)),
            entries.isEmpty ? [] : DER.sequence(entries.flatMap { $0 }), DER.tagged(0xA0, DER.sequence(number)))
        return Self.signed(body, issuer.key)
    }

    private static func signed(_ body: [UInt8], _ key: Key) -> [UInt8] {
        let signature = (try? key.signature(for: body)).map { Array($0.derRepresentation) } ?? []
        return DER.sequence(body, DER.ecdsaSHA256, DER.tagged(3, [0] + signature))
    }

    func pem(_ certificate: Certificate, _ issuer: Certificate) -> String {
        Self.pem(der(certificate, issuer), "CERTIFICATE")
    }

    static func pem(_ der: [UInt8], _ label: String) -> String {
        var text = base64(der)[...]
        var lines: [Substring] = []
        while !text.isEmpty {
            lines.append(text.prefix(64))
            text = text.dropFirst(64)
        }
        return "-----BEGIN \(label)-----\n\(lines.joined(separator: "\n"))\n-----END \(label)-----\n"
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        var text = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for index in 0..<4 {
                text.append(index <= group.count ? letters[bits >> (18 - 6 * index) & 63] : "=")
            }
        }
        return text
    }

    private var platformExtension: [UInt8] {
        let base = "1.2.840.113741.1.13.1"
        func field(_ path: String, _ value: [UInt8]) -> [UInt8] {
            DER.sequence(DER.identifier("\(base).\(path)"), value)
        }
        let svns = components.enumerated().flatMap { field("2.\($0 + 1)", DER.integer([$1])) }
        let tcb = DER.sequence(
            svns + field("2.17", DER.integer([UInt8(pceSVN >> 8), UInt8(pceSVN & 0xFF)]))
                + field("2.18", DER.tagged(4, components)))
        return DER.extension(
            base, isCritical: false,
            DER.sequence(
                field("1", DER.tagged(4, ppid)) + field("2", tcb)
                    + field("3", DER.tagged(4, pceID)) + field("4", DER.tagged(4, fmspc))
                    + field("5", DER.tagged(10, [0]))))
    }

    static func little(_ number: UInt16) -> [UInt8] { [UInt8(number & 0xFF), UInt8(number >> 8)] }

    /// Just enough of the distinguished encoding rules.
    enum DER {
        static var ecdsaSHA256: [UInt8] { sequence(identifier("1.2.840.10045.4.3.2")) }

        static func tagged(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
            switch content.count {
            case ..<128: [tag, UInt8(content.count)] + content
            case ..<256: [tag, 0x81, UInt8(content.count)] + content
            default: [tag, 0x82, UInt8(content.count >> 8), UInt8(content.count & 0xFF)] + content
            }
        }

        static func sequence(_ parts: [UInt8]...) -> [UInt8] { tagged(0x30, parts.flatMap { $0 }) }

        /// A number that is not negative, from its bytes, highest first.
        static func integer(_ bytes: [UInt8]) -> [UInt8] {
            var rest = Array(bytes.drop { $0 == 0 })
            if rest.first ?? 0x80 >= 0x80 { rest.insert(0, at: 0) }
            return tagged(2, rest)
        }

        static func identifier(_ text: String) -> [UInt8] {
            let numbers = text.split(separator: ".").compactMap { UInt($0) }
            let joined = [numbers[0] * 40 + numbers[1]] + numbers.dropFirst(2)
            return tagged(
                6,
                joined.flatMap { number in
                    var groups = [UInt8(number & 0x7F)]
                    var rest = number >> 7
                    while rest > 0 {
                        groups.insert(UInt8(rest & 0x7F) | 0x80, at: 0)
                        rest >>= 7
                    }
                    return groups
                })
        }

        static func name(_ commonName: String) -> [UInt8] {
            let attribute = sequence(identifier("2.5.4.3"), tagged(0x0C, Array(commonName.utf8)))
            return sequence(tagged(0x31, attribute))
        }

        static func `extension`(_ identifier: String, isCritical: Bool, _ value: [UInt8]) -> [UInt8] {
            sequence(self.identifier(identifier), isCritical ? tagged(1, [0xFF]) : [], tagged(4, value))
        }
    }
}
