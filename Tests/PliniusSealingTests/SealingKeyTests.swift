import PliniusSealing
import Testing

@Suite("Sealing keys")
struct SealingKeyTests {
    let nonce = Nonce(stream: 0x0102_0304, counter: 0x1112_1314_1516_1718)
    let context = Array("plinius record".utf8) + [0, 1, 2]

    @Test("The providers agree for every length up to 300, aligned or not", arguments: Cipher.allCases)
    func providersAgree(cipher: Cipher) throws {
        let bytes = randomBytes(cipher.keyByteCount)
        let keys = SealingProvider.available.map { SealingKey(bytes, provider: $0) }
        for length in Array(0...300) + [4_095, 65_537, 524_288] {
            let message = randomBytes(length)
            let context = Array(context.prefix(length % 18))
            let sealed = keys.map { $0.seal(message, nonce: nonce, authenticating: context) }
            for (key, other) in zip(keys, sealed.reversed()) {
                #expect(other.ciphertext == sealed[0].ciphertext)
                #expect(other.tag == sealed[0].tag)
                let opened = try key.open(other.ciphertext, nonce: nonce, authenticating: context, tag: other.tag)
                #expect(opened == message)
            }
        }
    }

    @Test(
        "Sealing and opening write their buffer and nothing beside it, at any alignment",
        arguments: SealingProvider.available)
    func staysInBounds(provider: SealingProvider) throws {
        let key = SealingKey(randomBytes(32), provider: provider)
        for offset in 1..<20 {
            let length = 131 + 16 * offset
            let message = randomBytes(length)
            var frame = [UInt8](repeating: 0xEE, count: length + 64)
            let tag = message.withUnsafeBytes { message in
                frame.withUnsafeMutableBytes {
                    key.seal(
                        message, into: .init(rebasing: $0[offset..<offset + length]), nonce: nonce,
                        authenticating: context)
                }
            }
            #expect(frame[..<offset].allSatisfy { $0 == 0xEE } && frame[(offset + length)...].allSatisfy { $0 == 0xEE })
            // In place, at the same odd address.
            let opened: Bool = frame.withUnsafeMutableBytes { frame in
                let part = UnsafeMutableRawBufferPointer(rebasing: frame[offset..<offset + length])
                let sealed = UnsafeRawBufferPointer(part)
                return (try? key.open(sealed, into: part, nonce: nonce, authenticating: context, tag: tag)) != nil
            }
            #expect(opened)
            #expect(Array(frame[offset..<offset + length]) == message)
            #expect(frame[..<offset].allSatisfy { $0 == 0xEE } && frame[(offset + length)...].allSatisfy { $0 == 0xEE })
        }
    }

