import FoundationEssentials
import Glibc

/// Files of images with their labels, before any of them is opened.
public struct LabelledFiles: Sendable {
    /// A file and the class of its image.
    public struct File: Hashable, Sendable {
        public let path: String
        public let label: Int
    }

    /// In the order in which they are sealed.
    public let files: [File]
    /// What the labels mean.
    public let names: ClassNames
    /// Files that cannot be images, and why.
    public let strangers: [SourceError]
    /// Whether a file may be a symbolic link.
    let followsLinks: Bool

    static let maximumCount = 1 << 24
}

extension LabelledFiles {
    /// Takes a folder with one folder of images for each class.
    ///
    /// Names are sorted by their bytes: classes to number them from 0, and the files of a class. Names that begin with a dot are passed
    /// over. Only `.png`, `.jpg` and `.jpeg` are images. A symbolic link in the folder is refused: it may lead out of it.
    ///
    /// - Parameter names: The classes in their order, so that several folders (training, test) are numbered alike; `nil` for those of
    ///   the folder.
    /// - Throws: ``SourceError``
    public init(folder: String, names: ClassNames? = nil) throws(SourceError) {
        var found: [String] = []
        for name in try Self.entries(folder) {
            guard try Self.kind("\(folder)/\(name)") == S_IFDIR else {
                throw SourceError(
                    .wrongFormat, "\(folder)/\(name)",
                    "only folders may be here, one for each class, and this is a file or a symbolic link")
            }
            found.append(name)
        }
        let classes: ClassNames
        if let names { classes = names } else { classes = try ClassNames(found, file: folder) }
        let labels = classes.labels
        var files: [File] = []
        var strangers: [SourceError] = []
        for name in found {
            guard let label = labels[Array(name.utf8)] else {
                throw SourceError(.mismatch, "\(folder)/\(name)", "the names of the classes have no \(quoted(name))")
            }
            for entry in try Self.entries("\(folder)/\(name)") {
                let path = "\(folder)/\(name)/\(entry)"
                let kind = try Self.kind(path)
                switch kind {
                case S_IFREG where Self.isImage(entry): files.append(File(path: path, label: label))
                case S_IFREG: strangers.append(SourceError(.wrongFormat, path, "no .png, .jpg or .jpeg"))
                case S_IFLNK:
                    strangers.append(
                        SourceError(.unreadable, path, "it is a symbolic link, which may lead out of the folder"))
                default: throw SourceError(.wrongFormat, path, "a folder in a class's folder: which class is it of?")
                }
            }
            guard files.count <= Self.maximumCount else {
                throw SourceError(.oversized, folder, "there are more than \(Self.maximumCount) images")
            }
        }
        self.init(files: files, names: classes, strangers: strangers, followsLinks: false)
    }

    private static func entries(_ folder: String) throws(SourceError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder).filter { !$0.hasPrefix(".") }
                .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        } catch {
            throw SourceError(.unreadable, folder, "it cannot be listed. Is it a folder, and may you read it?")
        }
    }

    private static func kind(_ path: String) throws(SourceError) -> mode_t {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else {
            throw SourceError(.unreadable, path, unsafe String(cString: strerror(errno)))
        }
        return status.st_mode & S_IFMT
    }

    private static func isImage(_ name: String) -> Bool {
        let name = name.lowercased()
        return [".png", ".jpg", ".jpeg"].contains { name.hasSuffix($0) }
    }
}
