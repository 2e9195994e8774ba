import Glibc

extension RunningProgram {
    /// The processes that this one started and that still run, as the kernel lists them.
    public var children: [CInt] { Self.children(of: pid) }

    /// The same of any process.
    public static func children(of pid: CInt) -> [CInt] {
        // The list hangs on the thread that forked, hence the walk over all threads.
        entries(of: "/proc/\(pid)/task").flatMap { thread in
            let list = contents(of: "/proc/\(pid)/task/\(thread)/children") ?? []
            return String(decoding: list, as: UTF8.self).split(separator: " ").compactMap { CInt($0) }
        }
    }

    /// The command line of a process, `[]` once it is gone.
    public static func commandLine(of pid: CInt) -> [String] {
        (contents(of: "/proc/\(pid)/cmdline") ?? []).split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Stops a process (SIGSTOP), and returns when each of its threads stands still; SIGCONT lets it go on.
    public static func holdStill(_ pid: CInt) {
        kill(pid, SIGSTOP)
        while entries(of: "/proc/\(pid)/task").contains(where: { thread in
            // After the command's name in parentheses: " T" for stopped, " Z" and " X" for gone.
            let fields = String(decoding: contents(of: "/proc/\(pid)/task/\(thread)/stat") ?? [], as: UTF8.self)
            let state = fields.split(separator: ")").last?.dropFirst().first
            return state.map { !"TZX".contains($0) } ?? false
        }) {
            usleep(500)
        }
    }

    /// The files that the process has open, by descriptor, as `/proc` names them.
    public var openFiles: [CInt: String] {
        var files: [CInt: String] = [:]
        for entry in entries(of: "/proc/\(pid)/fd") {
            var target = [UInt8](repeating: 0, count: Int(PATH_MAX))
            let count = readlink("/proc/\(pid)/fd/\(entry)", &target, target.count)
            if count > 0, let descriptor = CInt(entry) {
                files[descriptor] = String(decoding: target[..<count], as: UTF8.self)
            }
        }
        return files
    }

    /// Which of `patterns` occur in the memory of the process now, whatever maps it: heap, stacks, shared files.
    ///
    /// - Returns: The found patterns' names with the `/proc` map line of the first place, and how many bytes were looked at. A caller
    ///   should also search for bytes that must be there, or it proves nothing.
    /// - Throws: ``ProgramError`` if the memory cannot be opened.
    public func searchMemory(for patterns: [String: [UInt8]]) throws(ProgramError) -> (
        found: [String: String], bytesSearched: Int
    ) {
        try Self.searchMemory(of: pid, for: patterns)
    }

    /// The same for any process that this one may inspect.
    /// - Throws: ``ProgramError`` if the memory cannot be opened.
    public static func searchMemory(of pid: CInt, for patterns: [String: [UInt8]]) throws(ProgramError) -> (
        found: [String: String], bytesSearched: Int
    ) {
        let memory = open("/proc/\(pid)/mem", O_RDONLY | O_CLOEXEC)
        guard memory >= 0, let maps = contents(of: "/proc/\(pid)/maps") else {
            throw ProgramError("the memory of process \(pid) cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { close(memory) }
        let longest = patterns.values.map(\.count).max() ?? 0
        precondition(patterns.values.allSatisfy { $0.count >= 8 }, "a pattern under 8 bytes is found by chance")

        var found: [String: String] = [:]
        var searched = 0
        // Blocks overlap by a pattern's length, or one that lies across the border would be missed.
        var block = [UInt8](repeating: 0, count: (1 << 20) + longest)
        for line in String(decoding: maps, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: " ", maxSplits: 2)
            let bounds = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            guard bounds.count == 2, fields[1].hasPrefix("r") else { continue }
            var address = bounds[0]
            while address < bounds[1] {
                // A page that is gone, or that is no memory (vvar), ends the map.
                let count = pread(memory, &block, min(block.count, Int(bounds[1] - address)), off_t(address))
                guard count > 0 else { break }
                for (name, bytes) in patterns where found[name] == nil && contains(block, count, bytes) {
                    found[name] = String(line)
                }
                searched += min(count, 1 << 20)
                address += 1 << 20
            }
        }
        return (found, searched)
    }
}

/// Whether `pattern` occurs in the first `count` bytes of `block`.
private func contains(_ block: [UInt8], _ count: Int, _ pattern: [UInt8]) -> Bool {
    // Memory is mostly zeros, so the search goes by a byte of the pattern that is none.
    let anchor = pattern.firstIndex { $0 != 0 } ?? 0
    return block.withUnsafeBytes { bytes in
        guard let base = bytes.baseAddress, count >= pattern.count else { return false }
        let end = base + (count - pattern.count + anchor) + 1
        var start = base + anchor
        while start < end, let hit = memchr(start, CInt(pattern[anchor]), end - start) {
            if memcmp(hit - anchor, pattern, pattern.count) == 0 {
                return true
            }
            start = UnsafeRawPointer(hit) + 1
        }
        return false
    }
}

/// The names in a folder, without the two dots; `[]` if it is gone.
private func entries(of path: String) -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." {
            names.append(name)
        }
    }
    return names
}

/// All bytes of a file whose size `stat` does not tell.
private func contents(of path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = read(descriptor, &block, block.count)
        guard count > 0 else { return count == 0 ? bytes : nil }
        bytes += block[..<count]
    }
}
