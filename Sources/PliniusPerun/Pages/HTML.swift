/// Markup, into which no text gets but escaped; the names of elements and attributes are literals of this program.
struct HTML: Sendable {
    private(set) var markup: String

    /// No markup.
    init() { markup = "" }

    /// A text, escaped.
    init(_ text: String) { markup = Self.escaped(text) }

    fileprivate init(joining parts: [HTML]) { markup = parts.map(\.markup).joined() }

    fileprivate init(_ name: StaticString, _ attributes: KeyValuePairs<StaticString, String>, content: HTML?) {
        var text = "<\(name)"
        for (name, value) in attributes { text += " \(name)=\"\(Self.escaped(value))\"" }
        text += ">"
        if let content {
            // Browsers drop a line break at the beginning of preformatted text.
            text += "\(name)" == "pre" ? "\n" : ""
            text += content.markup + "</\(name)>"
        }
        markup = text
    }

    /// Escapes what has a meaning in markup, and shows what has no shape: a text that turns its direction around, or hides a part, would
    /// read otherwise than it is.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        escaped.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            case _ where isShapeless(scalar):
                escaped +=
                    "⟨U+\(String(repeating: "0", count: max(0, 4 - hexadecimal(scalar).count)))\(hexadecimal(scalar))⟩"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    private static func hexadecimal(_ scalar: Unicode.Scalar) -> String {
        String(scalar.value, radix: 16, uppercase: true)
    }

    /// Controls, joiners, marks of direction; the script that verifies the log knows the same ones.
    private static func isShapeless(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: false
        case ...0x1F, 0x7F...0x9F, 0xAD, 0x61C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF: true
        default: false
        }
    }
}

/// An element with content.
func tag(
    _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:],
    @HTMLBuilder _ content: () throws -> HTML
) rethrows -> HTML {
    HTML(name, attributes, content: try content())
}

/// An element that has no content and no end.
func emptyTag(_ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:]) -> HTML {
    HTML(name, attributes, content: nil)
}

/// Puts markup together, in the order in which it stands there; texts are escaped.
@resultBuilder
enum HTMLBuilder {
    static func buildExpression(_ text: String) -> HTML { HTML(text) }
    static func buildExpression(_ part: HTML) -> HTML { part }
    static func buildExpression(_ parts: [HTML]) -> HTML { HTML(joining: parts) }
    static func buildBlock(_ parts: HTML...) -> HTML { HTML(joining: parts) }
    static func buildOptional(_ part: HTML?) -> HTML { part ?? HTML() }
    static func buildEither(first part: HTML) -> HTML { part }
    static func buildEither(second part: HTML) -> HTML { part }
    static func buildArray(_ parts: [HTML]) -> HTML { HTML(joining: parts) }
}

/// A path of the server's, whose parts may be any text.
func pagePath(_ parts: String...) -> String {
    let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~".utf8)
    return parts.map { part in
        "/"
            + part.utf8.map { byte in
                if plain.contains(byte) { return String(UnicodeScalar(byte)) }
                return "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }.joined()
    }.joined()
}
