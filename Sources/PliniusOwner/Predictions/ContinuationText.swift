import _PliniusSupport

/// Writes how a text goes on, on a line.
struct ContinuationText {
    let format: PredictionFormat

    private struct Line: Encodable {
        let index: Int
        let text: String
        let hex: String?
    }

    /// What stands before the lines.
    var titles: String { format == .csv ? "index,text,hex\n" : "" }

    /// The line of one text, with its end: what the characters are as UTF-8, and in hexadecimal if they are none.
    func line(_ index: Int, _ characters: [UInt8]) -> String {
        let text = String(decoding: characters, as: UTF8.self)
        let hex = Array(text.utf8) == characters ? nil : characters.hex
        guard format == .json else { return "\(index),\(PredictionText.quoted(text)),\(hex ?? "")\n" }
        return PredictionFormat.line(Line(index: index, text: text, hex: hex))
    }
}
