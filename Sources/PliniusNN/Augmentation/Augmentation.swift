/// What the data path does to images before a network sees them.
///
/// An option acts only where the configuration gives it, or under `compat=strict`, where Darknet acts on it unasked.
/// Whatever is drawn follows from seed, iteration and place in the batch.
public struct Augmentation: Hashable, Sendable {
    /// How images come to the network's width and height.
    public enum Fit: Hashable, Sendable {
        /// They have them.
        case none
        /// Training sees a window of them: one whose smaller side, if it were all of the image, would be `least` to `most`
        /// pixels. Otherwise it is the window in the middle.
        case crop(least: Int, most: Int)
        /// The largest window in the middle that has the network's proportions.
        case center
        /// Whole and with their proportions, in the middle of a grey canvas.
        case letterbox
    }

    public var fit = Fit.none
    /// Degrees by which an image is turned at most, either way.
    public var angle: Float = 0
    /// What an image is narrowed by at most, or widened.
    public var aspect: Float = 1
    /// By which part of themselves the sides of an image move; training then puts it on a grey canvas at a random place.
    public var jitter: Float = 0
    /// Whether every other image is mirrored.
    public var flips = false
    /// By which part of the circle of hues an image is turned at most, either way.
    public var hue: Float = 0
    /// What saturation is multiplied by at most, or divided by.
    public var saturation: Float = 1
    /// What brightness is multiplied by at most, or divided by.
    public var exposure: Float = 1

    /// Leaves images as they are.
    public init() {}

    /// What Darknet does where a configuration says nothing: its classifiers always crop and flip, and its detectors always move
    /// and flip.
    /// - Parameters:
    ///   - input: Shape of what the network sees.
    ///   - detects: Whether the network learns boxes.
    public static func darknet(_ input: Shape, detects: Bool) -> Augmentation {
        var augmentation = Augmentation()
        guard isImage(input) else { return augmentation }
        augmentation.flips = true
        if detects {
            augmentation.jitter = 0.2
        } else {
            augmentation.fit = .crop(least: input.width, most: 2 * input.width)
        }
        return augmentation
    }

    /// Whether images may have other sides than the network's.
    public var bringsTogether: Bool { fit != .none || jitter > 0 }
    /// Whether anything is done.
    public var isOn: Bool { self != Augmentation() }
    /// Whether there is something to see that has two sides.
    static func isImage(_ shape: Shape) -> Bool { min(shape.height, shape.width) > 1 }

    /// The options that act, by their keys.
    public var keys: [String] {
        var keys: [String] = []
        switch fit {
        case .none: break
        case .crop: keys += ["min_crop", "max_crop"]
        case .center: keys.append("center")
        case .letterbox: keys.append("letter_box")
        }
        for (key, acts) in [
            ("angle", angle > 0), ("aspect", aspect != 1), ("jitter", jitter > 0), ("flip", flips), ("hue", hue > 0),
            ("saturation", saturation != 1), ("exposure", exposure != 1),
        ] where acts { keys.append(key) }
        return keys
    }
}

// MARK: Reading

