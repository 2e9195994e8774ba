import Crypto
import Foundation
import Testing
import _PliniusTestSupport

@Suite("Keys of owners, as commands make them") struct KeyCommandTests {
    @Test(arguments: ["ed25519", "p256"]) func keysAreForTheirOwnersEyes(kind: String) throws {
        let desk = try OwnerDesk()
        let key = try desk.key("owner.pem", kind: kind)
        #expect(key.hasPrefix(kind + ":"))
        let mode = try FileManager.default.attributesOfItem(atPath: desk.folder("owner.pem"))[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(try desk.folder.names() == ["owner.pem"])
        let shown = try desk.perun("keygen", "--show", desk.folder("owner.pem"), "--json").json
        #expect(shown["key"] as? String == key)
        #expect(shown["id"] as? String == hex(Array(SHA256.hash(data: Data(key.utf8)))))
        // A key is never lost to a slip.
        let before = try desk.folder.read("owner.pem")
        let again = try desk.perun("keygen", "--out", desk.folder("owner.pem"), "--kind", kind)
        #expect(again.status == .exited(2) && again.errors.contains("is there already"), "\(again)")
        #expect(try desk.folder.read("owner.pem") == before)
    }

    @Test func whatIsNoKeyIsRefusedWithoutShowingIt() throws {
        let desk = try OwnerDesk()
        let path = try desk.folder.write(
            "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n", to: "no.pem")
        for arguments in [["--show", path], ["--show", desk.folder("absent")], [], ["--show", path, "--out", "x"]] {
            let outcome = try desk.perun(["keygen"] + arguments)
            #expect(outcome.status == .exited(2), "\(arguments): \(outcome)")
            #expect(!outcome.errors.contains("c2VjcmV0"))
        }
    }
}
