extension ImageTransform {
    /// Moves boxes with their image, and drops those of which too little is left.
    ///
    /// The others keep their order: nothing is cut off behind them, so it need not be shuffled as Darknet does.
    /// - Parameters:
    ///   - boxes: x, y of the centre, width, height in parts of the image, and the class of each; the rest becomes 0.
    ///   - least: The least width and height, in parts of the output.
    /// - Returns: How many are left.
    public func apply(toBoxes boxes: inout MutableSpan<Float>, count: Int, least: Float) -> Int {
        if movesNothing { return count }
        let extent = SIMD2(Float(target.width), Float(target.height))
        let scale = SIMD2(Float(frame.width), Float(frame.height)) / extent
        let offset = SIMD2(Float(frame.x), Float(frame.y)) / extent
        var left = 0
        for box in 0..<count {
            let center = SIMD2(boxes[5 * box], boxes[5 * box + 1])
            let half = SIMD2(boxes[5 * box + 2], boxes[5 * box + 3]) / 2
            let low = pointwiseMax((center - half) * scale + offset, SIMD2())
            let high = pointwiseMin((center + half) * scale + offset, SIMD2(repeating: 1))
            let size = high - low
            guard size.x >= least, size.y >= least else { continue }
            var middle = (low + high) / 2
            if isMirrored { middle.x = 1 - middle.x }
            let label = boxes[5 * box + 4]
            for (place, number) in [middle.x, middle.y, size.x, size.y, label].enumerated() {
                boxes[5 * left + place] = number
            }
            left += 1
        }
        for place in 5 * left..<5 * count { boxes[place] = 0 }
        return left
    }

    /// Makes the mask of the output: the class of the nearest pixel, and 255 outside.
    ///
    /// Masks may be finer or coarser than their images.
    /// - Parameters:
    ///   - mask: (height, width) of the source.
    ///   - extent: Its sides.
    ///   - output: (height, width) of the target.
    ///   - outputExtent: Its sides.
    public func apply(
        toMask mask: Span<UInt8>, _ extent: (height: Int, width: Int), into output: inout MutableSpan<UInt8>,
        _ outputExtent: (height: Int, width: Int)
    ) {
        precondition(
            mask.count == extent.height * extent.width && output.count == outputExtent.height * outputExtent.width)
        // Mask pixels per image pixel.
        let fineness = SIMD2(Float(extent.width) / Float(source.width), Float(extent.height) / Float(source.height))
        let coarseness = SIMD2(
            Float(target.width) / Float(outputExtent.width), Float(target.height) / Float(outputExtent.height))
        for y in 0..<outputExtent.height {
            for x in 0..<outputExtent.width {
                let middle = (SIMD2(Float(x), Float(y)) + 0.5) * coarseness - 0.5
                let nearest = middle.rounded(.toNearestOrAwayFromZero)
                var label: UInt8 = 255
                if shows(Int(nearest.x), Int(nearest.y)) {
                    let point = ((self.point(middle.x, middle.y) + 0.5) * fineness - 0.5)
                        .rounded(.toNearestOrAwayFromZero)
                    let (column, row) = (Int(point.x), Int(point.y))
                    if 0..<extent.width ~= column, 0..<extent.height ~= row {
                        label = mask[row * extent.width + column]
                    }
                }
                output[y * outputExtent.width + (isMirrored ? outputExtent.width - 1 - x : x)] = label
            }
        }
    }
}
