import ArgumentParser
import PliniusSealing

/// Makes an owner's key.
struct KeygenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen", abstract: "Makes a key: 32 random bytes in a file that only you can read.",
        discussion: "Whoever has the key can read the data and the models; without it nobody can, not even you.")

    @Option(help: "The file to make; an existing one is never overwritten.") var out: String

    func run() throws {
        try reporting {
            let file = try AtomicFile.create(out)
            try unsafe SecretBytes.random(KeyHierarchy.ownerKeyByteCount).withBytes { key throws(OwnerError) in
                try unsafe file.write(key)
            }
            try file.publish()
            printError("wrote a new key to \(out); keep it off the training host, and keep a copy")
        }
    }
}
