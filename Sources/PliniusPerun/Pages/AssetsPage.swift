import PliniusPolicy
import PliniusPolicyManager
import PliniusVerifier

extension Page {
    /// What owners have stated, and who governs it.
    static func assets(_ manager: PolicyManager) async throws -> Page {
        let assets = try await manager.assets()
        let stops = try manager.stops()
        let namespaces = try await manager.current("namespace")
        let standbys = try await manager.standbys()
        return Page("Assets", in: .assets) {
            HTML.section("Owners", id: "owners-heading") {
                HTML.table(
                    "Owners, and the statement that says who speaks for each", id: "owners",
                    columns: ["Owner", "Version", "Since", "Statement"],
                    rows: namespaces.map { record in
                        TableRow(
                            HTML(record.name), HTML("\(record.version)"), HTML.time(record.since),
                            HTML.shortHash(hexadecimal(record.statement), to: statementPath(record.statement)))
                    }, empty: "No owner has stated who speaks for it.")
            }
            HTML.section("Assets", id: "assets-heading") {
                HTML.table(
                    "Assets: what they are, which policy governs them, and what they were made from", id: "assets",
                    columns: [
                        "Asset", "State", "Kind", "Identity", "Policy", "Made from", "Secret key", "Version",
                        "Statement",
                    ],
                    rows: assets.map { entry in
                        TableRow(
                            HTML(entry.current.name), standing(of: entry.asset, entry.isWithdrawn, stops),
                            HTML(entry.asset.kind.rawValue), tag("code") { entry.asset.identity },
                            policyLink(entry.asset.policy),
                            HTML.list(entry.asset.lineage.map(\.description), none: "nothing else"),
                            HTML(entry.hasKey ? "kept here" : "none here"), HTML("\(entry.current.version)"),
                            HTML.shortHash(
                                hexadecimal(entry.current.statement), to: statementPath(entry.current.statement)))
                    }, empty: "No owner has stated an asset.")
            }
            if !standbys.isEmpty {
                HTML.section("Managers that may take over", id: "standbys-heading") {
                    HTML.table(
                        "Standbys that owners name; whoever has the root key has every key here", id: "standbys",
                        columns: ["Standby", "Root key", "Key that it is sealed to", "Statement"],
                        rows: standbys.map { entry in
                            TableRow(
                                HTML(entry.current.name),
                                entry.isSealed
                                    ? HTML.state("Sealed for it", .good)
                                    : HTML.state("Not every owner agrees", .waiting),
                                tag("code") { hexadecimal(entry.sealingKey) },
                                HTML.shortHash(
                                    hexadecimal(entry.current.statement), to: statementPath(entry.current.statement)))
                        }, empty: "")
                }
            }
        }
    }

    private static func standing(of asset: Asset, _ isWithdrawn: Bool, _ stops: [StopRecord]) -> HTML {
        if isWithdrawn { return HTML.state("Withdrawn", .over) }
        let isStopped = stops.contains { stop in
            stop.scope == .asset && stop.name == asset.name.description
                || stop.scope == .namespace && stop.name == asset.name.namespace
        }
        if isStopped { return HTML.state("Stopped", .bad) }
        return asset.policy == nil ? HTML.state("No policy", .waiting) : HTML.state("In use", .good)
    }

    static func policyLink(_ name: ScopedName?) -> HTML {
        guard let name else { return tag("span", ["class": "none"]) { "none: nobody may use it" } }
        return tag("a", ["href": pagePath("policies", name.namespace, name.name)]) { name.description }
    }
}
