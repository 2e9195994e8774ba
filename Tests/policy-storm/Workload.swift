import PliniusPolicy
import PliniusPolicyManager
import PliniusSealing
import PliniusVerifier

/// The changes that the storm makes one after the other: each touches several tables, as the service's operations do.
struct Workload {
    let store: PolicyStore

    static let names = 5
    static let runs = 3
    static let begin = Instant(seconds: 1_800_000_000)

    /// The number of the next change: one for each statement that is there.
    func next() throws -> Int64 {
        try store.read { view in (try view.lastSequence(of: "storm") ?? -1) + 1 }
    }

    /// Makes one change; when it returns, the change is durable.
    /// - Returns: The size of the log then.
    @discardableResult
    func change(_ number: Int64) throws -> Int {
        let now = Instant(seconds: Self.begin.seconds + number)
        try store.write(at: now) { transaction in
            try publish(number, transaction)
            try work(number, transaction)
        }
        return try store.read { try $0.auditHead().head.size }
    }

    /// A statement that replaces the one before, with a key of its own.
    private func publish(_ number: Int64, _ transaction: StoreTransaction) throws {
        let name = "storm/asset-\(number % Int64(Self.names))"
        let content = Array("statement \(number) ".utf8) + [UInt8](repeating: UInt8(number & 0xFF), count: 400)
        let old = try transaction.current("asset", name)
        try transaction.insert(
            StatementRecord(
                hash: sha256(content), content: content, type: "asset", namespace: "storm", subject: name,
                sequence: number, predecessor: old?.statement, issued: transaction.now, received: transaction.now,
                status: .pending))
        _ = try transaction.insertSignature(
            [UInt8](repeating: 7, count: 64), by: "ed25519:storm", under: sha256(content))
        try transaction.activate("asset", name, statement: sha256(content), replacing: old?.statement)
        try transaction.setKey(SecretBytes(sha256(content + [1])), "asset", name)
        try transaction.log(
            .activation, subject: name, actor: "storm",
            detail: ["statement": .string(text(sha256(content))), "number": .integer(number)])
    }

    /// What comes with runs: leases that take over from each other, states that move on, stops now and then.
    private func work(_ number: Int64, _ transaction: StoreTransaction) throws {
        let run = "storm/net#run-\(number % Int64(Self.runs))"
        let id = Array(sha256(Array("lease \(number)".utf8)).prefix(LeaseRecord.idByteCount))
        try transaction.grant(
            LeaseRecord(
                id: id, run: run, purpose: "train", seconds: 60, iterations: 1_000,
                assets: ["storm/asset-\(number % Int64(Self.names))", "storm/net"], facts: [1, 2, 3],
                at: transaction.now),
            actor: "storm")
        let old = try transaction.state(of: run)
        try transaction.move(
            run, from: old,
            to: RunState(counter: (old?.counter ?? 0) + 1, tag: sha256(Array("state \(number)".utf8))), actor: "storm")
        try transaction.begin("\(run) \(number)", policy: "storm/policy", use: "0", limit: nil)
        if number % 7 == 3 {
            try transaction.stop(.run, run, by: sha256([1]), because: "storm", actor: "storm")
            try transaction.resume(.run, run, by: sha256([2]), actor: "storm")
        }
        if number % 50 == 49 { try transaction.rotateWrappingKey(actor: "storm") }
    }
}

/// Two digits for each byte.
func text(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef")
    return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
}
