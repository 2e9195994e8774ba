import PliniusPolicy
import PliniusVerifier

/// A policy file in parts, so that tests can change each.
struct TestPolicy {
    static let key = "ed25519:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    static let otherKey = "ed25519:3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"

    var name = "hospital-a/training"
    var change =
        "{ all-of: [ { key: \"\(key)\" }, { at-least: 1, of: [ { key: \"\(otherKey)\" } ] } ], veto: [ { key: \"\(otherKey)\" } ], time-lock: 1d }"
    var uses = [Use()]

    struct Use {
        var lines: [(key: String, value: String)] = [
            ("purpose", "train"), ("level", "tee"), ("partners", "[ \"hospital-b/*\", lab/net ]"), ("outcome", "lab"),
            ("runs", "3"), ("window", "{ from: 2026-01-01, until: 2027-01-01 }"), ("regions", "[ eu, cloud/north ]"),
            ("lease", "{ seconds: 60, iterations: 100000 }"),
            ("environment", "{ evidence: [sgx], sgx: { mrenclave: [ \(String(repeating: "aa", count: 32)) ] } }"),
        ]

        subscript(key: String) -> String? {
            get { lines.first { $0.key == key }?.value }
            set {
                guard let index = lines.firstIndex(where: { $0.key == key }) else {
                    if let newValue { lines.append((key, newValue)) }
                    return
                }
                if let newValue { lines[index].value = newValue } else { lines.remove(at: index) }
            }
        }
    }

    init() {}

    init(change: String) { self.change = change }

    /// The first use begins in line 5.
    var yaml: String {
        let uses = uses.map { use in
            use.lines.enumerated().map { "  \($0.offset == 0 ? "-" : " ") \($0.element.key): \($0.element.value)\n" }
                .joined()
        }
        return "version: 1\npolicy: \(name)\nchange: \(change)\nuses:\n\(uses.joined())"
    }

    var policy: OwnerPolicy {
        get throws { try Self.read(yaml) }
    }

    struct Missing: Error {}

    static func read(_ yaml: String, files: [String: [UInt8]] = [:]) throws -> OwnerPolicy {
        try OwnerPolicy(yaml: yaml, file: "p.yaml") { name in
            guard let bytes = files[name] else { throw Missing() }
            return bytes
        }
    }

    static func errors(_ yaml: String, files: [String: [UInt8]] = [:]) -> [PolicyError] {
        do {
            _ = try read(yaml, files: files)
            return []
        } catch {
            return (error as? PolicyErrors)?.errors ?? []
        }
    }
}
