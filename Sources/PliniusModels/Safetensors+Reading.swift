public import PliniusNN

extension Safetensors {
    /// The most bytes that any file may have: a header, and the numbers of the largest network.
    public static let maximumByteCount = 8 + SafetensorsHeader.maximumByteCount + (8 << 30)

    /// The most bytes that a file for a network may have; tensors of half the width take fewer.
    public static func maximumByteCount(for network: NetworkDescription) -> Int {
        8 + SafetensorsHeader.maximumByteCount + network.layout.parameterCount * MemoryLayout<Float>.size
    }

    /// Reads a file into the arena of its network; what it does not hold stays as it is.
    ///
    /// Names are those of ``encoded(_:)``. F32 is taken as it is, F16 and BF16 are widened.
    ///
    /// - Parameters:
    ///   - file: Its name, for messages.
    ///   - cutoff: Only tensors of layers with a smaller index are read, and those of others may be there, whatever they are; `nil` for all.
    ///   - unchecked: Whether to take values that no training can begin from, to look at them.
    /// - Throws: ``ModelError``, `.mismatch` with everything that differs; the arena is as it was then.
    public static func read(
        _ bytes: [UInt8], named file: String, into arena: ParameterArena, of network: NetworkDescription,
        cutoff: Int? = nil, unchecked: Bool = false
    ) throws(ModelError) {
        precondition(network.layout == arena.layout, "the arena is laid out for another network")
        var entries: [String: SafetensorsHeader.Entry] = [:]
        for entry in try SafetensorsHeader(bytes, named: file).entries { entries[entry.name] = entry }
        var stored: [StoredTensor] = []
        var differences: [String] = []
        for tensor in network.layout.tensors where tensor.role.isExported {
            let entry = entries.removeValue(forKey: tensor.fullName)
            guard tensor.layer < cutoff ?? .max else { continue }
            let line = network.layers[tensor.layer].line
            let expected =
                "\(tensor.fullName) (line \(line) of the configuration): expected F32, F16 or BF16 of \(tensor.shape)"
            guard let entry else {
                differences.append("\(expected), found none")
                continue
            }
            guard let format = NumberFormat(rawValue: entry.type), entry.shape == tensor.shape else {
                differences.append("\(expected), found \(entry.type) of \(entry.shape)")
                continue
            }
            stored.append(StoredTensor(tensor: tensor, start: entry.bytes.lowerBound, format: format))
        }
        for name in entries.keys.sorted() where !isBeyond(cutoff, name) {
            differences.append("\(name): the network has no such tensor")
        }
        guard differences.isEmpty else {
            throw ModelError(.mismatch, file, "its tensors are not the configuration's:", listing: differences)
        }
        try stored.store(bytes, named: file, in: arena, unchecked: unchecked)
    }

    /// Whether a name that the network does not have is of a layer that is not read.
    private static func isBeyond(_ cutoff: Int?, _ name: String) -> Bool {
        let parts = name.split(separator: ".", maxSplits: 2)
        guard let cutoff, parts.count == 3, parts[0] == "layers", let layer = Int(parts[1]) else { return false }
        return layer >= cutoff
    }
}
