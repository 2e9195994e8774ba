import PliniusPolicy
import PliniusPolicyManager
import PliniusVerifier
import Testing

@Suite("Leases")
struct LeaseTests {
    private static func kinds(_ store: PolicyStore, from index: Int = 1) throws -> [AuditEntry.Kind] {
        try store.read { try $0.auditEntries(from: index, count: 1_000).map(\.kind) }
    }

    @Test("A lease lasts for its time, and each renewal as long again") func time() throws {
        let store = try StoreFolder().open()
        let id = lease(1).id
        try store.write(at: after(0)) { try $0.grant(lease(1), actor: "enclave") }
        #expect(try store.read { try $0.lease(id) } == lease(1))
        let renewed = try store.write(at: after(59)) { try $0.renew(id, facts: [2], actor: "enclave").lease }
        #expect(renewed.expires == after(119))
        #expect(renewed.renewals == 1)
        #expect(renewed.facts == [2])
        #expect(try store.read { try $0.lease(id) } == renewed)
        #expect(try store.read { try $0.liveLease(of: "lab/net#night") } == renewed)
        expectError(.forbidden, "ended at") {
            try store.write(at: after(119)) { try $0.renew(id, facts: [3], actor: "x") }
        }
        #expect(try store.read { try $0.lease(id) } == renewed)
        #expect(try store.write(at: after(119)) { try $0.expireLeases() } == 1)
        #expect(try store.write(at: after(119)) { try $0.expireLeases() } == 0)
        #expect(try store.read { try $0.lease(id)?.state } == .expired)
        #expect(try store.read { try $0.liveLease(of: "lab/net#night") } == nil)
        expectError(.forbidden, "is expired") {
            try store.write(at: after(120)) { try $0.renew(id, facts: [], actor: "x") }
        }
        expectError(.notFound) { try store.write(at: after(120)) { try $0.renew(lease(2).id, facts: [], actor: "x") } }
        #expect(try Self.kinds(store) == [.release, .renewal, .expiry])
    }

    @Test("A clock that is set back prolongs nothing") func clock() throws {
        let store = try StoreFolder().open()
        try store.write(at: after(0)) { try $0.grant(lease(1), actor: "x") }
        _ = store.instant(at: after(61))
        expectError(.forbidden, "ended at") {
            try store.write(at: after(-1_000)) { try $0.renew(lease(1).id, facts: [], actor: "x") }
        }
    }

    @Test("A newer lease of the run takes over, and the older one is not renewed") func supersession() throws {
        let store = try StoreFolder().open()
        try store.write(at: after(0)) { transaction in
            try transaction.grant(lease(1), actor: "x")
            try transaction.grant(lease(9, run: "lab/net#other"), actor: "x")
        }
        try store.write(at: after(1)) { try $0.grant(lease(2), actor: "x") }
        #expect(try store.read { try $0.liveLease(of: "lab/net#night")?.id } == lease(2).id)
        #expect(try store.read { try $0.lease(lease(1).id)?.state } == .superseded)
        #expect(try store.read { try $0.lease(lease(9).id)?.state } == .live)
        expectError(.forbidden, "is superseded: lease \(digits(lease(2).id)) took over") {
            try store.write(at: after(2)) { try $0.renew(lease(1).id, facts: [], actor: "x") }
        }
        try store.write(at: after(2)) { try $0.renew(lease(2).id, facts: [], actor: "x") }
        #expect(try Self.kinds(store) == [.release, .release, .supersession, .release, .renewal])
        #expect(try store.read { try $0.leases(.live) }.count == 2)
        // The same lease twice is none.
        expectError(.conflict) {
            try store.write(at: after(3)) { try $0.grant(lease(9, run: "lab/net#third"), actor: "x") }
        }
    }

