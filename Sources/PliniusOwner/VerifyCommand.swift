import ArgumentParser
import PliniusMirror
import PliniusSealing

/// Opens every record of a sealed data set.
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Opens every record of a sealed data set and says whether all are as they were sealed.")

    @Option(help: "The key that the data were sealed with.") var key: String

    @Argument(help: "The sealed data set.") var file: String

    func run() throws {
        try reporting {
            let open = try OpenFile.open(file, as: "sealed data set")
            let dataset = try SealedDataset(descriptor: open.descriptor, keys: KeyHierarchy(keyFile: key))
            try openAll(dataset)
            print("\(file): all \(dataset.header.count) records are as they were sealed")
        }
    }

    private func openAll(_ dataset: SealedDataset) throws(DatasetError) {
        var progress = ProgressBar("verified", total: dataset.header.count)
        defer { progress.finish() }
        let buffer = RecordBuffer(dataset.header)
        for record in 0..<dataset.header.count {
            try unsafe dataset.withRecord(record, in: buffer) { _, _ in }
            progress.advance(to: record + 1)
        }
    }
}
