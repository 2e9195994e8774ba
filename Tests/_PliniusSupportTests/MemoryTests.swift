import Testing
import _PliniusSupport

@Suite("Memory and comparison")
struct MemoryTests {
    @Test("Equal means every byte and the length")
    func constantTime() {
        let bytes = [UInt8](0..<33)
        #expect(constantTimeEqual(bytes, bytes))
        #expect(constantTimeEqual([], []))
        #expect(!constantTimeEqual(bytes, Array(bytes.dropLast())))
        for bit in 0..<bytes.count * 8 {
            var other = bytes
            other[bit / 8] ^= 1 << (bit % 8)
            #expect(!constantTimeEqual(bytes, other))
        }
        // Differences that cancel out under exclusive or, if they were added up that way.
        #expect(!constantTimeEqual([1, 1], [0, 0]))
    }

    @Test("Wiping leaves zeros")
    func wiping() {
        var bytes = [UInt8](repeating: 0xFF, count: 1_000)
        wipe(&bytes)
        #expect(bytes == [UInt8](repeating: 0, count: 1_000))
        var none: [UInt8] = []
        wipe(&none)
        wipe(UnsafeMutableRawBufferPointer(start: nil, count: 0))
    }

    @Test(
        "Private memory is page-aligned, zero, and as long as asked for",
        arguments: [0, 1, 4_095, 4_096, 4_097, 100_000])
    func privateMemory(count: Int) {
        let memory = PrivateMemory(byteCount: count)
        #expect(memory.byteCount == count)
        #expect(memory.bytes.count == count)
        #expect(memory.floats.count == count / 4)
        #expect(UInt(bitPattern: memory.bytes.baseAddress) % 4_096 == 0)
        #expect(memory.bytes.allSatisfy { $0 == 0 })
        for index in 0..<count {
            memory.bytes[index] = UInt8(truncatingIfNeeded: index)
        }
        #expect((0..<count).allSatisfy { memory.bytes[$0] == UInt8(truncatingIfNeeded: $0) })
        withExtendedLifetime(memory) {}
    }

    @Test("A negative size is a mistake of the program")
    func negativeSize() async {
        await #expect(processExitsWith: .failure) {
            _ = PrivateMemory(byteCount: -1)
        }
    }
}
