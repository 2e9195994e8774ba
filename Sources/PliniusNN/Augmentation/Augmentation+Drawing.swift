import Glibc

extension Augmentation {
    /// What is done to every image where nothing is left to chance: in a test, and to predict.
    /// - Parameters:
    ///   - image: Shape of the image that there is.
    ///   - input: Shape of what the network sees; the same, unless ``bringsTogether``.
    public func fitting(_ image: Shape, to input: Shape) -> ImageTransform {
        precondition(image.channels == input.channels, "no channel is made up or left out")
        if fit == .letterbox || jitter > 0 {
            let isNarrow = input.width * image.height < input.height * image.width
            return ImageTransform(
                image, to: input,
                showing: isNarrow
                    ? .centered(input, width: input.width, height: image.height * input.width / image.width)
                    : .centered(input, width: image.width * input.height / image.height, height: input.height))
        }
        if fit == .none { precondition(image == input, "an image of another size is to be fitted") }
        let isNarrow = image.width * input.height < image.height * input.width
        return ImageTransform(
            image, to: input,
            window: isNarrow
                ? .centered(image, width: image.width, height: image.width * input.height / input.width)
                : .centered(image, width: image.height * input.width / input.height, height: image.height))
    }

    /// What is done to an image in training; Darknet's formulas, with the height in the vertical range, where it has the width.
    /// - Parameters:
    ///   - image: Shape of the image that there is.
    ///   - input: Shape of what the network sees; the same, unless ``bringsTogether``.
    ///   - stream: Of purpose `augmentation`.
    ///   - place: Of the image in the iteration's batch.
    public func draw(
        _ image: Shape, to input: Shape, from stream: RandomStream, iteration: UInt64, place: Int
    ) -> ImageTransform {
        guard isOn else { return fitting(image, to: input) }
        func words(_ block: UInt64) -> SIMD4<UInt32> { stream.block(UInt64(place) * 3 + block, iteration: iteration) }
        let (first, second, third) = (words(0), words(1), words(2))
        var transform: ImageTransform
        switch fit {
        case _ where jitter > 0:
            transform = placed(image, in: input, by: first)
        case .crop(let least, let most):
            transform = window(of: image, in: input, least: least, most: most, by: first, second)
        case .none where angle > 0 || aspect != 1:
            let side = min(input.height, input.width)
            transform = window(of: image, in: input, least: side, most: side, by: first, second)
        default: transform = fitting(image, to: input)
        }
        if flips, second.z >> 31 == 1 { transform.isMirrored = true }
        transform.hue = Self.symmetric(hue, second.w)
        transform.saturation = Self.factor(saturation, third.x, third.y)
        transform.exposure = Self.factor(exposure, third.z, third.w)
        return transform
    }

    /// Darknet's random window of an image that is scaled, narrowed and turned around its middle.
    private func window(
        of image: Shape, in input: Shape, least: Int, most: Int, by first: SIMD4<UInt32>, _ second: SIMD4<UInt32>
    ) -> ImageTransform {
        let narrowing = Self.factor(aspect, first.x, first.y)
        let side = max(1, min(image.height, Int(Float(image.width) * narrowing)))
        let scale = Float(Self.integer(least...most, first.z)) / Float(side)
        let turn = Self.symmetric(angle, first.w) * 2 * .pi / 360
        let extent = SIMD2(Float(image.width), Float(image.height))
        let seen = SIMD2(Float(input.width), Float(input.height))
        // Output pixels per pixel of the image, along each axis.
        let zoom = SIMD2(scale / narrowing, scale)
        let room = (extent * zoom - seen) / 2
        let shift = SIMD2(Self.symmetric(room.x, second.x), Self.symmetric(room.y, second.y))
        let corner = (shift - seen / 2) / zoom
        func turned(_ vector: SIMD2<Float>) -> SIMD2<Float> {
            SIMD2(cosf(turn) * vector.x - sinf(turn) * vector.y, sinf(turn) * vector.x + cosf(turn) * vector.y)
        }
        return ImageTransform(
            image, to: input, origin: turned(corner) + extent / 2, column: turned(SIMD2(1 / zoom.x, 0)),
            row: turned(SIMD2(0, 1 / zoom.y)))
    }

    /// Darknet's random place for a whole image, whose proportions change a little.
    private func placed(_ image: Shape, in input: Shape, by words: SIMD4<UInt32>) -> ImageTransform {
        let extent = SIMD2(Float(image.width), Float(image.height))
        let moved = extent + jitter * extent * SIMD2(Self.symmetric(1, words.x), Self.symmetric(1, words.y))
        let proportion = moved.x / moved.y
        let (width, height) =
            proportion < 1
            ? (max(1, Int(Float(input.height) * proportion)), input.height)
            : (input.width, max(1, Int(Float(input.width) / proportion)))
        func offset(_ room: Int, _ word: UInt32) -> Int { Self.integer(min(room, 0)...max(room, 0), word) }
        return ImageTransform(
            image, to: input,
            showing: ImageTransform.Frame(
                x: offset(input.width - width, words.z), y: offset(input.height - height, words.w), width: width,
                height: height))
    }

    /// From `-most` to `most`.
    private static func symmetric(_ most: Float, _ word: UInt32) -> Float { (2 * RandomStream.unit(word) - 1) * most }

    /// From 1 to `most`, or one over that.
    private static func factor(_ most: Float, _ word: UInt32, _ coin: UInt32) -> Float {
        let factor = 1 + (most - 1) * RandomStream.unit(word)
        return coin >> 31 == 0 ? factor : 1 / factor
    }

    private static func integer(_ range: ClosedRange<Int>, _ word: UInt32) -> Int {
        range.lowerBound + Int((UInt64(word) * UInt64(range.count)) >> 32)
    }
}
