import PliniusPolicy
import PliniusPolicyManager
import PliniusSealing
import PliniusVerifier
import Testing

@Suite("Statements in the store")
struct StatementStoreTests {
    @Test("Statements are found by what they are about, and by how far they count") func queries() throws {
        let store = try StoreFolder().open()
        let subject = digits(statement(1).hash)
        try store.write(at: after(9)) { transaction in
            try transaction.insert(statement(1))
            try transaction.insert(statement(2, type: "approval", subject: subject, status: .active))
            try transaction.insert(statement(3, type: "approval", namespace: "hospital-b", subject: subject))
            try transaction.log(.statement, subject: "x", actor: "x")
        }
        try store.read { (view) throws in
            #expect(
                try view.statements(type: "approval", namespace: "hospital-a", subject: subject).map(\.sequence) == [2])
            #expect(try view.statements(.pending).map(\.sequence) == [1, 3])
            #expect(try view.lastSequence(of: "hospital-a") == 2)
            #expect(try view.lastSequence(of: "nobody") == nil)
        }
        expectError(.conflict, "is here already") { try store.write(at: after(9)) { try $0.insert(statement(1)) } }
    }

    @Test("A key signs a statement once") func signatures() throws {
        let store = try StoreFolder().open()
        let hash = statement(1).hash
        let added = try store.write(at: after(3)) { transaction in
            try transaction.insert(statement(1))
            try transaction.log(.statement, subject: "x", actor: "x")
            return [
                try transaction.insertSignature([1], by: "ed25519:b", under: hash),
                try transaction.insertSignature([2], by: "ed25519:a", under: hash),
                try transaction.insertSignature([3], by: "ed25519:b", under: hash),
            ]
        }
        #expect(added == [true, true, false])
        #expect(
            try store.read { try $0.signatures(under: hash) } == [
                SignatureRecord(key: "ed25519:a", signature: [2], received: after(3)),
                SignatureRecord(key: "ed25519:b", signature: [1], received: after(3)),
            ])
        expectError(.conflict) {
            try store.write(at: after(3)) { transaction in
                try transaction.log(.statement, subject: "x", actor: "x")
                _ = try transaction.insertSignature([1], by: "ed25519:b", under: sha("no such statement"))
            }
        }
    }

    @Test("A name means what was written to replace what it meant") func versions() throws {
        let store = try StoreFolder().open()
        let name = "hospital-a/training"
        func activate(_ number: Int64, replacing old: Int64?) throws {
            try store.write(at: after(number)) { transaction in
                if try transaction.statement(statement(number).hash) == nil {
                    try transaction.insert(statement(number))
                }
                try transaction.activate(
                    "policy", name, statement: statement(number).hash, replacing: old.map { statement($0).hash })
                try transaction.log(.activation, subject: name, actor: "x")
            }
        }
        expectError(.conflict, "write it anew") { try activate(1, replacing: 7) }
        try activate(1, replacing: nil)
        expectError(.conflict) { try activate(2, replacing: nil) }
        try activate(2, replacing: 1)
        // A second successor of the first comes too late.
        expectError(.conflict) { try activate(3, replacing: 1) }
        try store.read { (view) throws in
            let current = try view.current("policy", name)
            #expect(current?.statement == statement(2).hash)
            #expect(current?.version == 2)
            #expect(current?.since == after(2))
            #expect(try view.statement(statement(1).hash)?.status == .replaced)
            #expect(try view.statement(statement(2).hash)?.status == .active)
            #expect(try view.statement(statement(3).hash) == nil)
            #expect(try view.current("policy").count == 1)
            #expect(try view.current("asset").isEmpty)
        }
    }

    @Test("What was withdrawn comes back with a new version only") func withdrawal() throws {
        let store = try StoreFolder().open()
        func change(_ body: (StoreTransaction) throws -> Void) throws {
            try store.write(at: after(1)) { transaction in
                try body(transaction)
                try transaction.log(.withdrawal, subject: "x", actor: "x")
            }
        }
        expectError(.notFound) { try change { try $0.withdraw("asset", "a/b", by: sha("w")) } }
        try change {
            for number in 1...3 as ClosedRange<Int64> { try $0.insert(statement(number)) }
            try $0.activate("asset", "a/b", statement: statement(1).hash, replacing: nil)
        }
        try change { try $0.withdraw("asset", "a/b", by: statement(2).hash) }
        #expect(try store.read { try $0.current("asset", "a/b")?.withdrawn } == statement(2).hash)
        expectError(.conflict, "withdrawn before") {
            try change { try $0.withdraw("asset", "a/b", by: statement(2).hash) }
        }
        try change { try $0.activate("asset", "a/b", statement: statement(3).hash, replacing: statement(1).hash) }
        #expect(try store.read { try $0.current("asset", "a/b")?.withdrawn } == nil)
    }

    @Test("Of a hundred that replace one version at once, one does") func race() async throws {
        let store = try StoreFolder().open()
        try store.write(at: after(1)) { transaction in
            for number in 0...100 as ClosedRange<Int64> { try transaction.insert(statement(number)) }
            try transaction.activate("policy", "a/b", statement: statement(0).hash, replacing: nil)
            try transaction.log(.activation, subject: "a/b", actor: "x")
        }
        let winners = await withTaskGroup(of: Int64?.self) { group in
            for number in 1...100 as ClosedRange<Int64> {
                group.addTask {
                    let won: Void? = try? store.write(at: after(2)) { transaction in
                        try transaction.activate(
                            "policy", "a/b", statement: statement(number).hash, replacing: statement(0).hash)
                        try transaction.log(.activation, subject: "a/b", actor: "\(number)")
                    }
                    return won == nil ? nil : number
                }
            }
            return await group.reduce(into: [Int64]()) { all, number in if let number { all.append(number) } }
        }
        #expect(winners.count == 1)
        #expect(
            try store.read { try $0.current("policy", "a/b")?.statement } == winners.first.map { statement($0).hash })
        #expect(try store.read { try $0.auditHead().head.size } == 5)
    }

    @Test("Keys are kept, replaced, forgotten, and wrapped anew") func keys() throws {
        let folder = try StoreFolder()
        let store = try folder.open()
        func key(_ name: String) throws -> [UInt8]? {
            try store.read { try $0.key("asset", name, in: folder.vault).map(bytes) }
        }
        try store.write(at: after(1)) { transaction in
            for name in ["a", "b", "c"] { try transaction.setKey(SecretBytes(Array(name.utf8)), "asset", name) }
            try transaction.setKey(SecretBytes([9]), "asset", "b")
            try transaction.removeKey("asset", "c")
            try transaction.log(.key, subject: "x", actor: "x")
        }
        #expect(try key("a") == [0x61])
        #expect(try key("b") == [9])
        #expect(try key("c") == nil)
        #expect(try store.read { try $0.hasKey("asset", "a") && !$0.hasKey("asset", "c") && !$0.hasKey("model", "a") })
        for _ in 0..<3 {
            #expect(try store.write(at: after(1)) { try $0.rotateWrappingKey(actor: "operator") } == 2)
            #expect(try key("a") == [0x61])
            #expect(try key("b") == [9])
        }
        let last = try store.read { try $0.auditEntries(from: $0.auditHead().head.size - 1, count: 1) }.first
        #expect(last?.kind == .rotation)
        #expect(last?.detail == ["generation": 4, "keys": 2])
    }

    @Test("An answer is kept for as long as the request may come again") func answers() throws {
        let store = try StoreFolder().open()
        func answer(_ seconds: Int64, _ content: [UInt8]) throws {
            try store.write(at: after(seconds)) { transaction in
                try transaction.setAnswer(content, to: [1], until: after(seconds + 10))
                try transaction.log(.release, subject: "x", actor: "x")
            }
        }
        try answer(0, [5])
        #expect(try store.read { try $0.answer(to: [1], at: after(9)) } == [5])
        #expect(try store.read { try $0.answer(to: [1], at: after(10)) } == nil)
        #expect(try store.read { try $0.answer(to: [2], at: after(0)) } == nil)
        expectError(.conflict, "answered before") { try answer(9, [6]) }
        try answer(10, [6])
        #expect(try store.read { try $0.answer(to: [1], at: after(11)) } == [6])
    }

    @Test("Collateral comes back, and older does not replace newer") func collateral() throws {
        let store = try StoreFolder().open()
        func importing(_ issued: Int64, _ content: [UInt8]) throws {
            try store.write(at: after(1)) { transaction in
                try transaction.setCollateral(
                    CollateralRecord(
                        name: "intel", content: content, issued: after(issued), expires: after(issued + 100),
                        imported: transaction.now))
                try transaction.log(.collateral, subject: "intel", actor: "x")
            }
        }
        try importing(5, [1])
        try importing(6, [2])
        expectError(.conflict, "a newer one") { try importing(5, [3]) }
        #expect(try store.read { try $0.collateral().map(\.content) } == [[2]])
    }
}
