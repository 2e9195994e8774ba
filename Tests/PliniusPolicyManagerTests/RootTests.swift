import Glibc
import PliniusAttester
import PliniusPolicyManager
import PliniusSealing
import Testing
import _PliniusTestSupport

@Suite("Keeping the root key")
struct RootTests {
    @Test("The manager unlocks with as many shares as it takes, in any order", arguments: [(1, 1), (2, 3), (3, 5)])
    func unlocking(threshold: Int, count: Int) throws {
        let root = SecretBytes.random(32)
        let (sharing, shares) = try RootSharing.sharing(root, threshold: threshold, count: count)
        for first in 0..<count {
            var unlocking = RootUnlocking(sharing)
            for step in 0..<threshold {
                #expect(unlocking.missing == threshold - step)
                let share = try RootShare(shares[(first + step) % count].text)
                let opened = try unlocking.add(share)
                #expect((opened != nil) == (step == threshold - 1))
                #expect(opened?.isEqual(to: root) ?? true)
                if opened == nil { #expect(try unlocking.add(share) == nil, "a share counts once") }
            }
        }
    }

    @Test("A wrong share is told, and the right ones stay") func wrongShares() throws {
        let root = SecretBytes.random(32)
        let (sharing, shares) = try RootSharing.sharing(root, threshold: 2, count: 3)
        let (_, others) = try RootSharing.sharing(root, threshold: 2, count: 3)
        var unlocking = RootUnlocking(sharing)
        #expect(try unlocking.add(shares[2]) == nil)
        expectError(.forbidden, "share 1 is of sharing") { try unlocking.add(others[0]) }
        // A share that somebody made up, with a check value that fits it.
        let made = [UInt8](repeating: 7, count: 32)
        let check = sha(Array("perun/1/share".utf8) + sharing.set + [1] + made).prefix(16)
        let fields = shares[0].text.split(separator: ":")
        let share = try RootShare("\(fields[0]):\(fields[1]):1:\(digits(made)):\(digits(Array(check)))")
        expectError(.forbidden, "share 1 is not the one") { try unlocking.add(share) }
        #expect(unlocking.indices == [3])
        #expect(try unlocking.add(shares[1])?.isEqual(to: root) == true)
    }

    @Test("Any letter of a share that is not what it was is told") func miscopied() throws {
        let (sharing, shares) = try RootSharing.sharing(SecretBytes.random(32), threshold: 1, count: 2)
        let text = Array(shares[0].text)
        for place in text.indices {
            var altered = text
            altered[place] = text[place] == "0" ? "1" : "0"
            expectError(.malformed) { try RootShare(String(altered)) }
        }
        for text in ["", " ", ":", "perun-share-1::::", String(repeating: "0", count: 2_000), shares[0].text + ":"] {
            expectError(.malformed) { try RootShare(text) }
        }
        var unlocking = RootUnlocking(sharing)
        #expect(try unlocking.add(RootShare("  \(shares[0].text)\r\n")) != nil)
    }

    @Test("What says how a root is shared comes back, and tells when it is damaged") func sharingText() throws {
        let (sharing, _) = try RootSharing.sharing(SecretBytes.random(32), threshold: 2, count: 3)
        #expect(try RootSharing(sharing.text) == sharing)
        let lines = sharing.text.split(separator: "\n").map(String.init)
        for text in [
            "", "\n", lines[0], lines[0].replacing(" 2", with: " 4") + "\n" + lines[1], lines[1],
            lines[0].replacing(" 2", with: " 0") + "\n" + lines[1], (lines + ["00"]).joined(separator: "\n"),
        ] {
            expectError(.integrity) { try RootSharing(text) }
        }
    }

    @Test("A share that was sealed to its owner opens for the owner") func sealedShares() throws {
        let (sharing, shares) = try RootSharing.sharing(SecretBytes.random(32), threshold: 1, count: 1)
        let owner = VaultKeyPair()
        let sealed = try shares[0].sealed(to: owner.publicKey)
        let share = try RootShare(opening: sealed, of: sharing.set, with: owner)
        #expect(share.text == shares[0].text)
        expectError(.forbidden) { try RootShare(opening: sealed, of: sharing.set, with: VaultKeyPair()) }
        expectError(.forbidden) { try RootShare(opening: sealed, of: [1], with: owner) }
        // The last is a point of small order.
        for key in [[], [UInt8](repeating: 1, count: 31), [UInt8](repeating: 0, count: 32)] {
            expectError(.malformed) { try shares[0].sealed(to: key) }
        }
    }

    // MARK: - Files

    @Test("A root that lies there as it is comes back, for its owner alone") func insecure() throws {
        let directory = try TemporaryDirectory(in: "/dev/shm")
        let (folder, root) = (RootFolder(directory.path), SecretBytes.random(32))
        #expect(try folder.kind() == nil)
        try folder.keepInsecurely(root)
        #expect(try folder.kind() == .insecure)
        #expect(!RootFolder.Kind.insecure.protects)
        #expect(try folder.readInsecurely().isEqual(to: root))
        expectError(.conflict, "already") { try folder.keepInsecurely(root) }
        expectError(.conflict, "already") { try folder.share(root, threshold: 1, count: 1) }
        let path = directory("root.insecure")
        #expect(chmod(path, 0o640) == 0)
        expectError(.forbidden, "chmod 600") { try folder.readInsecurely() }
        #expect(chmod(path, 0o600) == 0)
        for text in ["", "\n", "00\n", String(repeating: "g", count: 64) + "\n", String(repeating: "0", count: 64)] {
            try directory.write(text, to: "root.insecure")
            #expect(chmod(path, 0o600) == 0)
            expectError(.malformed) { try folder.readInsecurely() }
        }
        #expect(unlink(path) == 0)
        expectError(.notFound) { try folder.readInsecurely() }
    }

    @Test("A root that is shared is not there") func shared() throws {
        let directory = try TemporaryDirectory(in: "/dev/shm")
        let (folder, root) = (RootFolder(directory.path), SecretBytes.random(32))
        let shares = try folder.share(root, threshold: 2, count: 3)
        #expect(try folder.kind() == .shares)
        var unlocking = RootUnlocking(try folder.sharing())
        #expect(try unlocking.add(shares[0]) == nil)
        #expect(try unlocking.add(shares[2])?.isEqual(to: root) == true)
        let file = try directory.read("root.shares")
        #expect(!String(decoding: file, as: UTF8.self).contains(digits(bytes(root))))
        #expect(try directory.names() == ["root.shares"])
    }

    @Test("A root that the platform sealed opens there, and nowhere else") func platform() throws {
        let directory = try TemporaryDirectory(in: "/dev/shm")
        func attester(_ seed: UInt8) throws -> Attester {
            var paths = DevicePaths.system
            paths.simulationKey = try directory.write([UInt8](repeating: seed, count: 32), to: "seed-\(seed)")
            return try Attester(named: "simulated", paths)
        }
        var options = SealingOptions()
        options.allowsSimulation = true
        let (folder, root) = (RootFolder(directory.path), SecretBytes.random(32))
        expectError(.unavailable, "simulated") { try folder.seal(root, with: try attester(1)) }
        try folder.seal(root, with: try attester(1), options: options)
        #expect(try folder.kind() == .platform)
        #expect(try folder.open(with: try attester(1), options: options).isEqual(to: root))
        expectError(.unavailable, "does not open") { try folder.open(with: try attester(2), options: options) }
        try directory.write([1, 2, 3], to: "root.sealed")
        #expect(chmod(directory("root.sealed"), 0o600) == 0)
        expectError(.unavailable) { try folder.open(with: try attester(1), options: options) }
    }

    @Test("A root is kept in one way") func twoWays() throws {
        let directory = try TemporaryDirectory(in: "/dev/shm")
        try directory.write("", to: "root.sealed")
        try directory.write("", to: "root.insecure")
        expectError(.conflict, "root.sealed and root.insecure") { try RootFolder(directory.path).kind() }
    }
}
