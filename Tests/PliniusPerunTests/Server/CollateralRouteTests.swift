import Crypto
import FoundationEssentials
import PliniusPerunClient
import PliniusPolicy
import PliniusPolicyManager
import PliniusVerifier
import Testing

/// Makers' statements that somebody brings to the manager.
@Suite("Collateral over HTTPS", .timeLimit(.minutes(30))) struct CollateralRouteTests {
    let key = CollateralSigningKey.ed25519(Curve25519.Signing.PrivateKey())

    private func bundle(
        _ serial: UInt64, by key: CollateralSigningKey? = nil, issued: Int64 = 1_799_000_000
    ) throws -> [UInt8] {
        try CollateralBundle(
            series: "os", serial: serial, issued: Instant(seconds: issued),
            expires: Instant(seconds: issued + 86_400 * 30), content: CollateralContent()
        ).signed(with: key ?? self.key)
    }

    @Test func whatABelievedKeySignedIsKeptAndNothingElse() async throws {
        var options = PolicyManager.Options()
        options.collateralKeys = [key.publicKey]
        try await TestServer.run(options: options) { server in
            let client = try server.client()
            func take(_ bytes: [UInt8]) async throws -> CollateralAnswer {
                try await client.importCollateral(CollateralRequest(bundle: Base64(bytes)))
            }
            let good = try bundle(5)
            let answer = try await take(good)
            #expect(answer.name == "os" && answer.expires == 1_799_000_000 + 86_400 * 30)
            let size = try server.manager.auditHead().head.size
            let stranger = CollateralSigningKey.p256(P256.Signing.PrivateKey())
            await refusal(403, "collateral.bundle.signer") { _ = try await take(bundle(6, by: stranger)) }
            await refusal(403, "collateral.bundle.serial") { _ = try await take(bundle(4)) }
            // Another bundle of the same number is none of the series.
            await refusal(403, "collateral.bundle.serial") { _ = try await take(bundle(5, issued: 1_799_000_001)) }
            for index in [0, good.count / 2, good.count - 1] {
                var bad = good
                bad[index] ^= 1
                await refusal(403) { _ = try await take(bad) }
            }
            for bad in [[], Array(good.dropLast()), good + [0], [UInt8](repeating: 0xFF, count: 1 << 20)] {
                await refusal(403) { _ = try await take(bad) }
            }
            // What was refused has left nothing behind.
            #expect(try server.manager.auditHead().head.size == size)
            _ = try await take(bundle(6))
            let entries = try server.manager.auditEntries(from: 0, count: 100)
            #expect(entries.filter { $0.kind == .collateral }.map(\.subject) == ["os", "os"])
        }
    }

    @Test func withoutAKeyNothingIsBelieved() async throws {
        try await TestServer.run { server in
            let client = try server.client()
            await refusal(403, "collateral.bundle.signer") {
                _ = try await client.importCollateral(CollateralRequest(bundle: Base64(try bundle(1))))
            }
        }
    }
}
