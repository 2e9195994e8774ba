import PliniusPolicy
import PliniusPolicyManager
import PliniusVerifier
import PliniusWire

extension Page {
    /// The policies that count.
    static func policies(_ manager: PolicyManager) async throws -> Page {
        let policies = try await manager.current("policy")
        return Page("Policies", in: .policies) {
            tag("p") { "These count now. What is to take their place stands under Approvals." }
            HTML.table(
                "Policies that count", id: "policies", columns: ["Policy", "Version", "Since", "Statement"],
                rows: policies.map { record in
                    TableRow(
                        policyLink(ScopedName(record.name)), HTML("\(record.version)"), HTML.time(record.since),
                        HTML.shortHash(hexadecimal(record.statement), to: statementPath(record.statement)))
                }, empty: "No policy counts: nothing is released.")
        }
    }

    /// One policy: what it permits, how often it was used, and how it was written.
    static func policy(_ name: ScopedName, _ manager: PolicyManager) async throws -> Page {
        let (policy, report) = try await manager.policy(name)
        let uses = try policy.uses.map { use in
            let runs = try manager.runsBegun(policy: name, use: use.id)
            return TableRow(
                HTML(use.id), HTML("\(use.purpose.value)"), HTML(use.level.value.rawValue),
                HTML(use.runs.value.map { "\(runs) of \($0)" } ?? "\(runs), any number"),
                HTML("\(use.lease.value.seconds) s or \(use.lease.value.iterations) updates"),
                HTML.list(use.partners.value.map(\.description), none: "own assets alone"))
        }
        let versions = try manager.versions(ofPolicy: name)
        return Page("Policy \(name)", in: .policies) {
            HTML.facts([
                ("Statement", HTML.hash(hexadecimal(report.record.hash))),
                ("Digest of the policy", HTML.hash(hexadecimal(policy.digest))),
                ("Signed by", HTML.keys(report.signers, none: "nobody")),
            ])
            HTML.section("What it permits", id: "permits") { permission(of: policy) }
            HTML.section("Uses", id: "uses-heading") {
                HTML.table(
                    "Uses of the policy, each of which permits by itself", id: "uses",
                    columns: ["Use", "Purpose", "Level", "Runs begun", "Lease", "Partners"], rows: uses,
                    empty: "It permits nothing.")
            }
            HTML.section("Versions", id: "versions-heading") {
                HTML.table(
                    "Statements about this policy, the newest first", id: "versions",
                    columns: ["Statement", "State", "Number", "Received"],
                    rows: versions.prefix(100).map { record in
                        TableRow(
                            HTML.shortHash(hexadecimal(record.hash), to: statementPath(record.hash)),
                            standing(of: record),
                            HTML("\(record.sequence)"), HTML.time(record.received))
                    }, empty: "There are none.")
            }
            HTML.section("As it was written", id: "source") { source(report.record.source, of: name) }
        }
    }

    /// What a policy permits, in sentences, and what its author should have meant.
    static func permission(of policy: OwnerPolicy) -> HTML {
        let warnings = policy.warnings
        // The explanation ends with the warnings, which stand by themselves here.
        let sentences = policy.explanation.dropLast(warnings.count)
        return tag("div") {
            tag("ul", ["class": "sentences"]) { for sentence in sentences { tag("li") { sentence } } }
            if !warnings.isEmpty { warningList(warnings) }
        }
    }

    static func warningList(_ warnings: [PolicyWarning]) -> HTML {
        tag("ul", ["class": "warnings"]) {
            for warning in warnings.prefix(100) {
                tag("li") {
                    HTML.state("Warning", .waiting)
                    " \(warning.text) "
                    tag("code") { warning.line.description }
                }
            }
        }
    }

    /// The file that was signed, as far as it can be shown.
    private static func source(_ source: String?, of name: ScopedName) -> HTML {
        guard let source else {
            return tag("p", ["class": "none"]) { "The file itself did not come with the statement." }
        }
        let shown = HTML.cut(source, 64 << 10)
        return tag("div") {
            tag("pre", ["tabindex": "0", "role": "region", "aria-label": "The policy’s file"]) {
                tag("code") { shown.text }
            }
            if !shown.isWhole { tag("p") { "It goes on; the whole is printed by perun policy show \(name)." } }
        }
    }

    /// How far a statement counts.
    static func standing(of record: StatementRecord) -> HTML {
        switch record.status {
        case .pending: HTML.state("Waits for signatures", .waiting)
        case .locked: HTML.state("Waits for its time", .waiting)
        case .active: HTML.state("Counts", .good)
        case .replaced: HTML.state("Replaced", .over)
        case .vetoed: HTML.state("Vetoed", .bad)
        case .outrun: HTML.state("Outrun by another", .over)
        }
    }
}
