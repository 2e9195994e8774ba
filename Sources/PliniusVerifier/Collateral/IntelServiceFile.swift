import FoundationEssentials

/// A statement of Intel's as its Provisioning Certification Service answers with it: JSON with the text that was signed, and the signature
/// (Intel PCS API, version 4, `/tcb` and `/qe/identity`).
struct IntelServiceFile: Hashable {
    /// What a statement says of itself, before anybody believes it.
    struct Head: Decodable {
        /// `SGX` or `TDX` of TCB info, `QE` or `TD_QE` of an identity.
        var id: String
        /// The family of platforms; TCB info alone has one.
        var fmspc: IntelOctets?
        var issueDate: IntelTime
        var nextUpdate: IntelTime
        var tcbEvaluationDataNumber: Int

        /// - Throws: `intel.collateral.format`.
        init(text: String) throws(EvidenceError) {
            do {
                self = try JSONDecoder().decode(Self.self, from: Data(text.utf8))
            } catch {
                throw EvidenceError(
                    "intel.collateral.format", expected: "a statement as Intel's service writes it", found: "\(error)")
            }
        }
    }

    private struct Envelope: Decodable {
        var tcbInfo: Head?
        var enclaveIdentity: Head?
        var signature: IntelOctets?
    }

    /// The exact text that was signed.
    let text: String
    /// r ‖ s.
    let signature: [UInt8]
    let id: String
    let family: [UInt8]
    let evaluationNumber: Int
    let issued: Instant

    /// Identities are of no family.
    var isIdentity: Bool { family.isEmpty }
    var isNewer: (Int, Int64) { (evaluationNumber, issued.seconds) }

    /// A statement out of a whole set.
    init(text: String, signature: [UInt8]) throws(EvidenceError) {
        let head = try Head(text: text)
        self.text = text
        self.signature = signature
        id = head.id
        family = head.fmspc?.bytes ?? []
        evaluationNumber = head.tcbEvaluationDataNumber
        issued = head.issueDate.instant
    }

    /// Reads an answer's body; `nil` if it is JSON of another kind.
    /// - Throws: `intel.collateral.format`.
    init?(json: [UInt8]) throws(EvidenceError) {
        guard json.count <= IntelCollateral.maximumTextByteCount,
            let envelope = try? JSONDecoder().decode(Envelope.self, from: Data(json)),
            let name = envelope.tcbInfo != nil ? "tcbInfo" : envelope.enclaveIdentity != nil ? "enclaveIdentity" : nil
        else { return nil }
        guard let member = Self.member(name, of: json), let text = String(validating: member, as: UTF8.self),
            let signature = envelope.signature?.bytes, signature.count == 64
        else {
            throw EvidenceError(
                "intel.collateral.format", expected: "\(name) and a signature of 64 bytes in hexadecimal digits",
                found: "\(envelope.signature?.bytes.count ?? 0) bytes of signature")
        }
        try self.init(text: text, signature: signature)
    }

    /// The exact bytes of an object's member, as they were signed.
    ///
    /// The bytes are JSON; only strings and brackets have to be told apart.
    private static func member(_ name: String, of json: [UInt8]) -> ArraySlice<UInt8>? {
        var depth = 0
        var start: Int?
        var string: Int?
        var lastString: Range<Int>?
        var isEscaped = false
        for (index, byte) in json.enumerated() {
            if let begin = string {
                if !isEscaped, byte == UInt8(ascii: "\"") {
                    lastString = begin + 1..<index
                    string = nil
                }
                isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): string = index
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                if depth == 1, start == nil, let key = lastString, json[key].elementsEqual(name.utf8) { start = index }
                depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 1, let start { return json[start...index] }
            default: break
            }
        }
        return nil
    }
}
