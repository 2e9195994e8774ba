extension DecodedImage {
    /// The image as it is sealed: other colours, another size, channel by channel.
    ///
    /// Grey becomes three equal channels; colours become grey by Rec. 601 (299 red, 587 green, 114 blue in 1,000). Scaling is bilinear
    /// with the corners kept in place, as Darknet does it: row r of h rows lies at r · (H − 1) / (h − 1) of H, the middle if h is 1. All
    /// arithmetic is exact and rounded once, so that every machine gives the same bytes.
    ///
    /// - Parameter extents: 1 or 3 channels.
    public func fitted(to extents: ImageExtents) -> [UInt8] {
        let planes = planar(channels: extents.channels)
        guard extents.width != width || extents.height != height else { return planes }
        let columns = Sampling(from: width, to: extents.width)
        let rows = Sampling(from: height, to: extents.height)
        let divisor = columns.divisor * rows.divisor
        var pixels: [UInt8] = []
        pixels.reserveCapacity(extents.count)
        for channel in 0..<extents.channels {
            let plane = channel * width * height
            for row in rows.places {
                let (upper, lower) = (plane + row.first * width, plane + row.second * width)
                for column in columns.places {
                    let top =
                        Int(planes[upper + column.first]) * (columns.divisor - column.weight)
                        + Int(planes[upper + column.second]) * column.weight
                    let bottom =
                        Int(planes[lower + column.first]) * (columns.divisor - column.weight)
                        + Int(planes[lower + column.second]) * column.weight
                    let sum = top * (rows.divisor - row.weight) + bottom * row.weight
                    pixels.append(UInt8((sum + divisor / 2) / divisor))
                }
            }
        }
        return pixels
    }

    private func planar(channels wanted: Int) -> [UInt8] {
        switch (channels, wanted) {
        case (1, 1): return pixels
        case (1, _): return [[UInt8]](repeating: pixels, count: wanted).flatMap { $0 }
        case (_, 1):
            return (0..<width * height).map { place in
                let red = 299 * Int(pixels[3 * place])
                let green = 587 * Int(pixels[3 * place + 1])
                let blue = 114 * Int(pixels[3 * place + 2])
                return UInt8((red + green + blue + 500) / 1000)
            }
        default:
            var planes: [UInt8] = []
            makePlanar(pixels, channels: channels, into: &planes)
            return planes
        }
    }
}

/// Between which pixels the new ones of one direction lie.
struct Sampling {
    /// Two neighbours, and the part of the second in parts of the divisor.
    struct Place {
        var first: Int
        var second: Int
        var weight: Int
    }

    let places: [Place]
    let divisor: Int

    init(from old: Int, to new: Int) {
        let divisor = new > 1 ? new - 1 : 2
        self.divisor = divisor
        places = (0..<new).map {
            let (first, weight) = ((new > 1 ? $0 : 1) * (old - 1)).quotientAndRemainder(dividingBy: divisor)
            return Place(first: first, second: min(first + 1, old - 1), weight: weight)
        }
    }

    /// The old pixel that is next to a new one; the first of two at the same distance.
    func nearest(_ place: Place) -> Int { 2 * place.weight > divisor ? place.second : place.first }
}
