import FoundationEssentials
import PliniusMirror
import PliniusSealing
import PliniusVerifier
import PliniusWire

/// The smallest inputs that are of use to begin with; most are accepted.
enum Seed {
    /// A certificate of Ed25519, signed by itself, and a list of it that revokes nothing.
    static let certificate = octets(
        [
            "3082012c3081dfa00302010202145ec8348794922ca751658715ecfeaa05d685ff78300506032b6570300c310a300806",
            "035504030c0161301e170d3236313132313138303135375a170d3336313131383138303135375a300c310a3008060355",
            "04030c0161302a300506032b6570032100933f593fb4963f79164d920e2a2f1a6f780977896e807aa1efb98267fa1aec",
            "dda3533051301d0603551d0e041604140de622a2815429634eb7d65a20e3f2dc5350ece8301f0603551d230418301680",
            "140de622a2815429634eb7d65a20e3f2dc5350ece8300f0603551d130101ff040530030101ff300506032b6570034100",
            "5790c302e0165151bc2c7a6def0a18585e622b43b6e360a5a3a7c0dfb79344ce15b6129cd2da05250b5d6401ec8a96ed",
            "6fa1f1c70cfb4d221a1c38fe276d300d",
        ].joined())

    static let revocationList = octets(
        [
            "3081923046020101300506032b6570300c310a300806035504030c0161170d3236313132313138303135385a170d3236",
            "313232313138303135385aa00e300c300a0603551d140403020101300506032b6570034100d6903bad0c24f4f7f7f289",
            "67ce3edab16506788e9b246f8ba10ba7f259b3bc13faa412d12bbd46bd53eeabd663012024d9063aeada894664ea05b1",
            "a9e651400b",
        ].joined())

    /// The same with the largest version that an integer holds, where v3 is meant.
    static let certificateOfHugeVersion =
        octets("308201333081e6a00a02087fffffffffffffff") + certificate.dropFirst(12)

    /// Of P-256 and of Ed25519.
    static let publicKeys = [
        octets("3059301306072a8648ce3d020106082a8648ce3d030107034200046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0")
            + octets("f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"),
        octets("302a300506032b6570032100933f593fb4963f79164d920e2a2f1a6f780977896e807aa1efb98267fa1aecdd"),
    ]

    static let ownerKey = KeyHierarchy(ownerKey: SecretBytes(zeros(32)))

    /// The header of one result of one number.
    static let results = PredictionsHeader(
        id: zeros(16), count: 1, outputs: 1, cipher: .aes256GCM, runID: zeros(16), iteration: 1,
        commit: CommitMark(sequence: 1, tag: zeros(32)), configDigest: zeros(32), datasetID: zeros(16),
        keyCheck: zeros(16)
    ).encoded(ownerKey)

    static func pem(_ der: [UInt8]) -> [UInt8] {
        let lines = Data(der).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
        return Array("-----BEGIN CERTIFICATE-----\n\(lines)\n-----END CERTIFICATE-----\n".utf8)
    }

    static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

    static func little(_ value: some FixedWidthInteger) -> [UInt8] {
        stride(from: 0, to: value.bitWidth, by: 8).map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    static func big(_ value: some FixedWidthInteger) -> [UInt8] { little(value).reversed() }
}
