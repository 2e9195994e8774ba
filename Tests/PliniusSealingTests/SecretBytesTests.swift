import Glibc
import PliniusSealing
import Testing
import _PliniusTestSupport

@Suite("Secret bytes")
struct SecretBytesTests {
    @Test("They keep what they were given, and wipe the array that they consumed")
    func consuming() {
        let mask = randomBytes(16)
        let masked = randomBytes(16)
        func consume() {
            let secret = SecretBytes((0..<16).map { masked[$0] ^ mask[$0] })
            #expect(secret.count == 16)
            #expect(secret.withBytes { bytes in (0..<16).allSatisfy { bytes[$0] == masked[$0] ^ mask[$0] } })
            #expect(withExtendedLifetime(secret) { occurrences(of: masked, mask: mask) } == 1)
        }
        consume()
        #expect(occurrences(of: masked, mask: mask) == 0)
    }

    @Test("No description tells the content")
    func description() {
        let secret = SecretBytes([UInt8](repeating: 0x41, count: 32))
        for text in ["\(secret)", String(reflecting: secret), "\(KeyHierarchy(ownerKey: secret))"] {
            #expect(!text.contains("65") && !text.contains("AAAA"))
        }
        var dumped = ""
        dump(secret, to: &dumped)
        // An element of a collection stands on a line of its own; an address may well hold a 65.
        #expect(!dumped.contains("- 65"))
    }

    @Test("Random bytes come in every length and do not repeat")
    func random() {
        for count in [0, 1, 16, 255, 256, 257, 1_000] {
            #expect(randomBytes(count).count == count)
        }
        #expect(Set((0..<100).map { _ in randomBytes(16) }).count == 100)
        #expect(Set((0..<100).map { _ in SecretBytes.random(16).array }).count == 100)
        // All 1,000 bytes are drawn: a tail left at zero would be no chance.
        #expect(randomBytes(1_000).suffix(16).contains { $0 != 0 })
    }

    @Test("A dead key leaves no trace in the memory of the process", arguments: Cipher.allCases)
    func noTrace(cipher: Cipher) throws {
        let mask = randomBytes(16)
        // The pattern exists in memory only where the keys put it: this test keeps it masked.
        var masked: [UInt8] = []
        func use() -> (alive: Int, Void) {
            let secret = SecretBytes.random(cipher.keyByteCount)
            masked = secret.withBytes { bytes in (0..<16).map { bytes[$0] ^ mask[$0] } }
            let key = SealingKey(secret, cipher: cipher, provider: .preferred)
            _ = key.seal([UInt8](repeating: 0, count: 999), nonce: Nonce(stream: 0, counter: 0), authenticating: [])
            return (withExtendedLifetime((secret, key)) { occurrences(of: masked, mask: mask) }, ())
        }
        let alive = use().alive
        #expect(alive >= 1)
        if SealingProvider.preferred == .intelIPSecMB {
            #expect(occurrences(of: masked, mask: mask) == 0)
        }
    }
}

/// How often `masked ^ mask` occurs in this process's writable memory.
private func occurrences(of masked: [UInt8], mask: [UInt8]) -> Int {
    guard let maps = fopen("/proc/self/maps", "r") else { return -1 }
    let memory = open("/proc/self/mem", O_RDONLY)
    defer {
        fclose(maps)
        close(memory)
    }
    var regions: [Range<UInt>] = []
    var line = [CChar](repeating: 0, count: 4_096)
    while fgets(&line, CInt(line.count), maps) != nil {
        let fields = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            .split(separator: " ", maxSplits: 2)
        let bounds = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
        if fields[1].hasPrefix("rw") { regions.append(bounds[0]..<bounds[1]) }
    }
    let first = masked[0] ^ mask[0]
    var found = 0
    // The block is searched too when its turn comes, so it must not keep what it read.
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4_096)
    defer { block.deallocate() }
    guard let base = block.baseAddress else { return -1 }
    let own = UInt(bitPattern: base)..<UInt(bitPattern: base) + UInt(block.count)
    for region in regions {
        var address = region.lowerBound
        while address < region.upperBound {
            let count = pread(memory, base, min(block.count, Int(region.upperBound - address)), off_t(address))
            guard count > 16 else {
                // Another test has given this page back since; what comes behind it is still there.
                address = (address / 4_096 + 1) * 4_096
                continue
            }
            var start = UnsafeMutableRawPointer(base)
            let end = base + count - 15
            while start < end, let hit = memchr(start, CInt(first), end - start) {
                let place = address + UInt(hit - base)
                if !own.contains(place),
                    (0..<16).allSatisfy({ hit.load(fromByteOffset: $0, as: UInt8.self) ^ mask[$0] == masked[$0] })
                {
                    found += 1
                }
                start = hit + 1
            }
            explicit_bzero(base, count)
            address += UInt(count == block.count ? count - 15 : count)
        }
    }
    return found
}
