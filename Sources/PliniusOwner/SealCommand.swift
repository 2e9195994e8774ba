import ArgumentParser
import PliniusDatasets
import PliniusSealing

/// Seals a data set for training on a machine that may not read it.
struct SealCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seal",
        abstract: "Seals a data set: one authenticated record a sample, in a file that may go anywhere.",
        discussion: """
            plinius-owner seal --key K --format idx --images F --labels F --out F.sealed
            plinius-owner seal --key K --format synthetic-digits --count 6000 --seed 1 --out F.sealed
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case idx
        case syntheticDigits = "synthetic-digits"
    }

    @Option(help: "The owner's key.")
    var key: String

    @Option(help: "idx: MNIST's format, plain or .gz. synthetic-digits: digits that this program draws.")
    var format: Format

    @Option(help: "idx: the file of images.")
    var images: String?

    @Option(help: "idx: the file of labels.")
    var labels: String?

    @Option(help: "idx: the number of classes; labels are below it.")
    var classes: Int = 10

    @Option(help: "synthetic-digits: how many to draw.")
    var count: Int?

    @Option(help: "synthetic-digits: which ones; the same seed draws the same digits.")
    var seed: UInt64?

    @Option(help: "aes-256-gcm or aes-128-gcm.")
    var cipher = "aes-256-gcm"

    @Option(help: "The sealed file to make.")
    var out: String

    @Flag(help: "Replace the sealed file if it is there already.")
    var force = false

    func run() throws {
        try reporting {
            guard let cipher = Cipher(name: cipher) else {
                let known = Cipher.allCases.map(\.description).joined(separator: ", ")
                throw OwnerError(.usage, "there is no cipher \"\(self.cipher)\"; there are: \(known)")
            }
            let keys = try KeyHierarchy(keyFile: key)
            let file: AtomicFile
            switch format {
            case .idx:
                guard let images, let labels, count == nil, seed == nil else {
                    throw OwnerError(.usage, "--format idx takes --images and --labels, and neither --count nor --seed")
                }
                let source = try IDXSource(images: images, labels: labels, classes: classes)
                file = try AtomicFile.create(out, overwriting: force)
                try DatasetSealing.seal(source, cipher: cipher, keys: keys, to: file)
            case .syntheticDigits:
                guard let count, images == nil, labels == nil else {
                    throw OwnerError(
                        .usage, "--format synthetic-digits takes --count, and neither --images nor --labels")
                }
                guard count > 0 else { throw OwnerError(.usage, "--count is \(count): draw at least one digit") }
                file = try AtomicFile.create(out, overwriting: force)
                try DatasetSealing.seal(
                    SyntheticDigits(count: count, seed: seed ?? 1), cipher: cipher, keys: keys, to: file)
            }
            try file.publish(overwriting: force)
        }
    }
}
