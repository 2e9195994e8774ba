import ArgumentParser
import Foundation

/// How predictions are written for programs that read them.
enum PredictionFormat: String, EnumerableFlag {
    case json, csv
}

/// Writes the most likely classes of an image on a line.
struct PredictionText {
    let format: PredictionFormat
    /// How many classes.
    let top: Int
    /// By class; `nil` if nobody says.
    let names: [String]?

    private struct Line: Encodable {
        struct Guess: Encodable {
            let `class`: Int
            let name: String?
            let probability: Float
        }

        let index: Int
        let top: [Guess]
    }

    /// What stands before the lines.
    var titles: String {
        guard format == .csv else { return "" }
        let titles = (1...top).flatMap { place in
            names == nil
                ? ["class\(place)", "probability\(place)"] : ["class\(place)", "name\(place)", "probability\(place)"]
        }
        return (["index"] + titles).joined(separator: ",") + "\n"
    }

    /// The line of one image, with its end.
    func line(_ index: Int, _ outputs: [Float]) -> String {
        let likeliest = Self.likeliest(top, of: outputs)
        switch format {
        case .csv:
            let fields = likeliest.flatMap { label in
                ["\(label)"] + (names.map { [Self.quoted($0[label])] } ?? []) + ["\(outputs[label])"]
            }
            return (["\(index)"] + fields).joined(separator: ",") + "\n"
        case .json:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            encoder.nonConformingFloatEncodingStrategy = .convertToString(
                positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
            let line = Line(
                index: index,
                top: likeliest.map { Line.Guess(class: $0, name: names?[$0], probability: outputs[$0]) })
            guard let data = try? encoder.encode(line) else { preconditionFailure("every line can be encoded") }
            return String(decoding: data, as: UTF8.self) + "\n"
        }
    }

    /// The places of the greatest numbers, the greatest first; of equals the first; what is no number last.
    /// - Complexity: O(outputs × count).
    static func likeliest(_ count: Int, of outputs: [Float]) -> [Int] {
        var found: [Int] = []
        for place in outputs.indices {
            let isLast = outputs[place].isNaN
            let rank = found.firstIndex { outputs[$0].isNaN ? !isLast : outputs[place] > outputs[$0] } ?? found.count
            guard rank < count else { continue }
            found.insert(place, at: rank)
            if found.count > count { found.removeLast() }
        }
        return found
    }

    /// A field of a line of CSV (RFC 4180).
    private static func quoted(_ text: String) -> String {
        guard text.utf8.contains(where: { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }) else { return text }
        return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
    }
}
