extension LayerDescription {
    /// A locally connected layer; Darknet pads any size as if it were 3.
    static func local(_ reader: inout SectionReader, _ input: Shape) throws(ConfigError) -> (Kind, Shape) {
        let filters = try reader.integer("filters", default: 1, in: 1...1 << 20)
        let size = try reader.integer("size", default: 1, in: 1...1024)
        let stride = try reader.integer("stride", default: 1, in: 1...1024)
        let pads = try reader.flag("pad")
        let local = Local(
            filters: filters, size: size, stride: stride, padding: pads ? size / 2 : 0,
            activation: try reader.choice("activation", default: .logistic))
        // A padded layer without strides keeps the image's size.
        let padding = pads ? size - 1 : 0
        let output = Shape(
            channels: filters,
            height: try extent(reader, input.height, size: size, stride: stride, padding: padding),
            width: try extent(reader, input.width, size: size, stride: stride, padding: padding))
        try checkWeights(reader, output.height, output.width, filters, input.channels, size, size)
        return (.local(local), output)
    }

    /// A transposed convolution.
    static func deconvolution(_ reader: inout SectionReader, _ input: Shape) throws(ConfigError) -> (Kind, Shape) {
        let filters = try reader.integer("filters", default: 1, in: 1...1 << 20)
        let size = try reader.integer("size", default: 1, in: 1...1024)
        let stride = try reader.integer("stride", default: 1, in: 1...1024)
        let padding = try reader.integer("padding", default: 0, in: 0...1024)
        let pads = try reader.integer("pad", default: 0, in: 0...1024) != 0
        let layer = Deconvolution(
            filters: filters, size: size, stride: stride, padding: pads ? size / 2 : padding,
            batchNormalize: try reader.flag("batch_normalize"),
            activation: try reader.choice("activation", default: .logistic))
        func extent(_ input: Int) -> Int { (input - 1) * stride + size - 2 * layer.padding }
        let output = Shape(channels: filters, height: extent(input.height), width: extent(input.width))
        guard output.height > 0, output.width > 0 else {
            throw reader.error("padding", "cutting \(layer.padding) off every side leaves nothing of the output")
        }
        try checkWeights(reader, input.channels, filters, size, size)
        return (.deconvolutional(layer), output)
    }

    /// Local response normalisation.
    static func normalization(_ reader: inout SectionReader) throws(ConfigError) -> Kind {
        .normalization(
            Normalization(
                size: try reader.integer("size", default: 5, in: 1...1 << 20),
                alpha: try reader.number("alpha", default: 1e-4, in: 0...1e6),
                beta: try reader.number("beta", default: 0.75, in: 0...100),
                kappa: try reader.number("kappa", default: 1, in: 1e-6...1e6)))
    }

    /// Refuses weights whose extents' product is beyond reason.
    static func checkWeights(_ reader: SectionReader, _ extents: Int...) throws(ConfigError) {
        guard NetworkDescription.fits(extents) else {
            throw reader.error("filters", "its weights take more than \(NetworkDescription.maximumFloats) numbers")
        }
    }
}
