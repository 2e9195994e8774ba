import Crypto
import FoundationEssentials
import NIOSSL
import PliniusPerunClient
import PliniusPolicy
import PliniusPolicyManager
import PliniusVerifier
import PliniusWire
import Testing

/// The two hospitals and the lab, with something of everything that pages show, and texts that try to become markup.
struct PageWorld: Sendable {
    let world = TestWorld()
    let chair = OwnerSigningKey()
    let clerk = OwnerSigningKey()

    /// What nobody should write, and somebody will.
    static let hostile =
        "</td></code></pre><script>document.title='taken'</script><img src=x onerror=alert(1)> \"'& \u{202E}txt.exe"
    /// The beginning of it, as it has to stand in a page.
    static let escaped =
        "&lt;/td&gt;&lt;/code&gt;&lt;/pre&gt;&lt;script&gt;document.title=&#39;taken&#39;&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt; &quot;&#39;&amp; ⟨U+202E⟩txt.exe"

    /// What an owner is asked to agree to.
    struct Pending {
        let hash: StatementHash
        let predecessor: StatementHash
    }

    /// States everything, has a run trained once and refused once, stops one hospital, and leaves a policy that waits for a signature.
    func establish(on server: TestServer, token: String? = nil) async throws -> Pending {
        let client = try server.client(token: token)
        try await world.establish(with: client)
        _ = try await world.exchange(with: client)
        await refusal(403) { _ = try await world.exchange(with: client, change: { $0.nonce[0] ^= 1 }) }

        let keys = [chair, clerk].map(\.publicKey)
        let board = try Board(.allOf(keys.map { .key($0) }))
        let founding = world.statement("clinic", .namespace(.init(board: board, keys: Set(keys))))
        _ = try await client.submit(world.request(founding, by: [chair, clerk]))
        let first = try world.policy("clinic")
        _ = try await client.submit(world.request(first.statement, by: [chair, clerk], source: first.source))
        let second = try world.policy("clinic", sequence: 2, predecessor: first.statement.hash) { yaml in
            yaml = yaml.replacing("runs: 2", with: "runs: 5")
            yaml = "# \(Self.hostile)\n" + yaml
        }
        let standing = try await client.submit(
            world.request(second.statement, by: [chair], source: second.source))
        #expect(standing.status == "pending")

        let stop = world.statement("hospital-b", .stop(.init(.asset("scans"), reason: Self.hostile)))
        _ = try await client.submit(world.request(stop))
        await refusal(403, "asset.stopped") {
            _ = try await world.exchange(with: client, change: world.resumed(1))
        }
        await client.close()
        return Pending(hash: second.statement.hash, predecessor: first.statement.hash)
    }
}

extension TestServer {
    /// SHA-256 of the public key of the server's certificate, in base64: what a browser is told to believe.
    var keyDigest: String {
        get throws {
            let certificate = try #require(
                try NIOSSLCertificate.fromPEMBytes(Array(identity.certificatePEM.utf8)).first)
            return Data(SHA256.hash(data: try certificate.extractPublicKey().toSPKIBytes())).base64EncodedString()
        }
    }
}
