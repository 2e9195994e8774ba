import PliniusNN
import Testing

/// What a configuration says of images, what it may not say, and what is drawn from it.
@Suite struct AugmentationTests {
    @Test func `A key acts only where it is given, and not at rest`() throws {
        for keys in [
            "", "angle=0\naspect=1\nhue=0\nsaturation=1\nexposure=1\nflip=0\ncenter=0\nletter_box=0", "angle=0.0",
            "max_crop=0",
        ] {
            let found = try augmentation(keys)
            #expect(!found.isOn && found.keys.isEmpty && !found.bringsTogether && found == Augmentation(), "\(keys)")
        }
        for (keys, acting, brings) in [
            ("angle=7", ["angle"], false), ("aspect=.75", ["aspect"], false), ("hue=.1", ["hue"], false),
            ("saturation=.75", ["saturation"], false), ("exposure=1.5", ["exposure"], false),
            ("flip=1", ["flip"], false),
            ("center=1", ["center"], true), ("letter_box=1", ["letter_box"], true),
            ("max_crop=20", ["min_crop", "max_crop"], true), ("min_crop=8", ["min_crop", "max_crop"], true),
            ("min_ratio=1\nmax_ratio=1\nflip=1", ["min_crop", "max_crop", "flip"], true),
        ] {
            let found = try augmentation(keys)
            #expect(found.keys == acting && found.isOn && found.bringsTogether == brings, "\(keys)")
        }
    }

    @Test(arguments: [
        ("min_crop=9\nmax_crop=30", 9, 30), ("min_crop=9", 9, 20), ("max_crop=30", 10, 30), ("min_ratio=.5", 5, 20),
        ("max_ratio=1.25", 10, 12), ("min_ratio=.01\nmax_crop=11", 1, 11),
    ])
    func `A crop is in pixels, or in widths of the network`(keys: String, least: Int, most: Int) throws {
        let found = try augmentation(keys, Shape(channels: 1, height: 4, width: 10))
        #expect(found.fit == .crop(least: least, most: most))
    }

    @Test(arguments: [
        ("angle=-1", "angle: expected 0.0 to 360.0, found -1.0"), ("angle=x", "angle: expected a number"),
        ("aspect=0", "aspect: expected 0.01 to 100.0"), ("hue=2", "hue: expected 0.0 to 1.0"),
        ("saturation=0", "saturation: expected 0.01 to 100.0"), ("exposure=101", "exposure: expected 0.01 to 100.0"),
        ("flip=2", "flip: expected 0 to 1"), ("center=yes", "center: expected a whole number"),
        ("letter_box=3", "letter_box: expected 0 to 1"), ("min_crop=0", "min_crop: expected 1 to"),
        ("max_crop=1048577", "max_crop: expected 0 to"), ("max_ratio=0", "max_ratio: expected 0.001 to 1000.0"),
        ("min_crop=9\nmax_crop=8", "max_crop: expected at least min_crop, 9, found 8"),
        ("max_crop=7", "max_crop: expected at least min_crop, 8, found 7"),
        ("min_crop=9\nmax_crop=0", "max_crop: expected at least min_crop, 9, found 0"),
        ("min_crop=17", "min_crop: expected at most max_crop, 16, found 17"),
        ("min_crop=8\nmin_ratio=1", "min_ratio: says what min_crop says"),
        ("max_crop=8\nmax_ratio=1", "max_ratio: says what max_crop says"),
        ("center=1\nletter_box=1", "expected one of"), ("min_crop=8\ncenter=1", "expected one of"),
        ("center=1\nangle=3", "angle: changes a random window"),
        ("letter_box=1\naspect=2", "aspect: changes a random window"),
    ])
    func `What cannot be is refused by its key`(keys: String, message: String) {
        let found = refusal(of: "[net]\nheight=8\nwidth=8\nchannels=3\n\(keys)\n[conv]\n[avgpool]\n[softmax]")
        #expect(found.contains(message), "\(found)")
    }

