import Glibc
import PliniusMirror
import PliniusSealing
import Testing
import _PliniusTestSupport

/// A folder with a key, in which a test lets the owner's program work.
struct OwnerFolder {
    let folder: TemporaryDirectory
    let key: [UInt8]

    init() throws {
        folder = try TemporaryDirectory()
        key = randomBytes(32)
        try write(key, to: "key", mode: 0o600)
    }

    var keys: KeyHierarchy { KeyHierarchy(ownerKey: SecretBytes(key)) }

    func callAsFunction(_ name: String) -> String { folder(name) }

    func write(_ bytes: [UInt8], to name: String, mode: mode_t) throws {
        chmod(try folder.write(bytes, to: name), mode)
    }

    /// Runs the program; names of files in the folder are written `@name`.
    @discardableResult
    func run(_ arguments: String...) throws -> ProgramOutcome {
        try Program.owner.run(
            arguments.map { $0.hasPrefix("@") ? folder(String($0.dropFirst())) : $0 }, timeout: .seconds(120))
    }

    /// Runs the program and expects that it refuses: with this exit code, a line on standard error that holds all `words`, nothing
    /// on standard output, and the folder as it was.
    func expectRefusal(
        _ code: CInt, _ words: [String], _ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try expectRefusal(code, words, arguments, sourceLocation: sourceLocation)
    }

    /// The same with a list of arguments.
    func expectRefusal(
        _ code: CInt, _ words: [String], _ arguments: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let before = try snapshot()
        let outcome = try Program.owner.run(
            arguments.map { $0.hasPrefix("@") ? folder(String($0.dropFirst())) : $0 }, timeout: .seconds(120))
        #expect(outcome.status == .exited(code), "\(outcome.errors)", sourceLocation: sourceLocation)
        for word in words {
            #expect(outcome.errors.contains(word), "\(outcome.errors)", sourceLocation: sourceLocation)
        }
        #expect(outcome.output == "", sourceLocation: sourceLocation)
        #expect(try snapshot() == before, "a refusal changed the folder", sourceLocation: sourceLocation)
    }

    /// Every file with its bytes.
    func snapshot() throws -> [String: [UInt8]] {
        Dictionary(uniqueKeysWithValues: try folder.names().map { ($0, try folder.read($0)) })
    }

    /// Opens a sealed data set of the folder.
    func withDataset<R>(_ name: String, _ body: (SealedDataset) throws -> R) throws -> R {
        let descriptor = open(folder(name), O_RDONLY)
        defer { close(descriptor) }
        return try body(try SealedDataset(descriptor: descriptor, keys: keys))
    }

    func mode(of name: String) -> mode_t {
        var status = stat()
        return stat(folder(name), &status) == 0 ? status.st_mode & 0o777 : 0
    }
}