    @Test("Every flipped bit is found and leaves zeros", arguments: SealingProvider.available, Cipher.allCases)
    func flippedBits(provider: SealingProvider, cipher: Cipher) throws {
        let key = SealingKey(SecretBytes.random(cipher.keyByteCount), cipher: cipher, provider: provider)
        let message = randomBytes(786)
        let (ciphertext, tag) = key.seal(message, nonce: nonce, authenticating: context)
        let nonceBytes: [UInt8] = [4, 3, 2, 1, 0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11]
        #expect(Nonce(bytes: nonceBytes) == nonce)
        func expectRefusal(_ ciphertext: [UInt8], _ nonce: [UInt8], _ context: [UInt8], _ tag: [UInt8], _ what: String)
        {
            var plaintext: [UInt8] = []
            #expect(throws: SealingError.authenticationFailed, "\(what)") {
                try key.open(
                    ciphertext, nonce: Nonce(bytes: nonce), authenticating: context, tag: Tag(exactly: tag),
                    leaving: &plaintext)
            }
            #expect(plaintext.allSatisfy { $0 == 0 }, "\(what)")
        }
        for bit in 0..<128 {
            expectRefusal(ciphertext, nonceBytes, context, tag.bytes.flipping(bit), "tag bit \(bit)")
        }
        for bit in 0..<96 {
            expectRefusal(ciphertext, nonceBytes.flipping(bit), context, tag.bytes, "nonce bit \(bit)")
        }
        for bit in 0..<context.count * 8 {
            expectRefusal(ciphertext, nonceBytes, context.flipping(bit), tag.bytes, "context bit \(bit)")
        }
        for bit in stride(from: 0, to: ciphertext.count * 8, by: 13) {
            expectRefusal(ciphertext.flipping(bit), nonceBytes, context, tag.bytes, "ciphertext bit \(bit)")
        }
        expectRefusal(ciphertext.dropLast(), nonceBytes, context, tag.bytes, "shortened")
        expectRefusal(ciphertext + [0], nonceBytes, context, tag.bytes, "lengthened")
        expectRefusal(ciphertext, nonceBytes, context.dropLast(), tag.bytes, "shortened context")
        expectRefusal([], nonceBytes, context, tag.bytes, "nothing left")
        let unharmed = try key.open(ciphertext, nonce: nonce, authenticating: context, tag: tag)
        #expect(unharmed == message)
    }

    @Test("Another key opens nothing", arguments: SealingProvider.available)
    func otherKey(provider: SealingProvider) {
        let bytes = randomBytes(32)
        let (ciphertext, tag) = SealingKey(bytes, provider: provider).seal([1, 2, 3], nonce: nonce, authenticating: [])
        for bit in 0..<256 {
            #expect(throws: SealingError.authenticationFailed) {
                _ = try SealingKey(bytes.flipping(bit), provider: provider)
                    .open(ciphertext, nonce: nonce, authenticating: [], tag: tag)
            }
        }
    }

    @Test("Different nonces encrypt differently: streams and counters never meet", arguments: SealingProvider.available)
    func noncesDiffer(provider: SealingProvider) {
        let key = SealingKey(randomBytes(32), provider: provider)
        let zeros = [UInt8](repeating: 0, count: 16)
        // 0, 1 and the ends of each byte, where a mix-up of widths or byte order would show.
        let edges: [UInt64] = [0, 1, .max] + (1..<64).map { 1 << $0 } + (1..<64).map { .max >> $0 }
        var nonces: Set<Nonce> = []
        var keystreams: Set<[UInt8]> = []
        for stream in Set(edges.map(UInt32.init(truncatingIfNeeded:))) {
            for counter in edges {
                let nonce = Nonce(stream: stream, counter: counter)
                nonces.insert(nonce)
                keystreams.insert(key.seal(zeros, nonce: nonce, authenticating: []).ciphertext)
            }
        }
        #expect(nonces.count > 3_000)
        #expect(keystreams.count == nonces.count)
    }

    @Test("One key serves eight threads at once", arguments: SealingProvider.available)
    func concurrency(provider: SealingProvider) async {
        let key = SealingKey(SecretBytes.random(32), cipher: .aes256GCM, provider: provider)
        let messages = (0..<64).map { randomBytes(1 + 97 * $0) }
        let expected = messages.enumerated().map {
            key.seal($1, nonce: Nonce(stream: 0, counter: UInt64($0)), authenticating: [UInt8($0)])
        }
        let mistakes = await withTaskGroup(of: Int.self) { group in
            for stripe in 0..<8 {
                group.addTask {
                    var mistakes = 0
                    for round in 0..<1_000 {
                        let index = (round * 7 + stripe * 13) % messages.count
                        let nonce = Nonce(stream: 0, counter: UInt64(index))
                        let sealed = key.seal(messages[index], nonce: nonce, authenticating: [UInt8(index)])
                        let opened = try? key.open(
                            sealed.ciphertext, nonce: nonce, authenticating: [UInt8(index)], tag: sealed.tag)
                        let fits = sealed.ciphertext == expected[index].ciphertext && sealed.tag == expected[index].tag
                        mistakes += fits && opened == messages[index] ? 0 : 1
                    }
                    return mistakes
                }
            }
            return await group.reduce(0, +)
        }
        #expect(mistakes == 0)
    }

    @Test("A key of the wrong length is a mistake of the program")
    func wrongKeyLength() async {
        await #expect(processExitsWith: .failure) {
            _ = SealingKey(SecretBytes.random(16), cipher: .aes256GCM)
        }
    }

    @Test("Tags have 16 bytes and keep them")
    func tags() {
        let bytes = randomBytes(16)
        #expect(Tag(bytes)?.bytes == bytes)
        #expect(Tag(bytes.dropLast()) == nil)
        #expect(Tag(bytes + [0]) == nil)
        #expect(bytes.withUnsafeBytes { Tag(loading: $0) }.bytes == bytes)
        var stored = [UInt8](repeating: 0, count: 16)
        stored.withUnsafeMutableBytes { Tag(exactly: bytes).store(into: $0) }
        #expect(stored == bytes)
    }

    @Test("A processor with AES and carry-less multiplication uses intel-ipsec-mb")
    func preferredProvider() {
        let expected: SealingProvider = SealingProvider.intelIPSecMB.isAvailable ? .intelIPSecMB : .swiftCrypto
        #expect(SealingProvider.preferred == expected)
        #expect(SealingProvider.swiftCrypto.isAvailable)
    }
}

extension [UInt8] {
    func flipping(_ bit: Int) -> [UInt8] {
        var copy = self
        copy[bit / 8] ^= 1 << (bit % 8)
        return copy
    }
}
