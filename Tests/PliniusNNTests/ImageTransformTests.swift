import Foundation
import PliniusNN
import Testing

/// Transforms of images, boxes and masks against others that are written from the formulas, in Double.
@Suite struct ImageTransformTests {
    private static func shape(_ channels: Int, _ height: Int, _ width: Int) -> Shape {
        Shape(channels: channels, height: height, width: width)
    }

    private func expectSame(
        _ found: [Float], _ expected: Picture, within tolerance: Double = 2e-4, _ comment: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let worst = zip(found, expected.values).map { abs(Double($0) - $1) }.max() ?? 0
        #expect(found.count == expected.values.count, "\(comment)", sourceLocation: sourceLocation)
        #expect(worst < tolerance, "\(comment): off by \(worst)", sourceLocation: sourceLocation)
    }

    // MARK: Windows

    @Test(arguments: [
        ("min_crop=8\nmax_crop=16", shape(3, 8, 8), shape(3, 16, 12)),
        ("min_crop=4\nmax_crop=9\nangle=20\naspect=.75", shape(1, 6, 9), shape(1, 11, 14)),
        ("min_ratio=1.5\nmax_ratio=2\naspect=1.5\nflip=1", shape(2, 12, 5), shape(2, 10, 30)),
        ("angle=180", shape(1, 7, 7), shape(1, 7, 7)),
        ("aspect=2\nflip=1\nhue=.1\nsaturation=.75\nexposure=1.5", shape(3, 6, 10), shape(3, 6, 10)),
        (
            "min_crop=20\nmax_crop=20\nangle=45\nhue=1\nsaturation=4\nexposure=3\nflip=1", shape(3, 16, 16),
            shape(3, 31, 23)
        ),
    ])
    func `A random window is the one of Darknet's formulas`(keys: String, input: Shape, image: Shape) throws {
        let augmentation = try augmentation(keys, input)
        func option(_ key: String, _ standard: Double) -> Double {
            keys.split(separator: "\n").first { $0.hasPrefix(key + "=") }
                .flatMap { Double($0.dropFirst(key.count + 1)) } ?? standard
        }
        let (height, width) = (Double(input.height), Double(input.width))
        let crops = keys.contains("_crop") || keys.contains("_ratio")
        let least = Int(option("min_crop", option("min_ratio", 0) * width))
        let most = Int(option("max_crop", option("max_ratio", 0) * width))
        let stream = RandomStream(seed: 5, purpose: .augmentation)
        for place in 0..<12 {
            let picture = Picture(noise: image, seed: UInt64(place))
            let draws = Draws(seed: 5, iteration: 9, place: place)
            let a = draws.factor(option("aspect", 1), 0)
            let r = crops ? draws.integer(least, most, 2) : min(input.height, input.width)
            let s = Double(r) / Double(min(image.height, Int(Double(image.width) * a)))
            let turn = draws.symmetric(option("angle", 0), 3) / 360 * 2 * .pi
            let dx = draws.symmetric((Double(image.width) * s / a - width) / 2, 4)
            let dy = draws.symmetric((Double(image.height) * s - height) / 2, 5)
            var expected = picture.map(height: input.height, width: input.width) { channel, y, x in
                let u = (Double(x) - width / 2) / s * a + dx / s * a
                let v = (Double(y) - height / 2) / s + dy / s
                return picture.sample(
                    channel, sin(turn) * u + cos(turn) * v + Double(image.height) / 2,
                    cos(turn) * u - sin(turn) * v + Double(image.width) / 2)
            }
            if option("flip", 0) == 1, draws.mirrors { expected = expected.mirrored }
            if input.channels == 3 {
                expected = expected.colored(
                    hue: draws.symmetric(option("hue", 0), 7), saturation: draws.factor(option("saturation", 1), 8),
                    exposure: draws.factor(option("exposure", 1), 10))
            }
            let transform = augmentation.draw(image, to: input, from: stream, iteration: 9, place: place)
            #expect(transform.isMirrored == (option("flip", 0) == 1 && draws.mirrors))
            expectSame(transform.image(picture.floats), expected, within: 1e-3, "place \(place)")
        }
    }

