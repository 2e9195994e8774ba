import PliniusPolicy
import PliniusPolicyManager
import PliniusVerifier

extension Page {
    /// So many statements are shown in full on one page; of the others there is a list.
    private static let shownInFull = 10
    /// So many changes of one statement are shown.
    private static let maximumChanges = 200
    /// Longer policies, in bytes, are compared by whoever asks for it at a machine of their own.
    private static let maximumLength = 4 << 20

    /// Statements that wait for signatures, or for their time: what they change, and how to agree.
    static func approvals(_ manager: PolicyManager) async throws -> Page {
        let reports = try await manager.pending()
        var proposals: [Proposal] = []
        for report in reports.prefix(shownInFull) { proposals.append(try await manager.proposal(report.record.hash)) }
        let stops = try manager.stops()
        return Page("Approvals", in: .approvals) {
            tag("p") {
                """
                Whoever agrees signs the hash, and nothing else: read what it stands for, and compare the hash with the one that \
                you were told by another way than this page. The command shows everything once more before it signs.
                """
            }
            if proposals.isEmpty {
                tag("p", ["class": "none"]) { "Nothing waits for signatures, and nothing for its time." }
            }
            for proposal in proposals { article(proposal) }
            if reports.count > shownInFull {
                HTML.table(
                    "More that wait", id: "more", columns: ["Statement", "State", "Kind", "About", "Received"],
                    rows: reports.dropFirst(shownInFull).map { report in
                        let record = report.record
                        return TableRow(
                            HTML.shortHash(hexadecimal(record.hash), to: statementPath(record.hash)),
                            standing(of: record), HTML(record.type),
                            HTML.long("\(record.namespace): \(record.subject)"),
                            HTML.time(record.received))
                    }, empty: "")
            }
            if !stops.isEmpty {
                HTML.section("Stops", id: "stops-heading") { stopTable(stops) }
            }
        }
    }

    /// One statement, whatever became of it.
    static func statement(_ hash: [UInt8], _ manager: PolicyManager) async throws -> Page {
        let proposal = try await manager.proposal(hash)
        return Page("\(title(of: proposal.statement)) of \(proposal.statement.namespace)", in: .approvals) {
            tag("article", ["aria-label": "The statement"]) {
                description(of: proposal, id: "statement", level: .page)
            }
        }
    }

    private static func article(_ proposal: Proposal) -> HTML {
        let id = "s" + hexadecimal(proposal.report.record.hash).prefix(16)
        return tag("article", ["aria-labelledby": id]) {
            tag("h2", ["id": id]) { "\(title(of: proposal.statement)) of \(proposal.statement.namespace)" }
            description(of: proposal, id: id, level: .article)
        }
    }

    private static func title(of statement: Statement) -> String {
        let kind =
            switch statement.kind {
            case .namespace: "Board and keys"
            case .policy: "Policy"
            case .asset: "Asset"
            case .withdraw: "Withdrawal"
            case .approval: "Approval"
            case .veto: "Veto"
            case .stop: "Stop"
            case .resume: "End of a stop"
            case .platform: "Platform"
            case .standby: "Standby manager"
            }
        switch statement.subject {
        case .policy(let name), .asset(let name), .standby(let name): return "\(kind) \(name)"
        default: return kind
        }
    }

    /// Where headings go on from.
    private enum Level {
        case page, article
    }

    private static func heading(_ level: Level, _ text: String) -> HTML {
        switch level {
        case .page: tag("h2") { text }
        case .article: tag("h3") { text }
        }
    }

    private static func description(of proposal: Proposal, id: String, level: Level) -> HTML {
        let report = proposal.report
        let record = report.record
        let waits = [.pending, .locked].contains(record.status)
        return tag("div") {
            HTML.facts(
                [
                    ("State", standing(of: record)), ("Hash", HTML.hash(hexadecimal(record.hash))),
                    (
                        "Number",
                        HTML("\(record.sequence)" + (record.predecessor == nil ? ", the first about its subject" : ""))
                    ),
                    ("Received", HTML.time(record.received)), ("Agreed", HTML.keys(report.signers, none: "nobody yet")),
                ] + (report.missing.isEmpty ? [] : [("Missing", tag("code") { report.missing })])
                    + (record.lockedUntil.map { [("Counts from", HTML.time($0))] } ?? []))
            heading(level, waits ? "What it would change" : "What it says")
            content(of: proposal, id: id)
            if waits {
                heading(level, "To agree, or to object")
                HTML.command(
                    "perun policy approve \(hexadecimal(record.hash)) --trust trust.json --key mine.pem",
                    label: "Command that agrees")
                HTML.command(
                    "perun policy veto \(hexadecimal(record.hash)) --trust trust.json --key mine.pem",
                    label: "Command that objects")
                if !proposal.replacesCurrent {
                    tag("p") { "What it replaces does not count any more: it will be turned down." }
                }
            }
        }
    }

