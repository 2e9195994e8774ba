import Foundation
import PliniusPerunClient
import Testing

/// What the pages look like, as far as it can be computed.
@Suite("Style of the pages", .timeLimit(.minutes(30))) struct StyleTests {
    @Test func coloursStandOutInBothSchemes() async throws {
        try await TestServer.run { server in
            let css = String(decoding: try await server.client().get("/style.css"), as: UTF8.self)
            let schemes = try #require(css.range(of: "prefers-color-scheme: dark"))
            let light = colours(css[..<schemes.lowerBound])
            let dark = colours(css[schemes.upperBound...])
            #expect(light.count == 19 && Set(light.keys) == Set(dark.keys))
            for scheme in [light, dark] {
                func contrast(_ first: String, _ second: String) throws -> Double {
                    let pair = [
                        luminance(try #require(scheme[first], "\(first)")),
                        luminance(try #require(scheme[second], "\(second)")),
                    ].sorted()
                    return (pair[1] + 0.05) / (pair[0] + 0.05)
                }
                for ground in ["ground", "surface"] {
                    #expect(try contrast("text", ground) >= 7)
                    for text in ["muted", "link"] { #expect(try contrast(text, ground) >= 4.5, "\(text) on \(ground)") }
                    #expect(try contrast("focus", ground) >= 3)
                }
                #expect(try contrast("text", "code-ground") >= 7)
                for state in ["good", "bad", "waiting", "over"] {
                    #expect(try contrast(state, "\(state)-ground") >= 4.5, "\(state)")
                }
                #expect(try contrast("bar-text", "bar") >= 4.5 && contrast("bar-current", "bar") >= 4.5)
            }
            // Colours come from the schemes alone.
            let rules = css[schemes.upperBound...]
            let rest = try #require(rules.range(of: "* { box-sizing"))
            #expect(!rules[rest.lowerBound...].contains(/#[0-9a-f]{3}/))
            #expect(!css.contains("url(") && !css.contains("@import"))
        }
    }

    private func colours(_ css: Substring) -> [String: String] {
        css.matches(of: /--([a-z-]+): #([0-9a-f]{6});/).reduce(into: [:]) { $0[String($1.1)] = String($1.2) }
    }

    /// WCAG 2.2, relative luminance.
    private func luminance(_ colour: String) -> Double {
        let value = Int(colour, radix: 16) ?? 0
        let parts = [value >> 16, value >> 8 & 255, value & 255].map { part in
            let share = Double(part) / 255
            return share <= 0.04045 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4)
        }
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    }
}
