import PliniusVerifier
import Testing

@Suite("Patterns")
struct PatternTests {
    @Test(
        "A pattern matches whole texts",
        arguments: [
            ("", "", true), ("", "a", false), ("abc", "abc", true), ("abc", "abcd", false), ("abc", "ab", false),
            ("*", "", true), ("*", "anything/at all", true), ("/usr/*", "/usr/bin/sh", true), ("/usr/*", "/usr", false),
            ("*.so", "a.so.so", true), ("*.so", "a.so.1", false), ("a*b*c", "a--b-bb--c", true),
            ("a*b*c", "a--c--b", false),
            ("a?c", "abc", true), ("a?c", "ac", false), ("?", "", false), ("**", "x", true), ("*?", "", false),
            ("\\*", "*", true), ("\\*", "x", false), ("\\?", "?", true), ("a\\\\b", "a\\b", true), ("a\\", "a\\", true),
            ("*aab", "aaaab", true), ("a*", "b", false),
        ])
    func matches(pattern: String, text: String, expected: Bool) {
        #expect(Pattern(pattern).matches(text) == expected)
    }

    @Test("An exact pattern matches its text alone")
    func exactly() {
        for text in ["/bin/[", "a*b", "what?", "back\\slash", "\\*", ""] {
            #expect(Pattern(exactly: text).matches(text))
            #expect(!Pattern(exactly: text).matches(text + "x"))
        }
        #expect(!Pattern(exactly: "a*b").matches("acb"))
    }

    @Test("A pattern that is made to be slow is not")
    func slow() {
        #expect(!Pattern(String(repeating: "*a", count: 30) + "b").matches(String(repeating: "a", count: 3000)))
    }
}
