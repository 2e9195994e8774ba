/// The public operation of RSA alone, for a padding that swift-crypto does not have: its OAEP takes no label.
///
/// The base is secret here. Time and memory accesses depend on the lengths and on the exponent, which are public, and on nothing else.
package enum ModularPower {
    /// base^exponent mod modulus by Montgomery's multiplication; `nil` unless the modulus is odd, longer than a byte, and larger than the base.
    ///
    /// - Parameters:
    ///   - base: Big-endian, as long as the modulus.
    ///   - modulus: Big-endian, its first byte not 0.
    /// - Returns: As many bytes as the modulus has.
    /// - Complexity: O(*n*²) for *n* words of the modulus, times the exponent's bits.
    package static func power(_ base: [UInt8], _ exponent: UInt32, modulus: [UInt8]) -> [UInt8]? {
        guard modulus.count > 1, modulus[0] != 0, modulus[modulus.count - 1] & 1 == 1, base.count == modulus.count,
            base.lexicographicallyPrecedes(modulus), exponent > 0
        else { return nil }
        let field = Field(modulus: words(modulus))
        let montgomeryBase = field.multiply(words(base), field.square)
        var result = montgomeryBase
        for bit in (0..<31 - exponent.leadingZeroBitCount).reversed() {
            result = field.multiply(result, result)
            if exponent >> bit & 1 == 1 { result = field.multiply(result, montgomeryBase) }
        }
        var one = [UInt64](repeating: 0, count: result.count)
        one[0] = 1
        return bytes(field.multiply(result, one), count: modulus.count)
    }

    /// The least significant word first.
    private static func words(_ bytes: [UInt8]) -> [UInt64] {
        stride(from: bytes.count, to: 0, by: -8).map { end in
            bytes[max(0, end - 8)..<end].reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    private static func bytes(_ words: [UInt64], count: Int) -> [UInt8] {
        (0..<count).reversed().map { UInt8(truncatingIfNeeded: words[$0 / 8] >> (8 * ($0 % 8))) }
    }

    /// The residues of an odd modulus.
    private struct Field {
        let modulus: [UInt64]
        /// -1 / modulus, modulo 2^64.
        let inverse: UInt64
        /// R² modulo the modulus, for R = 2^64 to the number of words.
        private(set) var square: [UInt64]

        init(modulus: [UInt64]) {
            self.modulus = modulus
            // Newton's iteration doubles the bits that are right, from the three that an odd number is its own inverse in.
            let inverse = (0..<5).reduce(modulus[0]) { inverse, _ in inverse &* (2 &- modulus[0] &* inverse) }
            self.inverse = 0 &- inverse
            square = [UInt64](repeating: 0, count: modulus.count)
            square[0] = 1
            for _ in 0..<128 * modulus.count { square = doubled(square) }
        }

        private func doubled(_ value: [UInt64]) -> [UInt64] {
            var result = value
            var carry: UInt64 = 0
            for index in result.indices {
                let next = result[index] >> 63
                result[index] = result[index] << 1 | carry
                carry = next
            }
            return reduced(result, carry)
        }

        /// Subtracts the modulus once from {carry, value} if that is not less, without a branch.
        private func reduced(_ value: [UInt64], _ carry: UInt64) -> [UInt64] {
            var difference = value
            var borrow: UInt64 = 0
            for index in value.indices {
                let (first, isLess) = value[index].subtractingReportingOverflow(modulus[index])
                let (second, isStillLess) = first.subtractingReportingOverflow(borrow)
                difference[index] = second
                borrow = (isLess ? 1 : 0) | (isStillLess ? 1 : 0)
            }
            let keepsValue: UInt64 = 0 &- (borrow & ~carry & 1)
            return value.indices.map { value[$0] & keepsValue | difference[$0] & ~keepsValue }
        }

        /// first · second / R modulo the modulus.
        func multiply(_ first: [UInt64], _ second: [UInt64]) -> [UInt64] {
            let count = modulus.count
            var sum = [UInt64](repeating: 0, count: count + 2)
            for word in second {
                accumulate(first, word, into: &sum)
                accumulate(modulus, sum[0] &* inverse, into: &sum)
                // The lowest word is 0 now.
                for index in 0...count { sum[index] = sum[index + 1] }
                sum[count + 1] = 0
            }
            return reduced(Array(sum[..<count]), sum[count])
        }

        private func accumulate(_ factor: [UInt64], _ word: UInt64, into sum: inout [UInt64]) {
            var carry: UInt64 = 0
            for index in factor.indices {
                let product = factor[index].multipliedFullWidth(by: word)
                let (first, firstCarry) = sum[index].addingReportingOverflow(product.low)
                let (second, secondCarry) = first.addingReportingOverflow(carry)
                sum[index] = second
                carry = product.high &+ (firstCarry ? 1 : 0) &+ (secondCarry ? 1 : 0)
            }
            let (top, topCarry) = sum[factor.count].addingReportingOverflow(carry)
            sum[factor.count] = top
            sum[factor.count + 1] &+= topCarry ? 1 : 0
        }
    }
}
