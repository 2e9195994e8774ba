import Foundation
import Glibc
import Synchronization

/// A fresh folder for one test.
///
/// It goes when the test process ends, or earlier with ``remove()``. Not with the value: the optimiser may end a value's life after
/// its last use, which is often the line that made a path of it.
public struct TemporaryDirectory: Sendable {
    /// The absolute path of the folder.
    public let path: String

    /// Makes a folder.
    ///
    /// - Parameter parent: Where to make it: the system's temporary folder if `nil`; `/dev/shm` for one in memory.
    public init(in parent: String? = nil) throws {
        let parent = parent ?? ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        path = "\(parent)/plinius-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        removal.add(path)
    }

    /// The path of `name` in the folder.
    public func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

    /// The bytes of the file `name` in the folder.
    public func read(_ name: String) throws -> [UInt8] {
        try [UInt8](Data(contentsOf: URL(filePath: self(name))))
    }

    /// Writes `bytes` to the file `name` in the folder and returns its path.
    @discardableResult
    public func write(_ bytes: some Sequence<UInt8>, to name: String) throws -> String {
        try Data(bytes).write(to: URL(filePath: self(name)))
        return self(name)
    }

    /// Writes `text` to the file `name` in the folder and returns its path.
    @discardableResult
    public func write(_ text: String, to name: String) throws -> String {
        try write(text.utf8, to: name)
    }

    /// The names in the folder, sorted.
    public func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }

    /// Removes the folder with all that it holds.
    public func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }
}

/// The folders to remove when the process ends.
private let removal = Removal()

private final class Removal: Sendable {
    private let paths = Mutex<[String]>([])

    init() {
        atexit { removal.removeAll() }
    }

    func add(_ path: String) {
        paths.withLock { $0.append(path) }
    }

    func removeAll() {
        for path in paths.withLock({ $0 }) {
            try? FileManager.default.removeItem(atPath: path)
        }
    }
}
