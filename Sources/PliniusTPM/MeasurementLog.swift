package import PliniusWire
internal import _PliniusSupport

/// The binary log of Linux's integrity measurement architecture, whose entries a register of the TPM adds up.
package enum MeasurementLog {
    /// The parts of evidence that hold a log without its first entries.
    /// - Throws: `AttestationError` if the log has fewer.
    package static func parts(of log: [UInt8], from first: UInt64) throws(AttestationError) -> [String: [UInt8]] {
        var reader = ByteReader(log)
        do throws(TruncatedInput) {
            for _ in 0..<first { try skipEntry(&reader) }
        } catch {
            throw AttestationError(
                "IMA: the log ends before entry \(first), which the verifier is to have seen: was there a boot since?")
        }
        var start = ByteWriter()
        start.write(first)
        return ["ima-log": Array(log.suffix(reader.remaining)), "ima-start": start.bytes]
    }

    /// PCR (4), template digest (20), the template's name; its data, which in the oldest template has no length of its own.
    private static func skipEntry(_ reader: inout ByteReader) throws(TruncatedInput) {
        _ = try reader.readBytes(24)
        let name = try reader.readBytes(Int(try reader.read(UInt32.self)))
        if name == Array("ima".utf8) { _ = try reader.readBytes(20) }
        _ = try reader.readBytes(Int(try reader.read(UInt32.self)))
    }
}
