extension LayerDescription {
    /// Reads an `[upsample]`; a negative stride makes images smaller.
    static func upsample(_ reader: inout SectionReader, _ input: Shape) throws(ConfigError) -> (Kind, Shape) {
        let stride = try reader.integer("stride", default: 2, in: -1024...1024)
        guard stride != 0 else { throw reader.error("stride", "expected a factor, or a divisor below zero; found 0") }
        let scale = try reader.number("scale", default: 1)
        guard stride < 0 else {
            let output = Shape(channels: input.channels, height: input.height * stride, width: input.width * stride)
            return (.upsample(Upsample(stride: stride, reduces: false, scale: scale)), output)
        }
        guard input.height % stride == 0, input.width % stride == 0 else {
            throw reader.error("stride", "expected a divisor of both sides of \(input), found \(-stride)")
        }
        let output = Shape(channels: input.channels, height: input.height / -stride, width: input.width / -stride)
        return (.upsample(Upsample(stride: -stride, reduces: true, scale: scale)), output)
    }

    /// Reads a `[reorg]`; every form of it keeps all elements.
    static func reorg(_ reader: inout SectionReader, _ input: Shape) throws(ConfigError) -> (Kind, Shape) {
        let reorg = Reorg(
            stride: try reader.integer("stride", default: 1, in: 1...1024), reverse: try reader.flag("reverse"),
            flatten: try reader.flag("flatten"), extra: try reader.integer("extra", default: 0, in: 0...1 << 24))
        let (stride, square) = (reorg.stride, reorg.stride * reorg.stride)
        if reorg.extra > 0 {
            guard stride == 1, !reorg.reverse, !reorg.flatten else {
                throw reader.error(
                    "extra", "zeros stand behind an image as it is: expected no stride, reverse or flatten beside")
            }
            return (.reorg(reorg), Shape(channels: input.count + reorg.extra, height: 1, width: 1))
        }
        let output =
            reorg.reverse
            ? Shape(channels: input.channels / square, height: input.height * stride, width: input.width * stride)
            : Shape(channels: input.channels * square, height: input.height / stride, width: input.width / stride)
        guard output.count == input.count else {
            let parts = reorg.reverse ? "the channels by its square" : "both sides"
            throw reader.error("stride", "expected a number that divides \(parts) of \(input), found \(stride)")
        }
        guard reorg.flatten || input.channels % square == 0 else {
            throw reader.error(
                "stride", "expected a number whose square divides the \(input.channels) channels, found \(stride)")
        }
        return (.reorg(reorg), output)
    }

    /// Reads a `[crop]`.
    static func crop(_ reader: inout SectionReader, _ input: Shape) throws(ConfigError) -> (Kind, Shape) {
        let height = try reader.integer("crop_height", default: 1, in: 1...65_536)
        let width = try reader.integer("crop_width", default: 1, in: 1...65_536)
        guard height <= input.height, width <= input.width else {
            throw reader.error(
                height > input.height ? "crop_height" : "crop_width",
                "expected a window that fits into \(input.height)x\(input.width), found \(height)x\(width)")
        }
        let crop = Crop(
            height: height, width: width, flips: try reader.flag("flip"), adjusts: !(try reader.flag("noadjust")))
        try reader.refuse("angle", "shift")
        try reader.refuse("saturation", "exposure", unless: 1)
        return (.crop(crop), Shape(channels: input.channels, height: height, width: width))
    }
}
