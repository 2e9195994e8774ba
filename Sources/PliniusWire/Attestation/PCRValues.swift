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
