import Testing

/// The elements of a page, as far as tests look at them; what is no well-formed markup is an error.
struct Markup {
    struct Element {
        let name: String
        let attributes: [String: String]
        /// Those around it, the outermost first.
        let path: [String]
        /// The text in it, with what is in elements in it; references are left as they are.
        var text = ""
    }

    private(set) var elements: [Element] = []

    /// Elements that have no end.
    private static let empty: Set = ["meta", "link", "input", "img", "br"]

    init(_ text: String) throws {
        var open: [Int] = []
        var rest = text[...]
        while let start = rest.firstIndex(of: "<") {
            let before = rest[..<start]
            for place in open { elements[place].text += before }
            let end = try #require(rest[start...].firstIndex(of: ">"), "a tag without an end: \(rest.prefix(80))")
            let tag = rest[rest.index(after: start)..<end]
            rest = rest[rest.index(after: end)...]
            if tag.hasPrefix("!") { continue }
            if tag.hasPrefix("/") {
                let last = try #require(open.last)
                open.removeLast()
                #expect(elements[last].name == tag.dropFirst())
                continue
            }
            let name = String(tag.prefix { $0 != " " })
            var attributes: [String: String] = [:]
            for match in tag.dropFirst(name.count).matches(of: /\ ([a-z-]+)="([^"<]*)"/) {
                #expect(attributes.updateValue(String(match.2), forKey: String(match.1)) == nil)
            }
            // Nothing but attributes of the one form.
            #expect(tag == name + tag.dropFirst(name.count).matches(of: /\ [a-z-]+="[^"<]*"/).map(\.output).joined())
            elements.append(Element(name: name, attributes: attributes, path: open.map { elements[$0].name }))
            if !Self.empty.contains(name) { open.append(elements.count - 1) }
        }
        #expect(open.isEmpty, "\(open.map { elements[$0].name })")
    }

    func all(_ names: String...) -> [Element] { elements.filter { names.contains($0.name) } }

    var ids: Set<String> { Set(elements.compactMap { $0.attributes["id"] }) }
}
