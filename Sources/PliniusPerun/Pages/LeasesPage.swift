import PliniusPolicyManager
import PliniusVerifier

extension Page {
    /// Runs that have keys, and those that had.
    static func leases(_ manager: PolicyManager) async throws -> Page {
        let live = try await manager.leases(.live)
        var ended: [LeaseRecord] = []
        for state in [LeaseRecord.State.revoked, .expired, .superseded] {
            ended += try await manager.leases(state, limit: 50)
        }
        ended.sort { ($0.renewed, $0.run) > ($1.renewed, $1.run) }
        return Page("Leases", in: .leases) {
            tag("p") {
                "A run uses keys as long as its lease is live. A stop ends it here at once, and in the run when its time is over."
            }
            HTML.section("Live", id: "live-heading") {
                HTML.table(
                    "Runs that may use keys now", id: "live",
                    columns: ["Run", "Purpose", "Ends", "Terms", "Begun", "Renewed", "Assets", "Lease"],
                    rows: live.map { lease in
                        TableRow(
                            HTML(lease.run), HTML(lease.purpose), HTML.time(lease.expires),
                            HTML("\(lease.seconds) s or \(lease.iterations) updates"), HTML.time(lease.begun),
                            HTML(lease.renewals == 1 ? "once" : "\(lease.renewals) times"),
                            HTML.list(lease.assets.sorted()), HTML.shortHash(hexadecimal(lease.id)))
                    }, empty: "No run has keys now.")
            }
            HTML.section("Ended", id: "ended-heading") {
                HTML.table(
                    "Leases that ended: the latest fifty of each state", id: "ended",
                    columns: ["Run", "State", "Why", "Begun", "Last renewed", "Assets", "Lease"],
                    rows: ended.map { lease in
                        TableRow(
                            HTML(lease.run), standing(of: lease), HTML.long(lease.reason ?? "no reason kept"),
                            HTML.time(lease.begun), HTML.time(lease.renewed), HTML.list(lease.assets.sorted()),
                            HTML.shortHash(hexadecimal(lease.id)))
                    }, empty: "No lease has ended.")
            }
        }
    }

    private static func standing(of lease: LeaseRecord) -> HTML {
        switch lease.state {
        case .live: HTML.state("Live", .good)
        case .superseded: HTML.state("Superseded", .over)
        case .revoked: HTML.state("Revoked", .bad)
        case .expired: HTML.state("Expired", .over)
        }
    }
}
