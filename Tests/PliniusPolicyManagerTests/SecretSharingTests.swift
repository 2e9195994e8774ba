import PliniusPolicyManager
import PliniusSealing
import Testing

@Suite("Shares of a secret")
struct SecretSharingTests {
    /// All subsets of so many of the indices.
    private static func subsets(of indices: [Int], count: Int) -> [[Int]] {
        guard count > 0 else { return [[]] }
        return indices.enumerated().flatMap { place, first in
            subsets(of: Array(indices[(place + 1)...]), count: count - 1).map { [first] + $0 }
        }
    }

    private static func bytes(_ secret: SecretBytes) -> [UInt8] { unsafe secret.withBytes { unsafe Array($0) } }

    @Test(
        "Any subset as large as the threshold gives the secret, and none smaller",
        arguments: [(1, 1), (1, 3), (2, 2), (2, 3), (3, 5), (4, 6), (7, 7), (5, 8)])
    func subsets(threshold: Int, count: Int) throws {
        let secret = SecretBytes.random(32)
        let shares = try SecretSharing.split(secret, threshold: threshold, count: count)
        #expect(shares.count == count)
        for size in 1...count {
            for indices in Self.subsets(of: Array(1...count), count: size) {
                let joined = try SecretSharing.join(indices.map { (index: $0, bytes: shares[$0 - 1]) })
                #expect(joined.isEqual(to: secret) == (size >= threshold), "\(indices) of \(threshold)")
            }
        }
    }

    @Test("All 255 shares are there, the last as good as the first") func manyShares() throws {
        let secret = SecretBytes.random(32)
        let shares = try SecretSharing.split(secret, threshold: 3, count: 255)
        for indices in [[255, 1, 128], [253, 254, 255], [2, 4, 6]] {
            #expect(
                try SecretSharing.join(indices.map { (index: $0, bytes: shares[$0 - 1]) }).isEqual(to: secret))
        }
    }

    /// With one share less than the threshold, every value of a byte of the secret is as likely: a share of one secret takes all 256 values,
    /// about as often as a share of another does.
    @Test("One share less tells nothing", arguments: [0, 1, 0x80, 0xFF] as [UInt8]) func hides(secret: UInt8) throws {
        var frequencies = [Int](repeating: 0, count: 256)
        let (draws, width) = (64, 1_024)
        for _ in 0..<draws {
            let shares = try SecretSharing.split(
                SecretBytes([UInt8](repeating: secret, count: width)), threshold: 2, count: 2)
            for byte in Self.bytes(shares[1]) { frequencies[Int(byte)] += 1 }
        }
        // Chi-squared with 255 degrees of freedom: beyond 400 once in many millions of tests.
        let expected = Double(draws * width) / 256
        let deviation = frequencies.reduce(0.0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
        #expect(deviation < 400)
    }

    @Test(
        "Numbers that make no sense are refused",
        arguments: [(0, 3), (4, 3), (-1, 3), (1, 0), (1, 256), (256, 256), (0, 0)])
    func refusedNumbers(threshold: Int, count: Int) throws {
        let error = #expect(throws: ManagerError.self) {
            try SecretSharing.split(SecretBytes.random(32), threshold: threshold, count: count)
        }
        #expect(error?.code == .malformed)
    }

    @Test("Shares that do not belong together are refused") func refusedShares() throws {
        let share = SecretBytes.random(32)
        let refused: [[(index: Int, bytes: SecretBytes)]] = [
            [], [(0, share)], [(256, share)], [(-1, share)], [(1, share), (1, share)],
            [(1, share), (2, SecretBytes.random(31))],
        ]
        for shares in refused {
            let error = #expect(throws: ManagerError.self) { try SecretSharing.join(shares) }
            #expect(error?.code == .malformed)
        }
    }
}
