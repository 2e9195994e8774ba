import Crypto
import PliniusPolicy
import PliniusVerifier
import Testing

@Suite("Boards")
struct BoardTests {
    private static let signers = (1...7).compactMap { index in
        (try? Curve25519.Signing.PrivateKey(rawRepresentation: [UInt8](repeating: UInt8(index), count: 32)))
            .map { OwnerSigningKey.ed25519($0) }
    }
    private static let keys = signers.map(\.publicKey)
    private static let hash = StatementHash(of: Array("a statement".utf8))

    // MARK: An oracle that knows nothing of the code

    /// Every least set of keys that is enough.
    private static func enough(_ rule: Board.Rule) -> [Set<OwnerKey>] {
        switch rule {
        case .key(let key): return [[key]]
        case .allOf(let rules): return joined(rules.map(enough))
        case .atLeast(let count, let rules):
            return (0..<(1 << rules.count)).filter { $0.nonzeroBitCount == count }.flatMap { chosen in
                joined(rules.enumerated().filter { chosen >> $0.offset & 1 == 1 }.map { enough($0.element) })
            }
        }
    }

    private static func joined(_ alternatives: [[Set<OwnerKey>]]) -> [Set<OwnerKey>] {
        alternatives.reduce([[]]) { all, next in all.flatMap { one in next.map { one.union($0) } } }
    }

