import PliniusPolicy
import PliniusVerifier
import Testing

@Suite("Canonical JSON")
struct CanonicalJSONTests {
    private func read(_ text: String) throws -> CanonicalJSON { try CanonicalJSON(canonical: text.utf8) }

    private func failure(_ bytes: some Sequence<UInt8>, atMost limit: Int = CanonicalJSON.usualByteCount)
        -> FormatError?
    {
        do throws(FormatError) {
            _ = try CanonicalJSON(canonical: bytes, atMost: limit)
            return nil
        } catch { return error }
    }

    @Test(
        "A tree has one text, as RFC 8785 has it",
        arguments: [
            ("null", .null), ("true", true), ("false", false), ("0", 0), ("-1", -1),
            ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)), ("[]", []), ("{}", [:]),
            ("[1,[2],\"a\"]", [1, [2], "a"]), (#"{"a":1,"b":[{"c":null}]}"#, ["b": [["c": .null]], "a": 1]),
            // Section 3.2.2.2: nothing is escaped but what has to be.
            (#""\u000f\n\b\t\f\r\"\\/€\#u{7F}""#, .string("\u{F}\n\u{8}\t\u{C}\r\"\\/€\u{7F}")),
        ] as [(String, CanonicalJSON)])
    func forms(text: String, tree: CanonicalJSON) throws {
        #expect(String(decoding: tree.encoded, as: UTF8.self) == text)
        #expect(try read(text) == tree)
    }

    @Test("Base64 has one form: the standard alphabet, padded, no bits left over")
    func base64Forms() {
        #expect(
            bytes(base64: "") == [] && bytes(base64: "QUI=") == [0x41, 0x42] && bytes(base64: "+/8=") == [0xFB, 0xFF])
        for text in ["QUJ=", "QUI", "QUI=\n", " QUI=", "QU I=", "-_8=", "QUI==", "QUI=QUI=", "Q"] {
            #expect(bytes(base64: text) == nil, "\(text)")
        }
        #expect(base64([0xFB, 0xFF]) == "+/8=")
    }

    @Test("Names are in the order of their UTF-16 code units, as in RFC 8785, section 3.2.3")
    func order() throws {
        let tree: CanonicalJSON = [
            "\u{20ac}": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "\u{1f600}": 5, "\u{80}": 6, "\u{f6}": 7,
        ]
        let text = "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}"
        #expect(tree.encoded == Array(text.utf8))
        #expect(try read(text) == tree)
    }

    @Test(
        "What is not written as it would be is refused, with the byte",
        arguments: [
            (" 1", 0), ("1 ", 1), ("[1, 2]", 3), ("[1 ]", 2), (#"{"a": 1}"#, 5), (#"{"b":1,"a":2}"#, 7),
            (#"{"a":1,"a":2}"#, 7), ("01", 0), ("-0", 0), ("+1", 0), ("1.0", 1), ("1e3", 1), ("9223372036854775808", 0),
            ("--1", 0), ("-", 0), ("", 0), ("[", 1), ("[1", 2), ("[1,]", 3), ("[,1]", 1), ("{", 1), (#"{"a"}"#, 4),
            (#"{"a":}"#, 5), (#"{1:2}"#, 1), (#"{"a":1,}"#, 7), ("tru", 3), ("nul1", 3), ("True", 0), ("NaN", 0),
            (#""a"#, 2), (#""\/""#, 2), (#""\u0041""#, 5), (#""\u000A""#, 5), (#""\u000a""#, 5), (#""\u001F""#, 5),
            (#""\x""#, 2), (#""\ud83d\ude00""#, 3), ("\"\n\"", 1), ("1 1", 1), ("[]]", 2), ("'a'", 0), ("//", 0),
        ])
    func otherForms(text: String, position: Int) throws {
        let error = try #require(failure(text.utf8), "\(text)")
        #expect(error.check == "json.canonical" && error.expected.hasSuffix("at byte \(position)"), "\(text): \(error)")
    }

    @Test(
        "Bytes that are no UTF-8 are refused", arguments: [[0x80], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5], [0xC3]])
    func noText(bytes: [UInt8]) { #expect(failure([0x22] + bytes + [0x22])?.check == "json.canonical") }

    @Test("Names that Unicode takes for the same cannot stand beside each other, and texts differ by their bytes")
    func equivalence() throws {
        #expect(failure("{\"e\u{301}\":1,\"\u{e9}\":2}".utf8)?.check == "json.canonical")
        #expect("e\u{301}" == "\u{e9}" && CanonicalJSON.string("e\u{301}") != .string("\u{e9}"))
    }

    @Test("Depth and length have limits")
    func limits() throws {
        func nested(_ depth: Int) -> [UInt8] {
            Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
        }
        #expect(failure(nested(32)) == nil && failure(nested(33))?.check == "json.depth")
        #expect(failure([UInt8](repeating: UInt8(ascii: "["), count: 1 << 20))?.check == "json.depth")
        #expect(failure("[1,2]".utf8, atMost: 5) == nil && failure("[1,2]".utf8, atMost: 4)?.check == "json.length")
    }

    @Test("Whatever is read is written the same, and every tree is read again")
    func roundTrips() throws {
        var random = Splitmix(seed: 11)
        for _ in 0..<3000 {
            let tree = Self.tree(depth: 0, &random)
            let bytes = tree.encoded
            #expect(try CanonicalJSON(canonical: bytes) == tree)
            // One byte changed: refused, or another tree with exactly these bytes.
            var other = bytes
            other[Int.random(in: other.indices, using: &random)] = UInt8.random(in: 0...127, using: &random)
            if let read = try? CanonicalJSON(canonical: other) { #expect(read.encoded == other) }
        }
    }

    private static func tree(depth: Int, _ random: inout Splitmix) -> CanonicalJSON {
        func text() -> String {
            String(
                (0..<Int.random(in: 0...4, using: &random)).map { _ in
                    "ab\"\\\n\u{1}é€😀/".randomElement(using: &random) ?? "a"
                })
        }
        switch Int.random(in: 0...(depth < 4 ? 6 : 4), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .integer(Int64.random(in: .min ... .max, using: &random))
        case 3, 4: return .string(text())
        case 5:
            return .array((0..<Int.random(in: 0...3, using: &random)).map { _ in tree(depth: depth + 1, &random) })
        default:
            let pairs = (0..<Int.random(in: 0...3, using: &random)).map { _ in (text(), tree(depth: depth + 1, &random))
            }
            return .object(Dictionary(pairs) { first, _ in first })
        }
    }
}

/// Random numbers that are the same each time.
struct Splitmix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