    private static func content(of proposal: Proposal, id: String) -> HTML {
        let length = proposal.report.record.content.count + (proposal.replaced?.record.content.count ?? 0)
        guard length <= maximumLength else {
            return tag("p") { "It is too long for this page: perun policy approve shows it before it signs." }
        }
        let new = try? OwnerPolicy(proposal.statement, source: proposal.report.record.source)
        guard let new else { return members(of: proposal, id: id) }
        let old = proposal.replaced.flatMap { try? OwnerPolicy($0.statement, source: $0.record.source) }
        guard let old else {
            return tag("div") {
                tag("p") { "It is the first policy of this name. It permits:" }
                permission(of: new)
            }
        }
        let difference = PolicyDifference(from: old, to: new)
        return tag("div") {
            tag("p", ["class": "from"]) {
                "In place of "
                HTML.shortHash(
                    hexadecimal(proposal.replaced?.record.hash ?? []),
                    to: statementPath(proposal.replaced?.record.hash ?? []))
                ":"
            }
            HTML.table(
                "Changes to the policy \(new.name.value)", id: "\(id)-changes",
                columns: ["Setting", "Change", "Before", "After"],
                rows: difference.changes.prefix(maximumChanges).map { change in
                    row(change.path, old: change.old.map(shown), new: change.new.map(shown))
                }, empty: "It says the same; only its bytes differ.")
            if difference.changes.count > maximumChanges {
                tag("p") { "\(difference.changes.count - maximumChanges) more changes: perun policy diff shows them." }
            }
            if !difference.warnings.isEmpty { warningList(difference.warnings) }
            tag("details") {
                tag("summary") { "All that it would permit" }
                permission(of: new)
            }
        }
    }

    /// What a statement says that is no policy: each member, beside the one that it replaces.
    private static func members(of proposal: Proposal, id: String) -> HTML {
        let envelope: Set = ["type", "namespace", "issued", "sequence", "predecessor"]
        func members(_ statement: Statement?) -> [String: CanonicalJSON] {
            (statement?.json.members ?? [:]).filter { !envelope.contains($0.key) }
        }
        let new = members(proposal.statement)
        guard let replaced = proposal.replaced?.statement else {
            return HTML.table(
                "What the statement says", id: "\(id)-content", columns: ["Member", "Value"],
                rows: new.sorted { $0.key < $1.key }.map { TableRow(HTML($0.key), value(shown($0.value))) },
                empty: "It says nothing but its kind and its owner.")
        }
        let old = members(replaced)
        let names = Set(old.keys).union(new.keys).sorted()
        return HTML.table(
            "What the statement says, beside the one that it replaces", id: "\(id)-content",
            columns: ["Member", "Change", "Before", "After"],
            rows: names.map { row($0, old: old[$0].map(shown), new: new[$0].map(shown)) },
            empty: "It says nothing but its kind and its owner.")
    }

    private static func row(_ name: String, old: String?, new: String?) -> TableRow {
        let change =
            switch (old, new) {
            case (nil, _): HTML.state("Added", .waiting)
            case (_, nil): HTML.state("Removed", .waiting)
            case (let old, let new): old == new ? HTML.state("The same", .over) : HTML.state("Changed", .waiting)
            }
        return TableRow(tag("code") { HTML.cut(name, 512).text }, change, value(old), value(new))
    }

    private static func value(_ text: String?) -> HTML {
        guard let text else { return tag("span", ["class": "none"]) { "nothing" } }
        return tag("code", ["class": "long"]) { text }
    }

    private static func shown(_ json: CanonicalJSON) -> String {
        let text = HTML.cut(json.text ?? String(decoding: json.encoded, as: UTF8.self), 2_048)
        return text.isWhole ? text.text : "\(text.text)…"
    }
}
