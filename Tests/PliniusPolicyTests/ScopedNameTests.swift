import PliniusPolicy
import Testing

@Suite("Scoped names")
struct ScopedNameTests {
    @Test("A name has an owner and looks the same everywhere", arguments: ["a/b", "hospital-a/scans", "0x/1.2_3"])
    func accepted(text: String) throws {
        #expect(try #require(ScopedName(text)).description == text)
    }

    @Test(
        "What could be mistaken for something else is no name",
        arguments: [
            "", "a", "/", "a/", "/a", "a/b/c", "A/b", "a/b ", "a/..", "-a/b", "a/ä",
            String(repeating: "a", count: 65) + "/b",
        ])
    func refused(text: String) { #expect(ScopedName(text) == nil) }
}
