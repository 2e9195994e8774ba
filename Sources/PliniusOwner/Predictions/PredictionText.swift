import ArgumentParser
import Foundation
import PliniusNN

/// How predictions are written for programs that read them.
enum PredictionFormat: String, EnumerableFlag {
    case json, csv

    /// An object as a line of JSON, with its end; what is no number is a text.
    static func line(_ object: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        guard let data = try? encoder.encode(object) else { preconditionFailure("every line can be encoded") }
        return String(decoding: data, as: UTF8.self) + "\n"
    }
}

/// Writes what was predicted for an image.
struct PredictionText {
    let format: PredictionFormat
    let form: PredictionForm
    /// By class; `nil` if nobody says.
    let names: [String]?

    private struct Line: Encodable {
        struct Guess: Encodable {
            let `class`: Int
            let name: String?
            let probability: Float
        }

        struct Finding: Encodable {
            let `class`: Int
            let name: String?
            let probability, x, y, width, height: Float
        }

        let index: Int
        var top: [Guess]?
        var boxes: [Finding]?
        var pixels: [[Int]]?
        var values: [Float]?
    }

    /// What stands before the lines.
    var titles: String {
        guard format == .csv else { return "" }
        let titles: [String]
        switch form {
        case .classes(_, let top):
            titles = (1...top).flatMap { place in
                names == nil
                    ? ["class\(place)", "probability\(place)"]
                    : ["class\(place)", "name\(place)", "probability\(place)"]
            }
        case .boxes:
            titles = ["class"] + (names == nil ? [] : ["name"]) + ["probability", "x", "y", "width", "height"]
        case .pixels(let pixels): titles = (0..<pixels.shape.area).map { "pixel\($0)" }
        case .values(let count): titles = (0..<count).map { "value\($0)" }
        }
        return (["index"] + titles).joined(separator: ",") + "\n"
    }

    /// The line of one image, with its end; of boxes in CSV one for each, and none if there is none.
    func line(_ index: Int, _ outputs: [Float]) -> String {
        var line = Line(index: index)
        var rows: [[String]] = []
        switch form {
        case .classes(_, let top):
            let likeliest = Self.likeliest(top, of: outputs)
            line.top = likeliest.map { Line.Guess(class: $0, name: names?[$0], probability: outputs[$0]) }
            rows = [likeliest.flatMap { label(of: $0) + ["\(outputs[$0])"] }]
        case .boxes(let network, let threshold):
            let found = Self.boxes(network, outputs, threshold)
            line.boxes = found.map { found in
                Line.Finding(
                    class: found.kind, name: names?[found.kind], probability: found.score, x: found.box.x,
                    y: found.box.y, width: found.box.width, height: found.box.height)
            }
            rows = found.map { found in
                let numbers = [found.score, found.box.x, found.box.y, found.box.width, found.box.height]
                return label(of: found.kind) + numbers.map { "\($0)" }
            }
        case .pixels(let pixels):
            let classes = pixels.classes(outputs)
            let width = pixels.shape.width
            line.pixels = stride(from: 0, to: classes.count, by: width).map { Array(classes[$0..<$0 + width]) }
            rows = [classes.map { "\($0)" }]
        case .values:
            line.values = outputs
            rows = [outputs.map { "\($0)" }]
        }
        guard format == .json else {
            return rows.map { (["\(index)"] + $0).joined(separator: ",") + "\n" }.joined()
        }
        return PredictionFormat.line(line)
    }

    /// The boxes of all heads, whose outputs stand one behind the other; the surest first.
    private static func boxes(_ network: NetworkDescription, _ outputs: [Float], _ threshold: Float) -> [ClassBox] {
        var found: [Detection] = []
        var first = 0
        for head in network.predictingLayers {
            let layer = network.layers[head]
            let own = outputs.span.extracting(first..<first + layer.output.count)
            found += layer.detections(in: own, threshold: threshold)
            first += layer.output.count
        }
        return BoxJudge.best(found, of: 0)
    }

    private func label(of index: Int) -> [String] { ["\(index)"] + (names.map { [Self.quoted($0[index])] } ?? []) }

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
    static func quoted(_ text: String) -> String {
        guard text.utf8.contains(where: { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }) else { return text }
        return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
    }
}
