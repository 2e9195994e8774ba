import PliniusPolicy
import PliniusPolicyManager
import Testing

@Suite("States of runs")
struct RunStateTests {
    private static func state(_ counter: UInt64, _ tag: UInt8 = 1) -> RunState {
        RunState(counter: counter, tag: [UInt8](repeating: tag, count: 32))
    }

    private static func move(_ store: PolicyStore, from old: RunState?, to new: RunState, run: String = "a/b#c") throws
    {
        try store.write(at: after(0)) { try $0.move(run, from: old, to: new, actor: "enclave") }
    }

    @Test("A state moves on from where it is") func moves() throws {
        let store = try StoreFolder().open()
        #expect(try store.read { try $0.state(of: "a/b#c") } == nil)
        try Self.move(store, from: nil, to: Self.state(0))
        try Self.move(store, from: Self.state(0), to: Self.state(7, 2))
        #expect(try store.read { try $0.state(of: "a/b#c") } == Self.state(7, 2))
        #expect(try store.read { try $0.state(of: "a/b#d") } == nil)
        try Self.move(store, from: Self.state(7, 2), to: Self.state(UInt64(Int64.max), 3))
        #expect(try store.read { try $0.state(of: "a/b#c") } == Self.state(UInt64(Int64.max), 3))
    }

    @Test("An older mirror, a fork and a lie about where the state is are conflicts") func conflicts() throws {
        let store = try StoreFolder().open()
        try Self.move(store, from: nil, to: Self.state(5))
        for old in [nil, Self.state(4), Self.state(5, 2), Self.state(6)] {
            expectError(.conflict, "the state of a/b#c is 5") { try Self.move(store, from: old, to: Self.state(9, 9)) }
        }
        #expect(try store.read { try $0.state(of: "a/b#c") } == Self.state(5))
        #expect(try store.read { try $0.auditHead().head.size } == 2)
    }

    @Test("A state goes forward, in the form of states") func malformed() throws {
        let store = try StoreFolder().open()
        try Self.move(store, from: nil, to: Self.state(5))
        let refused = [
            Self.state(5), Self.state(4, 2), Self.state(UInt64(Int64.max) + 1), Self.state(.max),
            RunState(counter: 6, tag: []), RunState(counter: 6, tag: [UInt8](repeating: 0, count: 33)),
        ]
        for new in refused {
            expectError(.malformed) { try Self.move(store, from: Self.state(5), to: new) }
        }
    }

    @Test("Of a hundred that move one state at once, one does at each step, and no step is lost") func race()
        async throws
    {
        let store = try StoreFolder().open()
        for step in 0..<5 as Range<UInt64> {
            let old = step == 0 ? nil : try store.read { try $0.state(of: "a/b#c") }
            let winners = await withTaskGroup(of: UInt8?.self) { group in
                for number in 0..<100 as Range<UInt8> {
                    group.addTask {
                        (try? Self.move(store, from: old, to: Self.state(step + 1, number))) == nil ? nil : number
                    }
                }
                return await group.reduce(into: [UInt8]()) { all, number in if let number { all.append(number) } }
            }
            #expect(winners.count == 1)
            #expect(try store.read { try $0.state(of: "a/b#c") } == winners.first.map { Self.state(step + 1, $0) })
        }
        #expect(try store.read { try $0.auditHead().head.size } == 6)
    }
}
