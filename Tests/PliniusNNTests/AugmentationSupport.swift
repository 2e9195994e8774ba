import Foundation
import PliniusNN

/// An image in Double, as the transforms of the tests make it: (channels, height, width).
struct Picture {
    var shape: Shape
    var values: [Double]

    init(_ shape: Shape, _ values: [Double]) { (self.shape, self.values) = (shape, values) }

    /// Noise, the same for the same arguments, as pixels of a record are.
    init(noise shape: Shape, seed: UInt64) {
        var state = seed
        self.init(
            shape,
            (0..<shape.count).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Double(state >> 56) / 255
            })
    }

    /// As the data path has it.
    var floats: [Float] { values.map { Float($0) } }

    func value(_ channel: Int, _ y: Int, _ x: Int) -> Double {
        guard 0..<shape.height ~= y, 0..<shape.width ~= x else { return 0 }
        return values[(channel * shape.height + y) * shape.width + x]
    }

    /// A new image of the same channels, pixel by pixel.
    func map(height: Int, width: Int, _ body: (_ channel: Int, _ y: Int, _ x: Int) -> Double) -> Picture {
        var values: [Double] = []
        for channel in 0..<shape.channels {
            for y in 0..<height { for x in 0..<width { values.append(body(channel, y, x)) } }
        }
        return Picture(Shape(channels: shape.channels, height: height, width: width), values)
    }

    func sample(_ channel: Int, _ y: Double, _ x: Double) -> Double {
        let (top, left) = (Int(y.rounded(.down)), Int(x.rounded(.down)))
        let (dy, dx) = (y - Double(top), x - Double(left))
        return (1 - dy) * (1 - dx) * value(channel, top, left) + (1 - dy) * dx * value(channel, top, left + 1)
            + dy * (1 - dx) * value(channel, top + 1, left) + dy * dx * value(channel, top + 1, left + 1)
    }

    /// Darknet's resize in its two passes, along the rows and then down the columns, with the last row repaired.
    func resized(height: Int, width: Int) -> Picture {
        func step(_ from: Int, _ to: Int) -> Double { to > 1 ? Double(from - 1) / Double(to - 1) : 0 }
        func split(_ place: Double, _ end: Int) -> (Int, Int, Double) {
            let low = min(Int(place + 1e-9), end - 1)
            return (low, min(low + 1, end - 1), max(0, place - Double(low)))
        }
        let wide = map(height: shape.height, width: width) { channel, y, x in
            let (low, high, part) = split(Double(x) * step(shape.width, width), shape.width)
            return (1 - part) * value(channel, y, low) + part * value(channel, y, high)
        }
        return wide.map(height: height, width: width) { channel, y, x in
            let (low, high, part) = split(Double(y) * step(shape.height, height), shape.height)
            return (1 - part) * wide.value(channel, low, x) + part * wide.value(channel, high, x)
        }
    }

    func window(x: Int, y: Int, width: Int, height: Int) -> Picture {
        map(height: height, width: width) { value($0, y + $1, x + $2) }
    }

    /// On a grey canvas, of which nothing is seen outside.
    func placed(x left: Int, y top: Int, onWidth width: Int, height: Int) -> Picture {
        map(height: height, width: width) { channel, y, x in
            0..<shape.height ~= y - top && 0..<shape.width ~= x - left ? value(channel, y - top, x - left) : 0.5
        }
    }

    var mirrored: Picture { map(height: shape.height, width: shape.width) { value($0, $1, shape.width - 1 - $2) } }

    /// By Darknet's formulas: hue in sixths by the greatest channel, and back by the sextant.
    func colored(hue: Double, saturation: Double, exposure: Double) -> Picture {
        var colored = self
        for pixel in 0..<shape.area {
            let (r, g, b) = (values[pixel], values[shape.area + pixel], values[2 * shape.area + pixel])
            let (most, least) = (max(r, g, b), min(r, g, b))
            let span = most - least
            var h = 0.0
            if span > 0 {
                if r == most {
                    h = (g - b) / span
                } else if g == most {
                    h = 2 + (b - r) / span
                } else {
                    h = 4 + (r - g) / span
                }
                if h < 0 { h += 6 }
                h /= 6
            }
            var s = most == 0 ? 0 : span / most
            var v = most
            h += hue
            if h > 1 { h -= 1 }
            if h < 0 { h += 1 }
            s *= saturation
            v *= exposure
            let sextant = Int((6 * h).rounded(.down)) % 6
            let f = 6 * h - (6 * h).rounded(.down)
            let (p, q, t) = (v * (1 - s), v * (1 - s * f), v * (1 - s * (1 - f)))
            let color = [(v, t, p), (q, v, p), (p, v, t), (p, q, v), (t, p, v), (v, p, q)][sextant]
            for (channel, value) in [color.0, color.1, color.2].enumerated() {
                colored.values[channel * shape.area + pixel] = min(max(value, 0), 1)
            }
        }
        return colored
    }
}

