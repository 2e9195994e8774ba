/// What an owner asks of an enclave before any key is on its way: to prove itself, now.
///
/// When it stops to be of use is the owner's own affair, who made the nonce and remembers since when.
public struct Challenge: Hashable, Sendable, WireField {
    /// The version of the exchange that this build speaks.
    public static let currentVersion: UInt32 = 1

    /// A register bank of a TPM and the registers of it that a quote is to cover.
    public struct RegisterSelection: Hashable, Sendable, WireField {
        /// The hash function, by its number in the TCG algorithm registry.
        public var bank: UInt32 = 0
        /// The registers, by number; each once, ascending.
        public var registers: [UInt8] = []

        public init() {}

        public init(bank: UInt32, registers: [UInt8]) {
            self.bank = bank
            self.registers = registers
        }

        mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
            try visit(&bank)
            // A TPM of a PC has 24 registers.
            try visit.bytes(&registers, atMost: 24)
        }
    }

    public var version = currentVersion
    /// Fresh random bytes, ``RuntimeData/nonceByteCount`` of them.
    public var nonce: [UInt8] = []
    /// The platforms whose evidence is wanted, as ``Evidence/Kind`` numbers them; none leaves the choice to the enclave.
    public var wanted: [UInt8] = []
    /// What a TPM is to quote; none leaves the choice to the enclave.
    public var registers: [RegisterSelection] = []
    /// The entries of the IMA log that the owner has seen already and that may be left out.
    public var imaStart: UInt64 = 0
    /// Whether a TPM is to show first, by an ``Enrolment``, that it holds the key that quotes.
    public var enrols = false

    public init() {}

    public init(nonce: [UInt8]) { self.nonce = nonce }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&version)
        try visit.bytes(&nonce, atMost: RuntimeData.nonceByteCount)
        try visit.bytes(&wanted, atMost: 16)
        try visit(&registers)
        try visit(&imaStart)
        try visit(&enrols)
    }
}
