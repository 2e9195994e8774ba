import Crypto
import PliniusVerifier
import PliniusWire
import Testing

/// Stored evidence as a whole: that it is all of one machine, one start, one challenge, and of what a policy names.
@Suite("Verdicts on stored evidence")
struct StoredVerdictTests {
    private static let key = P256.Signing.PrivateKey()

    private static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        [number << 3 | 2, UInt8(bytes.count & 127) | 128, UInt8(bytes.count >> 7)] + bytes
    }

    /// Quotes of one key, as Google's tools keep them; each is of the first bank alone.
    private static func evidence(_ quotes: [SoftwareTPM], cutting: Bool = false) throws -> StoredEvidence {
        let parts = try quotes.map { tpm in
            let registers = tpm.banks[0].1.sorted { $0.key < $1.key }.flatMap { index, value in
                field(2, [8, index] + field(2, value))
            }
            let attest = cutting ? Array(tpm.attest.dropLast()) : tpm.attest
            return field(
                2, field(1, attest) + field(2, try tpm.sign(attest)) + field(3, [8, UInt8(tpm.banks[0].0)] + registers))
        }
        return try StoredEvidence(files: ["quotes.pb": field(1, quotes[0].area) + parts.joined()])
    }

    private static func quotes(_ change: (inout SoftwareTPM) -> Void = { _ in }) -> [SoftwareTPM] {
        var first = SoftwareTPM(.p256(key), .ecdsa)
        first.banks = [(0x000B, [7: [UInt8](repeating: 7, count: 32)])]
        var second = first
        second.banks = [(0x000C, [7: [UInt8](repeating: 8, count: 48)])]
        change(&second)
        return [first, second]
    }

    private static func failed(_ verdict: Verdict) -> [String] {
        func leaves(_ finding: Finding) -> [Finding] {
            finding.parts.isEmpty ? [finding] : finding.parts.flatMap(leaves)
        }
        return verdict.findings.flatMap(leaves).filter { $0.outcome == .failed }.map(\.check)
    }

    private static func failed(
        _ evidence: StoredEvidence, under policy: Policy? = nil,
        expecting expected: StoredExpectations = StoredExpectations(),
        in context: Context = Context(now: IntelWorld.now)
    ) -> [String] { failed(evidence.verdict(under: policy, expecting: expected, in: context).verdict) }

    private static func policy(_ evidence: String, _ sections: String) throws -> Policy {
        try Policy(
            yaml: "version: 1\nname: n\nlevel: test\npurposes: train\nevidence: [\(evidence)]\nconfigs: any\n"
                + "datasets: any\n" + sections, file: "policy.yaml"
        ) { _ in [] }
    }

    @Test("Several quotes are of one start, and for one challenge")
    func together() throws {
        #expect(try Self.failed(Self.evidence(Self.quotes())) == [])
        let changes: [(inout SoftwareTPM) -> Void] = [
            { $0.resetCount += 1 }, { $0.restartCount += 1 }, { $0.extraData = [9] },
        ]
        for change in changes {
            #expect(try Self.failed(Self.evidence(Self.quotes(change))) == ["stored.quotes"])
        }
        #expect(try Self.failed(Self.evidence(Self.quotes(), cutting: true)).last == "stored.quotes")
    }

    @Test("Several quotes cover all banks that the policy names")
    func banks() throws {
        let name = Self.quotes()[0].name.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        func failed(_ bank: String) throws -> [String] {
            let policy = try Self.policy(
                "tpm", "tpm:\n  akNames: [\(name)]\n  selection:\n    sha256: [7]\n    \(bank): [7]\n")
            return try Self.failed(Self.evidence(Self.quotes()), under: policy)
        }
        #expect(try failed("sha384") == [])
        #expect(try failed("sha512") == ["stored.banks"])
    }

    @Test("There is evidence of the kinds that the policy names, and of no other")
    func kinds() throws {
        let world = IntelWorld(.sgx, version: 3)
        var context = Context(now: IntelWorld.now, anchors: world.anchors)
        context.collateral.intel = [world.collateral]
        let sgx = "sgx:\n  mrenclave: [\(String(repeating: "e0", count: 32))]\n"
        let quote = try StoredEvidence(files: ["quote": world.quote])
        #expect(try Self.failed(quote, under: Self.policy("sgx", sgx), in: context) == [])
        let both = try Self.policy("sgx, tpm", sgx + "tpm:\n  endorsement: true\n")
        #expect(Self.failed(quote, under: both, in: context) == ["stored.kinds"])
        // A log alone is of no kind, and judged by what the policy says of logs.
        let writer = IMALogWriter()
        let log = try StoredEvidence(files: ["log": writer.ascii])
        var expected = StoredExpectations()
        expected.registers = [.sha256: writer.register()]
        #expect(try Self.failed(log, under: Self.policy("sgx", sgx), expecting: expected).contains("stored.kinds"))
        let ima = try Self.policy("tpm", "tpm:\n  endorsement: true\nima:\n  generations: [{name: n, lists: []}]\n")
        #expect(!Self.failed(log, under: ima, expecting: expected).contains("stored.kinds"))
    }

    @Test("It binds what was expected of it")
    func bindings() throws {
        var expected = StoredExpectations()
        for (nonce, passes) in [([1, 2, 3], true), ([1, 2], false), ([], false)] as [([UInt8], Bool)] {
            expected.nonce = nonce
            let failed = try Self.failed(Self.evidence([Self.quotes()[0]]), expecting: expected)
            #expect(failed == (passes ? [] : ["tpm.binding.nonce"]))
        }
        let world = IntelWorld(.sgx, version: 3)
        var context = Context(now: IntelWorld.now, anchors: world.anchors)
        context.collateral.intel = [world.collateral]
        let quote = try StoredEvidence(files: ["quote": world.quote])
        for (data, passes) in [([], true), ([0, 0], true), ([1], false)] as [([UInt8], Bool)] {
            expected.reportData = data
            let failed = Self.failed(quote, expecting: expected, in: context)
            #expect(failed == (passes ? [] : ["sgx.binding.report-data"]))
        }
    }

    @Test("Bundles that are out of date are named")
    func collateral() throws {
        var context = Context(now: IntelWorld.now)
        for (end, passes) in [(IntelWorld.now.seconds, true), (IntelWorld.now.seconds - 1, false)] {
            context.collateral.sources = [
                .init(series: "s", serial: 1, issued: Instant(seconds: 0), expires: Instant(seconds: end))
            ]
            let failed = try Self.failed(Self.evidence(Self.quotes()), in: context)
            #expect(failed == (passes ? [] : ["collateral.bundle.validity"]))
        }
    }
}
