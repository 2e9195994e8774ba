import FoundationEssentials

/// Published evidence, in the folder that the environment variable `PLINIUS_VECTORS` names, if there is one.
public struct Samples: Sendable {
    private let folder: String?

    /// Those of the environment's folder.
    public init() { folder = ProcessInfo.processInfo.environment["PLINIUS_VECTORS"] }

    /// None, for `nil`.
    public init(folder: String?) { self.folder = folder }

    /// The bytes of those files that are there.
    func files(_ paths: String...) -> [[UInt8]] {
        guard let folder else { return [] }
        return paths.compactMap { path in
            (try? Data(contentsOf: URL(filePath: folder).appending(path: path))).map(Array.init)
        }
    }

    /// The same, those of base64 decoded.
    func decoded(_ paths: String...) -> [[UInt8]] {
        paths.flatMap { files($0) }.compactMap { text in
            let digits = text.filter { $0 > 32 }
            return Data(base64Encoded: Data(digits)).map(Array.init)
        }
    }
}

/// Bytes of hexadecimal digits.
func octets(_ digits: String) -> [UInt8] {
    stride(from: 0, to: digits.utf8.count - 1, by: 2).compactMap { UInt8(digits.dropFirst($0).prefix(2), radix: 16) }
}
