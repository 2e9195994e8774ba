import PliniusNN

/// What the records of a data set teach, and in which bytes: those between the image and the tag.
///
/// | Kind | Numbers | Bytes in a record, little-endian |
/// |---|---|---|
/// | label | | u16: the class |
/// | regression | targets | a finite Float32 for each |
/// | boxes | most | u32 how many; `most` times u32 class, Float32 x, y of the centre, width, height as shares of the image's sides; the unused ones zero |
/// | mask | height, width | u8 for each pixel: its class, 255 for none |
/// | text | steps | none: the image is `steps + 1` characters, each of which but the first is to be told from those before it |
///
/// Labels are format 1; the others are format 2, whose header names kind and numbers.
public struct RecordTruth: Hashable, Sendable {
    /// The kinds, by their numbers in the header.
    public enum Kind: UInt32, Sendable {
        case label, regression, boxes, mask, text
    }

    /// What kind of truth.
    public let kind: Kind
    /// The kind's numbers; 0 if it has none.
    public let first, second: Int

    /// Takes the parts as they are named.
    public init(_ kind: Kind, _ first: Int = 0, _ second: Int = 0) {
        (self.kind, self.first, self.second) = (kind, first, second)
    }

    /// Takes the fields of a format 2 header.
    /// - Returns: `nil` if there is no such truth.
    init?(fields: [UInt32]) {
        guard let kind = Kind(rawValue: fields[0]), kind != .label else { return nil }
        self.init(kind, Int(fields[2]), Int(fields[3]))
        guard self.fields == fields else { return nil }
    }

    /// The fields of a header: kind, bytes, and the kind's numbers.
    public var fields: [UInt32] {
        // What does not fit is no number that a reader takes.
        [kind.rawValue] + [byteCount, first, second].map { UInt32(exactly: $0) ?? .max }
    }

    /// Bytes that it takes in a record.
    public var byteCount: Int {
        switch kind {
        case .label: 2
        case .regression: first &* 4
        case .boxes: first &* 20 &+ 4
        case .mask: first &* second
        case .text: 0
        }
    }

    /// Whether the format has such a truth, of images of a shape, in a number of classes.
    func suits(_ shape: Shape, classes: Int) -> Bool {
        let (firsts, seconds, labels) =
            switch kind {
            case .label: (0...0, 0...0, 2...65_536)
            case .regression: (1...65_536, 0...0, 0...0)
            // Darknet's detection layers look at 90.
            case .boxes: (1...90, 0...0, 1...65_536)
            case .mask: (1...65_536, 1...65_536, 2...255)
            case .text: (1...65_535, 0...0, 2...256)
            }
        return firsts ~= first && seconds ~= second && labels ~= classes && byteCount <= 1 << 26
            && (kind != .text || shape == Shape(channels: 1, height: 1, width: first + 1))
    }
}

extension RecordTruth: CustomStringConvertible {
    public var description: String {
        "\(kind)" + (first > 0 ? " of \(first)" : "") + (second > 0 ? " x \(second)" : "")
    }
}

extension UnsafeRawBufferPointer {
    @unsafe func word(_ index: Int) -> Int {
        unsafe Int(UInt32(littleEndian: loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)))
    }

    @unsafe func float(_ index: Int) -> Float { unsafe Float(bitPattern: UInt32(word(index))) }
}
