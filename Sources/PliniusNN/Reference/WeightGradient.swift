/// Adds the weights' gradient of a convolution: for each weight, the products of delta and input, over positions and images.
///
/// A tile of four filters × three channels is held in registers while the positions run past; no lane meets another until
/// the end of a block. Each weight is one worker's, and its sum runs in one fixed order.
package struct WeightGradient<Scalar: ReferenceScalar> {
    private let geometry: ConvolutionGeometry
    private let filterTiles: Int
    private let channelTiles: Int

    package init(_ geometry: ConvolutionGeometry) {
        self.geometry = geometry
        filterTiles = (geometry.groupOutputs + 3) / 4
        channelTiles = (geometry.groupInputs + 2) / 3
    }

    /// Units of work: tiles of all groups.
    package var units: Int { geometry.groups * filterTiles * channelTiles }

    /// Adds the gradients of some units' weights to `gradient`, which lies as the weights do.
    package func add(
        units: Range<Int>, input: LaneTensor<Scalar>, delta: LaneTensor<Scalar>, to gradient: Buffer<Scalar>
    ) {
        precondition(input.shape == geometry.input && delta.shape == geometry.output)
        for block in 0..<input.blocks {
            for unit in units {
                let (pair, channelTile) = unit.quotientAndRemainder(dividingBy: channelTiles)
                let (group, filterTile) = pair.quotientAndRemainder(dividingBy: filterTiles)
                add(
                    block: block, group: group, filter: filterTile * 4, channel: channelTile * 3, input: input,
                    delta: delta, to: gradient)
            }
        }
    }

    private func add(
        block: Int, group: Int, filter: Int, channel: Int, input: LaneTensor<Scalar>, delta: LaneTensor<Scalar>,
        to gradient: Buffer<Scalar>
    ) {
        let filters = min(4, geometry.groupOutputs - filter)
        let channels = min(3, geometry.groupInputs - channel)
        let firstFilter = group * geometry.groupOutputs + filter
        let firstChannel = group * geometry.groupInputs + channel
        // Rows and columns of the tile beyond the last repeat the last; their sums are dropped.
        let deltas = unsafe delta.plane(block, firstFilter).base
        let inputs = unsafe input.plane(block, firstChannel).base
        _ = delta.plane(block, firstFilter + filters - 1)
        _ = input.plane(block, firstChannel + channels - 1)
        let deltaSteps = (
            0, min(1, filters - 1) * delta.pitch, min(2, filters - 1) * delta.pitch, (filters - 1) * delta.pitch
        )
        let inputSteps = (0, min(1, channels - 1) * input.pitch, (channels - 1) * input.pitch)
        for tapRow in 0..<geometry.kernelHeight {
            let rows = geometry.outputs(
                through: tapRow, extent: geometry.input.height, outputExtent: geometry.output.height)
            for tapColumn in 0..<geometry.kernelWidth {
                let columns = geometry.outputs(
                    through: tapColumn, extent: geometry.input.width, outputExtent: geometry.output.width)
                let inputColumn = columns.lowerBound * geometry.stride + tapColumn - geometry.padding
                var tile = ProductTile<Scalar>()
                for row in rows {
                    let inputRow = row * geometry.stride + tapRow - geometry.padding
                    unsafe tile.add(
                        deltas + row * geometry.output.width + columns.lowerBound, deltaSteps,
                        inputs + inputRow * geometry.input.width + inputColumn, inputSteps, count: columns.count,
                        stride: geometry.stride)
                }
                let tap = tapRow * geometry.kernelWidth + tapColumn
                let sums = tile.sums
                for row in 0..<filters {
                    for column in 0..<channels {
                        gradient[
                            (firstFilter + row) * geometry.filterStride + (channel + column) * geometry.taps + tap] +=
                            sums[row * 3 + column]
                    }
                }
            }
        }
    }
}

/// Products of four filters' deltas with three channels' inputs, in half-width vectors: twelve of sixteen registers.
private struct ProductTile<Scalar: ReferenceScalar> {
    typealias Half = SIMD4<Scalar>

    private var first = (Half(), Half(), Half())
    private var second = (Half(), Half(), Half())
    private var third = (Half(), Half(), Half())
    private var fourth = (Half(), Half(), Half())

    init() {}

    /// Adds `count` positions of one row.
    @inline(__always) @unsafe mutating func add(
        _ deltas: UnsafePointer<SIMD8<Scalar>>, _ deltaSteps: (Int, Int, Int, Int),
        _ inputs: UnsafePointer<SIMD8<Scalar>>, _ inputSteps: (Int, Int, Int), count: Int, stride: Int
    ) {
        var inputs = unsafe inputs
        for position in 0..<count {
            let x0 = unsafe inputs[0], x1 = unsafe inputs[inputSteps.1], x2 = unsafe inputs[inputSteps.2]
            let delta = unsafe deltas + position
            let d0 = unsafe delta[0], d1 = unsafe delta[deltaSteps.1]
            let d2 = unsafe delta[deltaSteps.2], d3 = unsafe delta[deltaSteps.3]
            add((d0.lowHalf, d1.lowHalf, d2.lowHalf, d3.lowHalf), (x0.lowHalf, x1.lowHalf, x2.lowHalf))
            add((d0.highHalf, d1.highHalf, d2.highHalf, d3.highHalf), (x0.highHalf, x1.highHalf, x2.highHalf))
            unsafe inputs += stride
        }
    }

    @inline(__always) private mutating func add(_ deltas: (Half, Half, Half, Half), _ inputs: (Half, Half, Half)) {
        add(deltas.0, inputs, to: &first)
        add(deltas.1, inputs, to: &second)
        add(deltas.2, inputs, to: &third)
        add(deltas.3, inputs, to: &fourth)
    }

    @inline(__always) private func add(_ delta: Half, _ inputs: (Half, Half, Half), to sums: inout (Half, Half, Half)) {
        sums.0 += delta * inputs.0
        sums.1 += delta * inputs.1
        sums.2 += delta * inputs.2
    }

    /// The twelve sums over lanes, filter by filter.
    var sums: SIMD16<Scalar> {
        SIMD16(
            first.0.sum(), first.1.sum(), first.2.sum(), second.0.sum(), second.1.sum(), second.2.sum(), third.0.sum(),
            third.1.sum(), third.2.sum(), fourth.0.sum(), fourth.1.sum(), fourth.2.sum(), 0, 0, 0, 0)
    }
}
