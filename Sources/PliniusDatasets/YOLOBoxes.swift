/// The boxes of one image, as the text files of YOLO have them: a line `class x y width height` for each.
///
/// x and y are the centre; all four are shares of the image's sides. Darknet ends reading at the first line that it does not
/// understand; here such a line is an error.
public struct YOLOBoxes: Hashable, Sendable {
    /// One of them.
    public struct Box: Hashable, Sendable {
        /// Its class.
        public let label: Int
        /// x and y of the centre, width, height.
        public var extents: SIMD4<Float>
    }

    /// In the order of the lines.
    public private(set) var boxes: [Box] = []

    /// The smallest side: less than a pixel of any image.
    private static let smallest: Float = 0x1p-20

    /// Reads a file.
    /// - Parameters:
    ///   - classes: Labels are below this.
    ///   - most: How many there may be.
    ///
    /// - Throws: ``SourceError``, with the line.
    public init(_ file: ByteFile, classes: Int, most: Int) throws(SourceError) {
        let lines = try TextLines(file, limit: 1 << 20).lines
        guard lines.count <= most else {
            throw SourceError(
                .oversized, file.path,
                "line \(lines[most].number): there are \(lines.count) boxes, \(most) are the most (--boxes, at most 90)"
            )
        }
        for (number, line) in lines {
            let fields = line.split { $0 == " " || $0 == "\t" }
            let numbers = fields.dropFirst().compactMap { Float($0) }
            guard fields.count == 5, let label = Int(fields[0]), numbers.count == 4 else {
                throw SourceError(
                    .wrongFormat, file.path,
                    "line \(number): \(quoted(line)) is no box; expected a class, x, y, width and height")
            }
            guard 0..<classes ~= label else {
                throw SourceError(
                    .labelOutOfRange, file.path,
                    "line \(number): the class is \(label), and there are \(classes): they are numbered from 0")
            }
            let extents = SIMD4(numbers[0], numbers[1], numbers[2], numbers[3])
            guard all(extents .>= 0), all(extents .<= 1), extents.z >= Self.smallest, extents.w >= Self.smallest else {
                throw SourceError(
                    .damaged, file.path,
                    "line \(number): \(quoted(line)) is not in the image; x, y, width and height are shares of its sides"
                )
            }
            boxes.append(Box(label: label, extents: extents))
        }
    }

    /// Takes boxes that were made here.
    init(_ boxes: [Box]) { self.boxes = boxes }

    /// The boxes where the image lies in a frame.
    func placed(_ placement: Placement) -> YOLOBoxes {
        YOLOBoxes(
            boxes.map { box in
                func share(_ value: Float, _ side: Int, _ start: Int, of frame: Int) -> Float {
                    Float((Double(value) * Double(side) + Double(start)) / Double(frame))
                }
                var box = box
                // Darknet's detection layers take an x of 0 for the end of all boxes.
                box.extents.x = max(
                    Self.smallest, share(box.extents.x, placement.width, placement.left, of: placement.frameWidth))
                box.extents.y = share(box.extents.y, placement.height, placement.top, of: placement.frameHeight)
                box.extents.z = share(box.extents.z, placement.width, 0, of: placement.frameWidth)
                box.extents.w = share(box.extents.w, placement.height, 0, of: placement.frameHeight)
                return box
            })
    }

    /// Their number, then 20 bytes for each: class, x, y, width, height; zeros to the room for `most`.
    func bytes(most: Int) -> [UInt8] {
        var bytes = littleEndian(UInt32(boxes.count))
        for box in boxes {
            bytes += littleEndian(UInt32(box.label))
            for side in 0..<4 { bytes += littleEndian(box.extents[side].bitPattern) }
        }
        return bytes + [UInt8](repeating: 0, count: 20 * (most - boxes.count))
    }
}

/// The bytes of a number, the lowest first.
func littleEndian(_ number: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }
