import PliniusPolicy
import PliniusPolicyManager
import PliniusVerifier

extension Page {
    /// So many entries are on one page.
    private static let entriesPerPage = 50
    /// What somebody decided about keys.
    static let decisionKinds: [AuditEntry.Kind] = [.release, .refusal, .revocation]

    // MARK: - Decisions

    /// Releases, refusals and revocations, the newest first.
    static func decisions(_ manager: PolicyManager, before index: Int?) throws -> Page {
        let excerpt = try manager.auditEntries(before: index, count: entriesPerPage, kinds: decisionKinds)
        return Page("Decisions", in: .decisions) {
            tag("p") { "Each has a page of its own, with every check that was made, as far as the log keeps them." }
            decisionTable(excerpt.entries, "Releases, refusals and revocations, the newest first")
            older(excerpt, .decisions)
        }
    }

    static func decisionTable(_ entries: [AuditEntry], _ caption: String) -> HTML {
        HTML.table(
            caption, id: "decision-table", columns: ["Entry", "Decision", "Run", "Why", "When"],
            rows: entries.map { entry in
                TableRow(
                    tag("a", ["href": entryPath(entry.index)]) { "\(entry.index)" }, outcome(of: entry),
                    HTML(entry.subject), reason(of: entry), HTML.time(entry.time))
            }, empty: "Nobody has asked for keys here.")
    }

    private static func outcome(of entry: AuditEntry) -> HTML {
        switch entry.kind {
        case .release: HTML.state("Released", .good)
        case .refusal: HTML.state("Refused", .bad)
        case .revocation: HTML.state("Revoked", .bad)
        default: HTML(entry.kind.rawValue)
        }
    }

    private static func reason(of entry: AuditEntry) -> HTML {
        func text(_ name: String) -> String { HTML.cut(entry.detail[name]?.text ?? "", 1_024).text }
        guard entry.detail["check"] != nil else {
            return HTML("every owner’s policy permits \(text("purpose"))")
        }
        return tag("span", ["class": "long"]) {
            tag("code") { text("check") }
            ": expected \(text("expected")), found \(text("found"))"
        }
    }

    static func entryPath(_ index: Int) -> String { pagePath("audit", "\(index)") }

    // MARK: - The log

    /// The log, the newest entries first, and what verifies it.
    static func audit(_ manager: PolicyManager, before index: Int?) throws -> Page {
        let excerpt = try manager.auditEntries(before: index, count: entriesPerPage)
        return Page("Audit log", in: .audit, verifies: true) {
            verification(excerpt.head)
            HTML.section("Entries", id: "entries-heading") {
                HTML.table(
                    "Entries of the log, the newest first", id: "entries",
                    columns: ["Entry", "Time", "Kind", "Subject", "Actor", "Hash"],
                    rows: excerpt.entries.map { row(of: $0) }, empty: "There are no entries before this one.")
                older(excerpt, .audit)
            }
        }
    }

    /// What the script finds in a row, it compares with the log that it has verified.
    private static func row(of entry: AuditEntry) -> TableRow {
        TableRow(
            html: tag("tr", ["data-entry": "\(entry.index)"]) {
                tag("th", ["scope": "row"]) { tag("a", ["href": entryPath(entry.index)]) { "\(entry.index)" } }
                tag("td", ["data-field": "time"]) { HTML.time(entry.time) }
                tag("td", ["data-field": "kind"]) { entry.kind.rawValue }
                tag("td", ["data-field": "subject"]) { HTML.long(entry.subject) }
                tag("td", ["data-field": "actor"]) { HTML.long(entry.actor) }
                tag("td", ["data-field": "hash"]) { HTML.shortHash(hexadecimal(entry.hash)) }
            })
    }

    private static func verification(_ head: SignedAuditHead) -> HTML {
        tag("section", ["aria-labelledby": "verification-heading", "id": "verification"]) {
            tag("h2", ["id": "verification-heading"]) { "Verification" }
            tag("p", ["id": "verification-state", "role": "status"]) {
                HTML.state("The manager’s word", .waiting)
                " This browser has verified nothing."
            }
            tag("noscript") {
                tag("p") {
                    "With JavaScript this browser verifies the log itself; without, what stands here is what the manager says."
                }
            }
            tag("ul", ["id": "verification-checks", "class": "checks"]) {}
            ownWord(head)
            tag("p") {
                """
                The script that verifies comes from the manager, too. Who does not believe the manager keeps the head below \
                somewhere else, and verifies with a program of its own:
                """
            }
            HTML.command(
                """
                perun audit head --trust trust.json --out head.json
                perun audit log --trust trust.json --out log.jsonl
                perun audit verify log.jsonl --trust trust.json --kept head.json
                """, label: "Commands that verify the log without this page")
        }
    }

    /// What the manager says of its log.
    static func ownWord(_ head: SignedAuditHead) -> HTML {
        HTML.facts([
            ("The manager says", HTML(head.isValid ? "a head that it signed" : "a head whose signature does not hold")),
            ("Entries", HTML("\(head.head.size)")), ("Signed at", HTML.time(head.head.time)),
            ("Root of the tree", HTML.hash(hexadecimal(head.head.root))),
            ("Hash of the last entry", HTML.hash(hexadecimal(head.head.last))),
        ])
    }

    private static func older(_ excerpt: LogExcerpt, _ section: Section) -> HTML {
        tag("p") {
            if let older = excerpt.older {
                tag("a", ["href": "\(section.path)?before=\(older)", "rel": "next"]) { "Older than entry \(older)" }
            }
        }
    }

    // MARK: - One entry

    /// An entry with all that it says; a decision with its tree.
    static func entry(_ index: Int, _ manager: PolicyManager) throws -> Page {
        guard let entry = try manager.auditEntries(from: index, count: 1).first, entry.index == index else {
            throw ManagerError(.notFound, "the log has no entry \(index)")
        }
        let verdict = entry.detail["verdict"]
        let details = (entry.detail.members ?? [:]).filter { $0.key != "verdict" }.sorted { $0.key < $1.key }
        return Page(
            "Entry \(index): \(entry.kind.rawValue)", in: decisionKinds.contains(entry.kind) ? .decisions : .audit
        ) {
            HTML.facts([
                ("Subject", HTML(entry.subject)), ("Actor", HTML(entry.actor)), ("Time", HTML.time(entry.time)),
                ("Hash", HTML.hash(hexadecimal(entry.hash))),
                ("Hash of the entry before", HTML.hash(hexadecimal(entry.previous))),
            ])
            if let verdict {
                HTML.section("Verdict", id: "verdict") { tree(verdict) }
            } else if decisionKinds.contains(entry.kind) {
                HTML.section("Verdict", id: "verdict") {
                    tag("p") {
                        if entry.kind == .refusal { outcomeOfOne(entry) } else { "No evidence was judged for it." }
                    }
                }
            }
            HTML.section("What else the entry says", id: "detail-heading") {
                HTML.table(
                    "Details of entry \(index)", id: "detail", columns: ["Member", "Value"],
                    rows: details.map { name, value in
                        TableRow(HTML(name), name == "expires" ? instant(value) : detail(value, depth: 0))
                    }, empty: "Nothing else.")
            }
        }
    }

    private static func outcomeOfOne(_ entry: AuditEntry) -> HTML {
        tag("span") {
            HTML.state("Failed", .bad)
            " "
            reason(of: entry)
            ". Nothing else was checked."
        }
    }

    private static func instant(_ json: CanonicalJSON) -> HTML {
        json.number.map { HTML.time(Instant(seconds: $0)) } ?? detail(json, depth: 0)
    }

    /// A value of a detail; lists and objects one below the other, as far as people read them.
    private static func detail(_ json: CanonicalJSON, depth: Int) -> HTML {
        if depth < 3, let entries = json.entries, !entries.isEmpty {
            return tag("ul", ["class": "plain"]) {
                for entry in entries.prefix(200) { tag("li") { detail(entry, depth: depth + 1) } }
                if entries.count > 200 { tag("li") { "and \(entries.count - 200) more" } }
            }
        }
        if depth < 3, let members = json.members, !members.isEmpty {
            return tag("ul", ["class": "plain"]) {
                for (name, value) in members.sorted(by: { $0.key < $1.key }).prefix(200) {
                    tag("li") {
                        "\(name): "
                        detail(value, depth: depth + 1)
                    }
                }
            }
        }
        let text = HTML.cut(json.text ?? String(decoding: json.encoded, as: UTF8.self), 4_096)
        return tag("code") { text.isWhole ? text.text : "\(text.text)…" }
    }
}
