/// A GPU's measurements, as it answered a request for them: request and response, before anybody believes them.
///
/// The messages are GET_MEASUREMENTS and MEASUREMENTS of SPDM 1.1 (DMTF DSP0274, 10.11), in little-endian order; the opaque data are
/// NVIDIA's own list of type, length and value.
package struct NVIDIAReport: Sendable {
    /// The longest report that is read, in bytes.
    package static let byteLimit = 64 << 10

    /// What the one who asked chose, 32 bytes.
    package let nonce: [UInt8]
    /// The measurements, by their index from 1.
    package let measurements: [Int: [UInt8]]
    /// NVIDIA's data, by their type.
    package let opaque: [UInt16: [UInt8]]
    /// What the signature covers: the request, and the response up to the signature.
    package let signedBytes: [UInt8]
    /// r ‖ s, 48 bytes each, big-endian.
    package let signature: [UInt8]

    /// - Throws: `nvidia.report.format`.
    package init(_ bytes: [UInt8]) throws(EvidenceError) {
        let format = "nvidia.report.format"
        guard bytes.count <= Self.byteLimit else {
            throw EvidenceError(format, expected: "at most \(Self.byteLimit) bytes", found: "\(bytes.count) bytes")
        }
        var cursor = ByteCursor(bytes, format: format)
        let request = try cursor.bytes(4)
        guard request[0...1] == [0x11, 0xE0], request[2] & 1 == 1 else {
            throw EvidenceError(
                format, expected: "a request for signed measurements (SPDM 1.1)", found: hexadecimal(request))
        }
        nonce = try cursor.bytes(32)
        _ = try cursor.bytes(1)
        let response = try cursor.bytes(4)
        guard response[0...1] == [0x11, 0x60] else {
            throw EvidenceError(format, expected: "measurements (SPDM 1.1)", found: hexadecimal(response))
        }
        let count = Int(try cursor.bytes(1)[0])
        let recordCount = try cursor.bytes(3).reversed().reduce(0) { $0 << 8 | Int($1) }
        measurements = try Self.measurements(try cursor.bytes(recordCount), count: count, format)
        _ = try cursor.bytes(32)
        opaque = try Self.opaque(try cursor.bytes(Int(try cursor.little(UInt16.self))), format)
        signedBytes = Array(bytes.prefix(cursor.offset))
        signature = try cursor.bytes(96)
        try cursor.finish()
    }

    private static func measurements(
        _ record: [UInt8], count: Int, _ format: String
    ) throws(EvidenceError) -> [Int: [UInt8]] {
        var cursor = ByteCursor(record, format: format)
        var measurements: [Int: [UInt8]] = [:]
        for _ in 0..<count {
            let header = try cursor.bytes(2)
            let index = Int(header[0])
            var block = ByteCursor(try cursor.bytes(Int(try cursor.little(UInt16.self))), format: format)
            guard header[1] == 1, measurements[index] == nil else {
                throw EvidenceError(
                    format, expected: "each measurement once, in DMTF's form",
                    found: "measurement \(index) of form \(header[1]), or again")
            }
            _ = try block.bytes(1)
            measurements[index] = try block.bytes(Int(try block.little(UInt16.self)))
            try block.finish()
        }
        try cursor.finish()
        return measurements
    }

    private static func opaque(_ bytes: [UInt8], _ format: String) throws(EvidenceError) -> [UInt16: [UInt8]] {
        var cursor = ByteCursor(bytes, format: format)
        var fields: [UInt16: [UInt8]] = [:]
        while cursor.remaining > 0 {
            let type: UInt16 = try cursor.little()
            let value = try cursor.bytes(Int(try cursor.little(UInt16.self)))
            guard fields.updateValue(value, forKey: type) == nil else {
                throw EvidenceError(format, expected: "each field once", found: "field \(type) again")
            }
        }
        return fields
    }

    /// The driver's version, as text; `nil` if the report has none.
    package var driverVersion: String? {
        opaque[3].map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// The version of the firmware in the card's flash memory, as `nvidia-smi` shows it: `96.00.A5.00.01`.
    package var vbiosVersion: String? {
        guard let bytes = opaque[6], bytes.count == 8 else { return nil }
        return [bytes[3], bytes[2], bytes[1], bytes[0], bytes[4]]
            .map { hexadecimal([$0]).uppercased() }.joined(separator: ".")
    }

    /// The digest of the firmware that the leaf certificate was made for.
    package var firmwareID: [UInt8]? { opaque[20] }

    /// The nonce that binds a GPU to an enclave: SHA-256("plinius/1/gpu" ‖ SHA-512(runtime data)).
    package static func nonce(runtimeData: [UInt8]) -> [UInt8] {
        HashAlgorithm.sha256.hash(Array("plinius/1/gpu".utf8) + HashAlgorithm.sha512.hash(runtimeData))
    }
}