    @Test("A revoked lease ends at once, with the reason") func revocation() throws {
        let store = try StoreFolder().open()
        try store.write(at: after(0)) { try $0.grant(lease(1), actor: "x") }
        let reason = Revocation("ima.files", expected: "files of the list", found: "/usr/bin/evil")
        let entry = try store.write(at: after(1)) { try $0.revoke(lease(1).id, because: reason, actor: "service") }
        #expect(entry.kind == .revocation)
        #expect(entry.detail["found"] == "/usr/bin/evil")
        expectError(.forbidden, "is revoked: ima.files: expected files of the list, found /usr/bin/evil") {
            try store.write(at: after(2)) { try $0.renew(lease(1).id, facts: [], actor: "x") }
        }
        expectError(.notFound) {
            try store.write(at: after(2)) { try $0.revoke(lease(1).id, because: reason, actor: "x") }
        }
    }

    static let stops: [(scope: StopScope, name: String, ended: Set<Int>)] = [
        (.namespace, "hospital-a", [1, 2]), (.namespace, "lab", [1, 2, 3]), (.namespace, "hospital", []),
        (.namespace, "hospital-a0", []), (.asset, "hospital-a/scans", [1, 2]), (.asset, "hospital-b/scans", [3]),
        (.asset, "hospital-a", []), (.run, "lab/net#one", [1]), (.run, "lab/net", []), (.namespace, "lab0x", []),
    ]

    @Test("A stop ends what it is about, and nothing else, in the same moment", arguments: stops)
    func stop(scope: StopScope, name: String, ended: Set<Int>) throws {
        let store = try StoreFolder().open()
        let leases = [
            1: lease(1, run: "lab/net#one"), 2: lease(2, run: "lab/net#two"),
            3: lease(3, run: "lab/net#three", assets: ["hospital-b/scans", "lab/net"]),
        ]
        try store.write(at: after(0)) { transaction in
            for lease in leases.values { try transaction.grant(lease, actor: "x") }
        }
        let revoked = try store.write(at: after(1)) { transaction in
            try transaction.stop(scope, name, by: sha("s"), because: "an accident", actor: "a key")
        }
        #expect(Set(revoked.map(\.id)) == Set(ended.compactMap { leases[$0]?.id }))
        for (number, lease) in leases {
            let isEnded = ended.contains(number)
            #expect(try store.read { try $0.lease(lease.id)?.state } == (isEnded ? .revoked : .live))
            #expect(try store.read { try $0.stop(of: lease.run, assets: lease.assets)?.name } == (isEnded ? name : nil))
            if isEnded {
                expectError(.forbidden, "an accident") {
                    try store.write(at: after(2)) { try $0.renew(lease.id, facts: [], actor: "x") }
                }
                expectError(.forbidden, "stop.\(scope.rawValue)") {
                    try store.write(at: after(2)) {
                        try $0.grant(
                            PliniusPolicyManagerTests.lease(number + 10, run: lease.run, assets: lease.assets),
                            actor: "x")
                    }
                }
            } else {
                try store.write(at: after(2)) { try $0.renew(lease.id, facts: [], actor: "x") }
            }
        }
        #expect(try store.read { try $0.stops().map(\.reason) } == ["an accident"])
        try store.write(at: after(3)) { try $0.resume(scope, name, by: sha("r"), actor: "the board") }
        #expect(try store.read { try $0.stops() }.isEmpty)
        expectError(.notFound) {
            try store.write(at: after(3)) { try $0.resume(scope, name, by: sha("r"), actor: "x") }
        }
        for number in ended {
            let lease = try #require(leases[number])
            #expect(try store.read { try $0.lease(lease.id)?.state } == .revoked, "what ended stays ended")
            try store.write(at: after(4)) {
                try $0.grant(
                    PliniusPolicyManagerTests.lease(number + 10, run: lease.run, assets: lease.assets), actor: "x")
            }
        }
        #expect(try store.verifyLog().exitCode == 0)
    }

