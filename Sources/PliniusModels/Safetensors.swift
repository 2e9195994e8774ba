import Foundation
import PliniusNN
import _PliniusSupport

/// The safetensors format: u64 length of a JSON header, the header, then the tensors' bytes without gaps.
///
/// Tensors are named `layers.3.weights`, those of a recurrent layer's further parts `layers.3.1.weights`; what the solver
/// remembers is left out. The metadata tell how long the model was trained.
/// See https://github.com/huggingface/safetensors (format description in its README).
public enum Safetensors {
    private struct Entry: Encodable {
        let dtype = "F32"
        let shape: [Int]
        let dataOffsets: [Int]

        enum CodingKeys: String, CodingKey {
            case dtype, shape
            case dataOffsets = "data_offsets"
        }
    }

    private enum Value: Encodable {
        case tensor(Entry)
        case metadata([String: String])

        func encode(to encoder: any Encoder) throws {
            switch self {
            case .tensor(let entry): try entry.encode(to: encoder)
            case .metadata(let texts): try texts.encode(to: encoder)
            }
        }
    }

    /// The whole file.
    /// - Throws: never in practice; encoding JSON is declared to.
    public static func encoded(_ model: Model) throws -> [UInt8] {
        var header: [String: Value] = [
            "__metadata__": .metadata([
                "format": "plinius", "iteration": "\(model.iteration)", "images_seen": "\(model.imagesSeen)",
            ])
        ]
        let tensors = model.network.layout.tensors.filter(\.role.isExported)
        var offset = 0
        for tensor in tensors {
            let end = offset + tensor.count * MemoryLayout<Float>.size
            header[tensor.fullName] = .tensor(Entry(shape: tensor.shape, dataOffsets: [offset, end]))
            offset = end
        }
        let encoder = JSONEncoder()
        // The same model gives the same bytes.
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var json = [UInt8](try encoder.encode(header))
        // The format lets a header end in blanks, and readers like their floats aligned.
        json.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - json.count % 8) % 8))
        var writer = ByteWriter()
        writer.write(UInt64(json.count))
        writer.write(bytes: json)
        var bytes = writer.bytes
        bytes.reserveCapacity(bytes.count + offset)
        for tensor in tensors { model.append(tensor, to: &bytes) }
        return bytes
    }
}
