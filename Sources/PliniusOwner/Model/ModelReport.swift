import PliniusModels
import PliniusNN

/// The values of a model in numbers; what a tensor without finite values has not is left out of the JSON.
struct ModelReport: Encodable {
    struct Layer: Encodable {
        let index: Int
        let kind: String
        let tensors: [Tensor]
    }

    struct Tensor: Encodable {
        let name: String
        let shape: [Int]
        let count: Int
        let minimum: Float?
        let maximum: Float?
        let mean: Double?
        let standardDeviation: Double?
        /// From 0 to 1.
        let zeroShare: Double
        let nonFinite: Int
        let firstNonFinite: Int?

        init(_ statistics: TensorStatistics) {
            name = statistics.name
            shape = statistics.tensor.shape
            count = statistics.tensor.count
            minimum = statistics.minimum
            maximum = statistics.maximum
            mean = statistics.mean
            standardDeviation = statistics.standardDeviation
            zeroShare = Double(statistics.zeros) / Double(statistics.tensor.count)
            nonFinite = statistics.nonFinite
            firstNonFinite = statistics.firstNonFinite
        }
    }

    /// Those that have values.
    let layers: [Layer]
    let parameters: Int
    let nonFinite: Int

    init(_ model: Model) {
        let statistics = model.statistics()
        layers = model.network.layers.compactMap { layer in
            let own = statistics.filter { $0.tensor.layer == layer.index }.map(Tensor.init)
            return own.isEmpty ? nil : Layer(index: layer.index, kind: layer.kindName, tensors: own)
        }
        parameters = model.network.layout.parameterCount
        nonFinite = statistics.reduce(0) { $0 + $1.nonFinite }
    }

    /// The same for people: a table, the total, and each tensor that holds what is no finite number.
    var text: String {
        let header = ["layer", "tensor", "count", "min", "max", "mean", "deviation", "zeros"]
        let rows = layers.flatMap { layer in layer.tensors.map { ["\(layer.index) \(layer.kind)"] + $0.cells } }
        let table = [header] + rows
        let widths = header.indices.map { column in table.map { $0[column].count }.max() ?? 0 }
        var lines = table.map { row in
            row.indices.map { column in
                let blanks = String(repeating: " ", count: widths[column] - row[column].count)
                return column < 2 ? row[column] + blanks : blanks + row[column]
            }.joined(separator: "  ")
        }
        lines.append("")
        lines.append("\(parameters) values, \(nonFinite) of them not finite")
        for tensor in layers.flatMap(\.tensors) {
            guard let first = tensor.firstNonFinite else { continue }
            lines.append("\(tensor.name): \(tensor.nonFinite) values are not finite, the first is value \(first)")
        }
        return lines.joined(separator: "\n")
    }
}

extension ModelReport.Tensor {
    fileprivate var cells: [String] {
        func number(_ value: Float?) -> String { value.map { "\($0)" } ?? "-" }
        let share = (zeroShare * 1000).rounded() / 10
        return [
            name, "\(count)", number(minimum), number(maximum), number(mean.map { Float($0) }),
            number(standardDeviation.map { Float($0) }), "\(share)%",
        ]
    }
}
