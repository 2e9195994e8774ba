import PliniusPolicy
import PliniusPolicyManager
import PliniusVerifier

extension Page {
    /// What there is, what waits, and what was decided last.
    static func overview(_ manager: PolicyManager) async throws -> Page {
        let overview = try await manager.overview()
        let decisions = try manager.auditEntries(count: 8, kinds: decisionKinds)
        return Page("Overview", in: .overview) {
            attention(overview)
            HTML.section("Numbers", id: "numbers") {
                HTML.facts([
                    ("Owners", HTML("\(overview.owners)")),
                    ("Policies", link("\(overview.policies)", .policies)),
                    (
                        "Assets",
                        link(
                            overview.withdrawnAssets == 0
                                ? "\(overview.assets)" : "\(overview.assets), \(overview.withdrawnAssets) withdrawn",
                            .assets)
                    ),
                    ("Live leases", link("\(overview.liveLeases)", .leases)),
                    ("Entries of the log", link("\(overview.head.head.size)", .audit)),
                ])
            }
            HTML.section("Latest decisions", id: "decisions") {
                decisionTable(decisions.entries, "The latest releases, refusals and revocations")
                tag("p") { tag("a", ["href": Section.decisions.path]) { "All decisions" } }
            }
            HTML.section("Log", id: "log") {
                ownWord(overview.head)
                tag("p") { tag("a", ["href": Section.audit.path]) { "Have this browser verify the log" } }
            }
        }
    }

    private static func link(_ text: String, _ section: Section) -> HTML {
        tag("a", ["href": section.path]) { text }
    }

    private static func attention(_ overview: Overview) -> HTML {
        HTML.section("What waits for somebody", id: "attention") {
            tag("ul", ["class": "attention"]) {
                tag("li") {
                    if overview.pending == 0 {
                        HTML.state("Nothing", .good)
                        " waits for signatures."
                    } else {
                        HTML.state("\(overview.pending) to sign", .waiting)
                        tag("a", ["href": Section.approvals.path]) {
                            overview.pending == 1
                                ? "One statement waits for signatures."
                                : "\(overview.pending) statements wait for signatures."
                        }
                    }
                }
                if overview.locked > 0 {
                    tag("li") {
                        HTML.state("\(overview.locked) locked", .waiting)
                        tag("a", ["href": Section.approvals.path]) {
                            "Agreed to, and open to a veto until the time lock ends."
                        }
                    }
                }
            }
            if overview.stops.isEmpty {
                tag("p") { "Nothing is stopped." }
            } else {
                stopTable(overview.stops)
            }
        }
    }

    /// Stops that count.
    static func stopTable(_ stops: [StopRecord]) -> HTML {
        HTML.table(
            "Stops that nobody has lifted", id: "stops", columns: ["Stopped", "What", "Reason", "Since", "Statement"],
            rows: stops.map { stop in
                TableRow(
                    HTML(stop.name), HTML.state("Stopped \(stop.scope.rawValue)", .bad), HTML.long(stop.reason),
                    HTML.time(stop.since),
                    HTML.shortHash(hexadecimal(stop.statement), to: statementPath(stop.statement)))
            }, empty: "Nothing is stopped.")
    }

    static func statementPath(_ hash: [UInt8]) -> String { pagePath("statements", hexadecimal(hash)) }
}
