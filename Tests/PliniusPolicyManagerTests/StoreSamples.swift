import Crypto
import Glibc
import PliniusPolicyManager
import PliniusSealing
import PliniusVerifier
import Testing
import _PliniusTestSupport

/// The bytes of a secret, which tests may see.
func bytes(_ secret: SecretBytes) -> [UInt8] { unsafe secret.withBytes { unsafe Array($0) } }

extension SecretBytes {
    func isEqual(to other: SecretBytes) -> Bool { bytes(self) == bytes(other) }
}

/// Two hexadecimal digits for each byte.
func digits(_ bytes: [UInt8]) -> String { bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }

func sha(_ bytes: some Sequence<UInt8>) -> [UInt8] { Array(SHA256.hash(data: Array(bytes))) }
func sha(_ text: String) -> [UInt8] { sha(Array(text.utf8)) }

/// A store in memory, in a folder that goes with the test.
struct StoreFolder {
    let directory: TemporaryDirectory
    let vault: Vault

    init(root: UInt8 = 0x53) throws {
        directory = try TemporaryDirectory(in: "/dev/shm")
        vault = try Vault(root: SecretBytes([UInt8](repeating: root, count: 32)))
    }

    var path: String { directory("store") }
    var file: String { "\(path)/\(PolicyStore.fileName)" }

    static let begin = Instant(seconds: 1_800_000_000)

    func open(
        isNew: Bool = true, at now: Instant = begin, vault other: Vault? = nil, examinesAll: Bool = true
    ) throws -> PolicyStore {
        var options = StoreOptions()
        options.examinesAll = examinesAll
        return try PolicyStore(folder: path, vault: other ?? vault, isNew: isNew, at: now, options: options)
    }
}

/// So many seconds after the beginning of all tests.
func after(_ seconds: Int64) -> Instant { Instant(seconds: StoreFolder.begin.seconds + seconds) }

/// Expects an error of the manager's.
func expectError<R>(
    _ code: ManagerError.Code, _ part: String = "", sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () throws -> R
) {
    let error = #expect(throws: ManagerError.self, sourceLocation: sourceLocation) { _ = try body() }
    #expect(error?.code == code, "\(error.map(\.message) ?? "")", sourceLocation: sourceLocation)
    if !part.isEmpty {
        #expect(error?.message.contains(part) == true, "\(error.map(\.message) ?? "")", sourceLocation: sourceLocation)
    }
}

/// A statement that says next to nothing.
func statement(
    _ number: Int64, type: String = "policy", namespace: String = "hospital-a", subject: String = "hospital-a/training",
    predecessor: [UInt8]? = nil, status: StatementRecord.Status = .pending
) -> StatementRecord {
    let content = Array("\(type) \(namespace) \(subject) \(number)".utf8)
    return StatementRecord(
        hash: sha(content), content: content, type: type, namespace: namespace, subject: subject, sequence: number,
        predecessor: predecessor, issued: after(number), received: after(number), status: status)
}

func lease(
    _ number: Int, run: String = "lab/net#night", seconds: UInt32 = 60,
    assets: Set<String> = ["hospital-a/scans", "lab/net"], facts: [UInt8] = [1]
) -> LeaseRecord {
    LeaseRecord(
        id: Array(sha("lease \(number)").prefix(16)), run: run, purpose: "train", seconds: seconds, iterations: 1_000,
        assets: assets, facts: facts, at: StoreFolder.begin)
}
