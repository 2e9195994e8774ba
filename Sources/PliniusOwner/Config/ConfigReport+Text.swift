extension ConfigReport {
    /// The same for people: a table of layers, then totals, warnings and advice.
    var text: String {
        let header = ["layer", "kind", "window", "input", "output", "from", "parameters", "FLOPs/image", "floats"]
        let names = 1...5
        let table = [header] + layers.map(\.cells)
        let widths = header.indices.map { column in table.map { $0[column].count }.max() ?? 0 }
        var lines = table.map { row in
            row.indices.map { column in
                let blanks = String(repeating: " ", count: widths[column] - row[column].count)
                return names.contains(column) ? row[column] + blanks : blanks + row[column]
            }.joined(separator: "  ")
        }
        lines.append("")
        lines.append("parameters     \(grouped(parameters))")
        lines.append("FLOPs/image    \(grouped(flops)) forward")
        lines.append("arena          \(formatted(byteCount: arenaBytes)) (\(grouped(arenaBytes)) bytes)")
        lines.append(
            "mirror         \(formatted(byteCount: mirrorBytes)) in the pool, two slots (\(grouped(mirrorBytes)) bytes)"
        )
        lines.append("truth          \(grouped(truthFloats)) floats an image")
        let steps = timeSteps > 1 ? ", sequences of \(timeSteps)" : ""
        lines.append("batch          \(batch) images, \(miniBatch) a pass\(steps)")
        lines.append("training       \(training)")
        lines.append("learning rate  \(learningRate)")
        for (index, sentence) in augmentation.enumerated() {
            lines.append((index == 0 ? "images         " : "               ") + sentence)
        }
        lines += warnings.map { "warning: \($0)" } + advice.map { "advice: \($0)" }
        return lines.joined(separator: "\n")
    }

    private var training: String {
        guard let updates, let images else { return "open: no max_batches" }
        var text = "\(grouped(updates)) updates, \(grouped(images)) images"
        if let epochs, let datasetImages {
            let hundredths = Int((epochs * 100).rounded())
            let rest = hundredths % 100
            text += ", \(grouped(hundredths / 100)).\(rest < 10 ? "0" : "")\(rest) epochs of \(grouped(datasetImages))"
        }
        return text
    }
}

extension ConfigReport.Layer {
    fileprivate var cells: [String] {
        let window = [size.map { "\($0)x\($0)" }, stride.map { "/\($0)" }].compactMap(\.self).joined()
        // The layer before goes without saying.
        let from = sources == [index - 1] ? "" : sources.map { $0 < 0 ? "input" : "\($0)" }.joined(separator: ",")
        return [
            "\(index)", kind, window, extents(input), extents(output), from, grouped(parameters), grouped(flops),
            grouped(outputFloats),
        ]
    }

    private func extents(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: "x") }
}

/// Formats a count for people: `391,594`.
private func grouped(_ count: Int) -> String {
    var digits = Array(String(count))
    for place in stride(from: digits.count - 3, to: 0, by: -3) { digits.insert(",", at: place) }
    return String(digits)
}
