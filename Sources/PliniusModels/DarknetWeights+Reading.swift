public import PliniusNN
import _PliniusSupport

extension DarknetWeights {
    /// The bytes before the first array.
    private struct Header {
        let byteCount: Int
        let imagesSeen: UInt64
        /// Whether connected layers' weights are (inputs, outputs): so very old programs wrote them.
        let isTransposed: Bool

        /// The longest one.
        static let maximumByteCount = 20

        init(_ bytes: [UInt8], named file: String) throws(ModelError) {
            var reader = ByteReader(Array(bytes.prefix(Self.maximumByteCount)))
            do {
                let major = Int(try reader.read(Int32.self))
                let minor = Int(try reader.read(Int32.self))
                _ = try reader.read(UInt32.self)
                guard major >= 0, minor >= 0 else {
                    throw ModelError(
                        .damaged, file, "version \(major).\(minor): no file of Darknet's begins like this")
                }
                isTransposed = major > 1000 || minor > 1000
                // The count of images became 64 bits wide with version 0.2, and in the transposed versions it is not.
                if major * 10 + minor >= 2, major < 1000, minor < 1000 {
                    imagesSeen = try reader.read()
                } else {
                    imagesSeen = UInt64(try reader.read(UInt32.self))
                }
            } catch let error as ModelError {
                throw error
            } catch {
                throw ModelError(
                    .damaged, file, "the header takes 16 or 20 bytes, and the file has \(bytes.count)")
            }
            byteCount = min(bytes.count, Self.maximumByteCount) - reader.remaining
        }
    }

    /// The most bytes that a file for a network may have.
    public static func maximumByteCount(for network: NetworkDescription) -> Int {
        Header.maximumByteCount + network.layout.parameterCount * MemoryLayout<Float>.size
    }

    /// Reads a file into the arena of its network; what it does not hold stays as it is.
    ///
    /// The keys `dontload`, `dontloadscales`, `numload` and `flipped` say what the file holds otherwise.
    /// Headers of 16 and of 20 bytes are known, and the transposed weights of versions above 1000. The format has neither names nor shapes, so only lengths can
    /// be checked: they have to be the network's to the byte.
    ///
    /// - Parameters:
    ///   - bytes: The file; with a `cutoff` its beginning is enough, as far as the layers reach.
    ///   - file: Its name, for messages.
    ///   - cutoff: Only layers with a smaller index are read, and the file may end there or go on; `nil` for all.
    ///   - unchecked: Whether to take values that no training can begin from, to look at them.
    /// - Returns: The number of images that the file says the model was trained on.
    /// - Throws: ``ModelError``; the arena is as it was then.
    public static func read(
        _ bytes: [UInt8], named file: String, into arena: ParameterArena, of network: NetworkDescription,
        cutoff: Int? = nil, unchecked: Bool = false
    ) throws(ModelError) -> UInt64 {
        precondition(network.layout == arena.layout, "the arena is laid out for another network")
        let header = try Header(bytes, named: file)
        let wanted = network.layers.prefix(cutoff ?? network.layers.count)
        var stored: [StoredTensor] = []
        // The layout bounds all counts, so no sum overflows.
        var end = header.byteCount
        for layer in wanted where layer.exchange.isLoaded {
            for tensor in tensors(of: layer, in: network.layout) {
                if !layer.exchange.loadsScales, ![.biases, .weights].contains(tensor.role) { continue }
                // Connected weights alone have two extents.
                let isTransposed =
                    tensor.role == .weights
                    && (header.isTransposed && tensor.shape.count == 2 || layer.exchange.isFlipped)
                stored.append(
                    StoredTensor(
                        tensor: tensor, start: end, isTransposed: isTransposed,
                        loadedOutputs: layer.exchange.loadedFilters))
                end += stored[stored.count - 1].count * MemoryLayout<Float>.size
            }
        }
        guard bytes.count >= end else {
            throw tooShort(bytes.count, of: end, stored, wanted, named: file)
        }
        guard bytes.count == end || wanted.count < network.layers.count else {
            throw ModelError(
                .mismatch, file,
                "the configuration's layers end at byte \(end), and the file goes on: it is of another network. import --cutoff "
                    + "takes only the first layers")
        }
        try stored.store(bytes, named: file, in: arena, unchecked: unchecked)
        for layer in wanted where layer.exchange.isLoaded {
            // Their part is in the means.
            if case .batchnorm = layer.kind, let biases = arena.layout.tensor(layer: layer.index, role: .biases) {
                unsafe arena.floats(of: biases).update(repeating: 0)
            }
        }
        return header.imagesSeen
    }

    /// Says layer by layer how far the file reaches.
    private static func tooShort(
        _ found: Int, of expected: Int, _ stored: [StoredTensor], _ layers: ArraySlice<LayerDescription>,
        named file: String
    ) -> ModelError {
        var lines: [String] = []
        var boundary: Int?
        for layer in layers {
            let own = stored.filter { $0.tensor.layer == layer.index }
            guard let first = own.first, let last = own.last else { continue }
            let end = last.start + last.count * MemoryLayout<Float>.size
            if first.start == found { boundary = layer.index }
            guard end > found else { continue }
            lines.append(
                "layer \(layer.index) (line \(layer.line) of the configuration): expected bytes \(first.start)..<\(end), found "
                    + (first.start < found ? "\(first.start)..<\(found)" : "none"))
        }
        let hint = boundary.map {
            $0 > 0 ? "; it ends where layer \($0) begins, and import --cutoff \($0) takes that much" : ""
        }
        return ModelError(
            .mismatch, file,
            "the configuration's layers take \(expected) bytes, and the file has \(found)\(hint ?? ""):", listing: lines
        )
    }
}
