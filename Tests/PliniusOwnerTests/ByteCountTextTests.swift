import PliniusOwner
import Testing

@Suite("Numbers of bytes")
struct ByteCountTextTests {
    @Test(
        "They are rounded to a tenth of the largest unit that fits",
        arguments: [
            (0, "0 B"), (1_023, "1023 B"), (1_024, "1.0 KiB"), (1_536, "1.5 KiB"), (1_048_576, "1.0 MiB"),
            (3_145_728, "3.0 MiB"), (1 << 30, "1.0 GiB"), (5 << 40, "5.0 TiB"), (5 << 50, "5120.0 TiB"),
        ]
    )
    func rounding(count: Int, text: String) {
        #expect(formatted(byteCount: count) == text)
    }
}
