/// Sums weighted planes of one tensor into another: the forward pass of a convolution, or its input gradient.
///
/// Both are the same work: each element of the target is a sum, over taps and channels, of weights times elements of the
/// source. They differ in where a tap leads and in how the weights lie. A tile of four target channels × eight images is
/// held in registers while the sum runs; the weights are packed so that the four of a step lie side by side. Where a block
/// has few images, the tile is of four target channels × four columns of one image; the order of each sum is the same.
package struct Correlation<Scalar: ReferenceScalar> {
    private let source: Shape
    private let target: Shape
    private let groups: Int
    /// Per group: channels summed over, channels written, and tiles of four of the latter.
    private let depth: Int
    private let breadth: Int
    private let tilesPerGroup: Int
    /// Per target row (column) and tap, the source row (column); −1 where there is none.
    private let rows: [Int]
    private let columns: [Int]
    private let kernelHeight: Int
    private let kernelWidth: Int
    /// Distances between weights in the arena: of neighbours in depth and in breadth, and of groups.
    private let depthStride: Int
    private let breadthStride: Int
    private let groupStride: Int

    /// Plans the forward pass: from the layer's input to its output.
    package init(forward geometry: ConvolutionGeometry) {
        self.init(
            geometry, source: geometry.input, target: geometry.output, depthStride: geometry.taps,
            breadthStride: geometry.filterStride, position: geometry.inputPosition)
    }

    /// Plans the input gradient: from the output's delta to the input's.
    package init(inputGradient geometry: ConvolutionGeometry) {
        self.init(
            geometry, source: geometry.output, target: geometry.input, depthStride: geometry.filterStride,
            breadthStride: geometry.taps, position: geometry.outputPosition)
    }

    private init(
        _ geometry: ConvolutionGeometry, source: Shape, target: Shape, depthStride: Int, breadthStride: Int,
        position: (_ target: Int, _ tap: Int, _ extent: Int) -> Int?
    ) {
        self.source = source
        self.target = target
        groups = geometry.groups
        depth = source.channels / groups
        breadth = target.channels / groups
        tilesPerGroup = (breadth + 3) / 4
        kernelHeight = geometry.kernelHeight
        kernelWidth = geometry.kernelWidth
        self.depthStride = depthStride
        self.breadthStride = breadthStride
        groupStride = geometry.groupOutputs * geometry.filterStride
        var rows: [Int] = []
        for row in 0..<target.height {
            for tap in 0..<kernelHeight { rows.append(position(row, tap, source.height) ?? -1) }
        }
        var columns: [Int] = []
        for column in 0..<target.width {
            for tap in 0..<kernelWidth { columns.append(position(column, tap, source.width) ?? -1) }
        }
        self.rows = rows
        self.columns = columns
    }

    /// Tiles of four target channels.
    package var tiles: Int { groups * tilesPerGroup }
    private var packedPerTile: Int { kernelHeight * kernelWidth * depth }
    /// Length of the packed weights.
    package var packedCount: Int { tiles * packedPerTile }

    /// Packs some tiles' weights as (tile, tap, depth, 4); channels beyond the last get zeros.
    package func pack(_ weights: Buffer<Scalar>, into packed: Buffer<SIMD4<Scalar>>, tiles: Range<Int>) {
        for tile in tiles {
            let first = tile % tilesPerGroup * 4
            let origin = tile / tilesPerGroup * groupStride + first * breadthStride
            let valid = min(4, breadth - first)
            for tap in 0..<kernelHeight * kernelWidth {
                for step in 0..<depth {
                    var four = SIMD4<Scalar>()
                    for lane in 0..<valid {
                        four[lane] = weights[origin + lane * breadthStride + step * depthStride + tap]
                    }
                    packed[tile * packedPerTile + tap * depth + step] = four
                }
            }
        }
    }

    /// Writes some units of the target; a unit is one tile of one block of images, numbered block by block.
    /// - Parameter repeating: whether lanes without an image repeat the last one, as in all tensors but deltas.
    package func run(
        units: Range<Int>, from source: LaneTensor<Scalar>, packed: Buffer<SIMD4<Scalar>>,
        to target: LaneTensor<Scalar>, repeating: Bool = false
    ) {
        precondition(source.shape == self.source && target.shape == self.target && packed.count >= packedCount)
        for unit in units {
            let (block, tile) = unit.quotientAndRemainder(dividingBy: tiles)
            let (group, tileOfGroup) = tile.quotientAndRemainder(dividingBy: tilesPerGroup)
            let channel = group * breadth + tileOfGroup * 4
            let valid = min(4, breadth - tileOfGroup * 4)
            // The last plane that is written through is checked here; the others lie before it.
            _ = target.plane(block, channel + valid - 1)
            _ = source.plane(block, (group + 1) * depth - 1)
            let (input, output) = (source.plane(block, group * depth), target.plane(block, channel))
            let images = min(8, source.images - block * 8)
            if repeating, images <= Self.fewImages, self.target.width >= 4 {
                for image in 0..<images {
                    unsafe run(
                        image: image, from: input.base, pitch: source.pitch, packed: packed.base + tile * packedPerTile,
                        to: output.base, targetPitch: target.pitch, valid: valid)
                }
            } else {
                unsafe run(
                    from: input.base, pitch: source.pitch, packed: packed.base + tile * packedPerTile,
                    to: output.base, targetPitch: target.pitch, valid: valid)
            }
        }
    }

    /// Images of a block up to which they are faster one by one than side by side.
    private static var fewImages: Int { 3 }

    /// Writes one image's lane of a unit, and the lanes behind it, which are the next images' or repeat the last.
    @unsafe private func run(
        image: Int, from source: UnsafePointer<SIMD8<Scalar>>, pitch: Int, packed: UnsafePointer<SIMD4<Scalar>>,
        to target: UnsafeMutablePointer<SIMD8<Scalar>>, targetPitch: Int, valid: Int
    ) {
        let source = unsafe UnsafeRawPointer(source).assumingMemoryBound(to: Scalar.self) + image
        for row in 0..<self.target.height {
            for first in stride(from: 0, to: self.target.width, by: 4) {
                // Columns beyond the last are computed as if they were the last.
                let columns = SIMD4(first, first + 1, first + 2, first + 3)
                let taps =
                    columns.clamped(
                        lowerBound: .zero, upperBound: SIMD4(repeating: self.target.width - 1)) &* kernelWidth
                var strip = Strip<Scalar>()
                for tapRow in 0..<kernelHeight {
                    let sourceRow = rows[row * kernelHeight + tapRow]
                    guard sourceRow >= 0 else { continue }
                    for tap in 0..<kernelWidth {
                        let places = SIMD4(
                            self.columns[taps.x + tap], self.columns[taps.y + tap], self.columns[taps.z + tap],
                            self.columns[taps.w + tap])
                        unsafe strip.add(
                            packed + (tapRow * kernelWidth + tap) * depth,
                            times: source + sourceRow * self.source.width * 8, at: places, pitch: pitch * 8,
                            count: depth)
                    }
                }
                for column in 0..<min(4, self.target.width - first) {
                    let sums = strip[column]
                    for channel in 0..<valid {
                        let place = unsafe target + (channel * targetPitch + row * self.target.width + first + column)
                        for lane in image..<8 { unsafe place.pointee[lane] = sums[channel] }
                    }
                }
            }
        }
    }

    @unsafe private func run(
        from source: UnsafePointer<SIMD8<Scalar>>, pitch: Int, packed: UnsafePointer<SIMD4<Scalar>>,
        to target: UnsafeMutablePointer<SIMD8<Scalar>>, targetPitch: Int, valid: Int
    ) {
        for row in 0..<self.target.height {
            for column in 0..<self.target.width {
                var tile = Tile<Scalar>()
                for tapRow in 0..<kernelHeight {
                    let sourceRow = rows[row * kernelHeight + tapRow]
                    guard sourceRow >= 0 else { continue }
                    for tapColumn in 0..<kernelWidth {
                        let sourceColumn = columns[column * kernelWidth + tapColumn]
                        guard sourceColumn >= 0 else { continue }
                        unsafe tile.add(
                            packed + (tapRow * kernelWidth + tapColumn) * depth,
                            times: source + sourceRow * self.source.width + sourceColumn, pitch: pitch, count: depth)
                    }
                }
                let place = unsafe target + row * self.target.width + column
                unsafe place[0] = tile.sums.0
                if valid > 1 { unsafe place[targetPitch] = tile.sums.1 }
                if valid > 2 { unsafe place[2 * targetPitch] = tile.sums.2 }
                if valid > 3 { unsafe place[3 * targetPitch] = tile.sums.3 }
            }
        }
    }
}

/// Four channels × eight images of sums: eight of the sixteen vector registers of the plainest x86-64.
private struct Tile<Scalar: ReferenceScalar> {
    var sums = (SIMD8<Scalar>(), SIMD8<Scalar>(), SIMD8<Scalar>(), SIMD8<Scalar>())

    /// Adds the outer products of `count` steps: four weights times eight images each.
    @inline(__always) @unsafe mutating func add(
        _ weights: UnsafePointer<SIMD4<Scalar>>, times source: UnsafePointer<SIMD8<Scalar>>, pitch: Int, count: Int
    ) {
        var source = unsafe source
        for step in 0..<count {
            let lanes = unsafe source.pointee
            let four = unsafe weights[step]
            sums.0 += lanes * SIMD8(repeating: four.x)
            sums.1 += lanes * SIMD8(repeating: four.y)
            sums.2 += lanes * SIMD8(repeating: four.z)
            sums.3 += lanes * SIMD8(repeating: four.w)
            unsafe source += pitch
        }
    }
}

/// Four columns × four channels of sums of one image.
private struct Strip<Scalar: ReferenceScalar> {
    private var sums = (SIMD4<Scalar>(), SIMD4<Scalar>(), SIMD4<Scalar>(), SIMD4<Scalar>())

    /// A column's sums.
    subscript(column: Int) -> SIMD4<Scalar> {
        switch column {
        case 0: sums.0
        case 1: sums.1
        case 2: sums.2
        default: sums.3
        }
    }

    /// Adds the outer products of `count` steps: four weights times one number of each column's source.
    /// - Parameter places: the columns' own columns in the source; -1 where there is none, and nothing is added.
    @inline(__always) @unsafe mutating func add(
        _ weights: UnsafePointer<SIMD4<Scalar>>, times source: UnsafePointer<Scalar>, at places: SIMD4<Int>,
        pitch: Int, count: Int
    ) {
        // What has no source is computed all the same, from a neighbour's, and forgotten: that is faster than to tell them apart.
        let offsets = places.replacing(with: places.max(), where: places .< 0) &* 8
        guard offsets.x >= 0 else { return }
        var (a, b, c, d) = sums
        var source = unsafe source
        for step in 0..<count {
            let four = unsafe weights[step]
            unsafe a += four * SIMD4(repeating: source[offsets.x])
            unsafe b += four * SIMD4(repeating: source[offsets.y])
            unsafe c += four * SIMD4(repeating: source[offsets.z])
            unsafe d += four * SIMD4(repeating: source[offsets.w])
            unsafe source += pitch
        }
        if places.x >= 0 { sums.0 = a }
        if places.y >= 0 { sums.1 = b }
        if places.z >= 0 { sums.2 = c }
        if places.w >= 0 { sums.3 = d }
    }
}
