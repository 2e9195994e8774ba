import _PliniusSupport

/// The values of a TPM's platform configuration registers: part `pcrs` of evidence.
///
/// On the wire each is {bank, `UInt16`, little-endian; index, `UInt8`; length, `UInt8`; bytes}, in ascending order of bank and index, each
/// register once: there is one encoding of the same values. A quote's digest of them says whether they are true.
public struct PCRValues: Hashable, Sendable {
    /// One register of one bank.
    public struct Register: Hashable, Comparable, Sendable {
        /// The bank's hash, by its number in the TCG algorithm registry: 0x000B for SHA-256.
        public var bank: UInt16
        public var index: UInt8

        public init(bank: UInt16, index: UInt8) {
            self.bank = bank
            self.index = index
        }

        public static func < (first: Register, second: Register) -> Bool {
            (first.bank, first.index) < (second.bank, second.index)
        }
    }

    /// No digest of the TCG algorithm registry is longer.
    public static let maximumByteCount = 64

    /// Each at most ``maximumByteCount`` long.
    public var values: [Register: [UInt8]]

    public init(_ values: [Register: [UInt8]] = [:]) { self.values = values }

    /// Decodes a part of evidence, to its last byte.
    /// - Throws: `WireError` with `malformed` or `oversized`.
    public init(decoding bytes: [UInt8]) throws(WireError) {
        values = [:]
        var reader = ByteReader(bytes)
        var last: Register?
        while reader.remaining > 0 {
            let (register, value) = try Self.read(from: &reader)
            guard last.map({ $0 < register }) ?? true else {
                throw WireError(.malformed, "PCR \(register.index) is not in ascending order, or there twice")
            }
            values[register] = value
            last = register
        }
    }

    private static func read(from reader: inout ByteReader) throws(WireError) -> (Register, [UInt8]) {
        let register: Register
        let value: [UInt8]
        do throws(TruncatedInput) {
            register = Register(bank: try reader.read(), index: try reader.read())
            value = try reader.readBytes(Int(try reader.read(UInt8.self)))
        } catch {
            throw WireError(.malformed, "PCR values are cut short: \(error)")
        }
        guard value.count <= maximumByteCount else {
            throw WireError(.oversized, "PCR \(register.index) has \(value.count) bytes, no digest is that long")
        }
        return (register, value)
    }

    /// The bytes of the part.
    public var encoded: [UInt8] {
        var writer = ByteWriter()
        for (register, value) in values.sorted(by: { $0.key < $1.key }) {
            precondition(value.count <= Self.maximumByteCount, "PCR \(register.index) has \(value.count) bytes")
            writer.write(register.bank)
            writer.write(register.index)
            writer.write(UInt8(value.count))
            writer.write(bytes: value)
        }
        return writer.bytes
    }
}
