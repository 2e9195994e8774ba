import ArgumentParser
import Foundation
import PliniusMirror
import PliniusNN
import _PliniusSupport

/// Shows what a sealed data set shows to everybody.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Shows the public header of a sealed data set; takes no key, proves nothing.")

    @Argument(help: "The sealed data set.") var file: String

    @Flag(help: "Print one JSON object.") var json = false

    private struct Report: Encodable {
        let id: String
        let count: Int
        let channels: Int
        let height: Int
        let width: Int
        let classes: Int
        let truth: String
        let cipher: String
        let recordBytes: Int
        let fileBytes: Int
    }

    func run() throws {
        try reporting {
            let open = try OpenFile.open(file, as: "sealed data set")
            let header = try PublicDatasetHeader(parsing: SealedDataset.readHeader(open.descriptor))
            let report = Report(
                id: header.id.hex, count: header.count, channels: header.shape.channels, height: header.shape.height,
                width: header.shape.width, classes: header.classes, truth: "\(header.truth)",
                cipher: "\(header.cipher)",
                recordBytes: header.recordByteCount, fileBytes: header.fileByteCount)
            if json {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.sortedKeys]
                print(String(decoding: try encoder.encode(report), as: UTF8.self))
            } else {
                print("data set   \(report.id)")
                print("images     \(report.count) of \(header.shape) (channels x height x width)")
                print("classes    \(report.classes)")
                print("truth      \(report.truth)")
                print("cipher     \(report.cipher), \(report.recordBytes) bytes a record")
                print("file       \(formatted(byteCount: report.fileBytes))")
                print("Nothing of this is authenticated: that takes the key, see plinius-owner verify.")
            }
        }
    }
}