    @Test func `An image that a window of its own size shows keeps its bits`() throws {
        let input = Self.shape(3, 9, 9)
        let augmentation = try augmentation("min_crop=9\nmax_crop=9", input)
        let picture = Picture(noise: input, seed: 3)
        for transform in [
            augmentation.draw(
                input, to: input, from: RandomStream(seed: 1, purpose: .augmentation), iteration: 0, place: 0),
            augmentation.fitting(input, to: input), ImageTransform(identity: input),
        ] {
            #expect(transform.movesNothing && transform.keepsColors)
            #expect(transform.image(picture.floats) == picture.floats)
        }
    }

    @Test(arguments: [
        (shape(1, 8, 8), shape(1, 20, 12)), (shape(2, 8, 8), shape(2, 5, 7)), (shape(1, 4, 12), shape(1, 20, 21)),
        (shape(1, 12, 4), shape(1, 20, 21)), (shape(1, 6, 6), shape(1, 6, 7)), (shape(1, 300, 2), shape(1, 7, 5)),
    ])
    func `Without chance a crop is the middle, in the network's proportions`(input: Shape, image: Shape) throws {
        let picture = Picture(noise: image, seed: 11)
        let (width, height) =
            image.width * input.height < image.height * input.width
            ? (image.width, max(1, image.width * input.height / input.width))
            : (max(1, image.height * input.width / input.height), image.height)
        let window = picture.window(
            x: (image.width - width) / 2, y: (image.height - height) / 2, width: width, height: height)
        let expected = window.resized(height: input.height, width: input.width)
        for keys in ["center=1", "max_crop=40", "min_ratio=1"] {
            let augmentation = try augmentation(keys, input)
            #expect(augmentation.bringsTogether)
            expectSame(augmentation.fitting(image, to: input).image(picture.floats), expected, keys)
            guard keys == "center=1" else { continue }
            let drawn = augmentation.draw(
                image, to: input, from: RandomStream(seed: 1, purpose: .augmentation), iteration: 0, place: 0)
            #expect(drawn == augmentation.fitting(image, to: input))
        }
    }

    // MARK: Whole images