extension Augmentation {
    /// Reads the keys of a `[net]` section.
    /// - Parameter standard: What acts where no key says otherwise.
    /// - Throws: `ConfigError` for a value out of range, for keys that exclude each other, and for what the images have not.
    init(_ reader: inout SectionReader, _ input: Shape, standard: Augmentation = Augmentation()) throws(ConfigError) {
        self = standard
        angle = try reader.number("angle", default: angle, in: 0...360)
        aspect = try reader.number("aspect", default: aspect, in: 0.01...100)
        flips = try reader.integer("flip", default: flips ? 1 : 0, in: 0...1) == 1
        hue = try reader.number("hue", default: hue, in: 0...1)
        saturation = try reader.number("saturation", default: saturation, in: 0.01...100)
        exposure = try reader.number("exposure", default: exposure, in: 0.01...100)

        var fits: [Fit] = []
        if let crop = try Self.crop(&reader, input) { fits.append(crop) }
        if try reader.flag("center") { fits.append(.center) }
        if try reader.flag("letter_box") { fits.append(.letterbox) }
        guard fits.count < 2 else {
            throw reader.error(
                nil, "expected one of min_crop with max_crop, center=1 and letter_box=1, found \(fits.count)")
        }
        if let given = fits.first { fit = given }
        // Who wants no window wants images where they are, unless a head says otherwise.
        if fits.first == Fit.none { jitter = 0 }
        if fit == .center || fit == .letterbox, let key = keys.first(where: ["angle", "aspect"].contains) {
            throw reader.error(key, "changes a random window, and center=1 and letter_box=1 take none")
        }
        if let key = keys.first, !Self.isImage(input) {
            throw reader.error(key, "changes images, and the network sees \(input): expected height and width above 1")
        }
        if input.channels != 3 {
            // Configurations of grey images have these keys, and Darknet's loader gives every image three channels.
            for key in keys where ["hue", "saturation", "exposure"].contains(key) {
                reader.warn(
                    key, "changes colours, and images of \(input.channels) channels have none: it is passed over")
            }
            (hue, saturation, exposure) = (0, 1, 1)
        }
    }

    /// Reads the crop, in pixels or as a part of the network's width; Darknet's defaults stand for the one that is not given.
    ///
    /// `max_crop=0` alone is none.
    private static func crop(_ reader: inout SectionReader, _ input: Shape) throws(ConfigError) -> Fit? {
        func extent(
            _ pixels: String, from lowest: Int, _ ratio: String, _ factor: Int
        ) throws(ConfigError) -> Int? {
            let extent = try reader.integer(pixels, in: lowest...1 << 20)
            guard reader.has(ratio) else { return extent }
            guard extent == nil else { throw reader.error(ratio, "says what \(pixels) says: keep one of them") }
            let share = try reader.number(ratio, default: Float(factor), in: 0.001...1000)
            return max(1, Int(share * Float(input.width)))
        }
        let least = try extent("min_crop", from: 1, "min_ratio", 1)
        let most = try extent("max_crop", from: 0, "max_ratio", 2)
        guard least != nil || most != nil else { return nil }
        if least == nil, most == 0 { return Fit.none }
        let range = (least ?? input.width, most ?? 2 * input.width)
        guard range.0 <= range.1 else {
            throw most == nil
                ? reader.error("min_crop", "expected at most max_crop, \(range.1), found \(range.0)")
                : reader.error("max_crop", "expected at least min_crop, \(range.0), found \(range.1)")
        }
        return .crop(least: range.0, most: range.1)
    }

    /// Takes up what the heads say.
    /// - Throws: `ConfigError` if they disagree, and for what would tear boxes from their objects.
    mutating func add(_ layers: [LayerDescription], _ input: Shape, file: String, line: Int) throws(ConfigError) {
        let jitters = layers.compactMap { layer in layer.jitter.map { (layer.line, $0) } }
        if let last = jitters.last {
            jitter = last.1
            if jitter > 0, !Self.isImage(input) {
                throw ConfigError(
                    file: file, line: last.0, key: "jitter",
                    message: "moves images, and the network sees \(input): expected height and width above 1")
            }
            for (line, other) in jitters where other != jitter {
                throw ConfigError(
                    file: file, line: line, key: "jitter",
                    message: "is \(other), and \(jitter) on line \(last.0): all heads see the same image")
            }
        }
        guard layers.contains(where: \.seesBoxes) else { return }
        let refused = ["min_crop", "center", "angle", "aspect"]
        guard let key = keys.first(where: refused.contains) else { return }
        throw ConfigError(
            file: file, line: line, key: key,
            message: "is for images without boxes: boxes move with jitter of their layer, letter_box and flip")
    }
}

extension LayerDescription {
    /// What a head says of the images, where it says something.
    fileprivate var jitter: Float? {
        switch kind {
        case .yolo(let boxes), .region(let boxes): boxes.jitter
        case .detection(let grid): grid.jitter
        default: nil
        }
    }

    fileprivate var seesBoxes: Bool {
        switch truth {
        case .boxes, .cells: true
        default: false
        }
    }
}
