import Testing
import _PliniusSupport

@Suite("Formatting")
struct FormattingTests {
    @Test(
        "Byte counts are rounded to a tenth of the largest unit that fits",
        arguments: [
            (0, "0 B"), (1_023, "1023 B"), (1_024, "1.0 KiB"), (1_536, "1.5 KiB"), (1_048_576, "1.0 MiB"),
            (3_145_728, "3.0 MiB"), (1 << 30, "1.0 GiB"), (5 << 40, "5.0 TiB"), (5 << 50, "5120.0 TiB"),
        ]
    )
    func byteCounts(count: Int, text: String) {
        #expect(formatted(byteCount: count) == text)
    }

    @Test("Hexadecimal has two lower-case digits a byte")
    func hex() {
        #expect([UInt8]([0, 9, 0x0A, 0xFF]).hex == "00090aff")
        #expect([UInt8]().hex == "")
    }
}
