public import PliniusNN

/// How a network is told the truth of a record, in floats as Darknet lays them out.
public enum TruthForm: Hashable, Sendable {
    /// Of a label one-hot (classes); of a regression the targets; of boxes x, y, width, height, class of each (most, 5), zeros behind the
    /// last; of a mask (classes, height, width), 1 where the class is; of a character the one that follows, one-hot (classes).
    case plain
    /// Of boxes: for each cell of a grid whether a centre lies in it, then the class one-hot, x and y within the cell, width and height of
    /// the first such box; (side, side, 1 + classes + 4).
    case cells(side: Int)
    /// Of a mask: each class in it, and 1 where it is; (classes, 1 + height × width), -1 behind the last.
    case instances
}

extension RecordTruth {
    /// How many floats at least a sample's truth takes in a form; `nil` if it has no such form.
    public func floatCount(_ form: TruthForm, classes: Int) -> Int? {
        switch (kind, form) {
        case (.label, .plain): classes
        case (.regression, .plain): first
        case (.boxes, .plain): 5 * first
        case (.boxes, .cells(let side)): side * side * (5 + classes)
        case (.mask, .plain): classes * byteCount
        case (.mask, .instances): classes * (1 + byteCount)
        case (.text, .plain): classes
        default: nil
        }
    }

    /// Lays out one record, but no text.
    /// - Parameters:
    ///   - told: The same, but that masks may have other sides.
    ///   - transform: What is done to the image, and so to boxes and masks.
    ///   - scratch: Room for this truth, and for `told`.
    /// - Returns: Whether it says what it may: only the owner's own program can seal one that does not, but it would index outside.
    @unsafe func write(
        _ record: UnsafeRawBufferPointer, _ form: TruthForm, classes: Int, as told: RecordTruth,
        _ transform: ImageTransform, using scratch: UnsafeMutableRawBufferPointer,
        into floats: UnsafeMutableBufferPointer<Float>
    ) -> Bool {
        unsafe floats.update(repeating: 0)
        switch kind {
        case .label:
            let label = unsafe Int(record[0]) | Int(record[1]) << 8
            guard label < classes else { return false }
            unsafe floats[label] = 1
        case .regression:
            for index in 0..<first { unsafe floats[index] = record.float(index) }
            return unsafe floats.allSatisfy(\.isFinite)
        case .boxes:
            let boxes = unsafe form == .plain ? floats : scratch.bindMemory(to: Float.self)
            guard let count = unsafe readBoxes(record, classes: classes, into: boxes) else { return false }
            var span = unsafe boxes.mutableSpan
            // Darknet's bounds.
            let left = transform.apply(toBoxes: &span, count: count, least: form == .plain ? 0.001 : 0.005)
            guard case .cells(let side) = form else { return true }
            for index in 0..<left {
                var box = SIMD4<Float>()
                for side in 0..<4 { box[side] = unsafe boxes[5 * index + side] }
                box.lowHalf *= Float(side)
                // A centre on the far border is in the last cell.
                let cell = pointwiseMin(box.lowHalf.rounded(.down), SIMD2(repeating: Float(side - 1)))
                box.lowHalf -= cell
                let place = (Int(cell.y) * side + Int(cell.x)) * (5 + classes)
                guard unsafe floats[place] == 0 else { continue }
                unsafe (floats[place], floats[place + 1 + Int(boxes[5 * index + 4])]) = (1, 1)
                for side in 0..<4 { unsafe floats[place + 1 + classes + side] = box[side] }
            }
        case .mask:
            guard unsafe record.allSatisfy({ $0 < classes || $0 == 255 }) else { return false }
            var mask = unsafe record
            if self != told || !transform.movesNothing {
                let moved = unsafe scratch.bindMemory(to: UInt8.self).extracting(..<told.byteCount)
                var span = unsafe moved.mutableSpan
                unsafe transform.apply(
                    toMask: record.bindMemory(to: UInt8.self).span, (first, second), into: &span,
                    (told.first, told.second))
                unsafe mask = UnsafeRawBufferPointer(moved)
            }
            var place = 0
            for label in 0..<classes where unsafe form == .plain || mask.contains(UInt8(label)) {
                if form == .instances {
                    unsafe floats[place] = Float(label)
                    place += 1
                }
                for pixel in mask.indices where unsafe mask[pixel] == label { unsafe floats[place + pixel] = 1 }
                place += told.byteCount
            }
            if form == .instances, place < floats.count { unsafe floats[place] = -1 }
        case .text: return false
        }
        return true
    }

    /// Reads boxes: x, y, width, height and class of each.
    /// - Returns: How many; `nil` if one says what it may not.
    @unsafe private func readBoxes(
        _ record: UnsafeRawBufferPointer, classes: Int, into boxes: UnsafeMutableBufferPointer<Float>
    ) -> Int? {
        let count = unsafe record.word(0)
        guard count <= first else { return nil }
        for index in 0..<count {
            let word = 1 + 5 * index
            let label = unsafe record.word(word)
            var box = SIMD4<Float>()
            for side in 0..<4 { box[side] = unsafe record.float(word + 1 + side) }
            // Comparisons with what is no number are false.
            guard label < classes, all(box .>= 0), all(box .<= 1), box.z * box.w > 0 else { return nil }
            for side in 0..<4 { unsafe boxes[5 * index + side] = box[side] }
            unsafe boxes[5 * index + 4] = Float(label)
        }
        return count
    }
}

extension NetworkDescription {
    /// What a network is told of: what a data set teaches, but in masks of its own size, if it brings images to that.
    public func told(by header: PublicDatasetHeader) -> RecordTruth {
        guard header.truth.kind == .mask, augmentation.bringsTogether else { return header.truth }
        if case .masks(let height, let width) = truth { return RecordTruth(.mask, height, width) }
        return RecordTruth(.mask, layers[outputLayer].output.height, layers[outputLayer].output.width)
    }
}
