/// An element of GF(256), the field of AES (FIPS 197, section 4): bytes, added by XOR, multiplied modulo x⁸ + x⁴ + x³ + x + 1.
///
/// No operation branches on a value or looks it up in a table, so none takes a time that tells it.
public struct FieldElement: Hashable, Sendable {
    public var value: UInt8

    public init(_ value: UInt8) { self.value = value }

    public static let zero = FieldElement(0)
    public static let one = FieldElement(1)

    /// The sum, and the difference.
    public static func + (first: FieldElement, second: FieldElement) -> FieldElement {
        FieldElement(first.value ^ second.value)
    }

    public static func * (first: FieldElement, second: FieldElement) -> FieldElement {
        var (product, multiple) = (UInt8(0), first.value)
        for bit in 0..<8 as Range<UInt8> {
            product ^= multiple & mask(second.value >> bit)
            multiple = multiple << 1 ^ 0x1B & mask(multiple >> 7)
        }
        return FieldElement(product)
    }

    /// The element to multiply with for one; zero, which has none, gives zero.
    public var inverse: FieldElement {
        // The group has 255 elements: the power of 254 = 2 + 4 + … + 128.
        var (power, result) = (self, FieldElement.one)
        for _ in 1..<8 {
            power = power * power
            result = result * power
        }
        return result
    }

    /// All ones if the lowest bit is set.
    private static func mask(_ bits: UInt8) -> UInt8 { 0 &- (bits & 1) }
}
