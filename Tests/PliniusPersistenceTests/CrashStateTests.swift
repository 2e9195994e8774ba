import PliniusPersistence
import Testing
import _PliniusTestSupport

/// Every state that a crash inside a transaction may leave, judged by the real recovery.
@Suite struct CrashStateTests {
    /// One exploration.
    struct Trial: CustomTestStringConvertible, Sendable {
        var kind: CommitKind
        var device: CrashDevice
        var workload: any CrashWorkload
        var transactions: Int
        var limits = CrashLimits()
        /// Fewer explored states than that, and the exploration has become blind.
        var atLeast: Int
        var testDescription: String { "\(kind) on \(device): \(type(of: workload))" }

        static func all(
            _ workload: some CrashWorkload, _ transactions: Int, perStore: Int = 24, atLeast: Int
        ) -> [Trial] {
            CommitKind.allCases.flatMap { kind in
                CrashDevice.all.map { device in
                    // Sectors are few, and so are their states: more of them are used on.
                    let isMemory = device.tier == .t0
                    return Trial(
                        kind: kind, device: device, workload: workload, transactions: transactions,
                        limits: CrashLimits(perStore: perStore, descents: isMemory ? 1000 : 8),
                        atLeast: isMemory ? atLeast : 100)
                }
            }
        }
    }

    private func explore(_ trial: Trial) throws {
        let explorer = try CrashExplorer(trial.workload, trial.kind, trial.device, limits: trial.limits)
        try explorer.explore(transactions: trial.transactions)
        let tally = explorer.tally
        #expect(tally.images >= trial.atLeast, "\(tally)")
        #expect(tally.before > 0 && tally.after > 0 && tally.descents[1...].allSatisfy { $0 > 0 }, "\(tally)")
        print("\(trial.testDescription): \(tally)")
    }

    @Test(arguments: Trial.all(Counters(), 4, atLeast: 2000))
    func `Counters stay equal`(trial: Trial) throws { try explore(trial) }

    @Test(arguments: Trial.all(LinkedList(), 4, atLeast: 2000))
    func `A list keeps its length and its sum`(trial: Trial) throws { try explore(trial) }

    @Test(arguments: Trial.all(HashMap(), 2, atLeast: 2000))
    func `A hash map holds what was put in`(trial: Trial) throws { try explore(trial) }

    @Test(arguments: Trial.all(Churn(), 2, perStore: 12, atLeast: 3000))
    func `Objects, roots and extents come and go`(trial: Trial) throws { try explore(trial) }

    // The log takes two such transactions; twins need no checkpoint, and one transaction tells all.
    @Test(
        arguments: Trial.all(Bulk(), 3, perStore: 6, atLeast: 5000).map { trial in
            var trial = trial
            trial.transactions = trial.kind == .redoLog ? 3 : 1
            return trial
        })
    func `A transaction that needs a checkpoint is as safe as others`(trial: Trial) throws { try explore(trial) }
}
