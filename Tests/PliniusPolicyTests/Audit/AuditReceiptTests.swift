import PliniusPolicy
import PliniusVerifier
import Testing

@Suite("Receipts of the log")
struct AuditReceiptTests {
    private static func receipt(
        _ service: LoggingService, _ index: Int, size: Int? = nil
    ) throws -> AuditReceipt {
        let kept = try KeptNodes(service.entries.map(\.canonical))
        return AuditReceipt(
            entry: service.entries[index],
            proof: try MerkleTree.inclusionProof(of: index, in: size ?? service.entries.count, kept.find),
            head: try service.head(of: size))
    }

    @Test("A receipt proves that its entry is in the log") func proves() throws {
        var service = try LoggingService()
        service.log(11)
        for index in 0..<11 {
            let receipt = try AuditReceipt(try Self.receipt(service, index).json)
            #expect(throws: Never.self) { try receipt.verify(service: service.service) }
        }
    }

    @Test("A receipt of other parts proves nothing, and says which part is wrong") func refused() throws {
        var (service, other) = (try LoggingService(), try LoggingService(2))
        service.log(11)
        other.log(11, subject: "other")
        let good = try Self.receipt(service, 4)
        let head = good.head
        let refused: [(String, AuditReceipt)] = [
            ("audit.receipt.service", AuditReceipt(entry: good.entry, proof: good.proof, head: try other.head())),
            (
                "audit.receipt.signature",
                AuditReceipt(
                    entry: good.entry, proof: good.proof,
                    head: SignedAuditHead(head: head.head, signature: head.signature.reversed()))
            ),
            (
                "audit.receipt.proof",
                AuditReceipt(entry: service.entries[5], proof: good.proof, head: head)
            ),
            (
                "audit.receipt.proof",
                AuditReceipt(entry: good.entry, proof: good.proof, head: try service.head(of: 10))
            ),
            (
                "audit.receipt.inclusion",
                AuditReceipt(entry: other.entries[4], proof: good.proof, head: head)
            ),
            (
                "audit.receipt.inclusion",
                AuditReceipt(
                    entry: good.entry, proof: InclusionProof(index: 4, size: 11, path: good.proof.path.reversed()),
                    head: head)
            ),
        ]
        for (check, receipt) in refused {
            let error = #expect(throws: FormatError.self) { try receipt.verify(service: service.service) }
            #expect(error?.check == check)
        }
    }

    @Test("Proofs come back as they were written, and nothing else is one") func formats() throws {
        var service = try LoggingService()
        service.log(5)
        let kept = try KeptNodes(service.entries.map(\.canonical))
        let proof = try MerkleTree.consistencyProof(from: 2, to: 5, kept.find)
        #expect(try ConsistencyProof(proof.json) == proof)
        for json: CanonicalJSON in [
            [], ["older": 1, "size": 2, "path": ["00"]], ["older": -1, "size": 2, "path": []],
            ["older": 1, "size": 2, "path": [], "more": 1], ["older": 1, "size": 2, "path": .array(many)],
        ] {
            #expect(throws: FormatError.self) { try ConsistencyProof(json) }
        }
        for json: CanonicalJSON in [["index": 4_294_967_296, "size": 2, "path": []], ["index": 1, "path": []]] {
            #expect(throws: FormatError.self) { try InclusionProof(json) }
        }
    }

    private var many: [CanonicalJSON] {
        .init(repeating: .string(String(repeating: "0", count: 64)), count: 129)
    }
}
