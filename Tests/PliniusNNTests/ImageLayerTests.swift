import PliniusNN
import Testing

/// Layers that move pixels: [upsample], [reorg] and [crop]; and [activation].
@Suite struct ImageLayerTests {
    /// The output of a layer alone for images that count from zero.
    private func output(
        of layer: String, channels: Int = 1, height: Int = 1, width: Int = 1, batch: Int = 1,
        pass: Pass = Pass(mode: .inference), step: Float = 1
    ) throws -> [Double] {
        let net = "[net]\nbatch=\(batch)\nchannels=\(channels)\nheight=\(height)\nwidth=\(width)\n"
        let shadow = try Shadow(net + layer)
        shadow.load((0..<batch * channels * height * width).map { Float($0) * step })
        _ = shadow.network.forward(pass)
        return shadow.output(ofLayer: 0)
    }

    // MARK: Upsample

    @Test func `Upsampling repeats pixels, and sums squares up the other way`() throws {
        #expect(
            try output(of: "[upsample]\nscale=2", height: 2, width: 2) == [
                0, 0, 2, 2, 0, 0, 2, 2, 4, 4, 6, 6, 4, 4, 6, 6,
            ])
        #expect(try output(of: "[upsample]\nstride=3", height: 1, width: 2) == [0, 0, 0, 1, 1, 1] * 3)
        #expect(
            try output(of: "[upsample]\nstride=-2\nscale=.5", channels: 2, height: 2, width: 4) == [
                5, 9, 21, 25,
            ])
    }

    // MARK: Reorg

    @Test func `Reorg has Darknet's order`() throws {
        // Its flat reading of a tensor of four channels, 2 x 2.
        let order: [Double] = [0, 2, 8, 10, 1, 3, 9, 11, 4, 6, 12, 14, 5, 7, 13, 15]
        #expect(try output(of: "[reorg]\nstride=2", channels: 4, height: 2, width: 2) == order)
        let back = try output(of: "[reorg]\nstride=2\nreverse=1", channels: 4, height: 2, width: 2)
        #expect(order.indices.map { back[Int(order[$0])] } == (0..<16).map(Double.init))
    }

    @Test func `Reorg flattens, and adds zeros`() throws {
        #expect(try output(of: "[reorg]\nflatten=1", channels: 2, height: 1, width: 3) == [0, 3, 1, 4, 2, 5])
        #expect(
            try output(of: "[reorg]\nflatten=1\nreverse=1", channels: 2, height: 1, width: 3) == [0, 2, 4, 1, 3, 5])
        #expect(try output(of: "[reorg]\nextra=3", channels: 2, height: 1, width: 2) == [0, 1, 2, 3, 0, 0, 0])
    }

    // MARK: Crop

    @Test func `A crop is from the middle in inference, and from -1 to 1`() throws {
        let window = "[crop]\ncrop_height=2\ncrop_width=2\nflip=1\n"
        #expect(try output(of: window + "noadjust=1", height: 5, width: 4) == [5, 6, 9, 10])
        #expect(try output(of: window, height: 5, width: 4, step: 0.125) == [0.25, 0.5, 1.25, 1.5])
        #expect(
            try output(of: window + "noadjust=1", channels: 2, height: 2, width: 3, batch: 2) == [
                0, 1, 3, 4, 6, 7, 9, 10, 12, 13, 15, 16, 18, 19, 21, 22,
            ])
    }

    @Test func `In training every image has a window of its own, mirrored or not, in all channels alike`() throws {
        let (height, width) = (5, 6)
        let size = height * width
        func windows(flip: Bool, iteration: UInt64) throws -> [[Int]] {
            let found = try output(
                of: "[crop]\ncrop_height=3\ncrop_width=4\nnoadjust=1\nflip=\(flip ? 1 : 0)", channels: 2,
                height: height, width: width, batch: 200,
                pass: Pass(mode: .training, seed: 8, iteration: iteration, firstImage: 200))
            return (0..<200).map { image in
                let pixels = found[image * 24..<image * 24 + 24].map { Int($0) - image * 2 * size }
                let (top, left) = (pixels[0] / width, pixels[0] % width)
                let step = pixels[1] - pixels[0]
                #expect(flip ? abs(step) == 1 : step == 1)
                // Whole windows, and the same in the second channel.
                let window = (0..<24).map { index in
                    index / 12 * size + (top + index % 12 / 4) * width + left + step * (index % 4)
                }
                #expect(pixels == window)
                return [top, step > 0 ? left : left - 3, step]
            }
        }
        let plain = try windows(flip: false, iteration: 0)
        #expect(Set(plain) == Set((0...2).flatMap { top in (0...2).map { [top, $0, 1] } }))
        let flipped = try windows(flip: true, iteration: 0)
        #expect(Set(flipped).count == 18)
        #expect((70...130).contains(flipped.count { $0[2] < 0 }))
        #expect(try windows(flip: true, iteration: 0) == flipped)
        #expect(try windows(flip: true, iteration: 1) != flipped)
    }

    @Test func `Two halves of a batch have the windows of the whole`() throws {
        func crop(images: Range<Int>) throws -> [Double] {
            let shadow = try Shadow(
                "[net]\nbatch=\(images.count)\nchannels=1\nheight=6\nwidth=6\n[crop]\ncrop_height=2\ncrop_width=3\nflip=1"
            )
            shadow.load(images.flatMap { image in (0..<36).map { Float(image * 36 + $0) } })
            _ = shadow.network.forward(Pass(mode: .training, seed: 2, iteration: 5, firstImage: images.lowerBound))
            return shadow.output(ofLayer: 0)
        }
        #expect(try crop(images: 0..<10) + crop(images: 10..<20) == crop(images: 0..<20))
    }

    // MARK: Configuration

    private static let image = "[net]\nheight=8\nwidth=6\nchannels=4\n"

    @Test(arguments: [
        ("[activation]\nactivation=elu", "activation elu", "4x8x6"), ("[activation]", "activation linear", "4x8x6"),
        ("[upsample]", "upsample 2 false 1.0", "4x16x12"),
        ("[upsample]\nstride=-2\nscale=.25", "upsample 2 true 0.25", "4x4x3"),
        ("[reorg]\nstride=2", "reorg 2 false false 0", "16x4x3"),
        ("[reorg]\nstride=2\nreverse=1", "reorg 2 true false 0", "1x16x12"),
        ("[reorg]\nflatten=1", "reorg 1 false true 0", "4x8x6"),
        ("[reorg]\nextra=8", "reorg 1 false false 8", "200x1x1"),
        ("[crop]\ncrop_height=8\ncrop_width=3\nflip=1", "crop 8 3 true true", "4x8x3"),
        ("[crop]\nnoadjust=1\nexposure=1\nangle=0", "crop 1 1 false false", "4x1x1"),
    ])
    func `Each layer has its options and its shape`(text: String, expected: String, shape: String) throws {
        let layer = try #require(try parse(Self.image + text).layers.first)
        #expect(summary(layer) == expected && layer.output.description == shape)
    }

    @Test(arguments: [
        ("[activation]\nactivation=soft", "net.cfg:6: activation: expected one of linear"),
        ("[upsample]\nstride=0", "net.cfg:6: stride: expected a factor, or a divisor below zero; found 0"),
        ("[upsample]\nstride=-4", "net.cfg:6: stride: expected a divisor of both sides of 4x8x6, found 4"),
        ("[upsample]\nstride=1025", "net.cfg:6: stride: expected -1024 to 1024, found 1025"),
        (
            "[upsample]\nstride=1024\n[upsample]\nstride=1024",
            "net.cfg:7: its output of 4x8388608x6291456 is more than 2147483648 numbers"
        ),
        ("[reorg]\nstride=0", "net.cfg:6: stride: expected 1 to 1024, found 0"),
        ("[reorg]\nstride=4", "net.cfg:6: stride: expected a number that divides both sides of 4x8x6, found 4"),
        (
            "[reorg]\nstride=3\nreverse=1",
            "net.cfg:6: stride: expected a number that divides the channels by its square of 4x8x6, found 3"
        ),
        (
            "[conv]\nfilters=6\n[reorg]\nstride=2",
            "net.cfg:8: stride: expected a number whose square divides the 6 channels, found 2"
        ),
        (
            "[reorg]\nextra=3\nflatten=1",
            "net.cfg:6: extra: zeros stand behind an image as it is: expected no stride, reverse or flatten beside"
        ),
        ("[crop]\ncrop_height=9", "net.cfg:6: crop_height: expected a window that fits into 8x6, found 9x1"),
        ("[crop]\ncrop_width=7", "net.cfg:6: crop_width: expected a window that fits into 8x6, found 1x7"),
        ("[crop]\nangle=5", "net.cfg:6: angle: is not supported yet: expected 0 or no such line, found \"5\""),
        (
            "[crop]\nsaturation=1.5",
            "net.cfg:6: saturation: is not supported yet: expected 1 or no such line, found \"1.5\""
        ),
    ])
    func `A fault is told with its place`(text: String, message: String) {
        #expect(refusal(of: Self.image + text).hasPrefix(message))
    }

    @Test func `Every option counts`() throws {
        let texts = [
            "[activation]", "[activation]\nactivation=relu", "[upsample]\nstride=1", "[upsample]\nstride=-1",
            "[upsample]\nstride=1\nscale=2", "[reorg]", "[reorg]\nreverse=1", "[reorg]\nflatten=1",
            "[reorg]\nflatten=1\nreverse=1", "[reorg]\nstride=2", "[reorg]\nextra=1", "[reorg]\nextra=2",
            "[crop]", "[crop]\nflip=1", "[crop]\nnoadjust=1",
        ]
        #expect(Set(try texts.map { try parse(Self.image + $0).canonicalBytes }).count == texts.count)
        // The window's extents.
        let crops = ["[crop]\ncrop_height=2", "[crop]\ncrop_width=2", "[crop]"]
        #expect(Set(try crops.map { try parse(Self.image + $0).canonicalBytes }).count == 3)
    }
}

private func * (pattern: [Double], count: Int) -> [Double] { (0..<count).flatMap { _ in pattern } }
