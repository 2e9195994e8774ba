import FoundationEssentials
import PliniusVerifier

extension Seed {
    static let snpReport = [2] + zeros(1183)

    static let snpCertificates =
        octets("63da758de6644564adc5f4b93be8accd") + little(UInt32(48)) + little(UInt32(certificate.count)) + zeros(24)
        + certificate

    /// A quote of zeros with the lengths that it needs.
    static func quote(version: UInt16, tee: UInt32) -> [UInt8] {
        let header = little(version) + little(UInt16(2)) + little(tee) + zeros(40)
        let bodyByteCount = tee == 0 ? 384 : 584
        let description = version == 5 ? little(UInt16(tee == 0 ? 1 : 2)) + little(UInt32(bodyByteCount)) : []
        let chain = pem(certificate)
        let certified = zeros(384 + 64) + zeros(2) + little(UInt16(5)) + little(UInt32(chain.count)) + chain
        let wrapped = version > 3 ? little(UInt16(6)) + little(UInt32(certified.count)) + certified : certified
        return header + description + zeros(bodyByteCount) + little(UInt32(128 + wrapped.count)) + zeros(128) + wrapped
    }

    /// One measurement of two bytes, one field.
    static let nvidiaReport: [UInt8] = {
        let record: [UInt8] = [1, 1] + little(UInt16(5)) + [0] + little(UInt16(2)) + [7, 8]
        let fields = little(UInt16(3)) + little(UInt16(3)) + Array("1.0".utf8)
        return [0x11, 0xE0, 1, 0xFF] + zeros(33) + [0x11, 0x60, 0, 0, 1, UInt8(record.count), 0, 0] + record + zeros(32)
            + little(UInt16(fields.count)) + fields + zeros(96)
    }()

    static func nvidiaReports(_ samples: Samples) -> [[UInt8]] {
        struct Entry: Decodable { var evidence: Data }
        return samples.files("nvidia/hopper_evidence.json")
            .flatMap { (try? JSONDecoder().decode([Entry].self, from: Data($0))) ?? [] }.map { Array($0.evidence) }
    }

    static let intelCollateral: [UInt8] = {
        let collateral = IntelCollateral(
            rootRevocationList: revocationList, pckRevocationList: revocationList,
            tcbInfoIssuerChain: "chain", tcbInfo: "{}", tcbInfoSignature: zeros(64), qeIdentityIssuerChain: "chain",
            qeIdentity: "{}", qeIdentitySignature: zeros(64))
        return (try? Array(JSONEncoder().encode(collateral))) ?? []
    }()

    static func revocationLists(_ samples: Samples) -> [[UInt8]] {
        samples.files("sgx/quote-v3.collateral.json").compactMap { try? IntelCollateral(json: $0) }
            .flatMap { [$0.rootRevocationList, $0.pckRevocationList] }
    }

    /// TCB, PCEID and FMSPC behind their identifiers.
    static let pckExtension: [UInt8] = {
        func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
            [tag] + (content.count < 128 ? [UInt8(content.count)] : [0x82] + big(UInt16(content.count))) + content
        }
        func pair(_ path: [UInt8], _ value: [UInt8]) -> [UInt8] {
            element(0x30, element(6, octets("2a864886f84d010d01") + path) + value)
        }
        let components = (1...17).flatMap { pair([2, $0], element(2, [1])) }
        let tcb = components + pair([2, 18], element(4, zeros(16)))
        return element(
            0x30,
            pair([1], element(4, zeros(16))) + pair([2], element(0x30, tcb)) + pair([3], element(4, zeros(2)))
                + pair([4], element(4, zeros(6))))
    }()
}
