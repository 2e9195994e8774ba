extension LabelledFiles {
    /// Takes Darknet's list of images: a path a line, whose label its names tell.
    ///
    /// Where Darknet looks for each name anywhere in the path, and takes "1" for found in "10", here:
    /// 1. The name of the folder that the file is in, if it is one of the classes.
    /// 2. Otherwise names that the file's own name without its ending holds as whole words, the longer of two that overlap, together
    ///    with folders further up that are called like a class. Letters and digits do not border on a whole word.
    ///
    /// Exactly one class has to be found.
    ///
    /// - Parameters:
    ///   - list: Blank lines are passed over.
    ///   - root: What paths that do not begin with `/` are relative to; `nil` for the working folder, as in Darknet.
    ///
    /// - Throws: ``SourceError``
    public init(list: ByteFile, names: ClassNames, root: String? = nil) throws(SourceError) {
        let lines = try Self.paths(in: list, root: root)
        let matcher = LabelMatcher(names)
        var files: [File] = []
        files.reserveCapacity(lines.count)
        for (number, path, whole) in lines {
            let found = matcher.labels(in: path)
            guard found.count == 1 else {
                let text = found.map { quoted(names.names[$0]) }.joined(separator: " and ")
                throw found.isEmpty
                    ? SourceError(
                        .mismatch, list.path,
                        "line \(number): \(quoted(path)) names no class. Is it the right file of names?")
                    : SourceError(
                        .ambiguous, list.path,
                        "line \(number): \(quoted(path)) names \(text). Put each class into a folder of its name.")
            }
            files.append(File(path: whole, label: found[0]))
        }
        self.init(files: files, names: names, strangers: [], followsLinks: true)
    }

    /// The paths of a list, each with its line, as it is written there and with the root before it.
    static func paths(
        in list: ByteFile, root: String?
    ) throws(SourceError) -> [(line: Int, written: String, path: String)] {
        let lines = try TextLines(list, limit: 1 << 28).lines
        guard !lines.isEmpty, lines.count <= maximumCount else {
            throw SourceError(
                .wrongFormat, list.path, "the list has \(lines.count) images; 1 to \(maximumCount) can be")
        }
        return lines.map { number, path in
            let isWhole = path.hasPrefix("/") || root == nil
            return (number, path, isWhole ? path : "\(root ?? ".")/\(path)")
        }
    }
}

/// Finds the names of classes in paths.
struct LabelMatcher {
    private let labels: [[UInt8]: Int]

    init(_ names: ClassNames) { labels = names.labels }

    /// The labels that a path may mean, each once, sorted.
    func labels(in path: String) -> [Int] {
        let parts = path.utf8.split(separator: UInt8(ascii: "/")).map(Array.init)
        guard let file = parts.last else { return [] }
        let folders = parts.dropLast()
        if let parent = folders.last, let label = labels[parent] { return [label] }
        return Set(folders.compactMap { labels[$0] } + words(in: stem(of: file))).sorted()
    }

    private func stem(of file: [UInt8]) -> [UInt8] {
        guard let dot = file.lastIndex(of: UInt8(ascii: ".")), dot > 0 else { return file }
        return Array(file[..<dot])
    }

    private func words(in stem: [UInt8]) -> [Int] {
        // Names of files are short; the system has no longer ones.
        guard stem.count <= 255 else { return [] }
        let borders = (0...stem.count).filter {
            $0 == 0 || $0 == stem.count || !isWord(stem[$0 - 1]) || !isWord(stem[$0])
        }
        var found: [(range: Range<Int>, label: Int)] = []
        for (index, start) in borders.enumerated() {
            for end in borders[(index + 1)...] {
                if let label = labels[Array(stem[start..<end])] { found.append((start..<end, label)) }
            }
        }
        return found.filter { match in
            !found.contains { $0.range.overlaps(match.range) && $0.range.count > match.range.count }
        }.map(\.label)
    }

    private func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), 0x80...:
            true
        default: false
        }
    }
}
