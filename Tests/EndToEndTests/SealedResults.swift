import Crypto
import Foundation
import Testing

/// A file of sealed results, read by its description and swift-crypto alone.
struct SealedResults {
    let bytes: [UInt8]
    let keys: SymmetricKey

    /// - Parameter key: Its owner's.
    init(_ bytes: [UInt8], key: [UInt8]) {
        self.bytes = bytes
        keys = SymmetricKey(data: key)
    }

    var id: [UInt8] { Array(bytes[16..<32]) }
    var count: Int { Int(integer(at: 32, of: 8)) }
    var outputs: Int { Int(integer(at: 40, of: 4)) }
    var cipher: Int { Int(bytes[44]) }
    var runID: String { hexadecimal(bytes[48..<64]) }
    var iteration: Int { Int(integer(at: 64, of: 8)) }
    var commit: Int { Int(integer(at: 72, of: 8)) }
    var configDigest: String { hexadecimal(bytes[112..<144]) }
    var datasetID: String { hexadecimal(bytes[144..<160]) }

    /// What the network put out for each image; throws what does not verify.
    func opened() throws -> [[Float]] {
        try #require(bytes.starts(with: Array("PLINPRED".utf8)) && integer(at: 8, of: 4) == 1)
        try #require(integer(at: 12, of: 4) == 256 && bytes[45..<48].allSatisfy { $0 == 0 })
        try #require(Array(bytes[176..<224]) == [UInt8](repeating: 0, count: 48))
        let check = derived("plinius/1/key-check", 16).withUnsafeBytes { Array($0) }
        guard check == Array(bytes[160..<176]) else { throw CocoaError(.fileReadCorruptFile) }
        try #require(
            HMAC<SHA256>.isValidAuthenticationCode(
                bytes[224..<256], authenticating: bytes[..<224], using: derived("plinius/1/predictions/header", 32)))
        let key = derived(
            "plinius/1/predictions/records/aes-\(cipher == 1 ? 128 : 256)-gcm", cipher == 1 ? 16 : 32)
        let length = outputs * 4 + 16
        try #require(bytes.count == 256 + count * length)
        return try (0..<count).map { index in
            let record = bytes[(256 + index * length)...].prefix(length)
            let number = withUnsafeBytes(of: UInt64(index).littleEndian) { Array($0) }
            let box = try AES.GCM.SealedBox(
                nonce: AES.GCM.Nonce(data: [0, 0, 0, 0] + number), ciphertext: record.dropLast(16),
                tag: record.suffix(16))
            let context =
                Array("plinius prediction".utf8) + id + number
                + withUnsafeBytes(of: UInt32(outputs).littleEndian) { Array($0) }
            let plain = Array(try AES.GCM.open(box, using: key, authenticating: context))
            return stride(from: 0, to: plain.count, by: 4).map { place in
                Float(bitPattern: plain[place..<place + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) })
            }
        }
    }

    private func derived(_ label: String, _ count: Int) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: keys, salt: id, info: Array(label.utf8), outputByteCount: count)
    }

    private func integer(at offset: Int, of width: Int) -> UInt64 {
        bytes[offset..<offset + width].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
