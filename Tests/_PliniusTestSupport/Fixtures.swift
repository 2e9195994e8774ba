import Glibc
import _PliniusSupport

/// One network with inputs, and what PyTorch computes for it in double precision with Darknet's formulas.
///
/// `scripts/generate-fixtures.py` writes them, one file each, to `Tests/PliniusNNTests/Fixtures`. All inputs are exact in
/// `Float`. Gradients have Darknet's sign: −∂loss/∂value, summed over the mini-batch, to be *added*. By name:
///
/// | tensor | shape | what |
/// |---|---|---|
/// | `images`, `truth` | (mini-batch, channels, height, width), (mini-batch, outputs) | inputs; a trajectory has a first extent more: passes |
/// | `N.biases`, `N.weights`, … | as in the arena | layer N's state before; the roles as `TensorRole` describes itself |
/// | `loss` | (1) | what `Executor.forward` returns in training |
/// | `N.output` | (mini-batch, channels, height, width) | of layer N in training, unless it is a cost |
/// | `N.output.gradient` | as the output | of the loss, by the layer's output; absent behind a layer that stops it |
/// | `N.biases.gradient`, … | as the state | what `backward` adds to `N.bias_momentum`, … |
/// | `N.rolling_mean.after`, … | as the state | after the training pass |
/// | `inference` | (mini-batch, outputs) | the network's output in inference, from the state before |
///
/// A trajectory instead has `losses` (passes), and as `N.ROLE.after` the whole state after all its updates, momentum
/// included; the rates follow from the configuration, and its passes are `steps` × `subdivisions` in number.
///
/// The format, little-endian: the magic `PLINFIX1`; u64 seed, iteration and first image of the pass; u32 length and bytes of
/// the configuration; u32 number of tensors; for each: u8 length and bytes of its name, u8 rank, u32 extents, u8 bytes per
/// number (4 or 8), the numbers, row-major. Nothing follows.
public struct Fixture: Sendable, CustomStringConvertible {
    /// One tensor of a fixture.
    public struct Tensor: Sendable {
        public let shape: [Int]
        /// Row-major.
        public let values: [Double]
        /// The same, rounded.
        public var floats: [Float] { values.map { Float($0) } }
    }

    /// The file's name without its extension: `connected-bn`, or `trajectory-…`.
    public let name: String
    /// The network, for `NetworkDescription(parsing:file:)`.
    public let config: String
    /// For the random streams, with the two that follow.
    public let seed: UInt64
    /// Updates made before (the first of) the passes.
    public let iteration: UInt64
    /// Index within the batch of the mini-batch's first image.
    public let firstImage: Int
    /// All tensors by name.
    public let tensors: [String: Tensor]

    public var description: String { name }

    /// A tensor that must be there.
    public subscript(tensor: String) -> Tensor {
        guard let found = tensors[tensor] else { fatalError("the fixture \(name) has no tensor \(tensor)") }
        return found
    }

    /// All fixtures of one pass, by name.
    public static let passes = all.filter { !$0.isTrajectory }
    /// All fixtures of several updates, by name.
    public static let trajectories = all.filter(\.isTrajectory)

    private var isTrajectory: Bool { name.hasPrefix("trajectory") }

    private static let all: [Fixture] = {
        var folder = Array(#filePath.utf8)
        for _ in 0..<2 { folder.removeLast(folder.count - (folder.lastIndex(of: UInt8(ascii: "/")) ?? 0)) }
        let path = String(decoding: folder, as: UTF8.self) + "/PliniusNNTests/Fixtures"
        let names = fileNames(in: path).filter { $0.hasSuffix(".fixture") }.sorted()
        precondition(!names.isEmpty, "there are no fixtures in \(path): run scripts/generate-fixtures.py")
        return names.map { file in
            do {
                return try Fixture(name: String(file.dropLast(".fixture".count)), parsing: bytes(of: "\(path)/\(file)"))
            } catch {
                fatalError("\(path)/\(file): \(error)")
            }
        }
    }()

    private init(name: String, parsing bytes: [UInt8]) throws(TruncatedInput) {
        var reader = ByteReader(bytes)
        let magic = try reader.readBytes(8)
        precondition(magic == Array("PLINFIX1".utf8), "\(name) is no fixture of version 1")
        self.name = name
        seed = try reader.read()
        iteration = try reader.read()
        firstImage = Int(try reader.read(UInt64.self))
        config = String(decoding: try reader.readBytes(Int(try reader.read(UInt32.self))), as: UTF8.self)
        var tensors: [String: Tensor] = [:]
        for _ in 0..<(try reader.read(UInt32.self)) {
            let name = String(decoding: try reader.readBytes(Int(try reader.read(UInt8.self))), as: UTF8.self)
            var shape: [Int] = []
            for _ in 0..<(try reader.read(UInt8.self)) { shape.append(Int(try reader.read(UInt32.self))) }
            let isSingle = try reader.read(UInt8.self) == 4
            var values: [Double] = []
            for _ in 0..<shape.reduce(1, *) {
                values.append(isSingle ? Double(try reader.readFloat()) : Double(bitPattern: try reader.read()))
            }
            tensors[name] = Tensor(shape: shape, values: values)
        }
        precondition(reader.remaining == 0, "\(name) has \(reader.remaining) bytes after its last tensor")
        self.tensors = tensors
    }
}

private func fileNames(in folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        names.append(
            withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            })
    }
    return names
}

private func bytes(of path: String) -> [UInt8] {
    guard let file = fopen(path, "rb") else { return [] }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    bytes.removeLast(bytes.count - fread(&bytes, 1, bytes.count, file))
    return bytes
}
