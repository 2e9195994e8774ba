import Testing
import _PliniusSupport

@Suite("Hexadecimal")
struct HexadecimalTests {
    @Test("Hexadecimal has two lower-case digits a byte")
    func hex() {
        #expect([UInt8]([0, 9, 0x0A, 0xFF]).hex == "00090aff")
        #expect([UInt8]().hex == "")
    }
}