    @Test(arguments: [
        (shape(1, 8, 8), shape(1, 20, 12)), (shape(1, 8, 8), shape(1, 5, 7)), (shape(3, 9, 17), shape(3, 30, 30)),
        (shape(1, 17, 9), shape(1, 30, 31)), (shape(1, 8, 8), shape(1, 300, 2)), (shape(2, 8, 8), shape(2, 8, 8)),
    ])
    func `A letterbox holds the whole image on grey`(input: Shape, image: Shape) throws {
        let picture = Picture(noise: image, seed: 12)
        let isNarrow = Double(input.width) / Double(image.width) < Double(input.height) / Double(image.height)
        let width = isNarrow ? input.width : max(1, image.width * input.height / image.height)
        let height = isNarrow ? max(1, image.height * input.width / image.width) : input.height
        let expected = picture.resized(height: height, width: width).placed(
            x: (input.width - width) / 2, y: (input.height - height) / 2, onWidth: input.width, height: input.height)
        let augmentation = try augmentation("letter_box=1", input)
        let transform = augmentation.fitting(image, to: input)
        expectSame(transform.image(picture.floats), expected, "\(image)")
        #expect(transform.movesNothing == (image == input))
        if image == input { #expect(transform.image(picture.floats) == picture.floats) }
        // Their boxes: all of the image is where it is seen.
        let whole = transform.boxes([[0.5, 0.5, 1, 1, 4]])
        let share = [
            Double((input.width - width) / 2) / Double(input.width) + Double(width) / Double(input.width) / 2,
            Double((input.height - height) / 2) / Double(input.height) + Double(height) / Double(input.height) / 2,
            Double(width) / Double(input.width), Double(height) / Double(input.height), 4,
        ]
        for (found, expected) in zip(try #require(whole.first), share) { #expect(abs(Double(found) - expected) < 1e-6) }
    }

    private static func detector(_ jitter: String, _ input: Shape, _ keys: String = "") throws -> Augmentation {
        try parse(
            "[net]\nheight=\(input.height)\nwidth=\(input.width)\nchannels=\(input.channels)\n\(keys)\n[conv]\nsize=1\nfilters=6\n"
                + "[yolo]\nclasses=1\njitter=\(jitter)"
        ).augmentation
    }

    @Test(arguments: [
        (shape(1, 24, 24), shape(1, 30, 20)), (shape(3, 24, 40), shape(3, 24, 40)), (shape(1, 40, 16), shape(1, 9, 9)),
    ])
    func `Jitter places the image at random, and its boxes with it`(input: Shape, image: Shape) throws {
        let augmentation = try Self.detector(".3", input, "flip=1")
        let stream = RandomStream(seed: 6, purpose: .augmentation)
        for place in 0..<12 {
            let picture = Picture(noise: image, seed: UInt64(place))
            let draws = Draws(seed: 6, iteration: 1, place: place)
            let ar =
                (Double(image.width) + draws.symmetric(0.3 * Double(image.width), 0))
                / (Double(image.height) + draws.symmetric(0.3 * Double(image.height), 1))
            let width = ar < 1 ? Int(Double(input.height) * ar) : input.width
            let height = ar < 1 ? input.height : Int(Double(input.width) / ar)
            let dx = draws.integer(min(0, input.width - width), max(0, input.width - width), 2)
            let dy = draws.integer(min(0, input.height - height), max(0, input.height - height), 3)
            var expected = picture.resized(height: height, width: width)
                .placed(x: dx, y: dy, onWidth: input.width, height: input.height)
            if draws.mirrors { expected = expected.mirrored }
            let transform = augmentation.draw(image, to: input, from: stream, iteration: 1, place: place)
            expectSame(transform.image(picture.floats), expected, "place \(place)")

            // Darknet's formulas of 6.5.
            let boxes: [[Double]] = [[0.25, 0.5, 0.5, 0.25, 0], [0.9, 0.1, 0.1, 0.1, 3], [0.5, 0.5, 1, 1, 2]]
            let moved = boxes.compactMap { box -> [Double]? in
                func side(_ edge: Double, _ size: Int, _ offset: Int, _ all: Int) -> Double {
                    edge * Double(size) / Double(all) + Double(offset) / Double(all)
                }
                var left = side(box[0] - box[2] / 2, width, dx, input.width)
                var right = side(box[0] + box[2] / 2, width, dx, input.width)
                if draws.mirrors { (left, right) = (1 - right, 1 - left) }
                let top = max(0, side(box[1] - box[3] / 2, height, dy, input.height))
                let bottom = min(1, side(box[1] + box[3] / 2, height, dy, input.height))
                (left, right) = (max(0, left), min(1, right))
                guard right - left >= 0.001, bottom - top >= 0.001 else { return nil }
                return [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top, box[4]]
            }
            let found = transform.boxes(boxes.map { $0.map { Float($0) } })
            #expect(found.count == moved.count)
            for (found, expected) in zip(found.joined(), moved.joined()) {
                #expect(abs(Double(found) - expected) < 1e-5)
            }
        }
        let fit = try Self.detector("0", input, "letter_box=1")
        #expect(augmentation.fitting(image, to: input) == fit.fitting(image, to: input))
    }

    @Test func `A rectangle's pixels are where its box says`() throws {
        let image = Self.shape(1, 60, 80)
        let input = Self.shape(1, 96, 64)
        let augmentation = try Self.detector(".4", input, "flip=1")
        var kept = 0
        for place in 0..<60 {
            // Of whole pixels, away from the border, white on black.
            let (x, y, width, height) = (3 + place % 40, 5 + place % 23, 12 + place % 19, 10 + place % 17)
            let picture = Picture(Self.shape(1, 60, 80), [Double](repeating: 0, count: 4800))
                .map(height: 60, width: 80) { x..<x + width ~= $2 && y..<y + height ~= $1 ? 1 : 0 }
            let box: [Float] = [
                (Float(x) + Float(width) / 2) / 80, (Float(y) + Float(height) / 2) / 60, Float(width) / 80,
                Float(height) / 60, 1,
            ]
            let transform = augmentation.draw(
                image, to: input, from: RandomStream(seed: 2, purpose: .augmentation), iteration: 7, place: place)
            let output = transform.image(picture.floats)
            // The canvas is at 0.5.
            let seen = output.indices.filter { output[$0] > 0.5 }.map { (x: $0 % 64, y: $0 / 64) }
            guard let found = transform.boxes([box]).first, seen.count > 1 else { continue }
            kept += 1
            let edges = [
                (seen.map(\.x).min() ?? 0, found[0] - found[2] / 2, 64),
                ((seen.map(\.x).max() ?? 0) + 1, found[0] + found[2] / 2, 64),
                (seen.map(\.y).min() ?? 0, found[1] - found[3] / 2, 96),
                ((seen.map(\.y).max() ?? 0) + 1, found[1] + found[3] / 2, 96),
            ]
            for (pixel, edge, side) in edges {
                #expect(abs(Float(pixel) - edge * Float(side)) < 1.5, "\(place): \(pixel) and \(edge * Float(side))")
            }
        }
        #expect(kept > 50)
    }

    @Test func `Boxes of which nothing is left are dropped, and the others keep their order`() throws {
        // A network twice as high as the image is wide: what is placed there sticks out on both sides.
        let (image, input) = (Self.shape(1, 10, 10), Self.shape(1, 40, 8))
        let augmentation = try Self.detector("0.01", input)
        let boxes: [[Float]] = (0..<10).map { [Float($0) / 10 + 0.05, 0.5, 0.08, 0.5, Float($0)] }
        var lost = 0
        for place in 0..<30 {
            let transform = augmentation.draw(
                image, to: input, from: RandomStream(seed: 3, purpose: .augmentation), iteration: 0, place: place)
            let found = transform.boxes(boxes)
            #expect(found.map { $0[4] } == found.map { $0[4] }.sorted())
            #expect(found.allSatisfy { $0[0] - $0[2] / 2 > -1e-6 && $0[0] + $0[2] / 2 < 1 + 1e-6 && $0[2] >= 0.001 })
            let strict = transform.boxes(boxes, least: 0.3)
            #expect(strict == found.filter { $0[2] >= 0.3 && $0[3] >= 0.3 })
            lost += 10 - found.count
        }
        #expect(lost > 0)
    }

    // MARK: Mirror images

    @Test func `A mirror image of a mirror image is the image`() throws {
        for (keys, image) in [
            ("flip=1", Self.shape(3, 8, 8)), ("letter_box=1\nflip=1", Self.shape(3, 9, 5)),
        ] {
            let picture = Picture(noise: image, seed: 1)
            let fit = try augmentation(keys).fitting(image, to: Self.shape(3, 8, 8))
            let once = Picture(fit.target, fit.mirrored.image(picture.floats).map { Double($0) })
            #expect(once.mirrored.floats == fit.image(picture.floats))
            #expect(fit.mirrored.mirrored == fit)
        }
        let transform = ImageTransform(identity: Self.shape(1, 4, 4)).mirrored
        let picture = Picture(noise: Self.shape(1, 4, 4), seed: 2)
        #expect(transform.image(transform.image(picture.floats)) == picture.floats)
        #expect(transform.image(picture.floats) == picture.mirrored.floats)
        #expect(transform.boxes([[0.25, 0.5, 0.5, 0.5, 1]]) == [[0.75, 0.5, 0.5, 0.5, 1]])
        #expect(transform.boxes(transform.boxes([[0.25, 0.5, 0.5, 0.5, 1]])) == [[0.25, 0.5, 0.5, 0.5, 1]])
        #expect(!transform.movesNothing)
    }

    // MARK: Colours

    @Test func `Greys have no hue, and keep theirs`() throws {
        let augmentation = try augmentation("hue=.5\nsaturation=3\nexposure=2")
        let grey = (0..<64).map { Float($0) / 63 }
        for place in 0..<20 {
            let transform = augmentation.draw(
                Self.shape(3, 8, 8), to: Self.shape(3, 8, 8), from: RandomStream(seed: 9, purpose: .augmentation),
                iteration: 0, place: place)
            let output = transform.image(grey + grey + grey)
            #expect(output[..<64] == output[64..<128] && output[64..<128] == output[128...])
            #expect(output[..<64].elementsEqual(grey.map { min($0 * transform.exposure, 1) }))
        }
    }

    // MARK: Masks

    @Test(arguments: [
        ("flip=1\nmin_crop=6\nmax_crop=12\nangle=30", shape(1, 8, 8), shape(1, 14, 10), (14, 10), (8, 8)),
        ("flip=1\nangle=10\naspect=1.3", shape(1, 8, 12), shape(1, 8, 12), (4, 6), (4, 6)),
        ("letter_box=1\nflip=1", shape(1, 8, 12), shape(1, 20, 14), (10, 7), (4, 6)),
        ("center=1", shape(1, 8, 8), shape(1, 20, 14), (40, 28), (16, 16)),
    ])
    func `A mask moves with its image`(
        keys: String, input: Shape, image: Shape, extent: (Int, Int), target: (Int, Int)
    ) throws {
        let augmentation = try augmentation(keys, input)
        // An image whose pixels tell where they are; zero is outside.
        let places = Picture(Self.shape(1, image.height, image.width), [Double](repeating: 0, count: image.area))
        let columns = places.map(height: image.height, width: image.width) { _, _, x in Double(x + 1) }.floats
        let rows = places.map(height: image.height, width: image.width) { _, y, _ in Double(y + 1) }.floats
        let mask = (0..<extent.0 * extent.1).map { UInt8($0 * 37 % 251) }
        /// The same point in a picture with another number of pixels.
        func scaled(_ place: Double, from: Int, to: Int) -> Double { (place + 0.5) * Double(to) / Double(from) - 0.5 }
        /// Where it is not rounding that decides.
        func nearest(_ place: Double) -> Int? {
            abs(place - place.rounded(.down) - 0.5) > 0.01 ? Int(place.rounded()) : nil
        }
        var compared = 0
        for place in 0..<8 {
            let transform = augmentation.draw(
                image, to: input, from: RandomStream(seed: 4, purpose: .augmentation), iteration: 2, place: place)
            let output = transform.mask(mask, extent, target)
            func picture(_ floats: [Float]) -> Picture {
                Picture(Self.shape(1, input.height, input.width), floats.map { Double($0) })
            }
            let ones = picture(transform.image([Float](repeating: 1, count: image.count)))
            let (columns, rows) = (picture(transform.image(columns)), picture(transform.image(rows)))
            for row in 0..<target.0 {
                for column in 0..<target.1 {
                    let middleX = scaled(Double(column), from: target.1, to: input.width)
                    let middleY = scaled(Double(row), from: target.0, to: input.height)
                    // Where all pixels around show the inside, they tell the point.
                    guard ones.sample(0, middleY, middleX) > 0.99999,
                        let maskColumn = nearest(
                            scaled(columns.sample(0, middleY, middleX) - 1, from: image.width, to: extent.1)),
                        let maskRow = nearest(
                            scaled(rows.sample(0, middleY, middleX) - 1, from: image.height, to: extent.0))
                    else { continue }
                    compared += 1
                    #expect(output[row * target.1 + column] == mask[maskRow * extent.1 + maskColumn])
                }
            }
        }
        #expect(compared > 40, "\(compared)")
    }

    @Test func `A mask is empty where the image is not`() throws {
        let augmentation = try augmentation("letter_box=1", Self.shape(1, 8, 8))
        let output = augmentation.fitting(Self.shape(1, 4, 8), to: Self.shape(1, 8, 8)).mask(
            [UInt8](repeating: 3, count: 32), (4, 8), (8, 8))
        #expect(
            output == [UInt8](repeating: 255, count: 16) + [UInt8](repeating: 3, count: 32)
                + [UInt8](repeating: 255, count: 16))
        let mask = (0..<64).map { UInt8($0) }
        let identity = ImageTransform(identity: Self.shape(1, 8, 8))
        #expect(identity.mask(mask, (8, 8), (8, 8)) == mask)
        #expect(identity.mirrored.mask(identity.mirrored.mask(mask, (8, 8), (8, 8)), (8, 8), (8, 8)) == mask)
        #expect(Array(identity.mirrored.mask(mask, (8, 8), (8, 8)).prefix(8)) == [7, 6, 5, 4, 3, 2, 1, 0])
    }
}
