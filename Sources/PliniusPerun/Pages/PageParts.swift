import PliniusPolicyManager
import PliniusVerifier

// Parts that several pages have.

extension HTML {
    /// An instant, for people and for programs.
    static func time(_ instant: Instant) -> HTML {
        let text = instant.description
        return tag("time", ["datetime": text]) {
            text.replacing("T", with: " ", maxReplacements: 1).replacing("Z", with: " UTC", maxReplacements: 1)
        }
    }

    /// A hash in groups that eyes can compare; it is copied without gaps.
    static func hash(_ text: String) -> HTML {
        tag("code", ["class": "hash"]) {
            for start in stride(from: 0, to: text.utf8.count, by: 8) {
                tag("span") { String(text.dropFirst(start).prefix(8)) }
            }
        }
    }

    /// The beginning of a hash, where the whole stands on the page that it leads to.
    static func shortHash(_ text: String, to path: String? = nil) -> HTML {
        let code = tag("code", ["class": "short"]) { "\(text.prefix(12))…" }
        guard let path else { return code }
        return tag("a", ["href": path]) { code }
    }

    /// A state: a word, with a sign and a colour beside it that say no more than the word.
    static func state(_ text: String, _ kind: StateKind) -> HTML {
        tag("span", ["class": "state \(kind.rawValue)"]) { text }
    }

    /// A table with a caption; where it is wider than the window, it scrolls by itself.
    /// - Parameters:
    ///   - columns: The heads. The first cell of each row names it.
    ///   - empty: What is said in place of a table without rows.
    static func table(_ caption: String, id: String, columns: [String], rows: [TableRow], empty: String) -> HTML {
        guard !rows.isEmpty else {
            return tag("p", ["class": "none", "id": id]) { empty }
        }
        return tag("div", ["class": "scroll", "role": "region", "aria-labelledby": id, "tabindex": "0"]) {
            tag("table") {
                tag("caption", ["id": id]) { caption }
                tag("thead") {
                    tag("tr") { for column in columns { tag("th", ["scope": "col"]) { column } } }
                }
                tag("tbody") { for row in rows { row.html } }
            }
        }
    }

    /// Names and values.
    static func facts(_ facts: [(name: String, value: HTML)]) -> HTML {
        tag("dl", ["class": "facts"]) {
            for fact in facts {
                tag("div") {
                    tag("dt") { fact.name }
                    tag("dd") { fact.value }
                }
            }
        }
    }

    /// A part of a page under a heading.
    static func section(_ title: String, id: String, @HTMLBuilder _ content: () throws -> HTML) rethrows -> HTML {
        try tag("section", ["aria-labelledby": id]) {
            tag("h2", ["id": id]) { title }
            try content()
        }
    }

    /// A command to copy.
    static func command(_ text: String, label: String) -> HTML {
        tag("pre", ["class": "command", "tabindex": "0", "role": "region", "aria-label": label]) {
            tag("code") { text }
        }
    }

    /// Names, one below the other.
    static func list(_ texts: [String], none: String = "none") -> HTML {
        guard !texts.isEmpty else { return tag("span", ["class": "none"]) { none } }
        return tag("ul", ["class": "plain"]) { for text in texts { tag("li") { text } } }
    }

    /// Keys of owners, one below the other.
    static func keys(_ keys: [String], none: String) -> HTML {
        guard !keys.isEmpty else { return tag("span", ["class": "none"]) { none } }
        return tag("ul", ["class": "plain"]) { for key in keys { tag("li") { tag("code") { key } } } }
    }

    /// A text that may break anywhere: hashes and keys are in it.
    static func long(_ text: String) -> HTML { tag("span", ["class": "long"]) { text } }

    /// So much of a text, and whether it was more.
    static func cut(_ text: String, _ bytes: Int) -> (text: String, isWhole: Bool) {
        guard text.utf8.count > bytes else { return (text, true) }
        return (String(decoding: text.utf8.prefix(bytes), as: UTF8.self), false)
    }
}

/// What a state is shown like.
enum StateKind: String {
    case good, bad, waiting, over
}

/// A row: the cell that names it, and the others.
struct TableRow {
    let html: HTML

    init(_ head: HTML, _ cells: HTML...) { self.init(head, cells) }

    init(_ head: HTML, _ cells: [HTML]) {
        html = tag("tr") {
            tag("th", ["scope": "row"]) { head }
            for cell in cells { tag("td") { cell } }
        }
    }

    /// A row that is markup already.
    init(html: HTML) { self.html = html }
}
