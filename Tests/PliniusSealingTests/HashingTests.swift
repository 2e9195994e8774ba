import PliniusSealing
import Testing

@Suite("Digests and codes")
struct HashingTests {
    @Test("The providers' digests agree for every length up to 300, aligned or not")
    func digestsAgree() {
        for length in Array(0...300) + [4_095, 65_537] {
            let bytes = randomBytes(length + 1)
            for offset in 0...1 {
                let message = Array(bytes[offset..<offset + length])
                for provider in SealingProvider.available {
                    let digest = bytes.withUnsafeBytes {
                        provider.sha256(.init(rebasing: $0[offset..<offset + length]))
                    }
                    #expect(digest.array == sha256(message), "\(provider), \(length)")
                }
            }
        }
    }

    @Test("The providers' codes agree for every length up to the longest", arguments: [0, 1, 32, 63, 64])
    func codesAgree(keyByteCount: Int) {
        let key = SecretBytes(randomBytes(keyByteCount))
        for length in 0...512 {
            let message = randomBytes(length)
            for provider in SealingProvider.available {
                #expect(provider.hmacSHA256(message, key: key).array == hmacSHA256(message, key: key))
            }
        }
    }

    @Test(
        "What is longer than intel-ipsec-mb has room for is a mistake of the program",
        .enabled(if: SealingProvider.intelIPSecMB.isAvailable))
    func tooLong() async {
        await #expect(processExitsWith: .failure) {
            _ = SealingProvider.intelIPSecMB.hmacSHA256(randomBytes(513), key: .random(32))
        }
        await #expect(processExitsWith: .failure) {
            _ = SealingProvider.intelIPSecMB.hmacSHA256(randomBytes(512), key: .random(65))
        }
    }
}
