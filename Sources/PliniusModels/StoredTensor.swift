import PliniusNN

/// How a file stores a number.
enum NumberFormat: String, CaseIterable {
    case f32 = "F32"
    case f16 = "F16"
    case bf16 = "BF16"

    var byteCount: Int { self == .f32 ? 4 : 2 }
}

/// A tensor of the arena, and where its values lie in a file.
struct StoredTensor {
    let tensor: ArenaTensor
    /// The first byte in the file; all values are inside it.
    let start: Int
    var format = NumberFormat.f32
    /// Whether the file has (inputs, outputs) where the arena has (outputs, inputs).
    var isTransposed = false
    /// How many outputs the file has, which are the first ones; nil for all.
    var loadedOutputs: Int?

    /// Its place in a model, for messages.
    var name: String { tensor.fullName }

    private var outputs: Int { loadedOutputs ?? tensor.shape[0] }
    /// Values in the file.
    var count: Int { tensor.count / tensor.shape[0] * outputs }

    /// The value of an index, in the arena's order.
    private func value(_ index: Int, in bytes: UnsafeRawBufferPointer) -> Float {
        var place = index
        if isTransposed {
            let inputs = tensor.count / tensor.shape[0]
            place = index % inputs * outputs + index / inputs
        }
        let offset = start + place * format.byteCount
        return switch format {
        case .f32: Float(bitPattern: unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        case .f16: Float(Float16(bitPattern: unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
        case .bf16:
            Float(bitPattern: UInt32(unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)) << 16)
        }
    }

    /// Says what is wrong with the values; `nil` if training can begin from them.
    func finding(in bytes: [UInt8]) -> String? {
        unsafe bytes.withUnsafeBytes { bytes in
            for index in 0..<count {
                let value = unsafe value(index, in: bytes)
                if !value.isFinite { return "\(name): value \(index) is \(value), expected a finite number" }
                if tensor.role == .rollingVariance, value < 0 {
                    return "\(name): value \(index) is \(value), expected a variance, which is not negative"
                }
            }
            return nil
        }
    }

    /// Puts the values into the arena.
    func store(_ bytes: [UInt8], in arena: ParameterArena) {
        let values = unsafe arena.floats(of: tensor)
        unsafe bytes.withUnsafeBytes { bytes in
            for index in 0..<count { unsafe values[index] = unsafe value(index, in: bytes) }
        }
    }
}

extension [StoredTensor] {
    /// Puts all values into the arena, or none.
    /// - Parameter unchecked: Whether values are taken that are no parameters.
    /// - Throws: `ModelError`, `.damaged`, with every tensor that holds what is no parameter.
    func store(
        _ bytes: [UInt8], named file: String, in arena: ParameterArena, unchecked: Bool
    ) throws(ModelError) {
        let findings = unchecked ? [] : compactMap { $0.finding(in: bytes) }
        guard findings.isEmpty else {
            throw ModelError(.damaged, file, "it holds what no training can begin from:", listing: findings)
        }
        for tensor in self { tensor.store(bytes, in: arena) }
    }
}
