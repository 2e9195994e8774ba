/// The extents of a convolution; a connected layer is one whose kernel covers its whole input.
package struct ConvolutionGeometry {
    package let input: Shape
    package let output: Shape
    package let kernelHeight: Int
    package let kernelWidth: Int
    package let stride: Int
    package let padding: Int
    package let groups: Int

    package init(
        input: Shape, output: Shape, kernelHeight: Int, kernelWidth: Int, stride: Int, padding: Int, groups: Int
    ) {
        precondition(
            input.channels % groups == 0 && output.channels % groups == 0,
            "\(groups) groups divide neither \(input.channels) channels into \(output.channels) evenly, or one of them")
        self.input = input
        self.output = output
        self.kernelHeight = kernelHeight
        self.kernelWidth = kernelWidth
        self.stride = stride
        self.padding = padding
        self.groups = groups
    }

    /// Weights of one filter for one channel.
    var taps: Int { kernelHeight * kernelWidth }
    var groupInputs: Int { input.channels / groups }
    var groupOutputs: Int { output.channels / groups }
    /// Weights of one filter: the distance between filters in the arena.
    var filterStride: Int { groupInputs * taps }
    package var weightCount: Int { output.channels * filterStride }

    /// Along one axis, the input position that an output position reads through a tap; nil where that is padding.
    func inputPosition(of output: Int, tap: Int, extent: Int) -> Int? {
        let position = output * stride + tap - padding
        return (0..<extent).contains(position) ? position : nil
    }

    /// Along one axis, the output position that reads an input position through a tap, if there is one.
    func outputPosition(of input: Int, tap: Int, extent: Int) -> Int? {
        let distance = input + padding - tap
        guard distance >= 0, distance % stride == 0, distance / stride < extent else { return nil }
        return distance / stride
    }

    /// Along one axis, the output positions whose input position through a tap is not padding.
    func outputs(through tap: Int, extent: Int, outputExtent: Int) -> Range<Int> {
        let first = max(0, (padding - tap + stride - 1) / stride)
        let end = min(outputExtent, (extent + padding - tap + stride - 1) / stride)
        return first..<max(first, end)
    }
}