    @Test func `Colours need three channels, and geometry an image`() throws {
        for key in ["hue", "saturation", "exposure"] {
            let network = try parse("[net]\nheight=8\nwidth=8\nchannels=1\n\(key)=.5\n[avgpool]\n[softmax]")
            #expect(
                network.warnings.map(\.description).allSatisfy { $0.hasPrefix("net.cfg:5: \(key) changes colours") })
            #expect(network.warnings.count == 1 && !network.augmentation.isOn)
            #expect(try augmentation("\(key)=.5").keys == [key])
        }
        for key in ["angle=1", "flip=1", "min_ratio=1", "letter_box=1", "center=1", "hue=.1"] {
            for net in ["inputs=30", "height=1\nwidth=9\nchannels=3"] {
                let found = refusal(of: "[net]\n\(net)\n\(key)\n[connected]\n[softmax]")
                #expect(found.contains("changes images"), "\(found)")
            }
        }
    }

    @Test func `Heads say how boxes move, and all the same`() throws {
        let net = "[net]\nheight=8\nwidth=8\nchannels=3\n"
        func head(_ kind: String, _ keys: String) -> String {
            "[conv]\nfilters=6\nsize=1\n[\(kind)]\nclasses=1\nmax=30\n\(keys)\n"
        }
        let detection = "[connected]\noutput=294\n[detection]\njitter=.3\n"
        for (text, jitter) in [
            (head("yolo", "jitter=.3"), 0.3), (head("region", "jitter=.4"), 0.4), (detection, 0.3),
            (head("yolo", "jitter=0"), 0), (head("yolo", ""), 0),
            (head("yolo", "jitter=.2") + "[route]\nlayers=0\n" + head("yolo", ""), 0.2),
        ] as [(String, Float)] {
            let found = try parse(net + text).augmentation
            #expect(found.jitter == jitter && found.bringsTogether == (jitter > 0) && found.isOn == (jitter > 0))
            #expect(found.keys == (jitter > 0 ? ["jitter"] : []))
        }
        let two = head("yolo", "jitter=.2") + "[route]\nlayers=0\n" + head("yolo", "jitter=.3")
        #expect(refusal(of: net + two).contains("net.cfg:8: jitter: is 0.2, and 0.3 on line 17"))
        #expect(refusal(of: net + head("yolo", "jitter=1")).contains("jitter: expected 0.0 to 0.99"))
        for key in ["angle=1", "aspect=2", "max_crop=9", "center=1"] {
            for text in [head("region", ""), detection] {
                let found = refusal(of: net + key + "\n" + text)
                #expect(found.contains("is for images without boxes"), "\(found)")
            }
        }
        for key in ["flip=1", "letter_box=1", "hue=.1", "exposure=2"] {
            #expect(try parse(net + key + "\n" + head("yolo", "jitter=.1")).augmentation.keys.count == 2)
        }
        let grid = "[net]\ninputs=3\n[connected]\noutput=294\n[detection]\njitter=.3\n"
        #expect(refusal(of: grid).contains("net.cfg:5: jitter: moves images"))
    }

    @Test func `Darknet's defaults crop, move and flip unasked`() {
        let classifier = Augmentation.darknet(Shape(channels: 3, height: 10, width: 12), detects: false)
        #expect(classifier.fit == .crop(least: 12, most: 24) && classifier.flips && classifier.jitter == 0)
        let detector = Augmentation.darknet(Shape(channels: 3, height: 10, width: 12), detects: true)
        #expect(detector.fit == .none && detector.flips && detector.jitter == 0.2)
        #expect(!Augmentation.darknet(Shape(channels: 30, height: 1, width: 1), detects: false).isOn)
    }

    // MARK: Unasked

    @Test func `Strict compatibility changes images unasked, and says so in a run's identity`() throws {
        let net = "height=10\nwidth=12\nchannels=3\n"
        let ends = [
            ("[conv]\n[avgpool]\n[softmax]", false), ("[conv]\n[avgpool]\n[cost]", false),
            ("[conv]\nfilters=3\n[logistic]", false), ("[conv]\nfilters=4\n[iseg]\nclasses=2\nids=2", false),
            ("[conv]\nfilters=6\n[yolo]\nclasses=1", true), ("[conv]\nfilters=6\n[region]\nclasses=1", true),
            ("[connected]\noutput=294\n[detection]", true),
        ]
        for (layers, detects) in ends {
            let fixed = try parse("[net]\n" + net + layers)
            let strict = try parse("[net]\ncompat=strict\n" + net + layers)
            #expect(!fixed.augmentation.isOn)
            #expect(strict.augmentation == .darknet(strict.input, detects: detects), "\(layers)")
            #expect(strict.canonicalBytes.count > fixed.canonicalBytes.count + 1)
            // Where nobody leaves anything to chance, an image of the network's size stays as it is.
            let image = (0..<strict.input.count).map { Float($0) / 360 }
            #expect(strict.augmentation.fitting(strict.input, to: strict.input).image(image) == image, "\(layers)")
        }
    }

    @Test func `What is said wins over what strict compatibility does unasked`() throws {
        func strict(_ keys: String, _ layers: String = "[conv]\n[avgpool]\n[softmax]") throws -> NetworkDescription {
            try parse("[net]\ncompat=strict\n\(keys)\n\(layers)\n")
        }
        let net = "height=10\nwidth=10\nchannels=3\n"
        for (keys, acting) in [
            ("flip=0", ["min_crop", "max_crop"]), ("max_crop=0", ["flip"]), ("center=1", ["center", "flip"]),
            ("letter_box=1", ["letter_box", "flip"]), ("angle=7", ["min_crop", "max_crop", "angle", "flip"]),
        ] { #expect(try strict(net + keys).augmentation.keys == acting, "\(keys)") }
        #expect(try strict(net + "min_crop=10\nmax_crop=10").augmentation.fit == .crop(least: 10, most: 10))
        let yolo = "[conv]\nfilters=6\nsize=1\n[yolo]\nclasses=1\n"
        for (keys, jitter, acting) in [
            ("", "jitter=.3", ["jitter", "flip"]), ("flip=0", "jitter=.3", ["jitter"]), ("flip=0", "", ["jitter"]),
            ("", "jitter=0", ["flip"]), ("letter_box=1", "", ["letter_box", "jitter", "flip"]),
            ("max_crop=0", "", ["flip"]), ("max_crop=0", "jitter=.3", ["jitter", "flip"]),
        ] { #expect(try strict(net + keys, yolo + jitter).augmentation.keys == acting, "\(keys) \(jitter)") }
        // A strict run from before this was so goes on with what it had.
        let old = [
            (try strict(net + "flip=0\nmax_crop=0"), try parse("[net]\n\(net)[conv]\n[avgpool]\n[softmax]")),
            (try strict(net + "flip=0\nmax_crop=0", yolo), try parse("[net]\n\(net)\(yolo)")),
        ]
        for (strict, fixed) in old {
            #expect(!strict.augmentation.isOn)
            let drawn = try #require(fixed.canonicalBytes.firstDifference(from: strict.canonicalBytes))
            #expect(fixed.canonicalBytes[drawn] == 1 && strict.canonicalBytes[drawn] == 2)
            #expect(fixed.canonicalBytes[(drawn + 1)...] + [16] == strict.canonicalBytes[(drawn + 1)...])
        }
        // What is no image: sequences, and what has not two sides.
        for keys in [net + "time_steps=5\nbatch=2", "inputs=300", "height=1\nwidth=300\nchannels=1"] {
            #expect(try !strict(keys, "[connected]\n[softmax]").augmentation.isOn, "\(keys)")
        }
    }

    // MARK: Identity

    private func sum(_ bytes: [UInt8]) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    /// The bytes were put together by other means.
    @Test func `Identities of runs from before are what they were`() throws {
        let net = "[net]\nheight=4\nwidth=6\nchannels=2\n[conv]\nsize=1\nfilters=6\n"
        #expect(try sum(parse(net + "[yolo]\nclasses=1").canonicalBytes) == 0x4273_0517_0AFD_651C)
        #expect(try sum(parse(net + "[region]\nclasses=1").canonicalBytes) == 0x840D_929C_5120_7854)
        let grid = "[net]\nheight=2\nwidth=2\nchannels=6\n[detection]\nside=2"
        #expect(try sum(parse(grid).canonicalBytes) == 0xE2BC_2D11_5DD0_AB79)
        let keys = "min_crop=4\nmax_crop=9\nflip=1\nangle=7\naspect=.75\nhue=.1\nsaturation=1.5\nexposure=2\n"
        #expect(
            try sum(parse("[net]\nheight=4\nwidth=4\nchannels=3\n\(keys)[conv]\n").canonicalBytes)
                == 0x2573_ABB5_FBB5_7AB7)
        let jitter = net.replacing("[conv]", with: "letter_box=1\n[conv]") + "[yolo]\nclasses=1\njitter=.3"
        #expect(try sum(parse(jitter).canonicalBytes) == 0xC0A7_0BF1_1A6E_FB3B)
    }

    @Test func `Every key counts in a run's identity`() throws {
        let texts = [
            "", "angle=1", "angle=2", "aspect=2", "flip=1", "hue=.1", "saturation=2", "exposure=2", "center=1",
            "letter_box=1", "min_crop=8", "min_crop=7", "max_crop=15",
        ]
        let identities = try texts.map {
            try parse("[net]\nheight=8\nwidth=8\nchannels=3\n\($0)\n[conv]\n[avgpool]\n[softmax]").canonicalBytes
        }
        #expect(Set(identities).count == texts.count)
        #expect(identities[0].count < identities[1].count)
        // The same crop in other words.
        let ratio = try parse("[net]\nheight=8\nwidth=8\nchannels=3\nmin_ratio=1\n[conv]\n[avgpool]\n[softmax]")
        #expect(ratio.canonicalBytes == identities[10])
    }

    // MARK: Draws

    private static let square = Shape(channels: 3, height: 8, width: 8)

    @Test func `Draws fill their ranges, and no more`() throws {
        let augmentation = try augmentation("flip=1\nhue=.1\nsaturation=1.5\nexposure=.5")
        let stream = RandomStream(seed: 1, purpose: .augmentation)
        let draws = (0..<4000).map { place in
            augmentation.draw(
                Self.square, to: Self.square, from: stream, iteration: UInt64(place / 100), place: place % 100)
        }
        func expect(
            _ values: [Float], _ range: ClosedRange<Float>, mean: Float,
            sourceLocation: SourceLocation = #_sourceLocation
        ) {
            let span = range.upperBound - range.lowerBound
            #expect(values.allSatisfy(range.contains), sourceLocation: sourceLocation)
            for part in 0..<10 {
                let low = range.lowerBound + span * Float(part) / 10
                #expect(values.contains { low...low + span / 10 ~= $0 }, "\(low)", sourceLocation: sourceLocation)
            }
            let found = values.reduce(0, +) / Float(values.count)
            #expect(abs(found - mean) < span / 40, "\(found)", sourceLocation: sourceLocation)
        }
        expect(draws.map(\.hue), -0.1...0.1, mean: 0)
        // Half from 1 to 1.5, half from 1 over that.
        expect(draws.map(\.saturation), 1 / 1.5...1.5, mean: (1.25 + 2 * 0.405465) / 2)
        expect(draws.map(\.exposure), 0.5...2, mean: (0.75 + 2 * 0.693147) / 2)
        let mirrored = draws.count(where: \.isMirrored)
        #expect(1850...2150 ~= mirrored)
        #expect(draws.count { $0.saturation > 1 } > 1850 && draws.count { $0.saturation < 1 } > 1850)
    }

    @Test func `A draw depends on seed, iteration and place alone`() throws {
        let augmentation = try augmentation("min_crop=6\nmax_crop=12\nangle=10\naspect=.8\nhue=.1")
        let image = Shape(channels: 3, height: 12, width: 10)
        func draw(seed: UInt64 = 1, iteration: UInt64 = 2, place: Int = 3) -> ImageTransform {
            augmentation.draw(
                image, to: Self.square, from: RandomStream(seed: seed, purpose: .augmentation), iteration: iteration,
                place: place)
        }
        #expect(draw() == draw())
        let others = [draw(), draw(seed: 2), draw(iteration: 3), draw(place: 2), draw(place: 65_535)]
        #expect(Set(others).count == others.count)
        #expect(augmentation.fitting(image, to: Self.square) == augmentation.fitting(image, to: Self.square))
    }

    @Test func `Hostile extents end in an image`() throws {
        for (keys, image) in [
            ("min_crop=1\nmax_crop=1048576\naspect=100\nangle=360", Shape(channels: 3, height: 2, width: 60_000)),
            ("min_crop=1\nmax_crop=1\naspect=.01", Shape(channels: 3, height: 60_000, width: 2)),
            ("letter_box=1", Shape(channels: 3, height: 60_000, width: 2)),
            ("center=1", Shape(channels: 3, height: 2, width: 60_000)),
        ] {
            let augmentation = try augmentation(keys)
            let pixels = [Float](repeating: 0.25, count: image.count)
            for place in 0..<20 {
                let output = augmentation.draw(
                    image, to: Self.square, from: RandomStream(seed: 8, purpose: .augmentation), iteration: 0,
                    place: place
                ).image(pixels)
                #expect(output.allSatisfy { 0...0.5 ~= $0 })
            }
        }
    }
}

extension [UInt8] {
    /// Where another array has something else for the first time.
    fileprivate func firstDifference(from other: [UInt8]) -> Int? {
        zip(self, other).enumerated().first { $1.0 != $1.1 }?.offset
    }
}