    @Test("Leases end with the asset that they were granted with") func withdrawal() throws {
        let store = try StoreFolder().open()
        try store.write(at: after(0)) { transaction in
            try transaction.grant(lease(1), actor: "x")
            try transaction.grant(lease(2, run: "lab/net#b", assets: ["lab/net"]), actor: "x")
        }
        let reason = Revocation("asset.exists", expected: "hospital-a/scans", found: "withdrawn")
        let revoked = try store.write(at: after(1)) {
            try $0.revokeLeases(of: "hospital-a/scans", because: reason, actor: "x")
        }
        #expect(revoked.map(\.id) == [lease(1).id])
        #expect(try store.read { try $0.leases(.live).map(\.id) } == [lease(2).id])
    }

    @Test("As many runs begin as may, and a run that is resumed begins once") func runs() throws {
        let store = try StoreFolder().open()
        func begin(_ run: String, _ limit: Int?, use: String = "0") throws -> Bool {
            try store.write(at: after(0)) { transaction in
                let isNew = try transaction.begin(run, policy: "hospital-a/training", use: use, limit: limit)
                try transaction.log(.release, subject: run, actor: "x")
                return isNew
            }
        }
        #expect(try begin("a", 2))
        #expect(try !begin("a", 2))
        #expect(try begin("b", 2))
        expectError(.limited, "2 runs may begin, 2 have") { try begin("c", 2) }
        #expect(try !begin("b", 0))
        #expect(try begin("c", 1, use: "1"))
        #expect(try begin("c", nil))
        try store.read { (view) throws in
            #expect(try view.runsBegun(policy: "hospital-a/training", use: "0") == 3)
            #expect(try view.runsBegun(policy: "hospital-a/training", use: "2") == 0)
            #expect(try view.hasBegun("b", policy: "hospital-a/training", use: "0"))
            #expect(try !view.hasBegun("b", policy: "hospital-b/training", use: "0"))
        }
    }

    // MARK: - At once

    @Test("Of a hundred that take the last run, one does") func lastRun() async throws {
        let store = try StoreFolder().open()
        let begun = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<100 {
                group.addTask {
                    let won: Void? = try? store.write(at: after(1)) { transaction in
                        try transaction.begin("run-\(number)", policy: "p/p", use: "0", limit: 1)
                        try transaction.log(.release, subject: "x", actor: "x")
                    }
                    return won != nil
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(begun == 1)
        #expect(try store.read { try $0.runsBegun(policy: "p/p", use: "0") } == 1)
    }

    @Test("A hundred that grant, renew and stop one run at once leave one story") func storm() async throws {
        let store = try StoreFolder().open()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<100 {
                group.addTask {
                    _ = try? store.write(at: after(1)) { try $0.grant(lease(number), actor: "\(number)") }
                    _ = try? store.write(at: after(1)) {
                        try $0.renew(lease(number).id, facts: [9], actor: "\(number)")
                    }
                    if number % 10 == 3 {
                        _ = try? store.write(at: after(1)) {
                            try $0.stop(.asset, "hospital-a/scans", by: sha("s"), because: "x", actor: "\(number)")
                        }
                        _ = try? store.write(at: after(1)) {
                            try $0.resume(.asset, "hospital-a/scans", by: sha("s"), actor: "\(number)")
                        }
                    }
                }
            }
        }
        // The log, read in order, tells at most one live lease at any moment, and the store's is the last.
        var live: String?
        for entry in try store.exportLog().entries {
            let id = entry.detail["lease"]?.text
            switch entry.kind {
            case .release:
                #expect(live == nil)
                live = id
            case .renewal: #expect(live == id)
            case .supersession, .revocation:
                #expect(live == id)
                live = nil
            default: break
            }
        }
        #expect(try store.read { try $0.liveLease(of: "lab/net#night") }.map { digits($0.id) } == live)
        #expect(try store.read { try $0.leases(.live).count } <= 1)
        #expect(try store.verifyLog().exitCode == 0)
    }
}
