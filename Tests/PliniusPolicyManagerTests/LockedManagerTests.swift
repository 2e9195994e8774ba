import Crypto
import FoundationEssentials
import PliniusPolicyManager
import PliniusWire
import Testing
import _PliniusTestSupport

@Suite("A manager that is locked")
struct LockedManagerTests {
    private let directory: TemporaryDirectory
    private let start: ManagerStart
    private let shares: [RootShare]

    init() throws {
        directory = try TemporaryDirectory(in: "/dev/shm")
        var start = ManagerStart(folder: directory("store"))
        shares = try start.share(threshold: 2, count: 3, at: after(0))
        start.root = .shares([])
        start.attestation = "none"
        self.start = start
    }

    private func hand(_ share: RootShare, to manager: LockedManager) async throws -> LockedManager.Standing {
        try await manager.take(share.sealed(to: manager.sealingKey))
    }

    @Test("Enough shares open the store, and the next start asks for them again") func opens() async throws {
        let locked = try LockedManager(start)
        #expect(await locked.standing.missing == 2)
        await #expect(throws: ManagerError.self) { try await locked.open(at: after(1)) }
        #expect(try await hand(shares[2], to: locked).shares == [3])
        // The same one twice is one.
        #expect(try await hand(shares[2], to: locked).missing == 1)
        #expect(try await hand(shares[0], to: locked).missing == 0)
        let first = try await locked.open(at: after(1))
        #expect(first.isProtected)
        let service = first.manager.store.vault.signer.publicKey
        try first.manager.store.close()
        let again = try LockedManager(start)
        #expect(await again.standing.shares == [] && again.sealingKey != locked.sealingKey)
        _ = try await hand(shares[1], to: again)
        _ = try await hand(shares[2], to: again)
        #expect(try await again.open(at: after(2)).manager.store.vault.signer.publicKey == service)
        // The root lies nowhere.
        #expect(try directory.names() == ["store"])
        let names = try FileManager.default.contentsOfDirectory(atPath: directory("store")).sorted()
        #expect(names.filter { $0.hasPrefix("root") } == ["root.shares"])
    }

    @Test("A wrong share is named, and not counted") func wrong() async throws {
        let locked = try LockedManager(start)
        var other = ManagerStart(folder: directory("other"))
        let foreign = try other.share(threshold: 1, count: 2, at: after(0))
        other.root = .shares([])
        let wrong: [(sealed: HPKEMessage, code: ManagerError.Code, part: String)] = [
            // Of another root, sealed for this sharing: the text says so.
            (try foreign[1].sealed(to: locked.sealingKey), .forbidden, "does not open"),
            (try shares[0].sealed(to: VaultKeyPair().publicKey), .forbidden, "does not open"),
            (HPKEMessage(encapsulatedKey: [], ciphertext: []), .forbidden, "does not open"),
        ]
        for (sealed, code, part) in wrong {
            do {
                try await locked.take(sealed)
                Issue.record("a wrong share is taken: \(part)")
            } catch let error as ManagerError {
                #expect(error.code == code && error.message.contains(part), "\(error)")
            }
        }
        #expect(await locked.standing.shares == [])
        // One that was made up, with a check value that fits it.
        let fields = shares[1].text.split(separator: ":").map(String.init)
        let bytes = [UInt8](repeating: 5, count: 32)
        let set = stride(from: 0, to: 32, by: 2).compactMap { place -> UInt8? in
            let text = fields[1]
            let start = text.index(text.startIndex, offsetBy: place)
            return UInt8(text[start..<text.index(start, offsetBy: 2)], radix: 16)
        }
        let check = sha(Array("perun/1/share".utf8) + set + [2] + bytes).prefix(16)
        let forged = try RootShare(
            [fields[0], fields[1], "2", digits(bytes), digits(Array(check))].joined(separator: ":"))
        do {
            try await locked.take(forged.sealed(to: locked.sealingKey))
            Issue.record("a forged share is taken")
        } catch let error as ManagerError { #expect(error.message.contains("share 2 is not the one"), "\(error)") }
        #expect(await locked.standing.missing == 2)
    }

    @Test("Shares that are brought to the start count") func brought() async throws {
        var start = start
        start.root = .shares([shares[0].text])
        #expect(try await LockedManager(start).standing.shares == [1])
        expectError(.forbidden, "1 more shares") { try start.start(at: after(1)) }
        start.root = .shares(["perun-share-1:"])
        expectError(.malformed) { try LockedManager(start) }
        start.root = .platform
        expectError(.malformed, "shared") { try LockedManager(start) }
        // A folder whose root is not shared is never locked.
        var plain = ManagerStart(folder: directory("plain"))
        (plain.root, plain.attestation) = (.insecure, "none")
        try plain.start(at: after(0)).manager.store.close()
        plain.root = .shares([])
        expectError(.notFound) { try LockedManager(plain) }
    }

    @Test("Evidence binds the certificate, the key, the sharing and the nonce of this start") func evidence() throws {
        let (nonce, certificate) = ([UInt8](repeating: 4, count: 32), [UInt8](repeating: 6, count: 32))
        #expect(try LockedManager(start).evidence(nonce: nonce, certificate: certificate) == nil)
        var start = start
        start.attestation = "simulated"
        start.attestationKey = try directory.write([UInt8](repeating: 1, count: 32), to: "seed")
        let locked = try LockedManager(start)
        let bundle = try #require(try locked.evidence(nonce: nonce, certificate: certificate))
        let data = try RuntimeData(decoding: bundle.runtimeData)
        let set = stride(from: 0, to: 32, by: 2).compactMap { place -> UInt8? in
            let text = shares[0].text.split(separator: ":")[1]
            let start = text.index(text.startIndex, offsetBy: place)
            return UInt8(text[start..<text.index(start, offsetBy: 2)], radix: 16)
        }
        #expect(data.nonce == nonce && data.publicKey == locked.sealingKey && data.purpose == .export)
        #expect(data.runName == "perun/1/locked")
        #expect(data.configDigest == sha(Array("perun/1/locked\0".utf8) + certificate + set))
        #expect(throws: Refusal.self) { try locked.evidence(nonce: [1], certificate: certificate) }
    }

    @Test("A shared store is made once, and is not made anew when its file is gone") func once() async throws {
        expectError(.conflict) { try start.share(threshold: 1, count: 1, at: after(1)) }
        let locked = try LockedManager(start)
        try FileManager.default.removeItem(atPath: directory("store/\(PolicyStore.fileName)"))
        _ = try await hand(shares[0], to: locked)
        _ = try await hand(shares[1], to: locked)
        do {
            _ = try await locked.open(at: after(1))
            Issue.record("a store was made")
        } catch let error as ManagerError { #expect(error.code == .notFound, "\(error)") }
        for (threshold, count) in [(0, 1), (2, 1), (1, 0), (1, 256)] {
            expectError(.malformed) {
                try ManagerStart(folder: directory("n\(threshold)-\(count)"))
                    .share(threshold: threshold, count: count, at: after(1))
            }
        }
    }
}
