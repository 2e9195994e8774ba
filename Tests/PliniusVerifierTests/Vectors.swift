import Crypto
import FoundationEssentials
import PliniusVerifier
import Testing

/// Real evidence that others published, in a folder that the environment names: `PLINIUS_VECTORS`, with a `manifest.json` of sources and
/// digests.
///
/// A suite that needs it says `.enabled(if: Vectors.areThere, Vectors.reason)`.
enum Vectors {
    /// A file of the manifest.
    struct Entry: Decodable, Hashable, CustomTestStringConvertible {
        var file: String
        var bytes: Int
        var sha256: String
        var source: String
        var commit: String
        var license: String
        var expected: String

        var testDescription: String { file }
    }

    private struct Manifest: Decodable {
        var pinnedTime: String
        var vectors: [Entry]
    }

    private static let folder = ProcessInfo.processInfo.environment["PLINIUS_VECTORS"]

    private static let manifest: Manifest? = folder.flatMap { folder in
        let contents = try? Data(contentsOf: URL(filePath: folder).appending(path: "manifest.json"))
        return contents.flatMap { try? JSONDecoder().decode(Manifest.self, from: $0) }
    }

    /// Whether the environment names a folder with a manifest.
    static var areThere: Bool { manifest != nil }

    /// What a suite says that is skipped without them.
    static let reason: Comment = "PLINIUS_VECTORS names no folder with a manifest.json of published evidence"

    /// What the manifest lists; empty without it.
    static var entries: [Entry] { manifest?.vectors ?? [] }

    /// The instant that the expected verdicts are for.
    ///
    /// It is the manifest's, and written here as well, so that tables can be made without it.
    static let pinnedTime = Instant(seconds: 1_751_328_000)

    /// The manifest's own instant.
    static var manifestTime: Instant? {
        manifest.flatMap { try? Date($0.pinnedTime, strategy: .iso8601) }
            .map { Instant(seconds: Int64($0.timeIntervalSince1970)) }
    }

    /// The bytes of a file of the manifest, by its path in there.
    static func bytes(_ path: String) throws -> [UInt8] {
        let folder = try #require(folder, reason)
        return Array(try Data(contentsOf: URL(filePath: folder).appending(path: path)))
    }
}

@Suite("Published evidence", .enabled(if: Vectors.areThere, Vectors.reason))
struct VectorsTests {
    @Test("Each file is the one that its expected verdict is about", arguments: Vectors.entries)
    func digest(entry: Vectors.Entry) throws {
        let bytes = try Vectors.bytes(entry.file)
        #expect(bytes.count == entry.bytes)
        #expect(SHA256.hash(data: bytes).description == "SHA256 digest: \(entry.sha256)")
    }

    @Test("The verdicts are for one instant")
    func time() {
        #expect(Vectors.manifestTime == Vectors.pinnedTime)
        #expect(!Vectors.entries.isEmpty)
    }
}
