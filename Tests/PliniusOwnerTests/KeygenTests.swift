import PliniusSealing
import Testing
import _PliniusTestSupport

@Suite("plinius-owner keygen")
struct KeygenTests {
    @Test("A key is 32 random bytes for its owner's eyes only, and is accepted as a key")
    func makes() throws {
        let folder = try OwnerFolder()
        for name in ["first", "second"] {
            let outcome = try folder.run("keygen", "--out", "@\(name)")
            #expect(outcome.succeeded, "\(outcome.errors)")
            #expect(outcome.output == "")
            #expect(try folder.folder.read(name).count == 32)
            #expect(folder.mode(of: name) == 0o600)
        }
        #expect(try folder.folder.read("first") != folder.folder.read("second"))
        #expect(try folder.folder.names() == ["first", "key", "second"])
        #expect(
            try folder.run(
                "seal", "--key", "@first", "--format", "synthetic-digits", "--count", "1", "--out", "@data.sealed"
            ).succeeded)
    }

    @Test("An existing file is never overwritten")
    func neverOverwrites() throws {
        let folder = try OwnerFolder()
        try folder.expectRefusal(2, ["key", "there already"], "keygen", "--out", "@key")
    }

    @Test("A folder that does not exist is named")
    func noFolder() throws {
        try OwnerFolder().expectRefusal(2, ["nowhere/key", "No such file"], "keygen", "--out", "@nowhere/key")
    }

    @Test("The key is never printed")
    func quiet() throws {
        let folder = try OwnerFolder()
        let outcome = try folder.run("keygen", "--out", "@new")
        let key = try folder.folder.read("new")
        let said = outcome.output + outcome.errors
        let digits = key.prefix(4).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(!said.contains(digits) && !said.contains(key.prefix(4).map(String.init).joined(separator: ", ")))
    }

    @Test("Options that cannot be read exit with 64, as the argument parser has it")
    func usage() throws {
        #expect(try Program.owner.run(["keygen"]).status == .exited(64))
        #expect(try Program.owner.run(["unknown"]).status == .exited(64))
        #expect(try Program.owner.run(["--help"]).succeeded)
    }
}