    private static func rule(depth: Int, _ random: inout Splitmix) -> Board.Rule {
        let kind = depth >= 3 ? 0 : Int.random(in: 0...3, using: &random)
        guard kind > 0 else { return .key(keys[Int.random(in: 0..<6, using: &random)]) }
        var members: [Board.Rule] = []
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let member = rule(depth: depth + 1, &random)
            if !members.contains(member) { members.append(member) }
        }
        if kind == 1 { return .allOf(members) }
        return .atLeast(Int.random(in: 1...members.count, using: &random), of: members)
    }

    @Test("A board is satisfied by exactly the sets of keys that its rule's truth table says, and never by fewer")
    func truthTables() throws {
        var random = Splitmix(seed: 3)
        var satisfied = 0
        for _ in 0..<400 {
            let rule = Self.rule(depth: 0, &random)
            let board = try Board(rule)
            let least = Self.enough(rule)
            var table: [Bool] = []
            for subset in 0..<64 {
                let chosen = Set((0..<6).filter { subset >> $0 & 1 == 1 }.map { Self.keys[$0] })
                let isEnough = least.contains { $0.isSubset(of: chosen) }
                #expect(board.isSatisfied(by: chosen) == isEnough)
                #expect(rule.missing(chosen).isEmpty == isEnough)
                table.append(isEnough)
                satisfied += isEnough ? 1 : 0
            }
            // Who agrees more, agrees no less.
            for subset in 0..<64 where table[subset] {
                for bit in 0..<6 { #expect(table[subset | 1 << bit]) }
            }
            #expect(board.keys == least.reduce(into: []) { $0.formUnion($1) })
            #expect(try Board(CanonicalJSON(canonical: board.json.encoded)) == board)
        }
        #expect(satisfied > 400 * 64 / 10 && satisfied < 400 * 64 * 9 / 10)
    }

    @Test("What arrived decides as a table of moments says: agreement, lock, vetoes in time")
    func moments() throws {
        var random = Splitmix(seed: 5)
        var outcomes: [String: Int] = [:]
        for _ in 0..<4000 {
            let rule = Self.rule(depth: 1, &random)
            let veto = Set(
                (0..<2).map { _ in Self.keys[Int.random(in: 0..<7, using: &random)] }.prefix(
                    Int.random(in: 0...2, using: &random)))
            let lock = Int64.random(in: 0...6, using: &random)
            let board = try Board(rule, veto: veto, timeLock: lock)
            var approvals = Approvals(of: Self.hash)
            var time: Int64 = 100
            for _ in 0..<Int.random(in: 0...9, using: &random) {
                time += Int64.random(in: 0...2, using: &random)
                approvals.note(
                    Self.keys[Int.random(in: 0..<7, using: &random)],
                    isVeto: Int.random(in: 0..<6, using: &random) == 0,
                    received: Instant(seconds: time))
            }
            let now = time + Int64.random(in: 0...4, using: &random)
            let found = board.standing(of: approvals, at: Instant(seconds: now))

            let events = approvals.events
            let least = Self.enough(rule)
            let moment = events.indices.first { index in
                let agreed = Set(events[...index].filter { !$0.isVeto }.map(\.key))
                return least.contains { $0.isSubset(of: agreed) }
            }
            let start = moment.map { events[$0].received.seconds + lock }
            let vetoes = events.indices.filter { index in
                guard events[index].isVeto, veto.contains(events[index].key) else { return false }
                guard let moment, let start else { return true }
                return index < moment || events[index].received.seconds < start
            }
            switch found {
            case .vetoed(let key): #expect(vetoes.first.map { events[$0].key } == key)
            case .active(let since): #expect(vetoes.isEmpty && since.seconds == start && since.seconds <= now)
            case .locked(let until): #expect(vetoes.isEmpty && until.seconds == start && until.seconds > now)
            case .pending(let missing): #expect(vetoes.isEmpty && moment == nil && !missing.isEmpty)
            }
            outcomes["\(found)".prefix { $0 != "(" }.description, default: 0] += 1
            // Later agreement takes nothing back.
            if case .active = found {
                approvals.note(Self.keys[6], isVeto: false, received: Instant(seconds: now))
                approvals.note(Self.keys[5], isVeto: true, received: Instant(seconds: now))
                #expect(board.standing(of: approvals, at: Instant(seconds: now)) == found)
            }
        }
        #expect(outcomes.count == 4 && outcomes.values.allSatisfy { $0 > 100 }, "\(outcomes)")
    }

    // MARK: What counts as an approval

    private static let instant = Instant(seconds: 50)

    @Test("A signature under the statement, and one under an approval that names it, agree; nothing else does")
    func signatures() throws {
        let board = try Board(.atLeast(2, of: Self.keys.prefix(3).map { .key($0) }))
        var approvals = Approvals(of: Self.hash)
        func agree(_ signature: Signature) -> Bool { approvals.add(signature, received: Self.instant) }
        func agree(_ statement: Statement, _ signature: Signature) -> Int {
            approvals.add(statement, signatures: [signature], received: Self.instant)
        }
        #expect(agree(try Self.signers[0].sign(Self.hash)))
        #expect(
            board.standing(of: approvals, at: Self.instant)
                == .pending(missing: "1 more of (\(Self.keys[1]); \(Self.keys[2]))"))
        // The same again, and the same key in another way.
        #expect(!agree(try Self.signers[0].sign(Self.hash)))
        let approval = Statement(namespace: "a", issued: Self.instant, .approval(subject: Self.hash))
        #expect(
            agree(approval, try Self.signers[0].sign(approval.hash)) == 0)
        // Of another statement; over another statement's approval; over an approval with another's signature.
        let other = StatementHash(of: Array("another".utf8))
        #expect(!agree(try Self.signers[1].sign(other)))
        let elsewhere = Statement(namespace: "a", issued: Self.instant, .approval(subject: other))
        #expect(
            agree(elsewhere, try Self.signers[1].sign(elsewhere.hash))
                == 0)
        #expect(
            agree(approval, try Self.signers[1].sign(elsewhere.hash)) == 0
        )
        #expect(agree(approval, try Self.signers[1].sign(Self.hash)) == 0)
        // A key under another's signature, and a key that nobody asked.
        let stolen = Signature(key: Self.keys[1], bytes: try Self.signers[4].sign(Self.hash).bytes)
        #expect(!agree(stolen))
        #expect(agree(try Self.signers[5].sign(Self.hash)))
        // No statement of another kind is an approval.
        let stop = Statement(namespace: "a", issued: Self.instant, .stop(Statement.Stop(.namespace, reason: "")))
        #expect(agree(stop, try Self.signers[1].sign(stop.hash)) == 0)
        guard case .pending = board.standing(of: approvals, at: Self.instant) else {
            Issue.record("it counts although one key alone agreed")
            return
        }
        #expect(
            agree(approval, try Self.signers[2].sign(approval.hash)) == 1)
        #expect(board.standing(of: approvals, at: Self.instant) == .active(since: Self.instant))
        // What was collected for one statement says nothing of the next.
        #expect(Approvals(of: other).events.isEmpty)
    }

    @Test("A veto by one who may ends it; one by another, or about something else, does not")
    func vetoes() throws {
        let board = try Board(.key(Self.keys[0]), veto: [Self.keys[1]], timeLock: 10)
        func standing(_ subject: StatementHash, by signer: OwnerSigningKey, at seconds: Int64) throws -> Standing {
            var approvals = Approvals(of: Self.hash)
            approvals.add(try Self.signers[0].sign(Self.hash), received: Self.instant)
            let veto = Statement(namespace: "a", issued: Self.instant, .veto(subject: subject))
            approvals.add(veto, signatures: [try signer.sign(veto.hash)], received: Instant(seconds: seconds))
            return board.standing(of: approvals, at: Instant(seconds: 60))
        }
        #expect(try standing(Self.hash, by: Self.signers[1], at: 59) == .vetoed(by: Self.keys[1]))
        #expect(try standing(Self.hash, by: Self.signers[1], at: 60) == .active(since: Instant(seconds: 60)))
        #expect(try standing(Self.hash, by: Self.signers[2], at: 59) == .active(since: Instant(seconds: 60)))
        #expect(
            try standing(StatementHash(of: []), by: Self.signers[1], at: 59) == .active(since: Instant(seconds: 60)))
    }

    @Test("A clock that went back takes neither a veto nor a lock back")
    func clock() throws {
        let board = try Board(.key(Self.keys[0]), veto: [Self.keys[1]], timeLock: 10)
        var approvals = Approvals(of: Self.hash)
        approvals.note(Self.keys[0], isVeto: false, received: Instant(seconds: 100))
        #expect(board.standing(of: approvals, at: Instant(seconds: 40)) == .locked(until: Instant(seconds: 110)))
        approvals.note(Self.keys[1], isVeto: true, received: Instant(seconds: 50))
        #expect(board.standing(of: approvals, at: Instant(seconds: 40)) == .vetoed(by: Self.keys[1]))
        // The second of two agrees by a clock that has gone back: the lock begins no sooner than the first agreed.
        let both = try Board(.allOf([.key(Self.keys[0]), .key(Self.keys[2])]), timeLock: 10)
        var two = Approvals(of: Self.hash)
        two.note(Self.keys[0], isVeto: false, received: Instant(seconds: 100))
        two.note(Self.keys[2], isVeto: false, received: Instant(seconds: 50))
        #expect(both.standing(of: two, at: Instant(seconds: 105)) == .locked(until: Instant(seconds: 110)))
    }

    @Test("A rule that nothing satisfies, or that anything does, is none")
    func noBoards() throws {
        let key = Board.Rule.key(Self.keys[0])
        let other = Board.Rule.key(Self.keys[1])
        func nested(_ depth: Int) -> Board.Rule { depth == 1 ? key : .allOf([nested(depth - 1)]) }
        for (rule, check) in [
            (.allOf([]), "board.member"), (.atLeast(0, of: [key]), "board.count"),
            (.atLeast(2, of: [key]), "board.count"),
            (.atLeast(1, of: []), "board.member"), (.allOf([key, key]), "board.member"),
            (.atLeast(2, of: [key, other, key]), "board.member"),
            (.allOf([key, .atLeast(-1, of: [other])]), "board.count"), (nested(9), "board.depth"),
            (
                .allOf(
                    (0..<8).map { group in
                        .atLeast(
                            group + 1, of: (0..<8).map { .allOf([.key(Self.keys[$0 % 7]), nested(2 + $0 / 7)]) })
                    }), "board.keys"
            ),
        ] as [(Board.Rule, String)] {
            let error = #expect(throws: FormatError.self) { try Board(rule) }
            #expect(error?.check == check, "\(rule)")
        }
        #expect(throws: Never.self) { try Board(nested(8)) }
        let many = Set((0...Board.maximumKeys).map { _ in OwnerSigningKey().publicKey })
        #expect(throws: FormatError.self) { try Board(key, veto: many) }
        #expect(throws: Never.self) { try Board(key, veto: Set(many.dropFirst())) }
        for lock in [-1, Board.maximumTimeLock + 1] {
            #expect(throws: FormatError.self) { try Board(key, timeLock: lock) }
        }
    }

    @Test("Whoever agreed may still refuse, and whoever refused may still agree")
    func otherMinds() throws {
        let board = try Board(
            .allOf([.key(Self.keys[0]), .key(Self.keys[1])]), veto: [Self.keys[1], Self.keys[2]], timeLock: 10)
        var approvals = Approvals(of: Self.hash)
        let news = [false, true, true].map { isVeto in
            approvals.note(Self.keys[1], isVeto: isVeto, received: Self.instant)
        }
        #expect(news == [true, true, false])
        #expect(board.standing(of: approvals, at: Self.instant) == .vetoed(by: Self.keys[1]))
        // A veto of somebody who has none is an agreement neither.
        let plain = try Board(.key(Self.keys[1]))
        var other = Approvals(of: Self.hash)
        other.note(Self.keys[1], isVeto: true, received: Self.instant)
        guard case .pending = plain.standing(of: other, at: Self.instant) else {
            Issue.record("a veto agreed")
            return
        }
        other.note(Self.keys[1], isVeto: false, received: Self.instant)
        #expect(plain.standing(of: other, at: Self.instant) == .active(since: Self.instant))
    }

    // MARK: Whom a statement needs

    private static let document = Statement.Content.policy(name: "p", document: [:])

    @Test("Whoever speaks now decides who speaks next; a policy's own board decides about it, and about its assets")
    func consent() throws {
        let old = Statement.Namespace(board: try Board(.key(Self.keys[0])), keys: Set(Self.keys.prefix(3)))
        let new = Statement.Namespace(board: try Board(.key(Self.keys[3])), keys: [Self.keys[3], Self.keys[4]])
        let policy = try TestPolicy(change: "{ key: \"\(Self.keys[5])\" }").policy
        func board(_ content: Statement.Content, _ present: Statement.Namespace?, _ policy: OwnerPolicy? = nil) throws
            -> Board?
        {
            try Statement(namespace: "a", issued: Self.instant, content).consent(present: present, governing: policy)
        }
        // The first is signed by every key that it names.
        let first = try #require(try board(.namespace(new), nil))
        #expect(!first.isSatisfied(by: [Self.keys[3]]) && first.isSatisfied(by: new.keys) && first.timeLock == 0)
        #expect(try board(.namespace(new), old) == old.board)
        let asset = Asset(name: try #require(ScopedName("a/b")), kind: .model, identity: "r")
        #expect(try board(Self.document, old) == old.board && board(.asset(asset), old) == old.board)
        #expect(try board(Self.document, old, policy) == policy.change.value)
        #expect(try board(.asset(asset), old, policy) == policy.change.value)
        let stop = try #require(try board(.stop(Statement.Stop(.namespace, reason: "")), old, policy))
        for key in Self.keys { #expect(stop.isSatisfied(by: [key]) == old.keys.contains(key)) }
        #expect(try board(.resume(stop: Self.hash), old, policy) == old.board)
        #expect(try board(.withdraw(asset: "b"), old, policy) == old.board)
        #expect(try board(.approval(subject: Self.hash), old) == nil && board(.veto(subject: Self.hash), old) == nil)
        #expect(throws: FormatError.self) { try board(Self.document, nil) }
        #expect(throws: FormatError.self) { try board(.stop(Statement.Stop(.namespace, reason: "")), nil) }
    }
}