/// The draws of one image, in Double, from the words of the stream as they are laid out.
struct Draws {
    let words: [UInt32]

    init(seed: UInt64, iteration: UInt64, place: Int) {
        let stream = RandomStream(seed: seed, purpose: .augmentation)
        words = (0..<3).flatMap { block in
            let words = stream.block(UInt64(3 * place + block), iteration: iteration)
            return (0..<4).map { words[$0] }
        }
    }

    func unit(_ index: Int) -> Double { Double(words[index] >> 8) / 16_777_216 }
    func symmetric(_ most: Double, _ index: Int) -> Double { (2 * unit(index) - 1) * most }
    func factor(_ most: Double, _ index: Int) -> Double {
        let factor = 1 + (most - 1) * unit(index)
        return words[index + 1] < 1 << 31 ? factor : 1 / factor
    }
    func integer(_ least: Int, _ most: Int, _ index: Int) -> Int {
        least + Int(Double(words[index]) / 4_294_967_296 * Double(most - least + 1))
    }
    var mirrors: Bool { words[6] >= 1 << 31 }
}

extension ImageTransform {
    /// The same with left and right of the output exchanged.
    var mirrored: ImageTransform {
        var mirrored = self
        mirrored.isMirrored.toggle()
        return mirrored
    }

    /// What becomes of an image, colours included.
    func image(_ image: [Float]) -> [Float] {
        var output = [Float](repeating: -7, count: target.count)
        output.withUnsafeMutableBufferPointer { output in
            var span = output.mutableSpan
            apply(to: image.span, into: &span)
            shiftColors(of: &span)
        }
        return output
    }

    /// What becomes of boxes: x, y, width, height, class of each.
    func boxes(_ boxes: [[Float]], least: Float = 0.001) -> [[Float]] {
        var floats = boxes.flatMap(\.self)
        let count = floats.withUnsafeMutableBufferPointer { floats in
            var span = floats.mutableSpan
            return apply(toBoxes: &span, count: boxes.count, least: least)
        }
        precondition(floats[(5 * count)...].allSatisfy { $0 == 0 }, "the rest is zero")
        return (0..<count).map { Array(floats[5 * $0..<5 * $0 + 5]) }
    }

    /// What becomes of a mask.
    func mask(_ mask: [UInt8], _ extent: (height: Int, width: Int), _ target: (height: Int, width: Int)) -> [UInt8] {
        var output = [UInt8](repeating: 7, count: target.height * target.width)
        output.withUnsafeMutableBufferPointer { output in
            var span = output.mutableSpan
            apply(toMask: mask.span, extent, into: &span, target)
        }
        return output
    }
}

/// A network without a layer of note, to see what the data path does for it.
func augmentation(_ keys: String, _ input: Shape = Shape(channels: 3, height: 8, width: 8)) throws(ConfigError)
    -> Augmentation
{
    try parse(
        "[net]\nheight=\(input.height)\nwidth=\(input.width)\nchannels=\(input.channels)\n\(keys)\n[conv]\n[avgpool]\n[softmax]"
    ).augmentation
}
