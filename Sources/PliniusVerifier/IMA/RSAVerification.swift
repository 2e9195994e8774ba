/// RSASSA-PKCS1-v1_5 over a digest that is all there is of the message (RFC 8017, section 8.2.2); swift-crypto verifies messages alone.
///
/// All of its numbers are public, so that its time tells nothing.
struct RSAVerification {
    /// Least significant word first.
    private let modulus: [UInt64]
    private let exponent: [UInt8]
    private let byteCount: Int
    /// −modulus⁻¹ modulo 2⁶⁴.
    private let inverse: UInt64

    /// Takes both numbers with their most significant byte first; `nil` for a modulus that is even or none.
    init?(modulus: [UInt8], exponent: [UInt8]) {
        let modulus = Array(modulus.drop { $0 == 0 })
        guard modulus.count >= 64, let last = modulus.last, last & 1 == 1 else { return nil }
        byteCount = modulus.count
        self.exponent = Array(exponent.drop { $0 == 0 })
        self.modulus = Self.words(modulus)
        // Newton's iteration doubles the number of right bits.
        let low = self.modulus[0]
        var inverse: UInt64 = 1
        for _ in 0..<6 { inverse &*= 2 &- low &* inverse }
        self.inverse = 0 &- inverse
    }

    /// Whether the signature is the one that the key's owner makes for this digest.
    func isValid(_ signature: [UInt8], _ digest: [UInt8], _ hash: HashAlgorithm) -> Bool {
        guard signature.count == byteCount, digest.count == hash.byteCount, !exponent.isEmpty,
            let prefix = Self.digestInfo[hash]
        else { return false }
        let encoded = prefix + digest
        let paddingCount = byteCount - encoded.count - 3
        guard paddingCount >= 8 else { return false }
        let expected = [0, 1] + [UInt8](repeating: 0xFF, count: paddingCount) + [0] + encoded
        let number = Self.words(signature)
        guard Self.isLess(number, modulus) else { return false }
        return bytes(power(number)) == expected
    }

    /// DigestInfo up to the digest (RFC 8017, section 9.2, note 1).
    private static let digestInfo: [HashAlgorithm: [UInt8]] = [
        .sha256: [0x30, 0x31, 0x30, 0x0D, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20],
        .sha384: [0x30, 0x41, 0x30, 0x0D, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2, 5, 0, 4, 0x30],
        .sha512: [0x30, 0x51, 0x30, 0x0D, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3, 5, 0, 4, 0x40],
    ]

    // MARK: Numbers

    private static func words(_ bytes: [UInt8]) -> [UInt64] {
        stride(from: bytes.count, to: 0, by: -8).map { end in
            bytes[max(0, end - 8)..<end].reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    private func bytes(_ words: [UInt64]) -> [UInt8] {
        (0..<byteCount).reversed().map { UInt8(truncatingIfNeeded: words[$0 / 8] >> (8 * UInt64($0 % 8))) }
    }

    private static func isLess(_ first: [UInt64], _ second: [UInt64]) -> Bool {
        for (one, other) in zip(first.reversed(), second.reversed()) where one != other { return one < other }
        return false
    }

    /// `first` − modulus, without the last borrow.
    private func reduced(_ first: [UInt64]) -> [UInt64] {
        var borrow: UInt64 = 0
        return zip(first, modulus).map { one, other in
            let (part, underflow) = one.subtractingReportingOverflow(other)
            let (difference, again) = part.subtractingReportingOverflow(borrow)
            borrow = underflow || again ? 1 : 0
            return difference
        }
    }

    /// Twice a number below the modulus, below the modulus again.
    private func doubled(_ number: [UInt64]) -> [UInt64] {
        var carry: UInt64 = 0
        let twice = number.map { word in
            defer { carry = word >> 63 }
            return word << 1 | carry
        }
        return carry == 1 || !Self.isLess(twice, modulus) ? reduced(twice) : twice
    }

    /// `first` · `second` / 2^(64 · words) modulo the modulus: Montgomery's product, word by word.
    private func product(_ first: [UInt64], _ second: [UInt64]) -> [UInt64] {
        var sum = [UInt64](repeating: 0, count: modulus.count + 2)
        func add(_ factor: UInt64, _ number: [UInt64]) {
            var carry: UInt64 = 0
            for (place, word) in number.enumerated() {
                let (high, low) = factor.multipliedFullWidth(by: word)
                let (part, overflow) = sum[place].addingReportingOverflow(low)
                let (total, again) = part.addingReportingOverflow(carry)
                sum[place] = total
                carry = high &+ (overflow ? 1 : 0) &+ (again ? 1 : 0)
            }
            let (total, overflow) = sum[modulus.count].addingReportingOverflow(carry)
            sum[modulus.count] = total
            sum[modulus.count + 1] &+= overflow ? 1 : 0
        }
        for word in first {
            add(word, second)
            add(sum[0] &* inverse, modulus)
            sum.removeFirst()
            sum.append(0)
        }
        let result = Array(sum.prefix(modulus.count))
        return sum[modulus.count] != 0 || !Self.isLess(result, modulus) ? reduced(result) : result
    }

    private func power(_ number: [UInt64]) -> [UInt64] {
        // 1 · 2^(64 · words), by doubling; and the same once more for the number itself.
        var one = [UInt64](repeating: 0, count: modulus.count)
        one[0] = 1
        for _ in 0..<64 * modulus.count { one = doubled(one) }
        var base = number
        for _ in 0..<64 * modulus.count { base = doubled(base) }
        var result = one
        for byte in exponent {
            for bit in (0..<8).reversed() {
                result = product(result, result)
                if byte >> bit & 1 == 1 { result = product(result, base) }
            }
        }
        one = [UInt64](repeating: 0, count: modulus.count)
        one[0] = 1
        return product(result, one)
    }
}
