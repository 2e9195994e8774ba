import PliniusNN
import Testing
import _PliniusSupport

/// The tiled kernels against loops that say what a convolution is.
@Suite struct ReferenceConvolutionTests {
    struct Case: CustomStringConvertible, Sendable {
        var images = 3, channels = 1, height = 1, width = 1, filters = 1
        var kernelHeight = 1, kernelWidth = 1, stride = 1, padding = 0, groups = 1

        var geometry: ConvolutionGeometry {
            ConvolutionGeometry(
                input: Shape(channels: channels, height: height, width: width),
                output: Shape(
                    channels: filters,
                    height: (height + 2 * padding - kernelHeight) / stride + 1,
                    width: (width + 2 * padding - kernelWidth) / stride + 1
                ),
                kernelHeight: kernelHeight,
                kernelWidth: kernelWidth,
                stride: stride,
                padding: padding,
                groups: groups
            )
        }

        var description: String {
            "\(images)x\(channels)x\(height)x\(width), \(filters) filters \(kernelHeight)x\(kernelWidth), stride \(stride), "
                + "padding \(padding), \(groups) groups"
        }
    }

    static let cases: [Case] = [
        Case(),
        Case(images: 9, channels: 3, height: 3, width: 3, filters: 5, kernelHeight: 3, kernelWidth: 3, padding: 1),
        Case(images: 8, channels: 4, height: 5, width: 7, filters: 4, kernelHeight: 3, kernelWidth: 3, padding: 1),
        Case(images: 1, channels: 5, height: 6, width: 5, filters: 3, kernelHeight: 3, kernelWidth: 3),
        Case(images: 2, channels: 7, height: 4, width: 4, filters: 6, kernelHeight: 1, kernelWidth: 1),
        Case(
            images: 2,
            channels: 2,
            height: 7,
            width: 6,
            filters: 9,
            kernelHeight: 3,
            kernelWidth: 3,
            stride: 2,
            padding: 1
        ),
        Case(
            images: 2,
            channels: 3,
            height: 9,
            width: 8,
            filters: 2,
            kernelHeight: 5,
            kernelWidth: 5,
            stride: 3,
            padding: 2
        ),
        Case(
            images: 2,
            channels: 3,
            height: 5,
            width: 5,
            filters: 2,
            kernelHeight: 2,
            kernelWidth: 2,
            stride: 4,
            padding: 1
        ),
        Case(
            images: 2,
            channels: 2,
            height: 3,
            width: 3,
            filters: 2,
            kernelHeight: 1,
            kernelWidth: 1,
            stride: 2,
            padding: 3
        ),
        Case(
            images: 2,
            channels: 6,
            height: 5,
            width: 4,
            filters: 9,
            kernelHeight: 3,
            kernelWidth: 3,
            padding: 1,
            groups: 3
        ),
        Case(
            images: 2,
            channels: 8,
            height: 4,
            width: 4,
            filters: 8,
            kernelHeight: 3,
            kernelWidth: 3,
            padding: 1,
            groups: 8
        ),
        Case(images: 17, channels: 13, height: 1, width: 1, filters: 11),
        Case(images: 10, channels: 3, height: 4, width: 5, filters: 7, kernelHeight: 4, kernelWidth: 5),
    ]

    @Test(arguments: cases)
    func `Forward sums are those of the plain loops`(_ layer: Case) {
        let geometry = layer.geometry
        let weights = Grid(count: geometry.weightCount, seed: 1)
        let input = Tensor(geometry.input, images: layer.images, seed: 2)
        let output = Tensor(geometry.output, images: layer.images)
        let correlation = Correlation<Double>(forward: geometry)
        correlate(correlation, weights, from: input, to: output)

        var expected = [Double](repeating: 0, count: output.rows.count)
        eachProduct(of: layer) { weight, source, target in expected[target] += weights[weight] * input.rows[source] }
        expectClose(output.read(), expected)
    }

    @Test(arguments: cases)
    func `Input gradients are those of the plain loops`(_ layer: Case) {
        let geometry = layer.geometry
        let weights = Grid(count: geometry.weightCount, seed: 3)
        let delta = Tensor(geometry.output, images: layer.images, seed: 4)
        let inputDelta = Tensor(geometry.input, images: layer.images)
        correlate(Correlation<Double>(inputGradient: geometry), weights, from: delta, to: inputDelta)

        var expected = [Double](repeating: 0, count: inputDelta.rows.count)
        eachProduct(of: layer) { weight, source, target in expected[source] += weights[weight] * delta.rows[target] }
        expectClose(inputDelta.read(), expected)
    }

    @Test(arguments: cases)
    func `Weight gradients are those of the plain loops, and are added`(_ layer: Case) {
        let geometry = layer.geometry
        let input = Tensor(geometry.input, images: layer.images, seed: 5)
        let delta = Tensor(geometry.output, images: layer.images, seed: 6)
        let gradient = Grid(count: geometry.weightCount, seed: 7)
        var expected = (0..<geometry.weightCount).map { gradient[$0] }
        let kernel = WeightGradient<Double>(geometry)
        // In two parts, as two workers would.
        kernel.add(units: 0..<kernel.units / 2, input: input.lanes, delta: delta.lanes, to: gradient.buffer)
        kernel.add(units: kernel.units / 2..<kernel.units, input: input.lanes, delta: delta.lanes, to: gradient.buffer)

        eachProduct(of: layer) { weight, source, target in expected[weight] += input.rows[source] * delta.rows[target] }
        expectClose((0..<geometry.weightCount).map { gradient[$0] }, expected)
    }

    private func correlate(_ correlation: Correlation<Double>, _ weights: Grid<Double>, from: Tensor, to: Tensor) {
        let packed = Grid<SIMD4<Double>>(count: correlation.packedCount)
        correlation.pack(weights.buffer, into: packed.buffer, tiles: 0..<correlation.tiles)
        correlation.run(
            units: 0..<correlation.tiles * from.lanes.blocks,
            from: from.lanes,
            packed: packed.buffer,
            to: to.lanes
        )
    }

    /// Calls `body` with the indices of weight, input and output for each product of a convolution.
    private func eachProduct(of layer: Case, _ body: (_ weight: Int, _ input: Int, _ output: Int) -> Void) {
        let output = layer.geometry.output
        let perGroup = layer.channels / layer.groups
        for image in 0..<layer.images {
            for filter in 0..<layer.filters {
                let group = filter / (layer.filters / layer.groups)
                for row in 0..<output.height {
                    for column in 0..<output.width {
                        for channel in 0..<perGroup {
                            for u in 0..<layer.kernelHeight {
                                for v in 0..<layer.kernelWidth {
                                    let y = row * layer.stride + u - layer.padding
                                    let x = column * layer.stride + v - layer.padding
                                    guard (0..<layer.height).contains(y), (0..<layer.width).contains(x) else {
                                        continue
                                    }
                                    let plane = image * layer.channels + group * perGroup + channel
                                    body(
                                        ((filter * perGroup + channel) * layer.kernelHeight + u) * layer.kernelWidth
                                            + v,
                                        (plane * layer.height + y) * layer.width + x,
                                        ((image * layer.filters + filter) * output.height + row) * output.width + column
                                    )
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
