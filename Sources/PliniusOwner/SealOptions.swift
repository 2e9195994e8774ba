import ArgumentParser
import PliniusDatasets

/// What a data set may come as.
enum SealFormat: String, ExpressibleByArgument, CaseIterable {
    case idx
    case cifar10
    case cifar100
    case cifar100Coarse = "cifar100-coarse"
    case npz
    case folder
    case darknetList = "darknet-list"
    case syntheticDigits = "synthetic-digits"

    /// The options that it needs, and those that it takes besides.
    fileprivate var options: (needed: [String], taken: [String]) {
        switch self {
        case .idx: (["--images", "--labels"], ["--classes"])
        case .cifar10, .cifar100, .cifar100Coarse: (["--images"], ["--split"])
        case .npz: (["--images", "--split"], ["--classes"])
        case .folder: (["--images"], ["--names", "--channels", "--resize", "--skip-bad"])
        case .darknetList: (["--images", "--names"], ["--root", "--channels", "--resize", "--skip-bad"])
        case .syntheticDigits: (["--count"], ["--seed"])
        }
    }
}

/// A part of a data set.
enum SealSplit: String, ExpressibleByArgument, CaseIterable {
    case train
    case val
    case test

    fileprivate var ofArchive: NPZSource.Split {
        switch self {
        case .train: .train
        case .val: .validation
        case .test: .test
        }
    }
}

/// Where the samples of a data set are, and what is to be made of them.
struct SealOptions: ParsableArguments {
    @Option(
        help: """
            idx: the file of images. cifar…: the folder, or the files, each with an --images of its own. npz: the archive. \
            folder: the folder. darknet-list: the list.
            """)
    var images: [String] = []

    @Option(help: "idx: the file of labels.")
    var labels: String?

    @Option(help: "idx, npz: the number of classes; labels are below it. idx: 10 if not given.")
    var classes: Int?

    @Option(help: "npz, cifar…: train, val (npz only) or test.")
    var split: SealSplit?

    @Option(help: "folder, darknet-list: a file of the classes' names in the order of their labels.")
    var names: String?

    @Option(help: "darknet-list: the folder that the list's paths are relative to, if not the working folder.")
    var root: String?

    @Option(help: "folder, darknet-list: 1 for grey, 3 for colours, which is the default.")
    var channels: Int?

    @Option(help: "folder, darknet-list: WIDTHxHEIGHT to scale all images to.")
    var resize: String?

    @Flag(help: "folder, darknet-list: pass over images that cannot be decoded, and list them at the end.")
    var skipBad = false

    @Option(help: "synthetic-digits: how many to draw.")
    var count: Int?

    @Option(help: "synthetic-digits: which ones; the same seed draws the same digits.")
    var seed: UInt64?

    /// Checks that the options belong to the format.
    /// - Throws: `OwnerError`, which names the ones that do not or are missing.
    func check(for format: SealFormat) throws(OwnerError) {
        let given = [
            ("--images", !images.isEmpty), ("--labels", labels != nil), ("--classes", classes != nil),
            ("--split", split != nil), ("--names", names != nil), ("--root", root != nil),
            ("--channels", channels != nil), ("--resize", resize != nil), ("--skip-bad", skipBad),
            ("--count", count != nil), ("--seed", seed != nil),
        ].filter(\.1).map(\.0)
        let (needed, taken) = format.options
        let missing = needed.filter { !given.contains($0) }
        let wrong = given.filter { !needed.contains($0) && !taken.contains($0) }
        guard missing.isEmpty, wrong.isEmpty else {
            let faults = [
                missing.isEmpty ? nil : "\(missing.joined(separator: ", ")) missing",
                wrong.isEmpty ? nil : "\(wrong.joined(separator: ", ")) not known there",
            ].compactMap { $0 }.joined(separator: "; ")
            throw OwnerError(
                .usage,
                "--format \(format.rawValue) needs \(needed.joined(separator: ", ")) and takes "
                    + "\(taken.joined(separator: ", ")): \(faults)")
        }
        _ = try size()
        guard images.count < 2 || [.cifar10, .cifar100, .cifar100Coarse].contains(format) else {
            throw OwnerError(.usage, "--format \(format.rawValue) takes one --images, and \(images.count) are given")
        }
    }

    /// Opens the data set.
    /// - Throws: `SourceError`, `OwnerError`.
    func source(_ format: SealFormat) throws -> any SampleSource {
        let images = images.first ?? ""
        switch format {
        case .idx: return try IDXSource(images: images, labels: labels ?? "", classes: classes ?? 10)
        case .cifar10: return try cifar(.cifar10)
        case .cifar100: return try cifar(.cifar100)
        case .cifar100Coarse: return try cifar(.cifar100Coarse)
        case .npz: return try NPZSource(ByteFile(images), split: (split ?? .train).ofArchive, classes: classes)
        case .folder:
            return try imageFiles(LabelledFiles(folder: images, names: names.map { try ClassNames(ByteFile($0)) }))
        case .darknetList:
            let names = try ClassNames(ByteFile(names ?? ""))
            return try imageFiles(LabelledFiles(list: ByteFile(images), names: names, root: root))
        case .syntheticDigits:
            guard let count, count > 0 else {
                throw OwnerError(.usage, "--count is \(count ?? 0): draw at least one digit")
            }
            return SyntheticDigits(count: count, seed: seed ?? 1)
        }
    }

    private func cifar(_ variant: CIFARSource.Variant) throws -> CIFARSource {
        if let split {
            guard images.count == 1, split != .val else {
                throw OwnerError(
                    .usage, "--split is train or test of one folder (--images); CIFAR has no other parts")
            }
            return try CIFARSource(folder: images[0], test: split == .test, variant)
        }
        return try CIFARSource(images.map { try ByteFile($0) }, variant)
    }

    private func imageFiles(_ files: LabelledFiles) throws -> ImageFileSource {
        try ImageFileSource(files, channels: channels ?? 3, size: try size(), skippingBad: skipBad)
    }

    private func size() throws(OwnerError) -> (height: Int, width: Int)? {
        guard let resize else { return nil }
        let numbers = resize.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard numbers.count == 2, let width = numbers[0], let height = numbers[1] else {
            throw OwnerError(.usage, "--resize is \"\(resize)\": write it as 64x48, width and height in pixels")
        }
        return (height, width)
    }
}
