import Glibc
import PliniusPolicy
import PliniusPolicyManager
import Testing
import _PliniusTestSupport

/// Processes that change a store are killed; whoever opens it next finds all that was acknowledged, and nothing half-done.
@Suite(.serialized)
struct StoreKillTests {
    private static let storm = Program(name: "policy-storm")

    /// Opens what a killed process left, and looks at all of it.
    ///
    /// - Parameter acknowledged: The number of the last change that the process said is durable.
    /// - Returns: The number of changes that there are.
    private static func examine(_ folder: StoreFolder, acknowledged: Int64, isThorough: Bool = true) throws -> Int64 {
        let store = try folder.open(isNew: true, examinesAll: isThorough)
        let last = try store.read { try $0.lastSequence(of: "storm") } ?? -1
        #expect(last == acknowledged || last == acknowledged + 1, "\(acknowledged) was said, \(last) is there")
        if isThorough {
            #expect(try store.verifyLog().exitCode == 0)
            let report = try store.report()
            #expect(report.integrity == "ok" && report.danglingRows == 0)
            try Replay(store.exportLog().entries).compare(with: store, changes: last + 1)
        }
        try store.close()
        return last
    }

    /// What the store should hold, from its log alone.
    private struct Replay {
        var current: [String: String] = [:]
        var leases: [String: String] = [:]
        var states: [String: Int64] = [:]
        var count: Int64 = 0

        init(_ entries: [AuditEntry]) {
            for entry in entries {
                switch entry.kind {
                case .activation:
                    current[entry.subject] = entry.detail["statement"]?.text
                    count += 1
                case .release: leases[entry.subject] = entry.detail["lease"]?.text
                case .supersession, .revocation: leases[entry.subject] = nil
                case .state: states[entry.subject] = entry.detail["counter"]?.number
                default: break
                }
            }
        }

        func compare(with store: PolicyStore, changes: Int64) throws {
            try store.read { (view) throws in
                #expect(count == changes)
                #expect(try view.statements(.active).count + view.statements(.replaced).count == Int(changes))
                let names = try view.current("asset")
                #expect(names.map(\.name) == current.keys.sorted())
                for name in names {
                    #expect(digits(name.statement) == current[name.name])
                    let key = try view.key("asset", name.name, in: store.vault)
                    let content = try #require(try view.statement(name.statement)).content
                    #expect(key.map(bytes) == sha(content + [1]))
                    #expect(try view.signatures(under: name.statement).count == 1)
                }
                #expect(Set(try view.leases(.live).map { digits($0.id) }) == Set(leases.values))
                for (run, counter) in states { #expect(try view.state(of: run)?.counter == UInt64(counter)) }
                #expect(try view.runsBegun(policy: "storm/policy", use: "0") == Int(changes))
                #expect(try view.stops().isEmpty)
            }
        }
    }

    /// The number of the last whole line that tells of a change.
    private static func lastAcknowledged(_ output: String) -> Int64? {
        output.split(separator: "\n", omittingEmptySubsequences: false).dropLast().last { !$0.hasPrefix("#") }
            .flatMap { $0.split(separator: " ").first }.flatMap { Int64($0) }
    }

    @Test("Every start after one of 200 SIGKILLs finds exactly what was durable") func kills() throws {
        let folder = try StoreFolder()
        var last: Int64 = -1
        for round in 0..<200 {
            let running = try Self.storm.start(["run", folder.path])
            // Every third kill falls anywhere from the start on, the others among changes.
            if round % 3 > 0 {
                let changes = Int.random(in: 1...3)
                while running.isRunning, running.outputSoFar.count(where: \.isNewline) <= changes { usleep(500) }
            }
            usleep(.random(in: 0..<40_000))
            running.signal(SIGKILL)
            let ended = try running.wait()
            try #require(ended.status == .signalled(SIGKILL), "\(ended.errors)")
            last = try Self.examine(
                folder, acknowledged: Self.lastAcknowledged(ended.output) ?? last, isThorough: round % 20 == 19)
        }
        #expect(last >= 133, "two starts of three make a change at least")
    }

    /// The system kills a process at the write that would make a file longer than it may be: at every length that the store's files have
    /// while it is made and changed, in the middle of pages as well.
    @Test("A process that dies at any of its writes leaves what was durable") func writes() throws {
        var lengths: Set<Int64> = []
        for limit in stride(from: 0, to: 420_000, by: 6_007) {
            let folder = try StoreFolder()
            let ended = try Self.storm.run(["run", folder.path, "1000", "\(limit)"])
            try #require(ended.status == .signalled(SIGXFSZ), "\(limit): \(ended.errors)")
            let acknowledged = Self.lastAcknowledged(ended.output) ?? -1
            lengths.insert(try Self.examine(folder, acknowledged: acknowledged))
            // It goes on from there.
            let next = try Self.storm.run(["run", folder.path, "2"])
            try #require(next.succeeded, "\(limit): \(next.errors)")
            _ = try Self.examine(folder, acknowledged: try #require(Self.lastAcknowledged(next.output)))
            folder.directory.remove()
        }
        #expect(lengths.count > 3, "the limits fell on \(lengths)")
    }

    @Test("Where files may not grow, a change fails with its reason; later the store goes on") func limited() throws {
        for limit in [200_000, 300_001, 500_003] {
            let folder = try StoreFolder()
            let ended = try Self.storm.run(["limited", folder.path, "\(limit)"])
            try #require(ended.succeeded, "\(limit): \(ended.errors)")
            let lines = ended.output.split(separator: "\n")
            #expect(lines.count == 2 && lines[0].contains("nothing was changed"), "\(ended.output)")
            let last = try #require(Self.lastAcknowledged(ended.output))
            #expect(try Self.examine(folder, acknowledged: last) == last)
        }
    }

    @Test(
        "On a full disk a change fails with its reason; with room again the store goes on",
        .enabled(if: geteuid() == 0, "only root can make a small disk"))
    func fullDisk() throws {
        let directory = try TemporaryDirectory(in: "/dev/shm")
        let disk = directory("disk")
        try #require(mkdir(disk, 0o700) == 0)
        try #require(mount("policy-storm", disk, "tmpfs", 0, "size=1m") == 0, "errno \(errno)")
        defer { umount2(disk, CInt(MNT_DETACH)) }
        let ended = try Self.storm.run(["full", "\(disk)/store", "\(disk)/ballast"])
        try #require(ended.succeeded, "\(ended.errors)")
        let lines = ended.output.split(separator: "\n")
        #expect(lines.count == 2 && lines[0].contains("disk of the store is full"), "\(ended.output)")
        let folder = try StoreFolder()
        try #require(symlink("\(disk)/store", folder.path) == 0)
        let last = try #require(Self.lastAcknowledged(ended.output))
        #expect(try Self.examine(folder, acknowledged: last) == last)
    }
}
