import Crypto
import PliniusPolicy
import PliniusVerifier

/// A service that does nothing but log.
struct LoggingService {
    let key: Curve25519.Signing.PrivateKey
    var entries: [AuditEntry] = []

    init(_ seed: UInt8 = 1) throws {
        key = try Curve25519.Signing.PrivateKey(rawRepresentation: [UInt8](repeating: seed, count: 32))
    }

    var service: [UInt8] { Array(key.publicKey.rawRepresentation) }

    mutating func log(_ count: Int = 1, subject: String = "hospital-a/scans") {
        for _ in 0..<count {
            let index = entries.count
            entries.append(
                AuditEntry(
                    index: index, time: Instant(seconds: 1_000 + Int64(index)), kind: .release, subject: subject,
                    actor: "enclave", detail: ["number": .integer(Int64(index))],
                    previous: entries.last?.hash ?? AuditEntry.origin))
        }
    }

    func head(of size: Int? = nil, epoch: UInt8 = 0) throws -> SignedAuditHead {
        let first = entries.prefix(size ?? entries.count)
        let head = AuditHead(
            service: service, epoch: [UInt8](repeating: epoch, count: 16), size: first.count,
            root: NaiveTree.root(first.map(\.canonical)[...]), last: first.last?.hash ?? AuditEntry.origin,
            time: first.last?.time ?? Instant(seconds: 0))
        return SignedAuditHead(head: head, signature: Array(try key.signature(for: head.message)))
    }

    func export(sizes: [Int?] = [nil]) throws -> AuditExport {
        AuditExport(entries: entries, heads: try sizes.map { try head(of: $0) })
    }
}
