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
    case yolo
    case segmentation
    case regression
    case text
    case syntheticDigits = "synthetic-digits"
    case syntheticBoxes = "synthetic-boxes"
    case syntheticMasks = "synthetic-masks"
    case syntheticText = "synthetic-text"
    case syntheticChain = "synthetic-chain"
    case syntheticShapes = "synthetic-shapes"
    case syntheticPlaces = "synthetic-places"

    /// The options that it needs, and those that it takes besides.
    fileprivate var options: (needed: [String], taken: [String]) {
        switch self {
        case .idx: (["--images", "--labels"], ["--classes"])
        case .cifar10, .cifar100, .cifar100Coarse: (["--images"], ["--split"])
        case .npz: (["--images", "--split"], ["--classes"])
        case .folder: (["--images"], ["--names", "--channels", "--resize", "--skip-bad"])
        case .darknetList: (["--images", "--names"], ["--root", "--channels", "--resize", "--skip-bad"])
        case .yolo:
            (["--images", "--names", "--resize"], ["--root", "--channels", "--fit", "--boxes", "--skip-bad"])
        case .segmentation: (["--images", "--names", "--resize"], ["--root", "--channels", "--fit", "--skip-bad"])
        case .regression: (["--targets"], ["--features", "--images", "--root", "--channels", "--resize"])
        case .text: (["--text", "--window"], ["--classes"])
        case .syntheticDigits, .syntheticBoxes, .syntheticMasks: (["--count"], ["--seed"])
        case .syntheticText, .syntheticChain: (["--count", "--window"], ["--seed"])
        case .syntheticShapes, .syntheticPlaces: (["--count"], ["--seed", "--channels", "--side"])
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

/// How images come into a frame of another size.
enum SealFit: String, ExpressibleByArgument, CaseIterable {
    case letterbox
    case stretch
}

/// Where the samples of a data set are, and what is to be made of them.
struct SealOptions: ParsableArguments {
    @Option(
        help: """
            idx: the file of images. cifar…: the folder, or the files, each with an --images of its own. npz: the archive. \
            folder: the folder. darknet-list, yolo, segmentation, regression: the list.
            """)
    var images: [String] = []

    @Option(help: "idx: the file of labels.")
    var labels: String?

    @Option(
        help: "idx, npz, text: the number of classes; labels and bytes are below it. idx: 10 if not given, text: 256.")
    var classes: Int?

    @Option(help: "npz, cifar…: train, val (npz only) or test.")
    var split: SealSplit?

    @Option(
        help: "folder, darknet-list, yolo, segmentation: a file of the classes' names in the order of their labels.")
    var names: String?

    @Option(help: "lists: the folder that the list's paths are relative to, if not the working folder.")
    var root: String?

    @Option(help: "folder, lists, synthetic-shapes, synthetic-places: 1 for grey, 3 for colours, which is the default.")
    var channels: Int?

    @Option(help: "folder, lists: WIDTHxHEIGHT to scale all images to.")
    var resize: String?

    @Option(help: "yolo, segmentation: letterbox keeps the proportions, which is the default, stretch does not.")
    var fit: SealFit?

    @Option(help: "yolo: the most boxes of an image, 1 to 90, which is the default.")
    var boxes: Int?

    @Flag(
        help:
            "folder, darknet-list, yolo, segmentation: pass over images that cannot be read, and list them at the end.")
    var skipBad = false

    @Option(help: "regression: a table (CSV) of the numbers that are to be predicted, a row for each image.")
    var targets: String?

    @Option(help: "regression: a table of whole numbers from 0 to 255 to predict from, instead of --images.")
    var features: String?

    @Option(help: "text: the file.")
    var text: String?

    @Option(help: "text, synthetic-text, synthetic-chain: how many characters are to be told in each window.")
    var window: Int?

    @Option(help: "synthetic-…: how many to draw.")
    var count: Int?

    @Option(help: "synthetic-…: which ones; the same seed draws the same.")
    var seed: UInt64?

    @Option(help: "synthetic-shapes, synthetic-places: pixels in a row and in a column, 16 to 256; 32 if not given.")
    var side: Int?

    /// Checks that the options belong to the format.
    /// - Throws: `OwnerError`, which names the ones that do not or are missing.
    func check(for format: SealFormat) throws(OwnerError) {
        let options: [(name: String, isGiven: Bool)] = [
            ("--images", !images.isEmpty), ("--labels", labels != nil), ("--classes", classes != nil),
            ("--split", split != nil), ("--names", names != nil), ("--root", root != nil),
            ("--channels", channels != nil), ("--resize", resize != nil), ("--skip-bad", skipBad),
            ("--count", count != nil), ("--seed", seed != nil), ("--fit", fit != nil), ("--boxes", boxes != nil),
            ("--targets", targets != nil), ("--features", features != nil), ("--text", text != nil),
            ("--window", window != nil), ("--side", side != nil),
        ]
        let given = options.filter(\.isGiven).map(\.name)
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
        guard format != .regression || (features == nil) != images.isEmpty else {
            throw OwnerError(.usage, "--format regression takes either --images or --features")
        }
        guard format != .regression || images.isEmpty == (resize == nil) else {
            throw OwnerError(.usage, "--format regression takes --resize with --images, and not without")
        }
        guard images.count < 2 || [.cifar10, .cifar100, .cifar100Coarse].contains(format) else {
            throw OwnerError(.usage, "--format \(format.rawValue) takes one --images, and \(images.count) are given")
        }
    }

    /// Opens the data set.
    /// - Throws: `SourceError`, `OwnerError`.
    func source(_ format: SealFormat) throws -> any RecordSource {
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
        case .yolo: return try annotated(images, .boxes(most: boxes ?? 90))
        case .segmentation: return try annotated(images, .masks)
        case .regression:
            let targets = try NumberTable(ByteFile(targets ?? ""))
            if let features {
                return try RegressionSource(features: NumberTable(ByteFile(features)), targets: targets)
            }
            return try RegressionSource(
                list: ByteFile(images), targets: targets, root: root, channels: channels ?? 3,
                size: try size() ?? (0, 0))
        case .text: return try TextSource(ByteFile(text ?? ""), steps: window ?? 0, classes: classes ?? 256)
        case .syntheticDigits: return SyntheticDigits(count: try drawn(), seed: seed ?? 1)
        case .syntheticBoxes: return SyntheticScenes(count: try drawn(), seed: seed ?? 1, .boxes)
        case .syntheticMasks: return SyntheticScenes(count: try drawn(), seed: seed ?? 1, .masks)
        case .syntheticText: return SyntheticText(count: try drawn(), seed: seed ?? 1, steps: try steps(), .sentences)
        case .syntheticChain: return SyntheticText(count: try drawn(), seed: seed ?? 1, steps: try steps(), .chain)
        case .syntheticShapes: return try shapes(.kinds)
        case .syntheticPlaces: return try shapes(.places)
        }
    }

    private func shapes(_ annotation: SyntheticShapes.Annotation) throws(OwnerError) -> SyntheticShapes {
        let (channels, side) = (channels ?? 3, side ?? 32)
        guard [1, 3].contains(channels) else {
            throw OwnerError(.usage, "--channels is \(channels): pictures have 1 for grey or 3 for colours")
        }
        guard SyntheticShapes.sides.contains(side) else {
            throw OwnerError(.usage, "--side is \(side): pictures have 16 to 256 pixels in a row and in a column")
        }
        return SyntheticShapes(count: try drawn(), seed: seed ?? 1, channels: channels, side: side, annotation)
    }

    /// How many characters of each window are to be told.
    private func steps() throws(OwnerError) -> Int {
        guard let window, 1...65_535 ~= window else {
            throw OwnerError(.usage, "--window is \(window ?? 0): a window has 1 to 65535 characters")
        }
        return window
    }

    /// How many samples are drawn.
    private func drawn() throws(OwnerError) -> Int {
        guard let count, count > 0 else {
            throw OwnerError(.usage, "--count is \(count ?? 0): draw at least one sample")
        }
        return count
    }

    private func annotated(_ list: String, _ annotation: AnnotatedImages.Annotation) throws -> AnnotatedImages {
        try AnnotatedImages(
            list: ByteFile(list), names: ClassNames(ByteFile(names ?? "")), annotation: annotation, root: root,
            channels: channels ?? 3, size: try size() ?? (0, 0), fit: fit == .stretch ? .stretch : .letterbox,
            skippingBad: skipBad)
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
