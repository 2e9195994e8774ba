import Crypto
import PliniusPolicy
import PliniusVerifier
import Testing

@Suite("Statements")
struct StatementTests {
    private static let keys = (1...4).compactMap { index in
        (try? Curve25519.Signing.PrivateKey(rawRepresentation: [UInt8](repeating: UInt8(index), count: 32)))
            .map { OwnerSigningKey.ed25519($0).publicKey }
    }.sorted()

    private static func board() throws -> Board {
        try Board(
            .allOf([.key(keys[0]), .atLeast(1, of: [.key(keys[1]), .key(keys[2])])]), veto: [keys[3], keys[0]],
            timeLock: 86_400)
    }

    private static func statements() throws -> [Statement] {
        let hash = StatementHash(of: [1])
        let run = try #require(Run("lab/model#run 1"))
        let contents: [Statement.Content] = [
            .namespace(Statement.Namespace(board: try board(), keys: Set(keys))),
            .policy(name: "training", document: ["version": "1", "uses": [["runs": "3"]]]),
            .asset(
                Asset(
                    name: try #require(ScopedName("hospital-a/scans")), kind: .dataset,
                    identity: String(repeating: "0a", count: 16), policy: ScopedName("hospital-a/training"),
                    lineage: [try #require(ScopedName("b/c"))], secret: .uploaded([UInt8](repeating: 9, count: 32)))),
            .asset(
                Asset(name: try #require(ScopedName("hospital-a/out")), kind: .model, identity: "r", secret: .generated)
            ),
            .withdraw(asset: "scans"), .approval(subject: hash), .veto(subject: hash),
            .stop(Statement.Stop(.namespace, reason: "a leak")), .stop(Statement.Stop(.asset("scans"), reason: "")),
            .stop(Statement.Stop(.run(run), reason: "x")), .resume(stop: hash),
            .platform(Statement.Platform(id: [UInt8](repeating: 1, count: 34), region: "eu", host: "rack 7")),
            .standby(Statement.Standby(name: "second", sealingKey: [UInt8](repeating: 2, count: 32))),
        ]
        return contents.map { Statement(namespace: "hospital-a", issued: Instant(seconds: 1000), $0) }
    }

    @Test("Every kind is read from its canonical bytes as it was written")
    func roundTrips() throws {
        let all = try Self.statements()
        #expect(Set(all.map(\.kind)) == Set(Statement.Kind.allCases))
        for statement in all {
            #expect(try Statement(canonical: statement.encoded) == statement)
            #expect(statement.hash.bytes == Array(SHA256.hash(data: statement.encoded)))
        }
        var later = try #require(all.first)
        later.sequence = 2
        later.predecessor = StatementHash(of: [7])
        #expect(try Statement(canonical: later.encoded) == later)
    }

    @Test("The bytes are those that another program would write")
    func bytes() throws {
        let statement = Statement(
            namespace: "hospital-a", issued: Instant(seconds: 1_767_225_600),
            .stop(Statement.Stop(.asset("scans"), reason: "a \"leak\"")))
        let text =
            #"{"issued":1767225600,"namespace":"hospital-a","predecessor":"","reason":"a \"leak\"","#
            + #""scope":{"asset":"scans"},"sequence":1,"type":"stop"}"#
        #expect(String(decoding: statement.encoded, as: UTF8.self) == text)
    }

    @Test("A key is committed to under a label of its own")
    func commitment() {
        let key = [UInt8](repeating: 7, count: 32)
        #expect(Asset.Secret.commitment(to: key) == Array(SHA256.hash(data: Array("perun/1/key\u{0}".utf8) + key)))
    }

    private func check(_ json: CanonicalJSON) -> String? {
        do throws(FormatError) {
            _ = try Statement(canonical: json.encoded)
            return nil
        } catch { return error.check }
    }

    @Test("A member more, one fewer, or one of another type is refused, in every kind and at every depth")
    func members() throws {
        for statement in try Self.statements() {
            for path in Self.objects(statement.json, []) where !path.contains("document") {
                #expect(check(Self.changed(statement.json, path) { $0["zz"] = 1 }) != nil, "\(statement.kind) \(path)")
                let members = Self.members(statement.json, path)
                for name in members.keys where !(path.isEmpty && name == "document") {
                    #expect(check(Self.changed(statement.json, path) { $0[name] = nil }) != nil, "no \(path) \(name)")
                    for other in [.null, true, .integer(-1), [], "?\n"] as [CanonicalJSON] where other != members[name]
                    {
                        // Nothing has to be there.
                        if ["lineage", "veto"].contains(name), other == [] { continue }
                        #expect(
                            check(Self.changed(statement.json, path) { $0[name] = other }) != nil, "\(path) \(name)")
                    }
                }
            }
        }
    }

    private static func members(_ json: CanonicalJSON, _ path: [String]) -> [String: CanonicalJSON] {
        guard let first = path.first else { return json.members ?? [:] }
        let inner = json[first] ?? Int(first).flatMap { json.entries?[$0] } ?? .null
        return members(inner, Array(path.dropFirst()))
    }

    private static func objects(_ json: CanonicalJSON, _ path: [String]) -> [[String]] {
        switch json {
        case .object(let members): [path] + members.flatMap { objects($0.value, path + [$0.key]) }
        case .array(let entries): entries.enumerated().flatMap { objects($0.element, path + ["\($0.offset)"]) }
        default: []
        }
    }

    private static func changed(
        _ json: CanonicalJSON, _ path: [String], _ change: (inout [String: CanonicalJSON]) -> Void
    ) -> CanonicalJSON {
        switch json {
        case .object(var members):
            if let first = path.first {
                members[first] = members[first].map { changed($0, Array(path.dropFirst()), change) }
            } else {
                change(&members)
            }
            return .object(members)
        case .array(var entries):
            if let index = path.first.flatMap({ Int($0) }) {
                entries[index] = changed(entries[index], Array(path.dropFirst()), change)
            }
            return .array(entries)
        default: return json
        }
    }

    @Test(
        "A value out of bounds is refused by name",
        arguments: [
            (2, "identity", "0a", "statement.identity"),
            (2, "identity", .string(String(repeating: "0A", count: 16)), "statement.identity"),
            (2, "lineage", ["b/c", "b/c"], "statement.lineage"),
            (2, "lineage", ["hospital-a/scans"], "statement.lineage"),
            (2, "lineage", ["b"], "statement.lineage"), (2, "policy", "other/policy", "statement.policy"),
            (2, "secret", "00", "statement.secret"), (2, "kind", "Dataset", "statement.kind"),
            (2, "namespace", "Hospital", "statement.namespace"), (2, "sequence", 0, "statement.sequence"),
            (2, "sequence", 2, "statement.predecessor"), (2, "issued", -1, "statement.issued"),
            (2, "issued", 253_402_300_800, "statement.issued"), (0, "keys", [], "statement.keys"),
            (7, "reason", "a\nb", "statement.reason"),
            (7, "reason", .string(String(repeating: "a", count: 257)), "statement.reason"),
            (9, "scope", ["run": "lab/model"], "statement.scope.run"),
            (9, "scope", ["run": "lab/model#"], "statement.scope.run"),
            (9, "scope", ["namespace": false], "statement.scope.namespace"),
            (9, "scope", ["namespace": true, "asset": "a"], "statement.scope.members"),
            (11, "id", "00", "statement.id"), (11, "region", "EU", "statement.region"),
            (12, "sealing-key", "00", "statement.sealing-key"),
            (5, "subject", "00", "statement.subject"), (5, "type", "applause", "statement.type"),
        ] as [(Int, String, CanonicalJSON, String)])
    func bounds(index: Int, name: String, value: CanonicalJSON, check name2: String) throws {
        let statement = try Self.statements()[index]
        #expect(check(Self.changed(statement.json, []) { $0[name] = value }) == name2)
    }

    @Test("A first statement replaces nothing, and what replaces nothing has no predecessor")
    func predecessors() throws {
        let hash: CanonicalJSON = .string(StatementHash(of: [1]).description)
        let all = try Self.statements()
        #expect(check(Self.changed(all[2].json, []) { $0["predecessor"] = hash }) == "statement.predecessor")
        #expect(check(Self.changed(all[5].json, []) { $0["predecessor"] = hash }) == "statement.predecessor")
        #expect(check(Self.changed(all[5].json, []) { $0["sequence"] = 7 }) == nil)
    }

    @Test("The board's keys are keys of the namespace, and lists of keys are in order")
    func keys() throws {
        let json = try Self.statements()[0].json
        let texts = Self.keys.map { CanonicalJSON.string($0.description) }
        #expect(check(Self.changed(json, []) { $0["keys"] = .array(Array(texts.dropFirst())) }) == "statement.keys")
        #expect(check(Self.changed(json, []) { $0["keys"] = .array(texts.reversed()) }) == "statement.keys")
        #expect(check(Self.changed(json, []) { $0["keys"] = .array(texts + [texts[3]]) }) == "statement.keys")
        #expect(check(Self.changed(json, ["board"]) { $0["veto"] = .array([texts[3], texts[0]]) }) == "board.veto")
    }

    @Test("A statement about its own subject takes the place of the last one, and of no other")
    func succession() throws {
        let asset = try Self.statements()[2]
        #expect(throws: Never.self) { try asset.checkSuccession(of: nil) }
        var next = asset
        next.sequence = 2
        next.predecessor = asset.hash
        #expect(throws: Never.self) { try next.checkSuccession(of: asset) }
        func check(_ statement: Statement, of present: Statement?, asset: Asset? = nil) -> String? {
            do throws(FormatError) {
                try statement.checkSuccession(of: present, asset: asset)
                return nil
            } catch { return error.check }
        }
        #expect(check(next, of: nil) == "statement.predecessor" && check(asset, of: asset) == "statement.predecessor")
        #expect(check(next, of: try Self.statements()[3]) == "statement.predecessor")
        var far = next
        far.sequence = 3
        #expect(check(far, of: asset) == "statement.sequence")
        var moved = asset
        moved.namespace = "other"
        #expect(check(next, of: moved) == "statement.predecessor")
        // What stands about something else, or is another owner's, is nothing that a first one would replace.
        #expect(check(asset, of: try Self.statements()[3]) == nil && check(asset, of: moved) == nil)
        let gone = Statement(
            namespace: "hospital-a", issued: asset.issued, sequence: 2, predecessor: asset.hash,
            .withdraw(asset: "scans"))
        #expect(check(gone, of: asset) == nil)
        let again = Statement(
            namespace: "hospital-a", issued: asset.issued, sequence: 3, predecessor: gone.hash,
            .withdraw(asset: "scans"))
        #expect(check(again, of: gone) == "statement.withdraw")
        guard case .asset(var thing) = asset.content else { return }
        let last = thing
        for (name, change) in [
            ("statement.lineage", { $0.lineage = [] }), ("statement.kind", { $0.kind = .input }),
            ("statement.secret", { $0.secret = .generated }),
        ] as [(String, (inout Asset) -> Void)] {
            thing = last
            change(&thing)
            next.content = .asset(thing)
            #expect(check(next, of: asset, asset: last) == name)
        }
        thing = last
        thing.lineage.append(try #require(ScopedName("lab/net")))
        next.content = .asset(thing)
        #expect(check(next, of: asset, asset: last) == nil)
    }
}
