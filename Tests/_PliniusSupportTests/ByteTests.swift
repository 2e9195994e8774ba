import Testing
import _PliniusSupport

@Suite("Bytes in and out")
struct ByteTests {
    @Test("Fields are little-endian, byte for byte")
    func layout() {
        var writer = ByteWriter()
        writer.write(UInt8(0x01))
        writer.write(UInt16(0x0203))
        writer.write(UInt32(0x0405_0607))
        writer.write(UInt64(0x0809_0A0B_0C0D_0E0F))
        writer.write(Int16(-2))
        writer.write(Float(1))
        writer.write(bytes: [0xAA, 0xBB])
        writer.pad(to: 26)
        #expect(
            writer.bytes == [
                0x01, 0x03, 0x02, 0x07, 0x06, 0x05, 0x04, 0x0F, 0x0E, 0x0D, 0x0C, 0x0B, 0x0A, 0x09, 0x08, 0xFE, 0xFF,
                0x00, 0x00,
                0x80, 0x3F, 0xAA, 0xBB, 0x00, 0x00, 0x00,
            ]
        )
    }

    @Test("What was written is read back")
    func roundTrip() throws {
        var writer = ByteWriter()
        let values: [UInt64] = [0, 1, .max, 0x8000_0000_0000_0000, 0x0123_4567_89AB_CDEF]
        for value in values {
            writer.write(value)
            writer.write(Int64(bitPattern: value))
            writer.write(UInt32(truncatingIfNeeded: value))
            writer.write(Float(bitPattern: UInt32(truncatingIfNeeded: value)))
        }
        var reader = ByteReader(writer.bytes)
        for value in values {
            #expect(try reader.read(UInt64.self) == value)
            #expect(try reader.read(Int64.self) == Int64(bitPattern: value))
            #expect(try reader.read(UInt32.self) == UInt32(truncatingIfNeeded: value))
            #expect(try reader.readFloat().bitPattern == UInt32(truncatingIfNeeded: value))
        }
        #expect(reader.remaining == 0)
    }

    @Test("A field that does not fit is refused, and nothing is consumed", arguments: 0..<8)
    func truncated(count: Int) throws {
        var reader = ByteReader([UInt8](repeating: 7, count: count + 1))
        _ = try reader.read(UInt8.self)
        #expect(refusal { try reader.read(UInt64.self) } == [1, 8, count])
        #expect(reader.remaining == count)
        #expect(try reader.readBytes(count) == [UInt8](repeating: 7, count: count))
        #expect(refusal { try reader.readBytes(1) } == [count + 1, 1, 0])
    }

    @Test("A negative count is refused")
    func negativeCount() {
        var reader = ByteReader([1, 2, 3])
        #expect(refusal { try reader.readBytes(-1) } == [0, -1, 3])
        #expect(refusal { try reader.readBytes(.min) } == [0, .min, 3])
        #expect(refusal { try reader.readBytes(.max) } == [0, .max, 3])
    }

    @Test("The error says where and how much")
    func errorText() throws {
        var reader = ByteReader([UInt8](repeating: 0, count: 13))
        _ = try reader.readBytes(10)
        let error = try #require(throws: TruncatedInput.self) { try reader.read(UInt64.self) }
        #expect("\(error)" == "input ends at byte 13: a field at byte 10 takes 8 bytes, 3 are left")
    }

    @Test("Padding backwards is a mistake of the program")
    func padBackwards() async {
        await #expect(processExitsWith: .failure) {
            var writer = ByteWriter()
            writer.write(UInt32(0))
            writer.pad(to: 3)
        }
    }
}

/// Offset, expected and found count of the refusal, `nil` if there is none.
private func refusal<T>(_ read: () throws -> T) -> [Int]? {
    do {
        _ = try read()
        return nil
    } catch {
        return (error as? TruncatedInput).map { [$0.offset, $0.expected, $0.found] }
    }
}
