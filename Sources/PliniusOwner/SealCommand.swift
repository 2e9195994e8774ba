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
            plinius-owner seal --key K --format cifar10 --images FOLDER --split train --out F.sealed
            plinius-owner seal --key K --format npz --images F.npz --split train --out F.sealed
            plinius-owner seal --key K --format folder --images FOLDER --resize 32x32 --out F.sealed
            plinius-owner seal --key K --format darknet-list --images LIST --names F --resize 32x32 --out F.sealed
            plinius-owner seal --key K --format yolo --images LIST --names F --resize 416x416 --out F.sealed
            plinius-owner seal --key K --format segmentation --images LIST --names F --resize 64x64 --out F.sealed
            plinius-owner seal --key K --format regression --images LIST --targets F.csv --resize 64x64 --out F.sealed
            plinius-owner seal --key K --format text --text F --window 64 --out F.sealed
            plinius-owner seal --key K --format synthetic-digits --count 6000 --seed 1 --out F.sealed
            """)

    @Option(help: "The owner's key.")
    var key: String

    @Option(
        help: """
            idx: MNIST's format, plain or .gz. cifar10, cifar100, cifar100-coarse: the binary versions. npz: MedMNIST's \
            archives. folder: PNG and JPEG in a folder for each class. darknet-list: PNG and JPEG in a list of paths. \
            yolo: such a list, and a file of boxes for each image. segmentation: such a list, and a mask for each image. \
            regression: such a list or a table, and a table of numbers to predict. text: a file of characters. \
            synthetic-digits, synthetic-shapes, synthetic-boxes, synthetic-masks, synthetic-places, synthetic-text, \
            synthetic-chain: what this program makes up.
            """)
    var format: SealFormat

    @OptionGroup var options: SealOptions

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
            try options.check(for: format)
            // Before the key: a process that decodes images is a copy of this one, and may not have it.
            let source = try options.source(format)
            let keys = try KeyHierarchy(keyFile: key)
            let file = try AtomicFile.create(out, overwriting: force)
            try DatasetSealing.seal(source, cipher: cipher, keys: keys, to: file)
            try file.publish(overwriting: force)
            if let images = source as? ImageFileSource { report(images.names, images.skipped, sealed: images.count) }
            if let images = source as? AnnotatedImages { report(images.names, images.skipped, sealed: images.count) }
            if let text = source as? TextSource, text.unusedByteCount > 0 {
                printError("plinius-owner: the last \(text.unusedByteCount) bytes fill no window and were not sealed")
            }
        }
    }

    /// Says what the labels mean, which the sealed file does not, and what is missing in it.
    private func report(_ names: ClassNames, _ skipped: [SourceError], sealed count: Int) {
        for (label, name) in names.names.enumerated() { print("label \(label): \(name)") }
        guard !skipped.isEmpty else { return }
        printError("plinius-owner: \(skipped.count) files were passed over, \(count) sealed:")
        for reason in skipped { printError("  \(reason)") }
    }
}
